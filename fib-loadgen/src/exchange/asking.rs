//! Sends a request on a connection of its own, over HTTP/1 and HTTP/2, and reads its answer.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Instant;

use cookie_store::CookieStore;
use http::header::{HeaderMap, SET_COOKIE};
use http::{Method, Response};
use hyper::body::Incoming;

use super::reading::Reading;
use super::waiting::{Alarm, Trouble, guarded, interrupted};
use super::{Caller, Rules};
use crate::client::{Body, Fault, Link, Said, Speech, Wire, send};
use crate::judge::Judge;
use crate::oracle::Expected;
use crate::outcome::{Class, Outcome, described};
use crate::request::{Question, encode};
use crate::stop::Watch;

impl Caller {
    /// Sends over HTTP/1, and judges.
    pub(super) async fn ask_one(
        &mut self,
        question: &Question<'_>,
        deadline: Instant,
        outcome: &mut Outcome,
        began: Instant,
    ) -> Result<Result<(), Refused>, Trouble> {
        self.expect(question);
        let Some((
            Link {
                speech: Speech::One(wire),
                ..
            },
            _,
        )) = &mut self.link
        else {
            return Err(Trouble::GivenUp);
        };
        let all_headers = matches!(question, Question::Template(..)) || self.cookies.is_some();
        let mut wait = Wait {
            alarm: &mut self.alarm,
            watch: &mut self.watch,
            deadline,
        };
        let asked = head(wire, &self.line, question, all_headers, &mut wait);
        let said = match asked.await? {
            Ok(said) => said,
            Err(refused) => return Ok(Err(refused)),
        };
        outcome.ttfb = Some(began.elapsed());
        note(outcome, &said);
        let checks = &self.rules.checks;
        let mut judge = Judge::new(question, self.expected.as_ref(), checks, said.status);
        let whole = body(wire, &self.line, &mut judge, outcome, &mut wait).await?;
        // An unread rest of a body costs the connection.
        let spent = !whole || !wire.is_idle();
        if let Some(jar) = &mut self.cookies {
            keep_cookies(jar, &self.rules, &said.headers);
        }
        judge.finish(question, &said, outcome);
        if spent {
            self.link = None;
        }
        Ok(Ok(()))
    }

    /// Sends over HTTP/2, and judges.
    pub(super) async fn ask_two(
        &mut self,
        question: &Question<'_>,
        began: Instant,
        deadline: Instant,
        outcome: &mut Outcome,
    ) -> Result<Result<(), Refused>, Trouble> {
        let request = self.request(question, true, true, false)?;
        let Some((
            Link {
                speech: Speech::Two(sender),
                ..
            },
            _,
        )) = &mut self.link
        else {
            return Err(Trouble::GivenUp);
        };
        let sent = send(sender, request.map(Body::new));
        match guarded(sent, &mut self.alarm, &mut self.watch, deadline).await? {
            Ok(response) => {
                self.read(response, question, began, deadline, outcome)
                    .await?;
                Ok(Ok(()))
            }
            Err(unsent) => Ok(Err(Refused {
                untouched: unsent.request.is_some(),
                fault: Fault {
                    class: Class::of_hyper(&unsent.error, false),
                    detail: described(&unsent.error),
                },
            })),
        }
    }

    /// Prepares the request as bytes; usually it is the same as the previous one.
    pub(super) fn write(
        &mut self,
        question: &Question<'_>,
        whole: bool,
        close: bool,
    ) -> Result<(), Trouble> {
        let this = match question {
            Question::Fibonacci { n, .. } if self.cookies.is_none() => Some((*n, whole, close)),
            _ => None,
        };
        if this.is_none() || this != self.line_of {
            let request = self.request(question, whole, false, close)?;
            self.line.clear();
            encode(&request, &mut self.line);
            self.line_of = this;
        }
        Ok(())
    }

    /// Sets up what the answer must be.
    fn expect(&mut self, question: &Question<'_>) {
        if let Question::Fibonacci { n, .. } = question
            && self
                .expected
                .as_ref()
                .is_none_or(|expected| expected.n() != *n)
        {
            self.expected = Some(Expected::new(&self.rules.field, *n));
        }
    }

    pub(super) async fn read(
        &mut self,
        response: Response<Incoming>,
        question: &Question<'_>,
        began: Instant,
        deadline: Instant,
        outcome: &mut Outcome,
    ) -> Result<(), Trouble> {
        outcome.ttfb = Some(began.elapsed());
        let (head, mut body) = response.into_parts();
        let said = Said::of(head.status.as_u16(), head.version, head.headers);
        note(outcome, &said);
        if let Some(jar) = &mut self.cookies {
            keep_cookies(jar, &self.rules, &said.headers);
        }
        self.expect(question);
        let checks = &self.rules.checks;
        let mut judge = Judge::new(question, self.expected.as_ref(), checks, said.status);
        let mut reading = Reading {
            body: &mut body,
            http2: head.version == http::Version::HTTP_2,
            alarm: &mut self.alarm,
            watch: &mut self.watch,
        };
        let mut whole = true;
        while whole && let Some(bytes) = reading.next(deadline).await? {
            outcome.bytes += bytes.len() as u64;
            whole = judge.push(&bytes);
        }
        judge.finish(question, &said, outcome);
        if !whole {
            // The unread rest costs the connection.
            self.link = None;
        }
        Ok(())
    }
}

/// What ends a wait before there is an answer.
struct Wait<'a> {
    alarm: &'a mut Alarm,
    watch: &'a mut Watch,
    deadline: Instant,
}

impl Wait<'_> {
    /// The result, or why nobody waits for it any more.
    fn or<T>(&mut self, polled: Poll<T>, cx: &mut Context<'_>) -> Poll<Result<T, Trouble>> {
        match polled {
            Poll::Ready(done) => Poll::Ready(Ok(done)),
            Poll::Pending => interrupted(self.alarm, self.watch, self.deadline, cx).map(Err),
        }
    }
}

/// Writes a request, and reads the head of its answer.
async fn head(
    wire: &mut Wire,
    request: &[u8],
    question: &Question<'_>,
    all_headers: bool,
    wait: &mut Wait<'_>,
) -> Result<Result<Said, Refused>, Trouble> {
    let to_head = matches!(question, Question::Template(template, _) if template.is(&Method::HEAD));
    let mut quiet = false;
    let said = poll_fn(|cx| {
        if !quiet {
            if let Err(fault) = wire.quiet(cx) {
                return Poll::Ready(Ok(Err(fault)));
            }
            quiet = true;
            wire.begin();
        }
        let polled = wire.poll_head(cx, request, to_head, all_headers);
        wait.or(polled, cx)
    })
    .await?;
    Ok(said.map_err(|fault| Refused {
        untouched: !quiet || wire.wrote_nothing(),
        fault,
    }))
}

/// Reads the complete body of an answer; false if the rest is not needed.
async fn body(
    wire: &mut Wire,
    request: &[u8],
    judge: &mut Judge<'_>,
    outcome: &mut Outcome,
    wait: &mut Wait<'_>,
) -> Result<bool, Trouble> {
    let read = poll_fn(|cx| {
        let polled = wire.poll_body(cx, request, |bytes| {
            outcome.bytes += bytes.len() as u64;
            judge.push(bytes)
        });
        wait.or(polled, cx)
    });
    Ok(read.await??)
}

/// A request that got no answer.
pub(super) struct Refused {
    pub(super) fault: Fault,
    /// Whether none of its bytes were written.
    pub(super) untouched: bool,
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Failed(fault.class, fault.detail)
    }
}

fn note(outcome: &mut Outcome, said: &Said) {
    outcome.status = Some(said.status);
    outcome.pod.clone_from(&said.pod);
    outcome.cached = said.cached;
    outcome.closing = said.closing;
}

fn keep_cookies(jar: &mut CookieStore, rules: &Rules, headers: &HeaderMap) {
    for value in headers.get_all(SET_COOKIE) {
        if let Ok(text) = value.to_str() {
            // A cookie that a browser would reject is rejected here too.
            let _ = jar.parse(text, &rules.client.target.base);
        }
    }
}

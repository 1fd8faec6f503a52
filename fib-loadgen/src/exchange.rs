//! One request and its complete answer: connect, send, read, judge.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use cookie_store::CookieStore;
use http::header::{CONNECTION, COOKIE, HeaderValue};
use http::{Request, Response};
use hyper::body::Incoming;

use crate::check::Check;
use crate::client::{
    Body, ClientSettings, Connector, GivenUp, Life, Link, Pool, Sessions, Sharing, Span,
};
use crate::oracle::{Expected, Field};
use crate::outcome::{Class, Outcome, causes, described, is_unprocessed};
use crate::request::{Head, Question};
use crate::stop::{Stop, Watch};

mod asking;
mod reading;
mod waiting;

use waiting::{Alarm, Trouble, guarded};

/// Time between a refused connection and the next attempt. A Service may choose another pod then, and removes a
/// dead one about a second after it died.
const AFTER_REFUSAL: Duration = Duration::from_millis(50);

/// How often a request that the server has not processed is sent again.
const MOST_RESENT: u32 = 2;

/// What applies to every request of a run.
#[derive(Debug)]
pub struct Rules {
    /// Connections, headers, timeouts.
    pub client: ClientSettings,
    /// When to close connections.
    pub life: Life,
    /// The seed of all draws.
    pub seed: u64,
    /// How often a refused connection is retried. Nothing was sent, so it is still the same request.
    pub retry_refused: u32,
    /// The field modulo which values are verified.
    pub field: Field,
    /// The checks of all requests.
    pub checks: Vec<Check>,
    /// Whether each user keeps its cookies.
    pub cookies: bool,
}

/// One user's connection to the server, and its state between requests.
#[derive(Debug)]
pub struct Caller {
    rules: Arc<Rules>,
    connector: Arc<Connector>,
    sessions: Sessions,
    pool: Option<Pool>,
    link: Option<(Link, Span)>,
    /// The number of its next connection, unique among all users.
    number: u64,
    head: Head,
    /// The prepared request, as bytes.
    line: Vec<u8>,
    /// The prepared request's F(n), whether it contains the whole URL, and whether it is the last on its
    /// connection.
    line_of: Option<(u32, bool, bool)>,
    expected: Option<Expected>,
    cookies: Option<Box<CookieStore>>,
    alarm: Alarm,
    /// Its entry among those that are woken when the run stops.
    pub watch: Watch,
}

/// The end of a connection.
#[derive(Debug, Clone, Copy, Default)]
pub struct Recycled {
    /// Why we closed it, if we did.
    pub why: Option<GivenUp>,
}

impl Caller {
    /// The user with this number; `shared` is the pool of all users, if they share one.
    pub fn new(
        rules: &Arc<Rules>,
        connector: &Arc<Connector>,
        shared: Option<&Pool>,
        stop: &Arc<Stop>,
        user: u64,
    ) -> Result<Self, String> {
        let own_pool = || {
            rules
                .client
                .pools()
                .then(|| Pool::new(&rules.client, connector))
        };
        Ok(Self {
            rules: Arc::clone(rules),
            connector: Arc::clone(connector),
            sessions: connector.sessions(),
            pool: shared.cloned().or_else(own_pool),
            link: None,
            number: user << 32,
            head: Head::new(&rules.client)?,
            line: Vec::new(),
            line_of: None,
            expected: None,
            cookies: rules.cookies.then(Box::default),
            alarm: Alarm::default(),
            watch: Watch::new(stop),
        })
    }

    /// Sends the request, reads the complete answer, and judges it. `None` if it was given up. `began` is now.
    pub async fn ask(
        &mut self,
        question: &Question<'_>,
        began: Instant,
    ) -> Option<(Outcome, Recycled)> {
        let deadline = began + self.rules.client.timeout;
        let (mut outcome, mut recycled) = (Outcome::default(), Recycled::default());
        let asked = self.attempt(question, began, deadline, &mut outcome, &mut recycled);
        let asked = asked.await;
        let ended = Instant::now();
        if let Some((link, _)) = &mut self.link {
            link.used(ended);
        }
        if let Err(trouble) = asked {
            self.link = None;
            let (class, detail) = match trouble {
                Trouble::GivenUp => return None,
                Trouble::Failed(class, detail) => (class, detail),
                Trouble::Timeout => {
                    let class = match outcome.ttfb {
                        Some(_) => Class::BodyTimeout,
                        None => Class::TimeoutTotal,
                    };
                    (
                        class,
                        format!("not done within {:?}", self.rules.client.timeout),
                    )
                }
            };
            outcome.failure = Some(class);
            outcome.detail = Some(detail);
        }
        outcome.service = ended - began;
        Some((outcome, recycled))
    }

    async fn attempt(
        &mut self,
        question: &Question<'_>,
        began: Instant,
        deadline: Instant,
        outcome: &mut Outcome,
        recycled: &mut Recycled,
    ) -> Result<(), Trouble> {
        match self.pool.clone() {
            Some(pool) => {
                let response = self.ask_pool(&pool, question, deadline, outcome).await?;
                self.read(response, question, began, deadline, outcome)
                    .await?;
            }
            None => {
                self.ask_link(question, began, deadline, outcome, recycled)
                    .await?;
            }
        }
        let over = outcome.closing
            || recycled.why.is_some()
            || self.rules.client.sharing == Sharing::Fresh;
        if over {
            self.link = None;
        }
        Ok(())
    }

    async fn ask_pool(
        &mut self,
        pool: &Pool,
        question: &Question<'_>,
        deadline: Instant,
        outcome: &mut Outcome,
    ) -> Result<Response<Incoming>, Trouble> {
        loop {
            let close = self.rules.client.sharing == Sharing::Fresh;
            let request = self.request(question, true, false, close)?;
            let sent = guarded(
                pool.send(request.map(Body::new)),
                &mut self.alarm,
                &mut self.watch,
                deadline,
            )
            .await?;
            let error = match sent {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            if is_unprocessed(&error) && may_resend(outcome) {
                continue;
            }
            let class = pool_class(&error);
            if !self.may_retry(class, outcome) {
                return Err(Trouble::Failed(class, described(&error)));
            }
            self.pause(deadline).await?;
        }
    }

    async fn ask_link(
        &mut self,
        question: &Question<'_>,
        began: Instant,
        deadline: Instant,
        outcome: &mut Outcome,
        recycled: &mut Recycled,
    ) -> Result<(), Trouble> {
        let mut reused = self.reuse(began, deadline).await?;
        loop {
            if self.link.is_none() {
                self.connect(deadline, outcome).await?;
            }
            let fresh = self.rules.client.sharing == Sharing::Fresh;
            let Some((link, span)) = &mut self.link else {
                continue;
            };
            let (whole, http2) = (link.takes_whole_urls(), link.is_http2());
            recycled.why = if fresh {
                None
            } else {
                span.last_request(began)
            };
            link.count();
            let close = recycled.why.is_some() || fresh;
            let answered = if http2 {
                self.ask_two(question, began, deadline, outcome).await?
            } else {
                self.write(question, whole, close)?;
                self.ask_one(question, deadline, outcome, began).await?
            };
            let Err(refused) = answered else {
                return Ok(());
            };
            self.link = None;
            // The server closed the idle connection: no byte was written, so nothing is sent twice.
            let closed = refused.untouched && std::mem::take(&mut reused);
            outcome.resent |= closed;
            let unprocessed = refused.unprocessed && may_resend(outcome);
            if !(closed || unprocessed) {
                return Err(refused.fault.into());
            }
        }
    }

    /// Whether there is a connection to reuse.
    async fn reuse(&mut self, now: Instant, deadline: Instant) -> Result<bool, Trouble> {
        let Some((link, _)) = &mut self.link else {
            return Ok(false);
        };
        let young = link.idle(now) < self.rules.client.idle;
        let usable =
            young && guarded(link.ready(), &mut self.alarm, &mut self.watch, deadline).await?;
        if !usable {
            self.link = None;
        }
        Ok(usable)
    }

    async fn connect(&mut self, deadline: Instant, outcome: &mut Outcome) -> Result<(), Trouble> {
        loop {
            let opening = Link::open(&self.connector, &self.sessions);
            let opened = guarded(opening, &mut self.alarm, &mut self.watch, deadline).await?;
            let error = match opened {
                Ok(link) => {
                    let span = Span::drawn(
                        &self.rules.life,
                        self.rules.seed,
                        self.number,
                        Instant::now(),
                    );
                    self.number += 1;
                    self.link = Some((link, span));
                    return Ok(());
                }
                Err(error) => error,
            };
            if !self.may_retry(error.class, outcome) {
                return Err(Trouble::Failed(error.class, error.detail));
            }
            self.pause(deadline).await?;
        }
    }

    fn may_retry(&self, class: Class, outcome: &mut Outcome) -> bool {
        let may = class == Class::ConnectRefused && outcome.refused < self.rules.retry_refused;
        outcome.refused += u32::from(may);
        may
    }

    async fn pause(&mut self, deadline: Instant) -> Result<(), Trouble> {
        let pause = tokio::time::sleep(AFTER_REFUSAL);
        guarded(pause, &mut self.alarm, &mut self.watch, deadline).await
    }

    fn request(
        &mut self,
        question: &Question<'_>,
        whole: bool,
        http2: bool,
        close: bool,
    ) -> Result<Request<Bytes>, Trouble> {
        let mut request = match question {
            Question::Fibonacci { n, .. } => self.head.fibonacci(*n, whole, http2),
            Question::Template(template, place) => self
                .head
                .fill(template, place, whole, http2)
                .map_err(|why| Trouble::Failed(Class::Other, format!("no request: {why}")))?,
        };
        if close && !http2 {
            // hyper keeps no connection alive after a request with this header, whatever the answer says.
            let value = HeaderValue::from_static("close");
            request.headers_mut().insert(CONNECTION, value);
        }
        if whole
            && !http2
            && let Some(proxy) = &self.rules.client.proxy
            && let Some(value) = &proxy.authorization
        {
            request
                .headers_mut()
                .insert(http::header::PROXY_AUTHORIZATION, value.clone());
        }
        if let Some(jar) = &self.cookies {
            let mut url = self.rules.client.target.base.clone();
            url.set_path(request.uri().path());
            let pairs: Vec<String> = jar
                .get_request_values(&url)
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            if let Ok(value) = HeaderValue::from_str(&pairs.join("; "))
                && !pairs.is_empty()
            {
                request.headers_mut().insert(COOKIE, value);
            }
        }
        Ok(request)
    }
}

/// Whether a request that the server has not processed is sent again.
fn may_resend(outcome: &mut Outcome) -> bool {
    let may = outcome.unprocessed < MOST_RESENT;
    outcome.unprocessed += u32::from(may);
    outcome.resent |= may;
    may
}

fn pool_class(error: &hyper_util::client::legacy::Error) -> Class {
    let class = |cause: &(dyn std::error::Error + 'static)| {
        let connect = cause.downcast_ref::<crate::client::ConnectError>();
        let hyper = cause.downcast_ref::<hyper::Error>();
        connect
            .map(|error| error.class)
            .or_else(|| hyper.map(|error| Class::of_hyper(error, false)))
    };
    causes(error).find_map(class).unwrap_or(Class::Other)
}

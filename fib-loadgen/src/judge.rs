//! Whether an answer is right: F(n) by its proof, anything else by its checks.

use bytes::Bytes;
use http::header::CONTENT_ENCODING;
use http::{HeaderMap, HeaderValue};

use crate::check::{Answer, Check};
use crate::oracle::{Expected, Reader};
use crate::outcome::{Class, Outcome};
use crate::request::Question;

/// How much of a wrong answer is kept to show.
const EXCERPT: usize = 80;
/// Longer bodies of errors are not read to their end, which costs their connection.
const LONGEST_ERROR_BODY: u64 = 64 * 1024;
/// Longer bodies can't be checked: a body that is to be checked is kept whole.
const LONGEST_CHECKED_BODY: usize = 64 * 1024 * 1024;

/// Reads one answer.
#[derive(Debug)]
pub struct Judge<'a> {
    status: u16,
    read: u64,
    /// The first bytes, shared with the buffer that they came in.
    start: Option<Bytes>,
    how: How<'a>,
}

#[derive(Debug)]
enum How<'a> {
    Proof(Reader<'a>),
    Checks {
        all: &'a [Check],
        own: &'a [usize],
        body: Option<Vec<u8>>,
    },
}

impl<'a> Judge<'a> {
    /// For the answer to a question, whose head has come.
    pub fn new(
        question: &Question<'a>,
        expected: Option<&'a Expected>,
        all: &'a [Check],
        status: u16,
    ) -> Self {
        let how = match (question, expected) {
            (Question::Fibonacci { prove, .. }, Some(expected)) => {
                How::Proof(Reader::new(expected, *prove))
            }
            (Question::Template(template, _), _) => {
                let kept = template.checks.iter().any(|at| all[*at].needs_body());
                How::Checks {
                    all,
                    own: &template.checks,
                    body: kept.then(Vec::new),
                }
            }
            (Question::Fibonacci { .. }, None) => How::Checks {
                all,
                own: &[],
                body: None,
            },
        };
        Self {
            status,
            read: 0,
            start: None,
            how,
        }
    }

    /// Takes the next bytes of the body; false when the rest does not matter.
    pub fn push(&mut self, bytes: Bytes) -> bool {
        self.read += bytes.len() as u64;
        let more = match &mut self.how {
            How::Proof(reader) if self.status == 200 => {
                reader.push(&bytes);
                true
            }
            How::Proof(_) => self.read <= LONGEST_ERROR_BODY,
            How::Checks { body, .. } => {
                if let Some(body) = body
                    && body.len() < LONGEST_CHECKED_BODY
                {
                    body.extend_from_slice(&bytes);
                }
                true
            }
        };
        self.start.get_or_insert(bytes);
        more
    }

    /// Judges the whole answer.
    pub fn finish(
        self,
        question: &Question<'_>,
        content_type: Option<&HeaderValue>,
        headers: &HeaderMap,
        outcome: &mut Outcome,
    ) {
        let status = self.status;
        outcome.failure = match self.how {
            How::Proof(_) if status != 200 => Some(Class::of_status(status)),
            How::Proof(reader) => match reader.finish() {
                Err(flaw) => Some(flaw.into()),
                Ok(()) if !is_json(content_type) || is_encoded(headers) => Some(Class::WrongHeader),
                Ok(()) => None,
            },
            How::Checks { all, own, body } => {
                outcome.checked = true;
                let body = body.unwrap_or_default();
                let json = own.iter().any(|at| all[*at].needs_json());
                let json = json.then(|| serde_json::from_slice(&body).ok()).flatten();
                let answer = Answer {
                    status,
                    headers,
                    body: &body,
                    json: json.as_ref(),
                };
                checked(all, own, &answer, outcome)
            }
        };
        let proved = matches!(
            question,
            Question::Fibonacci { prove: true, .. } | Question::Template(..)
        );
        outcome.verified = outcome.failure.is_none() && proved;
        if outcome.failure.is_some() {
            let start = self.start.unwrap_or_default();
            let start = String::from_utf8_lossy(&start[..start.len().min(EXCERPT)]).into_owned();
            outcome.detail = Some(match question {
                Question::Fibonacci { n, .. } => format!("n={n} status {status}: {start}"),
                Question::Template(..) => format!("status {status}: {start}"),
            });
        }
    }
}

/// Runs all checks of a request; without one on the status, it has to be below 400.
fn checked(
    all: &[Check],
    own: &[usize],
    answer: &Answer<'_>,
    outcome: &mut Outcome,
) -> Option<Class> {
    let (mut of_status, mut status_failed, mut other_failed) = (false, false, false);
    for (bit, at) in own.iter().enumerate() {
        let check = &all[*at];
        of_status |= check.is_of_status();
        if !check.passes(answer) {
            outcome.failed_checks |= 1 << bit;
            status_failed |= check.is_of_status();
            other_failed |= !check.is_of_status();
        }
    }
    if status_failed || (!of_status && answer.status >= 400) {
        return Some(Class::of_status(answer.status));
    }
    other_failed.then_some(Class::WrongCheck)
}

/// Whether the body claims to be compressed, which no request asks for.
fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
}

/// `application/json`, with parameters or without.
fn is_json(content_type: Option<&HeaderValue>) -> bool {
    let Some(Ok(value)) = content_type.map(HeaderValue::to_str) else {
        return false;
    };
    let kind = value.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_json_and_not_what_only_begins_like_it() {
        let is = |text: &'static str| is_json(Some(&HeaderValue::from_static(text)));
        assert!(
            is("application/json")
                && is("Application/JSON; charset=utf-8")
                && is("application/json;q=1")
        );
        for text in [
            "application/jsonfoo",
            "application/json-seq",
            "text/json",
            "application/",
            "",
        ] {
            assert!(!is(text), "{text}");
        }
        assert!(!is_json(None));
    }

    #[test]
    fn a_body_that_claims_to_be_compressed_was_not_asked_for() {
        let is = |coding: &'static str| {
            is_encoded(&HeaderMap::from_iter([(
                CONTENT_ENCODING,
                HeaderValue::from_static(coding),
            )]))
        };
        assert!(is("gzip") && is("br") && is("gzip, identity"));
        assert!(!is("identity") && !is("Identity") && !is_encoded(&HeaderMap::new()));
    }
}

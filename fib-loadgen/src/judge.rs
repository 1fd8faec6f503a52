//! Judges an answer: F(n) by its proof, anything else by its checks.

use crate::check::{Answer, Check};
use crate::client::Said;
use crate::oracle::{Expected, Reader};
use crate::outcome::{Class, Outcome};
use crate::request::Question;

/// How much of a wrong answer is kept for display.
const EXCERPT: usize = 80;
/// Longer error bodies are not read completely, which costs their connection.
const LONGEST_ERROR_BODY: u64 = 64 * 1024;
/// Longer bodies can't be checked, because a body is kept whole for its checks.
const LONGEST_CHECKED_BODY: usize = 64 * 1024 * 1024;

/// Reads one answer.
#[derive(Debug)]
pub struct Judge<'a> {
    status: u16,
    read: u64,
    /// The first bytes, and how many there are.
    start: ([u8; EXCERPT], usize),
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
    /// Call when the answer's head has arrived.
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
            start: ([0; EXCERPT], 0),
            how,
        }
    }

    /// Processes the next bytes of the body; false if the rest does not matter.
    pub fn push(&mut self, bytes: &[u8]) -> bool {
        self.read += bytes.len() as u64;
        let more = match &mut self.how {
            How::Proof(reader) if self.status == 200 => {
                reader.push(bytes);
                true
            }
            How::Proof(_) => self.read <= LONGEST_ERROR_BODY,
            How::Checks { body, .. } => {
                if let Some(body) = body
                    && body.len() < LONGEST_CHECKED_BODY
                {
                    body.extend_from_slice(bytes);
                }
                true
            }
        };
        let (start, filled) = &mut self.start;
        let more_of_it = bytes.len().min(EXCERPT - *filled);
        start[*filled..*filled + more_of_it].copy_from_slice(&bytes[..more_of_it]);
        *filled += more_of_it;
        more
    }

    /// Judges the complete answer.
    pub fn finish(self, question: &Question<'_>, said: &Said, outcome: &mut Outcome) {
        let status = self.status;
        outcome.failure = match self.how {
            How::Proof(_) if status != 200 => Some(Class::of_status(status)),
            How::Proof(reader) => match reader.finish() {
                Err(flaw) => Some(flaw.into()),
                Ok(()) if !said.json || said.encoded => Some(Class::WrongHeader),
                Ok(()) => None,
            },
            How::Checks { all, own, body } => {
                outcome.checked = true;
                let body = body.unwrap_or_default();
                let json = own.iter().any(|at| all[*at].needs_json());
                let json = json.then(|| serde_json::from_slice(&body).ok()).flatten();
                let answer = Answer {
                    status,
                    headers: &said.headers,
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
            let (start, filled) = &self.start;
            let start = String::from_utf8_lossy(&start[..*filled]);
            outcome.detail = Some(match question {
                Question::Fibonacci { n, .. } => format!("n={n} status {status}: {start}"),
                Question::Template(..) => format!("status {status}: {start}"),
            });
        }
    }
}

/// Runs all checks of a request; without a check of the status, it must be below 400.
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

//! One request and the whole of its answer.

use std::time::{Duration, Instant};

use reqwest::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, Method, Request, Response, Url};

use crate::oracle::Reader;
use crate::outcome::{Class, Outcome};

/// The header in which a server says which pod it is.
const POD: &str = "x-fib-pod";
/// How much of a wrong answer is kept to show.
const EXCERPT: usize = 80;
/// Longer bodies of errors are not read to their end, which costs their connection.
const LONGEST_ERROR_BODY: u64 = 64 * 1024;

/// What to ask, and how.
#[derive(Debug, Clone, Copy)]
pub struct Question {
    /// Which F(n).
    pub n: u32,
    /// Whether to prove the value, rather than only its form.
    pub prove: bool,
    /// Whether this is the last request on its connection.
    pub close: bool,
    /// How often to try again when nobody listens where the connection was to go.
    pub retry_refused: u32,
}

/// Between a refused connection and the next try. A Service may choose another pod then, and leaves out one
/// that has died about a second after it did.
const AFTER_REFUSAL: Duration = Duration::from_millis(50);

/// Asks, reads the answer to its end, and judges it.
pub async fn exchange(client: &Client, base: &Url, question: Question) -> Outcome {
    let mut url = base.clone();
    url.set_path("/get");
    url.set_query(Some(&format!("n={}", question.n)));
    let sent = Instant::now();
    let mut outcome = Outcome::default();
    let answer = loop {
        let answer = client.execute(request(&url, question)).await;
        // Nothing was sent, so it is the same request still: its time runs on.
        if let Err(error) = &answer
            && outcome.refused < question.retry_refused
            && Class::of_error(error, false) == Class::ConnectRefused
        {
            outcome.refused += 1;
            tokio::time::sleep(AFTER_REFUSAL).await;
            continue;
        }
        break answer;
    };
    match answer {
        Ok(response) => {
            outcome.ttfb = Some(sent.elapsed());
            read(response, question, &mut outcome).await;
        }
        Err(error) => fail(&mut outcome, &error, false),
    }
    outcome.service = sent.elapsed();
    outcome
}

fn request(url: &Url, question: Question) -> Request {
    let mut request = Request::new(Method::GET, url.clone());
    if question.close {
        // hyper keeps no connection alive after a request that says so, whatever the answer says.
        request
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    request
}

async fn read(mut response: Response, question: Question, outcome: &mut Outcome) {
    let status = response.status().as_u16();
    outcome.status = Some(status);
    let headers = response.headers();
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    outcome.pod = text(POD)
        .filter(|name| !name.is_empty())
        .map(ToOwned::to_owned);
    outcome.closing =
        text(CONNECTION.as_str()).is_some_and(|value| value.eq_ignore_ascii_case("close"));
    let is_json =
        text(CONTENT_TYPE.as_str()).is_some_and(|value| value.starts_with("application/json"));
    let mut reader = Reader::new(question.n, question.prove);
    let mut excerpt = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(bytes)) => {
                outcome.bytes += bytes.len() as u64;
                let room = EXCERPT - excerpt.len();
                excerpt.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if status == 200 {
                    reader.push(&bytes);
                } else if outcome.bytes > LONGEST_ERROR_BODY {
                    break;
                }
            }
            Ok(None) => break,
            Err(error) => return fail(outcome, &error, true),
        }
    }
    outcome.failure = if status != 200 {
        Some(Class::of_status(status))
    } else if let Err(flaw) = reader.finish() {
        Some(flaw.into())
    } else if !is_json {
        Some(Class::WrongHeader)
    } else {
        None
    };
    outcome.verified = outcome.failure.is_none() && question.prove;
    if outcome.failure.is_some() {
        let start = String::from_utf8_lossy(&excerpt).into_owned();
        outcome.detail = Some(format!("n={} status {status}: {start}", question.n));
    }
}

fn fail(outcome: &mut Outcome, error: &reqwest::Error, in_body: bool) {
    let mut text = String::new();
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = next {
        // reqwest repeats the URL; the causes below it say what happened.
        text = error.to_string();
        next = error.source();
    }
    outcome.failure = Some(Class::of_error(error, in_body));
    outcome.detail = Some(text);
}

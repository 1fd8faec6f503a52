//! Moves the `Retry-After` header of an answer to where the client's errors carry such a delay.
//!
//! When the API server sheds load, it answers in plain text, and only a header says when to retry. The client
//! turns the text into an error and drops the header.

use std::future::Future;
use std::pin::Pin;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, RETRY_AFTER};
use http::{Response, StatusCode};
use http_body_util::{BodyExt, Either, Full};
use kube::core::Status;
use kube::core::response::StatusDetails;
use tower::BoxError;
use tower::util::AndThenLayer;

/// An answer, either unchanged or rebuilt.
type Told<B> = Response<Either<B, Full<Bytes>>>;
type Telling<B> = Pin<Box<dyn Future<Output = Result<Told<B>, BoxError>> + Send>>;

/// The layer for a client.
pub(super) fn layer<B>() -> AndThenLayer<fn(Response<B>) -> Telling<B>>
where
    B: BodyExt<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    AndThenLayer::new(|response| Box::pin(tell(response)))
}

async fn tell<B>(response: Response<B>) -> Result<Told<B>, BoxError>
where
    B: BodyExt<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let Some(seconds) = asked_seconds(&response) else {
        return Ok(response.map(Either::Left));
    };
    let (mut head, body) = response.into_parts();
    let body = body.collect().await.map_err(Into::into)?.to_bytes();
    let status = with_wait(head.status, &body, seconds);
    let body = serde_json::to_vec(&status)?;
    head.headers.remove(CONTENT_LENGTH);
    Ok(Response::from_parts(
        head,
        Either::Right(Full::new(body.into())),
    ))
}

/// The API server gives seconds, never a date.
fn asked_seconds<B>(response: &Response<B>) -> Option<u32> {
    let status = response.status();
    if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
        return None;
    }
    let value = response.headers().get(RETRY_AFTER)?;
    value.to_str().ok()?.trim().parse().ok()
}

/// The answer's `Status`, or one made from its text, with the delay in it.
fn with_wait(code: StatusCode, body: &[u8], seconds: u32) -> Status {
    let text = String::from_utf8_lossy(body);
    let mut status: Status = serde_json::from_slice(body).unwrap_or_else(|_| {
        let reason = code.canonical_reason().unwrap_or_default();
        Status::failure(text.trim(), reason).with_code(code.as_u16())
    });
    let details = status.details.get_or_insert_with(|| StatusDetails {
        name: String::new(),
        group: String::new(),
        kind: String::new(),
        uid: String::new(),
        causes: Vec::new(),
        retry_after_seconds: 0,
    });
    details.retry_after_seconds = seconds;
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_becomes_a_status_with_the_delay() {
        let status = with_wait(StatusCode::TOO_MANY_REQUESTS, b"Too many requests.\n", 7);
        assert_eq!(
            (status.code, status.message.as_str()),
            (429, "Too many requests.")
        );
        assert_eq!(status.details.unwrap().retry_after_seconds, 7);
    }

    #[test]
    fn a_status_keeps_its_content() {
        let body = br#"{"kind":"Status","message":"slow down","code":429,
            "details":{"kind":"pods","retryAfterSeconds":1}}"#;
        let status = with_wait(StatusCode::TOO_MANY_REQUESTS, body, 3);
        assert_eq!(status.message, "slow down");
        let details = status.details.unwrap();
        assert_eq!(
            (details.kind.as_str(), details.retry_after_seconds),
            ("pods", 3)
        );
    }
}

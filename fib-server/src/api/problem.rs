//! Errors as problem details (RFC 9457): one shape for every answer that is not the requested one.

use std::time::Duration;

use hyper::Response;
use salvo::http::{HeaderValue, ResBody, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::admission::ShedReason;
use crate::compute::ComputeError;

/// The media type.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A problem and its description.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// The answer's status.
    pub status: StatusCode,
    /// The type: the last part of its URI.
    kind: &'static str,
    /// The sentence for people.
    detail: String,
    /// Members of this type only.
    members: Map<String, Value>,
    /// Seconds until a retry may succeed.
    retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            detail: detail.into(),
            members: Map::new(),
            retry_after: None,
        }
    }

    fn with(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.members.insert(member.to_owned(), value.into());
        self
    }

    /// A parameter that can't be parsed: what was wrong with it, and what is allowed.
    pub fn parameter(name: &str, wrong: &str, allowed: &str) -> Self {
        let detail = format!("The parameter {name} can't be used: {wrong}. Allowed: {allowed}.");
        Self::new(StatusCode::BAD_REQUEST, "bad-parameter", detail)
            .with("parameter", name)
            .with("wrong", wrong)
            .with("allowed", allowed)
    }

    /// A parameter that is valid but above its limit.
    pub fn above_limit(name: &str, limit: u64) -> Self {
        let detail = format!("The parameter {name} is above this server's limit of {limit}.");
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "above-limit", detail)
            .with("parameter", name)
            .with("limit", limit)
            .with("allowed", format!("a whole number from 0 to {limit}"))
    }

    /// A request that does not name its host in exactly one valid way.
    pub fn host() -> Self {
        let detail =
            "A request names one valid host: HTTP/1.1 has one Host header, HTTP/2 an :authority.";
        Self::new(StatusCode::BAD_REQUEST, "bad-host", detail)
    }

    /// A bug in the server.
    pub fn internal() -> Self {
        let detail = "The server failed on this request; other requests are not affected.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// A client that sends more requests than it may.
    pub fn too_many(retry_after: Duration) -> Self {
        let detail = "This client sends more requests than one client may here; try again later.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate-limited", detail).retry_after(retry_after)
    }

    /// A request that this client may not make.
    pub fn forbidden() -> Self {
        let detail = "This request needs the drain token, or to come from the pod itself.";
        Self::new(StatusCode::FORBIDDEN, "forbidden", detail)
    }

    /// A number whose answer would not fit in the memory for answers.
    pub fn no_memory() -> Self {
        Self::overloaded(ShedReason::Memory.as_str(), Duration::from_secs(1))
    }

    /// A connection for which there is no room.
    pub fn no_room() -> Self {
        Self::overloaded("connections", Duration::from_secs(1))
    }

    fn overloaded(reason: &str, retry_after: Duration) -> Self {
        let detail = "The server has more work than it can do in time; try again later.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail)
            .with("reason", reason)
            .retry_after(retry_after)
    }

    /// A status that the framework set without a body.
    pub fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(
                status,
                "not-found",
                "There is nothing at this path. Try /get?n=90 or /docs.",
            ),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(
                status,
                "method-not-allowed",
                "This path does not have this method. The header Allow lists its methods.",
            ),
            other => {
                let reason = other.canonical_reason().unwrap_or("An error");
                Self::new(other, "http", format!("{reason}."))
            }
        }
    }

    /// Whether its answers have a `Retry-After`.
    pub fn says_when_to_retry(&self) -> bool {
        self.retry_after.is_some()
    }

    fn retry_after(mut self, after: Duration) -> Self {
        let seconds = after.as_secs_f64().ceil().clamp(1.0, 3_600.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 1 and 3600"
        )]
        let seconds = seconds as u64;
        self.retry_after = Some(seconds);
        self.with("retry_after_seconds", seconds)
    }

    /// The body.
    pub fn body(&self) -> String {
        let mut body = Map::new();
        body.insert(
            "type".to_owned(),
            json!(format!("urn:fib:problem:{}", self.kind)),
        );
        body.insert(
            "title".to_owned(),
            json!(self.status.canonical_reason().unwrap_or("Error")),
        );
        body.insert("status".to_owned(), json!(self.status.as_u16()));
        body.insert("detail".to_owned(), json!(self.detail));
        body.extend(self.members.clone());
        Value::Object(body).to_string()
    }

    /// The answer.
    pub fn answer(self) -> Response<ResBody> {
        let mut response = Response::new(ResBody::Once(self.body().into()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }

    /// Makes this problem the answer of a framework route.
    pub fn write_to(self, response: &mut salvo::Response) {
        put(self.answer(), response);
    }
}

/// Makes an answer that of a framework route. Other headers set by the route stay.
pub(crate) fn put(answer: Response<ResBody>, response: &mut salvo::Response) {
    let (head, body) = answer.into_parts();
    response.status_code(head.status);
    response.headers_mut().extend(head.headers);
    response.replace_body(body);
}

impl From<ComputeError> for Problem {
    fn from(error: ComputeError) -> Self {
        match error {
            ComputeError::Shed {
                reason,
                retry_after,
            } => Self::overloaded(reason.as_str(), retry_after),
            ComputeError::Deadline => Self::new(
                StatusCode::GATEWAY_TIMEOUT,
                "deadline-passed",
                "The computation took longer than this server allows, and was stopped.",
            ),
            ComputeError::Broken => Self::internal(),
        }
    }
}

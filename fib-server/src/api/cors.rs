//! Pages from other origins, if allowed: the Fetch standard's CORS protocol for a read-only service.

use hyper::{HeaderMap, Request, Response};
use salvo::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW,
    ORIGIN, VARY,
};
use salvo::http::{HeaderValue, Method, ResBody, StatusCode};

use crate::metrics::Route;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const HEADERS: HeaderValue =
    HeaderValue::from_static("accept, if-none-match, x-request-id, traceparent");
const EXPOSED: HeaderValue = HeaderValue::from_static("etag, retry-after, x-fib-pod, x-request-id");
const A_DAY: HeaderValue = HeaderValue::from_static("86400");

/// Wraps every route of the main port if there are allowed origins. Without any, OPTIONS is 405.
pub(crate) struct Cors(Vec<String>);

/// A request's origin.
pub(crate) struct Origin {
    /// The allowed origin in the answer: the request's own, or `*` if everyone is allowed.
    allowed: Option<HeaderValue>,
    /// Whether another origin would get a different answer.
    varies: bool,
}

impl Cors {
    /// For these origins; `None` if there are none.
    pub(crate) fn for_origins(origins: &[String]) -> Option<Self> {
        (!origins.is_empty()).then(|| Self(origins.to_vec()))
    }

    /// A request's origin.
    ///
    /// If everyone may read answers, all answers say so, even to requests without an origin. A cache stores one
    /// answer for all, and a page that gets one without the header could not read it (Fetch standard, "CORS
    /// protocol and HTTP caches").
    pub(crate) fn origin(&self, headers: &HeaderMap) -> Origin {
        if self.0.iter().any(|o| o == "*") {
            return Origin {
                allowed: Some(HeaderValue::from_static("*")),
                varies: false,
            };
        }
        let is_known =
            |origin: &&HeaderValue| self.0.iter().any(|o| o.as_bytes() == origin.as_bytes());
        Origin {
            allowed: headers.get(ORIGIN).filter(is_known).cloned(),
            varies: true,
        }
    }
}

impl Origin {
    /// The answer to OPTIONS on an existing path.
    pub(crate) fn preflight<B>(&self, request: &Request<B>) -> Option<Response<ResBody>> {
        let is_known = Route::at(request.uri().path()) != Route::Unmatched;
        if request.method() != Method::OPTIONS || !is_known {
            return None;
        }
        let mut response = Response::new(ResBody::None);
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(ALLOW, METHODS);
        if self.allowed.is_some()
            && request
                .headers()
                .contains_key(ACCESS_CONTROL_REQUEST_METHOD)
        {
            headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
            headers.insert(ACCESS_CONTROL_MAX_AGE, A_DAY);
        }
        Some(response)
    }

    /// Allows the origin's pages to read an answer.
    pub(crate) fn mark(self, response: &mut Response<ResBody>) {
        let headers = response.headers_mut();
        if self.varies {
            headers.append(VARY, HeaderValue::from_static("origin"));
        }
        if let Some(origin) = self.allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

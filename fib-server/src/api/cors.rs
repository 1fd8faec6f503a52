//! Pages of other origins, where they are let in: the Fetch standard's CORS protocol for a service that
//! is only read.

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

/// Around every route of the main port, where there are origins. Without them OPTIONS is 405.
pub(crate) struct Cors(Vec<String>);

/// Where a request is from.
pub(crate) struct Origin {
    /// What its origin is answered, if it may read the answer: itself, or `*` when everybody may.
    allowed: Option<HeaderValue>,
    /// Whether another origin would get another answer.
    varies: bool,
}

impl Cors {
    /// For these origins; nothing without any.
    pub(crate) fn for_origins(origins: &[String]) -> Option<Self> {
        (!origins.is_empty()).then(|| Self(origins.to_vec()))
    }

    /// Where a request is from.
    ///
    /// When everybody may read answers, all of them say so, to requests without an origin too. A cache keeps one
    /// answer for all, and a page that gets one without the header could not read it (Fetch standard, "CORS protocol
    /// and HTTP caches").
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
    /// The answer to OPTIONS of a path that there is.
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

    /// Lets the origin's pages read an answer.
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

//! Pages of other origins, where they are let in: the Fetch standard's CORS protocol for a service that
//! is only read.

use std::sync::Arc;

use salvo::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ALLOW,
    ORIGIN, VARY,
};
use salvo::http::{HeaderValue, Method, StatusCode};
use salvo::{Depot, FlowCtrl, Handler, Request, Response, async_trait};

use crate::State;
use crate::metrics::Route;

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const HEADERS: HeaderValue =
    HeaderValue::from_static("accept, if-none-match, x-request-id, traceparent");
const EXPOSED: HeaderValue = HeaderValue::from_static("etag, retry-after, x-fib-pod, x-request-id");
const A_DAY: HeaderValue = HeaderValue::from_static("86400");

/// Around every route of the main port. Without origins it does nothing, and OPTIONS is 405.
#[derive(Debug)]
pub(crate) struct Cors(pub(crate) Arc<State>);

#[async_trait]
impl Handler for Cors {
    async fn handle(
        &self,
        req: &mut Request,
        depot: &mut Depot,
        res: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        let origins = &self.0.config.cors_origins;
        if origins.is_empty() {
            ctrl.call_next(req, depot, res).await;
            return;
        }
        let allowed = req
            .headers()
            .get(ORIGIN)
            .and_then(|origin| allowed(origin, origins));
        let is_known = Route::of(req.uri().path().trim_start_matches('/')) != Route::Unmatched;
        if req.method() == Method::OPTIONS && is_known {
            ctrl.skip_rest();
            res.status_code(StatusCode::NO_CONTENT);
            res.headers_mut().insert(ALLOW, METHODS);
            if allowed.is_some() && req.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD) {
                let headers = res.headers_mut();
                headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
                headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
                headers.insert(ACCESS_CONTROL_MAX_AGE, A_DAY);
            }
        } else {
            ctrl.call_next(req, depot, res).await;
        }
        let headers = res.headers_mut();
        headers.append(VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = allowed {
            headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
            headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

/// What an origin is answered: itself when it is in the list, `*` when everybody is.
fn allowed(origin: &HeaderValue, origins: &[String]) -> Option<HeaderValue> {
    if origins.iter().any(|o| o == "*") {
        return Some(HeaderValue::from_static("*"));
    }
    origins
        .iter()
        .any(|o| o.as_bytes() == origin.as_bytes())
        .then(|| origin.clone())
}

//! What wraps every request: panics become 500, errors problem details; the answer gets its common
//! headers; it is timed, counted and logged.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use futures_util::FutureExt;
use salvo::http::{HeaderName, HeaderValue, Method, ResBody, StatusCode, Version, header};
use salvo::{ConnCtrl, Depot, FlowCtrl, Handler, Request, Response, async_trait};

use crate::State;
use crate::api::problem::Problem;

const X_FIB_POD: HeaderName = HeaderName::from_static("x-fib-pod");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The outermost layer of a port.
#[derive(Debug)]
pub(crate) struct Observe {
    state: Arc<State>,
    log: AccessLog,
    pod: HeaderValue,
}

impl Observe {
    /// For one port.
    pub(crate) fn new(state: Arc<State>) -> Self {
        let log = AccessLog {
            a_second: state.config.access_log_rate.into(),
            ..AccessLog::default()
        };
        // The settings admit visible ASCII alone.
        let pod = HeaderValue::from_str(&state.config.pod).unwrap_or(HeaderValue::from_static(""));
        Self { state, log, pod }
    }
}

#[async_trait]
impl Handler for Observe {
    async fn handle(
        &self,
        req: &mut Request,
        depot: &mut Depot,
        res: &mut Response,
        ctrl: &mut FlowCtrl,
    ) {
        let begun = Instant::now();
        let in_flight = self.state.metrics.request_started();
        let id = request_id(req);

        if names_its_host(req) {
            let answered = AssertUnwindSafe(ctrl.call_next(req, depot, res))
                .catch_unwind()
                .await;
            if answered.is_err() {
                Problem::internal().write_to(res);
            }
        } else {
            ctrl.skip_rest();
            Problem::host().write_to(res);
        }
        let status = *res.status_code.get_or_insert(StatusCode::OK);
        let failed = status.is_client_error() || status.is_server_error();
        if failed && matches!(res.body, ResBody::None | ResBody::Error(_)) {
            Problem::of_status(status).write_to(res);
        }

        res.headers_mut().insert(X_FIB_POD, self.pod.clone());
        self.close_if_last(req, res, begun);
        let took = begun.elapsed();
        let route = route(req);
        self.state.metrics.request_finished(
            method_label(req.method()),
            route,
            status.as_u16(),
            took,
        );
        drop(in_flight);
        if self
            .log
            .wants(status, self.state.started.elapsed().as_secs())
        {
            tracing::info!(
                target: "access",
                method = req.method().as_str(),
                route,
                query = req.uri().query().map(shortened),
                status = status.as_u16(),
                duration_ms = took.as_secs_f64() * 1e3,
                request_id = id.to_str().unwrap_or_default(),
                unlogged = self.log.take_unlogged(),
                "request"
            );
        }
        res.headers_mut().insert(X_REQUEST_ID, id);
    }
}

impl Observe {
    /// Asks the client to leave with this answer: by a header in HTTP/1, by GOAWAY in HTTP/2.
    fn close_if_last(&self, req: &Request, res: &mut Response, now: Instant) {
        let reason = if self.state.lifecycle.is_draining() {
            Some("drain")
        } else {
            self.state.connections.last_answer(req.remote_addr(), now)
        };
        let Some(reason) = reason else { return };
        self.state.metrics.connection_recycled(reason);
        if req.version() < Version::HTTP_2 {
            res.headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        } else if let Some(connection) = req.extensions().get::<ConnCtrl>() {
            connection.graceful_shutdown();
        }
    }
}

/// RFC 9112, 3.2: an HTTP/1.1 request has one `Host`, or it is refused. With two of them, a gateway and
/// this server might each go by another one.
fn names_its_host(req: &Request) -> bool {
    req.version() != Version::HTTP_11 || req.headers().get_all(header::HOST).iter().count() == 1
}

/// The client's id when it is one that can be logged and sent back, else a new one.
fn request_id(req: &Request) -> HeaderValue {
    let sane = |v: &&HeaderValue| {
        (1..=64).contains(&v.len())
            && v.as_bytes()
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
    };
    req.headers()
        .get(X_REQUEST_ID)
        .filter(sane)
        .cloned()
        .unwrap_or_else(|| {
            let id = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
            HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("-"))
        })
}

/// The route as a label. A path that matched nothing never becomes one: labels must stay few.
fn route(req: &Request) -> &'static str {
    const ROUTES: [&str; 10] = [
        "/get",
        "/health",
        "/metrics",
        "/version",
        "/openapi.json",
        "/docs",
        "/livez",
        "/readyz",
        "/startupz",
        "/drain",
    ];
    let path = req.matched_path();
    ROUTES
        .into_iter()
        .find(|r| r.trim_start_matches('/') == path && !path.is_empty())
        .unwrap_or("unmatched")
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::PATCH => "PATCH",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

fn shortened(query: &str) -> &str {
    const MOST: usize = 200;
    query
        .char_indices()
        .nth(MOST)
        .map_or(query, |(end, _)| &query[..end])
}

/// Which requests are logged: every one that failed by the server's fault, and of the others some a second.
#[derive(Debug, Default)]
struct AccessLog {
    a_second: u64,
    second: AtomicU64,
    logged: AtomicU64,
    unlogged: AtomicU64,
}

impl AccessLog {
    fn wants(&self, status: StatusCode, second: u64) -> bool {
        if status.is_server_error() {
            return true;
        }
        if self.second.swap(second, Ordering::Relaxed) != second {
            self.logged.store(0, Ordering::Relaxed);
        }
        let wanted = self.logged.fetch_add(1, Ordering::Relaxed) < self.a_second;
        if !wanted {
            self.unlogged.fetch_add(1, Ordering::Relaxed);
        }
        wanted
    }

    /// How many were left out since the last line.
    fn take_unlogged(&self) -> u64 {
        self.unlogged.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_takes_so_many_lines_a_second_and_counts_the_others() {
        let log = AccessLog {
            a_second: 2,
            ..AccessLog::default()
        };
        let wants: Vec<_> = (0..4).map(|_| log.wants(StatusCode::OK, 1)).collect();
        assert_eq!(wants, [true, true, false, false]);
        assert!(log.wants(StatusCode::OK, 2));
        assert_eq!(log.take_unlogged(), 2);
        assert_eq!(log.take_unlogged(), 0);
    }

    #[test]
    fn a_failure_of_the_server_is_always_logged() {
        let log = AccessLog::default();
        assert!(log.wants(StatusCode::SERVICE_UNAVAILABLE, 1));
        assert!(!log.wants(StatusCode::BAD_REQUEST, 1));
    }
}

//! What wraps every request: panics become 500, errors problem details; the answer gets its common
//! headers; it is timed, counted and logged when it has been sent.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use hyper::body::Body;
use salvo::http::uri::Authority;
use salvo::http::{self, HeaderName, HeaderValue, ResBody, StatusCode, Version, header};
use salvo::{Depot, FlowCtrl, Handler, Request, Response, async_trait};

use crate::State;
use crate::api::problem::Problem;
use crate::connection::{Conn, Finish};
use crate::metrics::{CLIENT_CLOSED, InFlight, Method, Route};
use crate::trace::TraceParent;

const X_FIB_POD: HeaderName = HeaderName::from_static("x-fib-pod");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The outermost layer of a port.
#[derive(Debug)]
pub(crate) struct Observe {
    state: Arc<State>,
    log: Arc<AccessLog>,
    pod: HeaderValue,
}

impl Observe {
    /// For one port.
    pub(crate) fn new(state: Arc<State>) -> Self {
        let log = Arc::new(AccessLog {
            a_second: state.config.access_log_rate.into(),
            ..AccessLog::default()
        });
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
        let trace = req.headers().get(TRACEPARENT).and_then(TraceParent::read);
        let mut record = Record {
            state: Arc::clone(&self.state),
            log: Arc::clone(&self.log),
            begun: Instant::now(),
            method: method(req.method()),
            route: Route::of(req.matched_path()),
            status: None,
            line: None,
            _in_flight: self.state.metrics.request_started(),
        };
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

        self.close_if_last(req, res);
        record.status = Some(status.as_u16());
        if self.log.wants(self.state.started.elapsed().as_secs()) {
            record.line = Some(Line {
                method: req.method().clone(),
                query: req.uri().query().map(|q| shortened(q).to_owned()),
                id: id.clone(),
                trace,
            });
        }
        let headers = res.headers_mut();
        headers.insert(X_FIB_POD, self.pod.clone());
        headers.insert(X_REQUEST_ID, id);
        if let Some(trace) = trace.and_then(|t| HeaderValue::try_from(t.to_string()).ok()) {
            headers.insert(TRACEPARENT, trace);
        }
        res.extensions
            .insert(Finish::new(move |complete| record.finish(complete)));
    }
}

impl Observe {
    /// Asks the client to leave with this answer: by a header in HTTP/1, by GOAWAY in HTTP/2.
    fn close_if_last(&self, req: &Request, res: &mut Response) {
        let Some(conn) = req.extensions().get::<Arc<Conn>>() else {
            return;
        };
        let reason = if self.state.lifecycle.is_draining() {
            Some("drain")
        } else {
            conn.last_answer()
        };
        if let Some(reason) = reason {
            self.state.metrics.connection_recycled(reason);
        }
        if req.version() >= Version::HTTP_2 {
            if reason.is_some() {
                conn.leave();
            }
            return;
        }
        // HTTP/1.0 has no chunks: an answer whose length is not known ends with its connection.
        let endless = req.version() < Version::HTTP_11
            && !res.headers().contains_key(header::CONTENT_LENGTH)
            && res.body.size_hint().exact().is_none();
        if reason.is_some() || endless {
            res.headers_mut()
                .insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// RFC 9112, 3.2: an HTTP/1.1 request has one `Host` that is valid, or it is refused. With two of them, a
/// gateway and this server might each go by another one.
fn names_its_host(req: &Request) -> bool {
    let mut hosts = req.headers().get_all(header::HOST).iter();
    let (first, second) = (hosts.next(), hosts.next());
    let needed = req.version() == Version::HTTP_11;
    match first {
        None => !needed,
        Some(host) => second.is_none() && is_host(host.as_bytes()),
    }
}

/// `uri-host [ ":" port ]`, which may be empty (RFC 9110, 7.2).
fn is_host(host: &[u8]) -> bool {
    host.is_empty()
        || Authority::try_from(host).is_ok_and(|authority| {
            let port = authority
                .as_str()
                .strip_prefix(authority.host())
                .unwrap_or(":x");
            let port_is_valid = match port.strip_prefix(':') {
                None | Some("") => port.is_empty() || port == ":",
                Some(number) => number.parse::<u16>().is_ok(),
            };
            port_is_valid && !authority.as_str().contains('@')
        })
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

fn method(method: &http::Method) -> Method {
    match *method {
        http::Method::GET => Method::Get,
        http::Method::HEAD => Method::Head,
        _ => Method::Other,
    }
}

fn shortened(query: &str) -> &str {
    const MOST: usize = 200;
    query
        .char_indices()
        .nth(MOST)
        .map_or(query, |(end, _)| &query[..end])
}

/// What is told of one request at its end, however it ends: an answer that was never given counts too.
struct Record {
    state: Arc<State>,
    log: Arc<AccessLog>,
    begun: Instant,
    method: Method,
    route: Route,
    status: Option<u16>,
    line: Option<Line>,
    _in_flight: InFlight,
}

/// What only the log wants to know.
struct Line {
    method: http::Method,
    query: Option<String>,
    id: HeaderValue,
    trace: Option<TraceParent>,
}

impl Record {
    fn finish(mut self, complete: bool) {
        let took = self.begun.elapsed();
        if let Some(line) = self.line.take() {
            self.write(line, took, complete);
        }
        // The rest is done by the end of the record.
    }

    fn write(&self, line: Line, took: Duration, complete: bool) {
        tracing::info!(
            target: "access",
            method = line.method.as_str(),
            route = self.route.as_str(),
            query = line.query,
            status = self.status,
            complete,
            duration_ms = took.as_secs_f64() * 1e3,
            request_id = line.id.to_str().unwrap_or_default(),
            trace_id = line.trace.map(|t| t.trace_id()),
            span_id = line.trace.map(|t| t.span_id()),
            unlogged = self.log.take_unlogged(),
            "request"
        );
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let status = self.status.unwrap_or(CLIENT_CLOSED);
        let took = self.begun.elapsed();
        self.state
            .metrics
            .request_finished(self.method, self.route, status, took);
    }
}

/// How many requests are logged: so many a second, whatever became of them, and the rest is counted.
#[derive(Debug, Default)]
struct AccessLog {
    a_second: u64,
    second: AtomicU64,
    logged: AtomicU64,
    unlogged: AtomicU64,
}

impl AccessLog {
    fn wants(&self, second: u64) -> bool {
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
        let wants: Vec<_> = (0..4).map(|_| log.wants(1)).collect();
        assert_eq!(wants, [true, true, false, false]);
        assert!(log.wants(2));
        assert_eq!(log.take_unlogged(), 2);
        assert_eq!(log.take_unlogged(), 0);
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        for host in [
            "",
            "a",
            "a.test:80",
            "1.2.3.4:8080",
            "[::1]",
            "[::1]:8080",
            "a:",
        ] {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "a b", "a/b", "a@b", "a:b", "a:99999", "[::1", "a?b", "\"a\"", "a#b",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }
}

//! Wraps every request of a port: panics become 500; the answer gets its common headers; it is timed, counted
//! and logged when it has been sent.

mod access;

use std::sync::Arc;
use std::time::{Instant, SystemTime};

use hyper::body::{Body, Incoming};
use hyper::{Request, Response, Version};
use salvo::http::uri::Authority;
use salvo::http::{self, HeaderMap, HeaderValue, ResBody, header};

use crate::State;
use crate::api::problem::Problem;
use crate::api::{Routed, Routes};
use crate::common_headers::X_REQUEST_ID;
use crate::connection::{self, Answers, Conn};
use crate::metrics::{CLIENT_CLOSED, Method, Recycled, Route};
use crate::otlp::Span;
use crate::reply::Reply;
use crate::trace::{TRACEPARENT, TraceParent};
use access::{Line, Log};

/// The outermost layer of a port.
pub(crate) struct Observe {
    port: Arc<Port>,
    routes: Routes,
}

/// What a port's answers have in common.
struct Port {
    state: Arc<State>,
    log: Log,
}

impl Observe {
    /// For one port.
    pub(crate) fn new(state: Arc<State>, routes: Routes) -> Self {
        let log = Log::of(state.config.access_log_rate);
        let port = Arc::new(Port { state, log });
        Self { port, routes }
    }
}

impl Answers for Observe {
    type Exchange = Record;

    fn answer(&self, request: Request<Incoming>, conn: &Arc<Conn>) -> (Reply<Routed>, Record) {
        let fields = Fields::of(request.headers());
        let record = Record::of(&request, &fields, conn.second(), &self.port);
        let names_its_host = fields.name_a_host(request.version());
        let mut request = Some(request);
        let reply = if names_its_host {
            let route = || self.routes.answer(&mut request, conn);
            Reply::or_if_it_panics(route, || Routed::to(None, Problem::internal().answer()))
        } else {
            Reply::now(Routed::to(None, Problem::host().answer()))
        };
        (reply, record)
    }
}

/// The header fields that matter for every request, found in one pass: most requests have few fields, and
/// searching for each of these would take longer.
#[derive(Default)]
struct Fields<'r> {
    host: Option<&'r HeaderValue>,
    has_two_hosts: bool,
    id: Option<&'r HeaderValue>,
    trace: Option<Box<TraceParent>>,
}

impl<'r> Fields<'r> {
    fn of(headers: &'r HeaderMap) -> Self {
        let mut fields = Self::default();
        for (name, value) in headers {
            if *name == header::HOST {
                fields.has_two_hosts = fields.host.replace(value).is_some();
            } else if *name == X_REQUEST_ID {
                fields.id = fields.id.or(Some(value));
            } else if *name == TRACEPARENT {
                fields.trace = TraceParent::of(headers).map(Box::new);
            }
        }
        fields
    }

    /// RFC 9112, 3.2: an HTTP/1.1 request must have exactly one valid `Host`, or it is rejected. With two of
    /// them, a gateway and this server might use different ones.
    fn name_a_host(&self, version: Version) -> bool {
        match self.host {
            None => version != Version::HTTP_11,
            Some(host) => !self.has_two_hosts && is_host(host.as_bytes()),
        }
    }
}

/// The record of one request at its end, however it ends: an answer that was never given counts too.
pub(crate) struct Record {
    port: Arc<Port>,
    begun: Instant,
    method: Method,
    version: Version,
    route: Route,
    status: Option<u16>,
    /// Moved to the answer, which then has the only copy.
    id: HeaderValue,
    trace: Option<Box<TraceParent>>,
    line: Option<Box<Line>>,
}

impl Record {
    /// A request's head has arrived.
    fn of(request: &Request<Incoming>, fields: &Fields<'_>, second: u64, port: &Arc<Port>) -> Self {
        port.state.metrics.request_started();
        let wanted = port.log.wants(second);
        let id = request_id(fields.id);
        Self {
            port: Arc::clone(port),
            begun: Instant::now(),
            method: method(request.method()),
            version: request.version(),
            route: Route::at(request.uri().path()),
            status: None,
            trace: fields.trace.clone(),
            line: wanted.then(|| Box::new(Line::of(request, id.clone()))),
            id,
        }
    }

    /// Asks the client to leave with this answer: by a header in HTTP/1, by GOAWAY in HTTP/2.
    fn close_if_last(&self, response: &mut Response<ResBody>, conn: &Conn) {
        let state = &self.port.state;
        let reason = if state.lifecycle.is_draining() {
            Some(Recycled::Drain)
        } else {
            conn.last_answer()
        };
        if let Some(reason) = reason {
            state.metrics.connection_recycled(reason);
        }
        if self.version >= Version::HTTP_2 {
            if reason.is_some() {
                conn.leave();
            }
            return;
        }
        // HTTP/1.0 has no chunks: an answer of unknown length ends with its connection.
        let endless = self.version < Version::HTTP_11
            && !response.headers().contains_key(header::CONTENT_LENGTH)
            && response.body().size_hint().exact().is_none();
        if reason.is_some() || endless {
            // The HTTP library would add keep-alive to an answer of 1.1 for a client of 1.0.
            *response.version_mut() = self.version;
            let close = HeaderValue::from_static("close");
            response.headers_mut().insert(header::CONNECTION, close);
        }
    }
}

impl connection::Exchange for Record {
    type Answer = Routed;

    /// Gives an answer the common headers.
    fn complete(&mut self, answer: Routed, conn: &Conn) -> Response<ResBody> {
        let Routed {
            route,
            mut response,
        } = answer;
        self.route = route.unwrap_or(self.route);
        self.status = Some(response.status().as_u16());
        self.close_if_last(&mut response, conn);
        let headers = response.headers_mut();
        let common = &self.port.state.common_headers;
        let id = std::mem::replace(&mut self.id, HeaderValue::from_static(""));
        common.complete(headers, id);
        let trace = self.trace.as_ref();
        let trace = trace.map(|t| HeaderValue::try_from(t.to_string()));
        if let Some(Ok(trace)) = trace {
            headers.insert(TRACEPARENT, trace);
        }
        response
    }

    fn finish(mut self, complete: bool) {
        if let Some(line) = self.line.take() {
            line.write(&self, complete);
        }
        // The end of the record does the rest.
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let status = self.status.unwrap_or(CLIENT_CLOSED);
        let took = self.begun.elapsed();
        let state = &self.port.state;
        if let (Some(spans), Some(trace)) = (&state.spans, &self.trace) {
            spans.add(Span {
                trace: **trace,
                method: self.method,
                route: self.route,
                status: self.status,
                took,
                ended: SystemTime::now(),
            });
        }
        state
            .metrics
            .request_finished(self.method, self.route, status, took);
    }
}

/// `uri-host [ ":" port ]`, which may be empty (RFC 9110, 7.2).
fn is_host(host: &[u8]) -> bool {
    is_plain_host(host)
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

/// Whether the host has the usual form: letters, digits, dots and hyphens, and optionally a short port.
fn is_plain_host(host: &[u8]) -> bool {
    let name = host
        .iter()
        .take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
        .count();
    match &host[name..] {
        [] => true,
        [b':', port @ ..] => name > 0 && port.len() <= 4 && port.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// The client's id if it is safe to log and return, else a new one.
fn request_id(given: Option<&HeaderValue>) -> HeaderValue {
    let sane = |v: &&HeaderValue| {
        (1..=64).contains(&v.len())
            && v.as_bytes()
                .iter()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(b))
    };
    given.filter(sane).cloned().unwrap_or_else(|| {
        let id = hexadecimal(fastrand::u128(..));
        HeaderValue::from_bytes(&id).unwrap_or(HeaderValue::from_static("-"))
    })
}

/// 32 digits, without a detour through memory.
fn hexadecimal(id: u128) -> [u8; 32] {
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(id.to_be_bytes()) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    digits
}

fn method(method: &http::Method) -> Method {
    match *method {
        http::Method::GET => Method::Get,
        http::Method::HEAD => Method::Head,
        _ => Method::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_has_32_hexadecimal_digits() {
        assert_eq!(&hexadecimal(0), b"00000000000000000000000000000000");
        assert_eq!(
            hexadecimal(0x0123_4567_89ab_cdef_u128 << 64 | 0xff),
            *b"0123456789abcdef00000000000000ff"
        );
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

//! Everything that is not a number: health, probes, metrics, version, the API's description.

use std::net::{IpAddr, UdpSocket};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use salvo::http::{HeaderValue, StatusCode, header};
use salvo::{Depot, FlowCtrl, Handler, Request, Response, async_trait, handler};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::openapi;
use super::problem::Problem;
use super::query::IndexLimits;
use crate::State;
use crate::connection::Conn;
use crate::telemetry;

const DOCS: &str = include_str!("docs.html");

fn send(
    res: &mut Response,
    status: StatusCode,
    media_type: &'static str,
    body: impl Into<salvo::http::ResBody>,
) {
    res.status_code(status);
    res.headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    res.body(body);
}

fn send_json(res: &mut Response, status: StatusCode, body: &Value) {
    res.headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    send(res, status, "application/json", body.to_string());
}

/// The running build.
fn build() -> Value {
    json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")})
}

/// `GET /version`
#[handler]
pub async fn version(res: &mut Response) {
    send_json(res, StatusCode::OK, &build());
}

/// `GET /openapi.json`: OpenAPI 3.1.
#[derive(Debug)]
pub struct OpenApi {
    limits: IndexLimits,
    /// Written on first request: it would take most of the startup time.
    document: OnceLock<String>,
}

impl OpenApi {
    /// For a server with these limits.
    pub fn new(limits: IndexLimits) -> Self {
        Self {
            limits,
            document: OnceLock::new(),
        }
    }
}

#[async_trait]
impl Handler for OpenApi {
    async fn handle(&self, _: &mut Request, _: &mut Depot, res: &mut Response, _: &mut FlowCtrl) {
        let document = self
            .document
            .get_or_init(|| openapi::document(self.limits).to_string());
        send(res, StatusCode::OK, "application/json", document.clone());
    }
}

/// `GET /docs`: a page to try the API.
#[handler]
pub async fn docs(res: &mut Response) {
    send(res, StatusCode::OK, "text/html; charset=utf-8", DOCS);
}

/// `GET /livez`: the process is up. Never depends on load.
#[handler]
pub async fn live(res: &mut Response) {
    send_json(res, StatusCode::OK, &json!({"status": "ok"}));
}

/// `GET /readyz`: new clients are welcome.
#[derive(Debug, Clone)]
pub struct Ready(pub Arc<State>);

#[async_trait]
impl Handler for Ready {
    async fn handle(&self, _: &mut Request, _: &mut Depot, res: &mut Response, _: &mut FlowCtrl) {
        let lifecycle = &self.0.lifecycle;
        let (status, word) = if lifecycle.is_ready() {
            (StatusCode::OK, "ok")
        } else if lifecycle.is_draining() {
            (StatusCode::SERVICE_UNAVAILABLE, "draining")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "starting")
        };
        send_json(res, status, &json!({"status": word}));
    }
}

/// `GET /health`: for people and for load balancers of the main port.
#[derive(Debug, Clone)]
pub struct Health(pub Arc<State>);

#[async_trait]
impl Handler for Health {
    async fn handle(&self, _: &mut Request, _: &mut Depot, res: &mut Response, _: &mut FlowCtrl) {
        let state = &self.0;
        let mut body = build();
        body["status"] = json!("ok");
        body["draining"] = json!(state.lifecycle.is_draining());
        body["pod"] = json!(state.config.pod);
        body["uptime_ms"] =
            json!(u64::try_from(state.started.elapsed().as_millis()).unwrap_or(u64::MAX));
        send_json(res, StatusCode::OK, &body);
    }
}

/// `GET /metrics`
#[derive(Debug, Clone)]
pub struct MetricsText(pub Arc<State>);

#[async_trait]
impl Handler for MetricsText {
    async fn handle(&self, _: &mut Request, _: &mut Depot, res: &mut Response, _: &mut FlowCtrl) {
        match self.0.metrics.text() {
            Ok(text) => send(
                res,
                StatusCode::OK,
                "text/plain; version=0.0.4; charset=utf-8",
                text,
            ),
            Err(error) => {
                tracing::error!(%error, "the metrics can't be written");
                Problem::internal().write_to(res);
            }
        }
    }
}

/// `GET /log-level`: the current filter.
#[handler]
pub async fn log_level(res: &mut Response) {
    send_json(res, StatusCode::OK, &json!({"level": telemetry::level()}));
}

/// `PUT /log-level`: sets a level or a filter, given as text.
#[handler]
pub async fn set_log_level(req: &mut Request, res: &mut Response) {
    /// A filter is a few words.
    const LONGEST: usize = 1_024;
    /// The body usually arrives with the head. A client that never sends it would occupy one of the admin
    /// port's few connections.
    const PATIENCE: Duration = Duration::from_secs(2);
    let Ok(wanted) = timeout(PATIENCE, req.payload_with_max_size(LONGEST)).await else {
        Problem::of_status(StatusCode::REQUEST_TIMEOUT).write_to(res);
        return;
    };
    let wanted = wanted
        .ok()
        .and_then(|bytes| std::str::from_utf8(bytes).ok())
        .map(str::trim)
        .unwrap_or_default()
        .to_owned();
    let set = if wanted.is_empty() {
        Err("it is empty".to_owned())
    } else {
        telemetry::set_level(&wanted).map_err(|e| e.0)
    };
    match set {
        Ok(()) => send_json(res, StatusCode::OK, &json!({"level": wanted})),
        Err(wrong) => {
            let allowed = "error, warn, info, debug, trace, or a filter such as fib_server=debug";
            Problem::parameter("level", &wrong, allowed).write_to(res);
        }
    }
}

/// `POST /drain`: announces that the server is leaving without stopping it, as a blue-green switch needs.
/// Requires the configured token, or a request from the pod itself: otherwise anyone could take the pod out of
/// service.
#[derive(Debug, Clone)]
pub struct Drain(pub Arc<State>);

#[async_trait]
impl Handler for Drain {
    async fn handle(&self, req: &mut Request, _: &mut Depot, res: &mut Response, _: &mut FlowCtrl) {
        if has_token(req, self.0.config.drain_token.as_deref()) || is_from_here(req) {
            self.0.begin_drain();
            send_json(res, StatusCode::ACCEPTED, &json!({"status": "draining"}));
        } else {
            Problem::forbidden().write_to(res);
        }
    }
}

/// Whether the request has the token. The comparison takes the same time wherever they differ.
fn has_token(req: &Request, token: Option<&str>) -> bool {
    let given = req
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    match (given, token) {
        (Some(given), Some(token)) => {
            let differences = given
                .iter()
                .zip(token.as_bytes())
                .fold(0, |all, (a, b)| all | (a ^ b));
            given.len() == token.len() && differences == 0
        }
        _ => false,
    }
}

/// Whether the client is on this machine, which is the pod: only its own addresses can be bound.
fn is_from_here(req: &Request) -> bool {
    let Some(conn) = req.extensions().get::<Arc<Conn>>() else {
        return false;
    };
    is_own(conn.peer().ip())
}

/// Whether an address is one of this machine's.
fn is_own(address: IpAddr) -> bool {
    let address = address.to_canonical();
    address.is_loopback() || UdpSocket::bind((address, 0)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_must_match_completely_and_without_a_token_nothing_passes() {
        let with = |authorization: &str| {
            let mut request = Request::new();
            let value = authorization.parse().unwrap();
            request.headers_mut().insert(header::AUTHORIZATION, value);
            request
        };
        let token = Some("secret-7");
        assert!(has_token(&with("Bearer secret-7"), token));
        for wrong in [
            "Bearer secret-8",
            "Bearer secret-",
            "Bearer secret-77",
            "Bearer ",
            "secret-7",
            "Basic secret-7",
        ] {
            assert!(!has_token(&with(wrong), token), "{wrong}");
        }
        assert!(!has_token(&Request::new(), token));
        assert!(!has_token(&with("Bearer "), None));
    }

    #[test]
    fn only_addresses_of_this_machine_are_its_own() {
        for own in ["127.0.0.1", "::ffff:127.0.0.1", "::1"] {
            assert!(is_own(own.parse().unwrap()), "{own}");
        }
        // Documentation addresses, which nobody has.
        for other in ["192.0.2.1", "::ffff:192.0.2.1", "2001:db8::1"] {
            assert!(!is_own(other.parse().unwrap()), "{other}");
        }
    }
}

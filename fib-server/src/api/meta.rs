//! What is not a number: health, probes, metrics, version, the API's description.

use std::sync::Arc;

use salvo::http::{HeaderValue, StatusCode, header};
use salvo::{Depot, FlowCtrl, Handler, Request, Response, async_trait, handler};
use serde_json::{Value, json};

use super::problem::Problem;
use crate::State;

const OPENAPI: &str = include_str!("openapi.json");
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

/// What runs.
fn build() -> Value {
    json!({"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")})
}

/// `GET /version`
#[handler]
pub async fn version(res: &mut Response) {
    send_json(res, StatusCode::OK, &build());
}

/// `GET /openapi.json`: OpenAPI 3.1.
#[handler]
pub async fn openapi(res: &mut Response) {
    send(res, StatusCode::OK, "application/json", OPENAPI);
}

/// `GET /docs`: a page to try it.
#[handler]
pub async fn docs(res: &mut Response) {
    send(res, StatusCode::OK, "text/html; charset=utf-8", DOCS);
}

/// `GET /livez`: the process is up. Never depends on load.
#[handler]
pub async fn live(res: &mut Response) {
    send_json(res, StatusCode::OK, &json!({"status": "ok"}));
}

/// `GET /readyz`: new clients may come.
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

/// `POST /drain`: become a lame duck without stopping, as a blue-green switch wants it.
#[derive(Debug, Clone)]
pub struct Drain(pub Arc<State>);

#[async_trait]
impl Handler for Drain {
    async fn handle(&self, _: &mut Request, _: &mut Depot, res: &mut Response, _: &mut FlowCtrl) {
        self.0.begin_drain();
        send_json(res, StatusCode::ACCEPTED, &json!({"status": "draining"}));
    }
}

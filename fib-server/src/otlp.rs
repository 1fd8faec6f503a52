//! Spans for an OpenTelemetry collector: OTLP over HTTP in its JSON encoding (OTLP 1.x, `trace.proto`). The
//! HTTP library is here already, and a span of this server has a dozen fields, so this needs no other crate.
//! Without `--otlp` nothing is sent.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::Request;
use hyper::client::conn::http1;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use salvo::http::ResBody;
use salvo::http::uri::{Authority, Scheme, Uri};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::config::BadConfig;
use crate::metrics::{Method, Metrics, Route};
use crate::trace::TraceParent;

/// The interval.
const EVERY: Duration = Duration::from_secs(2);

/// Spans that wait to be sent. More are dropped and counted, so a slow collector never takes memory.
const MOST: usize = 2_048;

/// The most spans per request.
const BATCH: usize = 512;

/// If a collector takes longer, these spans are lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// At shutdown there is less time.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// `SPAN_KIND_SERVER` and `STATUS_CODE_ERROR`.
const SERVER: u32 = 2;
const ERROR: u32 = 2;

/// The address to which spans are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collector {
    authority: Authority,
    path: String,
}

impl Collector {
    /// Parses `http://HOST:PORT`, which gets the default path `/v1/traces`, or an address with a path.
    ///
    /// If it is not such an address.
    pub fn read(text: &str) -> Result<Self, BadConfig> {
        let wrong = || {
            BadConfig(format!(
                "otlp {text:?} is not a collector's address; use one such as http://collector:4318"
            ))
        };
        let uri: Uri = text.parse().map_err(|_| wrong())?;
        let authority = uri.authority().ok_or_else(wrong)?;
        if uri.scheme() != Some(&Scheme::HTTP) || authority.as_str().contains('@') {
            return Err(wrong());
        }
        let path = match uri.path() {
            "" | "/" => "/v1/traces",
            path => path,
        };
        Ok(Self {
            authority: authority.clone(),
            path: path.to_owned(),
        })
    }
}

impl std::fmt::Display for Collector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "http://{}{}", self.authority, self.path)
    }
}

impl Serialize for Collector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The facts about a request that belongs to a trace.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Span {
    pub(crate) trace: TraceParent,
    pub(crate) method: Method,
    pub(crate) route: Route,
    /// `None` if the client left before its answer.
    pub(crate) status: Option<u16>,
    pub(crate) took: Duration,
    pub(crate) ended: SystemTime,
}

/// Spans on their way to the collector.
#[derive(Debug)]
pub(crate) struct Spans {
    waiting: Mutex<Vec<Span>>,
    many: Notify,
    metrics: Arc<Metrics>,
}

impl Spans {
    pub(crate) fn new(metrics: Arc<Metrics>) -> Self {
        Self {
            waiting: Mutex::default(),
            many: Notify::new(),
            metrics,
        }
    }

    /// Queues the span of a request, if its trace is sampled and there is room.
    pub(crate) fn add(&self, span: Span) {
        if !span.trace.is_sampled() {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= MOST {
            self.metrics.spans_dropped(1);
            return;
        }
        waiting.push(span);
        if waiting.len() == BATCH {
            self.many.notify_one();
        }
    }

    fn take(&self) -> Vec<Span> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Sends queued spans, forever.
    pub(crate) async fn send(&self, collector: &Collector, pod: &str) {
        let mut told = false;
        loop {
            tokio::select! {
                () = sleep(EVERY) => {}
                () = self.many.notified() => {}
            }
            self.flush(collector, pod, PATIENCE, &mut told).await;
        }
    }

    /// Sends the remaining spans after the last answer.
    pub(crate) async fn send_the_last(&self, collector: &Collector, pod: &str) {
        self.flush(collector, pod, LAST_PATIENCE, &mut true).await;
    }

    /// A collector that does not accept spans loses them, and is logged once.
    async fn flush(&self, collector: &Collector, pod: &str, patience: Duration, told: &mut bool) {
        for batch in self.take().chunks(BATCH) {
            let body = request(batch, pod).to_string();
            let sent = timeout(patience, post(collector, body))
                .await
                .unwrap_or_else(|_| Err(format!("it took more than {patience:?}").into()));
            let Err(error) = sent else {
                *told = false;
                continue;
            };
            self.metrics.spans_dropped(batch.len() as u64);
            if !std::mem::replace(told, true) {
                tracing::warn!(%error, %collector, "the collector does not accept spans");
            }
        }
    }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

async fn post(collector: &Collector, body: String) -> Result<(), Failed> {
    let port = collector.authority.port_u16().unwrap_or(80);
    let host = collector.authority.host().trim_matches(['[', ']']);
    let stream = TcpStream::connect((host, port)).await?;
    let (mut requests, mut connection) = http1::handshake(TokioIo::new(stream)).await?;
    let request = Request::post(&collector.path)
        .header(HOST, collector.authority.as_str())
        .header(CONTENT_TYPE, "application/json")
        .body(ResBody::Once(Bytes::from(body)))?;
    let mut answer = std::pin::pin!(requests.send_request(request));
    // The body is not needed: the connection ends here. It may have ended with the answer.
    let answer = tokio::select! {
        answer = &mut answer => answer?,
        _ = &mut connection => answer.await?,
    };
    if answer.status().is_success() {
        Ok(())
    } else {
        Err(format!("it answered {}", answer.status()).into())
    }
}

/// An export request (`ExportTraceServiceRequest`), with the names of the semantic conventions for HTTP.
fn request(spans: &[Span], pod: &str) -> Value {
    let spans: Vec<_> = spans.iter().map(span).collect();
    json!({
        "resourceSpans": [{
            "resource": { "attributes": [
                text("service.name", env!("CARGO_PKG_NAME")),
                text("service.version", env!("CARGO_PKG_VERSION")),
                text("service.instance.id", pod),
            ]},
            "scopeSpans": [{ "scope": { "name": env!("CARGO_PKG_NAME") }, "spans": spans }],
        }],
    })
}

fn span(span: &Span) -> Value {
    let nanos = |at: SystemTime| {
        let since = at.duration_since(SystemTime::UNIX_EPOCH);
        since.unwrap_or_default().as_nanos().to_string()
    };
    let (method, route) = (span.method.as_str(), span.route.as_str());
    let is_known = span.route != Route::Unmatched;
    let verb = if span.method == Method::Other {
        "HTTP"
    } else {
        method
    };
    let mut attributes = vec![text("http.request.method", method)];
    if is_known {
        attributes.push(text("http.route", route));
    }
    match span.status {
        Some(status) => attributes.push(json!({
            "key": "http.response.status_code", "value": { "intValue": status.to_string() }
        })),
        None => attributes.push(text("error.type", "client-gone")),
    }
    let mut made = json!({
        "traceId": span.trace.trace_id(),
        "spanId": span.trace.span_id(),
        "parentSpanId": span.trace.parent_id(),
        "flags": span.trace.flags(),
        "name": if is_known { format!("{verb} {route}") } else { verb.to_owned() },
        "kind": SERVER,
        "startTimeUnixNano": nanos(span.ended.checked_sub(span.took).unwrap_or(span.ended)),
        "endTimeUnixNano": nanos(span.ended),
        "attributes": attributes,
    });
    if span.status.is_some_and(|status| status >= 500) {
        made["status"] = json!({ "code": ERROR });
    }
    made
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

#[cfg(test)]
mod tests {
    use salvo::http::HeaderValue;

    use super::*;

    fn of(flags: &str) -> Span {
        let parent = format!("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}");
        Span {
            trace: TraceParent::read(&HeaderValue::try_from(parent).unwrap()).unwrap(),
            method: Method::Get,
            route: Route::Get,
            status: Some(200),
            took: Duration::from_millis(5),
            ended: SystemTime::UNIX_EPOCH + Duration::from_secs(10),
        }
    }

    fn spans() -> Spans {
        Spans::new(Arc::new(Metrics::new("").unwrap()))
    }

    #[test]
    fn a_collector_is_an_address_without_tls_and_has_the_default_path() {
        let read = |text| Collector::read(text).map(|c| c.to_string());
        assert_eq!(read("http://a:4318").unwrap(), "http://a:4318/v1/traces");
        assert_eq!(
            read("http://[::1]:4318/x/y").unwrap(),
            "http://[::1]:4318/x/y"
        );
        for wrong in [
            "",
            "a:4318",
            "https://a:4318",
            "http://",
            "http://a@b:4318",
            "/v1/traces",
        ] {
            assert!(read(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_failed_request_is_an_error_and_one_whose_client_left_has_no_status() {
        let failed = span(&Span {
            status: Some(503),
            ..of("01")
        });
        assert_eq!(failed["status"]["code"], 2);
        assert_eq!(span(&of("01"))["status"], Value::Null);
        let left = span(&Span {
            status: None,
            route: Route::Unmatched,
            ..of("01")
        });
        assert_eq!(left["name"], "GET");
        assert_eq!(left["attributes"][1]["value"]["stringValue"], "client-gone");
    }

    #[test]
    fn an_unsampled_trace_has_no_span_and_a_full_queue_takes_no_more() {
        let spans = spans();
        spans.add(of("00"));
        assert_eq!(spans.take().len(), 0);
        for _ in 0..MOST + 7 {
            spans.add(of("01"));
        }
        assert_eq!(spans.take().len(), MOST);
        let text = spans.metrics.text().unwrap();
        assert!(text.contains("\nfib_spans_dropped_total 7\n"), "{text}");
    }
}

//! The responses: the page, and the stream of states that updates it.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use hpa_check_core::documents::result::RunResult;
use hpa_check_core::run::evaluator::Evaluator;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::report::live::{self, Stage};

type Body = BoxBody<Bytes, std::convert::Infallible>;

/// One state of the run, judged and drawn when the first browser asks, on the server's own thread.
#[derive(Debug)]
pub(super) struct PageState {
    run: Run,
    event: OnceLock<Bytes>,
}

#[derive(Debug)]
enum Run {
    Going(Box<Evaluator>, Timestamp),
    Over(Box<RunResult>),
}

impl PageState {
    /// The run up to now.
    pub(super) fn going(run: Evaluator, now: Timestamp) -> Self {
        Self::new(Run::Going(Box::new(run), now))
    }

    /// The run with its verdict.
    pub(super) fn over(result: RunResult) -> Self {
        Self::new(Run::Over(Box::new(result)))
    }

    fn new(run: Run) -> Self {
        Self {
            run,
            event: OnceLock::new(),
        }
    }

    /// Whether it is the last.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.run, Run::Over(_))
    }

    fn draw(&self, how: impl FnOnce(&RunResult, Stage) -> String) -> String {
        match &self.run {
            Run::Over(result) => how(result, Stage::Over),
            Run::Going(run, now) => {
                let phase = run.timeline().phase.map(|p| p.value);
                let ended_here = Evaluator::clone(run).finish(*now);
                how(&ended_here, Stage::Going(phase))
            }
        }
    }

    fn page(&self) -> String {
        self.draw(live::page)
    }

    fn event(&self) -> Bytes {
        let draw = || {
            let name = if self.is_over() { "end" } else { "state" };
            // JSON has no raw newline, so the data is one line.
            let data = self.draw(live::state);
            Bytes::from(format!("event: {name}\ndata: {data}\n\n"))
        };
        self.event.get_or_init(draw).clone()
    }
}

/// Answers a request.
pub(super) fn answer<B>(
    request: &Request<B>,
    address: SocketAddr,
    states: &watch::Receiver<Arc<PageState>>,
) -> Response<Body> {
    if !is_for_us(request, address) {
        return text(
            StatusCode::MISDIRECTED_REQUEST,
            "this page is only served under its own address",
        );
    }
    if request.method() != Method::GET {
        let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "only GET is allowed");
        let get = header::HeaderValue::from_static("GET");
        response.headers_mut().insert(header::ALLOW, get);
        return response;
    }
    match request.uri().path() {
        "/" => {
            let now = Arc::clone(&states.borrow());
            let page = Full::from(now.page()).boxed();
            with_type("text/html; charset=utf-8", page)
        }
        "/events" => with_type(
            "text/event-stream",
            StreamBody::new(events(states.clone())).boxed(),
        ),
        _ => text(StatusCode::NOT_FOUND, "the only page is /"),
    }
}

/// Each state from now on, or the newest if the browser is too slow for all; the last one ends the stream.
fn events(
    mut states: watch::Receiver<Arc<PageState>>,
) -> impl Stream<Item = Result<Frame<Bytes>, std::convert::Infallible>> {
    states.mark_changed();
    stream::unfold(Some(states), |states| async {
        let mut states = states?;
        // Without a publisher the run ended without a verdict, and there is nothing more to show.
        states.changed().await.ok()?;
        let view = Arc::clone(&states.borrow_and_update());
        let next = (!view.is_over()).then_some(states);
        Some((Ok(Frame::data(view.event())), next))
    })
}

/// Whether the request names our address. Otherwise any page in a browser could let its own name resolve to
/// this machine and read the run (DNS rebinding).
fn is_for_us<B>(request: &Request<B>, address: SocketAddr) -> bool {
    if !address.ip().is_loopback() {
        return true;
    }
    let host = request.headers().get(header::HOST);
    let Some(Ok(host)) = host.map(|value| value.to_str()) else {
        return false;
    };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let ip = name.trim_start_matches('[').trim_end_matches(']');
    name == "localhost" || ip.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

fn text(status: StatusCode, text: &'static str) -> Response<Body> {
    let body = Full::from(format!("{text}\n")).boxed();
    let mut response = with_type("text/plain; charset=utf-8", body);
    *response.status_mut() = status;
    response
}

fn with_type(kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    let value = header::HeaderValue::from_static;
    headers.insert(header::CONTENT_TYPE, value(kind));
    headers.insert(header::CACHE_CONTROL, value("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, value("nosniff"));
    response
}

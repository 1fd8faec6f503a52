//! The request series: each is looked up once, and then found by index.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{IntCounter, IntCounterVec};

use super::histogram::Histogram;
use super::{Declare, SECONDS};

/// A request's route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Route {
    /// `/get`
    Get,
    /// `/health`
    Health,
    /// `/metrics`
    Metrics,
    /// `/version`
    Version,
    /// `/openapi.json`
    Openapi,
    /// `/docs`
    Docs,
    /// `/livez`
    Livez,
    /// `/readyz`
    Readyz,
    /// `/startupz`
    Startupz,
    /// `/drain`
    Drain,
    /// `/log-level`
    LogLevel,
    /// None: a path never becomes a label by itself.
    Unmatched,
}

impl Route {
    /// Every route.
    pub const ALL: [Self; 12] = [
        Self::Get,
        Self::Health,
        Self::Metrics,
        Self::Version,
        Self::Openapi,
        Self::Docs,
        Self::Livez,
        Self::Readyz,
        Self::Startupz,
        Self::Drain,
        Self::LogLevel,
        Self::Unmatched,
    ];

    /// The value of the label `path`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "/get",
            Self::Health => "/health",
            Self::Metrics => "/metrics",
            Self::Version => "/version",
            Self::Openapi => "/openapi.json",
            Self::Docs => "/docs",
            Self::Livez => "/livez",
            Self::Readyz => "/readyz",
            Self::Startupz => "/startupz",
            Self::Drain => "/drain",
            Self::LogLevel => "/log-level",
            Self::Unmatched => "unmatched",
        }
    }

    /// The route of a path as the router matched it, without its slash; `Unmatched` if there is none.
    pub fn of(matched: &str) -> Self {
        let is_it = |r: &Self| r.as_str().strip_prefix('/') == Some(matched);
        Self::ALL.into_iter().find(is_it).unwrap_or(Self::Unmatched)
    }

    /// The route of a request's path, if it is spelled like the route.
    pub fn at(path: &str) -> Self {
        path.strip_prefix('/').map_or(Self::Unmatched, Self::of)
    }
}

/// A request's method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET
    Get,
    /// HEAD
    Head,
    /// Any other one.
    Other,
}

impl Method {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Get, Self::Head, Self::Other];

    /// The value of the label `method`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Other => "_OTHER",
        }
    }
}

/// The statuses with series of their own. The index after them is for all others.
const STATUSES: [u16; 15] = [
    200, 204, 206, 304, 400, 404, 405, 413, 416, 422, 429, 499, 500, 503, 504,
];

const OTHER: usize = STATUSES.len();

/// The status of an answer that was never given, as in nginx.
pub(crate) const CLIENT_CLOSED: u16 = 499;

/// The index of a status in [`STATUSES`]. `/get` has all of them; for other paths, unexpected ones share a
/// series, or clients could create hundreds.
fn place(method: Method, route: Route, status: u16) -> usize {
    let told_apart = match (route, method) {
        (Route::Get, Method::Get | Method::Head) => true,
        (Route::Get | Route::Unmatched, _) => matches!(status, 400 | 404 | 405),
        (_, Method::Get | Method::Head) => matches!(status, 200 | 503),
        (_, Method::Other) => false,
    };
    STATUSES
        .iter()
        .position(|s| told_apart && *s == status)
        .unwrap_or(OTHER)
}

/// The classes by which durations are separated.
const CLASSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// The series.
#[derive(Debug)]
pub(super) struct RequestSeries {
    counters: IntCounterVec,
    /// By class.
    seconds: Vec<Histogram>,
    found: Vec<OnceLock<IntCounter>>,
}

impl RequestSeries {
    pub(super) fn new(declare: &Declare<'_>) -> prometheus::Result<Self> {
        let seconds = |class| {
            declare.histogram(
                "http_request_duration_seconds",
                "Time from the head of a request for /get to the end of its answer",
                &SECONDS,
                &[("path", Route::Get.as_str()), ("status", class)],
            )
        };
        let places = Route::ALL.len() * Method::ALL.len() * (OTHER + 1);
        Ok(Self {
            counters: declare.counters(
                "http_requests_total",
                "Answers",
                &["method", "path", "status"],
            )?,
            seconds: CLASSES.into_iter().map(seconds).collect::<Result<_, _>>()?,
            found: (0..places).map(|_| OnceLock::new()).collect(),
        })
    }

    pub(super) fn finished(&self, method: Method, route: Route, status: u16, took: Duration) {
        let status_at = place(method, route, status);
        let at = (route as usize * Method::ALL.len() + method as usize) * (OTHER + 1) + status_at;
        self.found[at]
            .get_or_init(|| {
                let status = STATUSES.get(status_at).map(u16::to_string);
                let status = status.as_deref().unwrap_or("other");
                let labels = [method.as_str(), route.as_str(), status];
                self.counters.with_label_values(&labels)
            })
            .inc();
        if route == Route::Get && status != CLIENT_CLOSED {
            let class = usize::from(status / 100).clamp(2, 5) - 2;
            self.seconds[class].observe(took.as_secs_f64());
        }
    }
}

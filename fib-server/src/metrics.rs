//! All metrics, declared once and updated through named methods.
//!
//! No label has a value that a client chooses, so there are never more than about 300 series.

mod histogram;
mod process;
mod requests;

use std::time::Duration;

use prometheus::{Encoder, IntCounter, IntCounterVec, IntGauge, Opts, Registry, TextEncoder};

use crate::admission::{Kind, ShedReason, Work};
use crate::cancel::Stopped;
use crate::connection::Cut;
use histogram::Histogram;
pub(crate) use requests::CLIENT_CLOSED;
use requests::RequestSeries;
pub use requests::{Method, Route};

/// Half a millisecond to ten seconds.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The same for internal durations, where a few steps are enough.
const COARSE_SECONDS: [f64; 7] = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0];

/// The series.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: RequestSeries,
    in_flight: IntGauge,
    compute_seconds: Histogram,
    compute_cpu_seconds: Histogram,
    queue_wait_seconds: Histogram,
    n: Histogram,
    result_bits: Histogram,
    queue_depth: IntGauge,
    bytes_held: IntGauge,
    shed: [IntCounter; ShedReason::ALL.len()],
    cancelled_deadline: IntCounter,
    cancelled_gone: IntCounter,
    recomputed: IntCounter,
    spans_dropped: IntCounter,
    connections_open: IntGauge,
    connections_opened: IntCounter,
    connections_refused: IntCounter,
    connections_cut: [IntCounter; Cut::ALL.len()],
    connections_recycled: [IntCounter; Recycled::ALL.len()],
    rate_limited: IntCounter,
    draining: IntGauge,
}

/// Declares series in one registry.
struct Declare<'r>(&'r Registry);

impl Declare<'_> {
    fn counter(&self, name: &str, help: &str) -> prometheus::Result<IntCounter> {
        let series = IntCounter::new(name, help)?;
        self.0.register(Box::new(series.clone()))?;
        Ok(series)
    }

    fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> prometheus::Result<IntCounterVec> {
        let series = IntCounterVec::new(Opts::new(name, help), labels)?;
        self.0.register(Box::new(series.clone()))?;
        Ok(series)
    }

    fn gauge(&self, name: &str, help: &str) -> prometheus::Result<IntGauge> {
        let series = IntGauge::new(name, help)?;
        self.0.register(Box::new(series.clone()))?;
        Ok(series)
    }

    fn histogram(
        &self,
        name: &str,
        help: &str,
        bounds: &[f64],
        labels: &[(&str, &str)],
    ) -> prometheus::Result<Histogram> {
        let series = Histogram::new(name, help, bounds, labels)?;
        self.0.register(Box::new(series.clone()))?;
        Ok(series)
    }
}

impl Metrics {
    /// Declares every series.
    ///
    /// Only if two series have the same name, which is a bug in this file.
    pub fn new(pod: &str) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let declare = Declare(&registry);
        let build = IntGauge::with_opts(
            Opts::new("build_info", "Always 1; the labels describe the build")
                .const_label("version", env!("CARGO_PKG_VERSION"))
                .const_label("pod", pod),
        )?;
        build.set(1);
        registry.register(Box::new(build))?;
        process::register(&registry)?;
        let shed =
            declare.counters("fib_shed_total", "Requests that were rejected", &["reason"])?;
        let cut = declare.counters(
            "fib_connections_cut_total",
            "Connections that the server ended by itself",
            &["reason"],
        )?;
        let recycled = declare.counters(
            "fib_connections_recycled_total",
            "Connections that the server asked to close",
            &["reason"],
        )?;
        let cancelled = declare.counters(
            "fib_cancelled_total",
            "Computations that were stopped",
            &["reason"],
        )?;
        let powers = powers_of_ten(8);
        Ok(Self {
            requests: RequestSeries::new(&declare)?,
            in_flight: declare.gauge(
                "http_requests_in_flight",
                "Requests whose answer has not been fully sent",
            )?,
            compute_seconds: declare.histogram(
                "fib_compute_seconds",
                "Wall time of one computation, without its time in the queue",
                &SECONDS,
                &[],
            )?,
            compute_cpu_seconds: declare.histogram(
                "fib_compute_cpu_seconds",
                "CPU time of one computation",
                &COARSE_SECONDS,
                &[],
            )?,
            queue_wait_seconds: declare.histogram(
                "fib_queue_wait_seconds",
                "Time of one computation in the queue",
                &COARSE_SECONDS,
                &[],
            )?,
            n: declare.histogram("fib_n", "The n of the numbers that were computed", &powers, &[])?,
            result_bits: declare.histogram(
                "fib_result_bits",
                "Size of the numbers that were computed, in bits",
                &powers,
                &[],
            )?,
            queue_depth: declare.gauge("fib_queue_depth", "Waiting computations")?,
            bytes_held: declare.gauge(
                "fib_bytes_held",
                "Memory of answers that clients have not read and requests they have not fully sent",
            )?,
            shed: ShedReason::ALL.map(|r| shed.with_label_values(&[r.as_str()])),
            cancelled_deadline: cancelled.with_label_values(&["deadline"]),
            cancelled_gone: cancelled.with_label_values(&["client-gone"]),
            recomputed: declare.counter(
                "fib_recomputed_total",
                "Results that failed their check modulo a prime and were recomputed another way",
            )?,
            spans_dropped: declare.counter(
                "fib_spans_dropped_total",
                "Spans that the collector of --otlp did not accept, or for which there was no room",
            )?,
            connections_open: declare.gauge("fib_connections_open", "Open connections")?,
            connections_opened: declare
                .counter("fib_connections_opened_total", "Accepted connections")?,
            connections_refused: declare.counter(
                "fib_connections_refused_total",
                "Connections rejected because there were too many",
            )?,
            connections_cut: Cut::ALL.map(|c| cut.with_label_values(&[c.as_str()])),
            connections_recycled: Recycled::ALL
                .map(|reason| recycled.with_label_values(&[reason.as_str()])),
            rate_limited: declare.counter(
                "fib_rate_limited_total",
                "Requests above the rate that one client may send",
            )?,
            draining: declare.gauge("fib_draining", "1 while the server drains")?,
            registry,
        })
    }

    /// A request's head has arrived.
    pub fn request_started(&self) {
        self.in_flight.inc();
    }

    /// A request's answer was fully sent, or cut off.
    pub fn request_finished(&self, method: Method, route: Route, status: u16, took: Duration) {
        self.in_flight.dec();
        self.requests.finished(method, route, status, took);
    }

    /// A computation, or a part of a sequence, finished, with its wall time and CPU time.
    #[expect(clippy::cast_precision_loss, reason = "for a histogram's bucket")]
    pub fn computed(&self, work: Work, wall: Duration, cpu: Duration) {
        self.compute_seconds.observe(wall.as_secs_f64());
        self.compute_cpu_seconds.observe(cpu.as_secs_f64());
        if work.kind != Kind::Sequence {
            self.n.observe(work.to as f64);
            // F(n) has n · log2(golden ratio) bits, to within two.
            self.result_bits.observe(work.to as f64 * 0.694_241_913_6);
        }
    }

    /// A computation has left the queue.
    pub fn queue_waited(&self, wait: Duration) {
        self.queue_wait_seconds.observe(wait.as_secs_f64());
    }

    /// A request was rejected.
    pub fn shed(&self, reason: ShedReason) {
        self.shed[reason as usize].inc();
    }

    /// Digits failed their check, and were computed again without the transform.
    pub fn recomputed(&self) {
        self.recomputed.inc();
    }

    /// Spans did not reach the collector.
    pub fn spans_dropped(&self, count: u64) {
        self.spans_dropped.inc_by(count);
    }

    /// A computation was stopped.
    pub fn cancelled(&self, stopped: Stopped) {
        match stopped {
            Stopped::Deadline => self.cancelled_deadline.inc(),
            Stopped::Abandoned => self.cancelled_gone.inc(),
        }
    }

    /// How many computations wait.
    pub fn queue_depth(&self, depth: usize) {
        self.queue_depth
            .set(i64::try_from(depth).unwrap_or(i64::MAX));
    }

    /// The gauge of the memory that clients make the server hold.
    pub fn bytes_held(&self) -> IntGauge {
        self.bytes_held.clone()
    }

    /// A connection was accepted; the guard's end is the connection's end.
    pub fn connection_opened(&self) -> InFlight {
        self.connections_opened.inc();
        self.connections_open.inc();
        InFlight(self.connections_open.clone())
    }

    /// A connection was rejected.
    pub fn connection_refused(&self) {
        self.connections_refused.inc();
    }

    /// A connection was ended by the server.
    pub fn connection_cut(&self, cut: Cut) {
        self.connections_cut[cut as usize].inc();
    }

    /// A connection was asked to close.
    pub fn connection_recycled(&self, reason: Recycled) {
        self.connections_recycled[reason as usize].inc();
    }

    /// A request was above its client's rate.
    pub fn rate_limited(&self) {
        self.rate_limited.inc();
    }

    /// Whether the server drains.
    pub fn draining(&self, draining: bool) {
        self.draining.set(i64::from(draining));
    }

    /// All series in Prometheus' text format 0.0.4.
    ///
    /// If a series can't be written as text.
    pub fn text(&self) -> prometheus::Result<String> {
        let mut text = Vec::with_capacity(32 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Why a connection is asked to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recycled {
    /// It has had its share of answers.
    Requests,
    /// It is old.
    Age,
    /// The server drains.
    Drain,
}

impl Recycled {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Requests, Self::Age, Self::Drain];

    /// The value of the label `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Age => "age",
            Self::Drain => "drain",
        }
    }
}

/// Decrements the gauge when dropped.
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn powers_of_ten(up_to: i32) -> Vec<f64> {
    (1..=up_to).map(|e| 10_f64.powi(e)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_fewer_than_300_series_whatever_clients_request() {
        let metrics = Metrics::new("pod").unwrap();
        for route in Route::ALL {
            for method in Method::ALL {
                for status in 100..600 {
                    metrics.request_finished(method, route, status, Duration::ZERO);
                }
            }
        }
        for reason in Recycled::ALL {
            metrics.connection_recycled(reason);
        }
        let text = metrics.text().unwrap();
        let series = text.lines().filter(|l| !l.starts_with('#')).count();
        assert!(series < 300, "{series}");
    }
}

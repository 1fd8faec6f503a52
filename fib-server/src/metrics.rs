//! Everything that can be measured, declared once and spoken to in verbs.

use std::time::Duration;

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{
    Counter, Encoder, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, Opts,
    Registry, TextEncoder,
};

use crate::admission::ShedReason;
use crate::fibonacci::Stopped;

/// Half a millisecond to ten seconds.
const SECONDS: [f64; 14] = [
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The series.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: IntCounterVec,
    request_seconds: HistogramVec,
    in_flight: IntGauge,
    compute_seconds: Histogram,
    n: Histogram,
    result_bits: Histogram,
    queue_depth: IntGauge,
    shed: IntCounterVec,
    cancelled: IntCounterVec,
    connections_open: IntGauge,
    connections_recycled: IntCounterVec,
    draining: IntGauge,
}

impl Metrics {
    /// Declares every series.
    ///
    /// # Errors
    /// Only when two series have one name, which is a fault of this file.
    pub fn new(pod: &str) -> prometheus::Result<Self> {
        let registry = Registry::new();
        let counter =
            |name: &str, help: &str, labels: &[&str]| -> prometheus::Result<IntCounterVec> {
                let series = IntCounterVec::new(Opts::new(name, help), labels)?;
                registry.register(Box::new(series.clone()))?;
                Ok(series)
            };
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let series = IntGauge::new(name, help)?;
            registry.register(Box::new(series.clone()))?;
            Ok(series)
        };
        let histogram =
            |name: &str, help: &str, buckets: Vec<f64>| -> prometheus::Result<Histogram> {
                let series = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets))?;
                registry.register(Box::new(series.clone()))?;
                Ok(series)
            };
        let request_seconds = HistogramVec::new(
            HistogramOpts::new(
                "http_request_duration_seconds",
                "Time from the request's head to the answer's head",
            )
            .buckets(SECONDS.to_vec()),
            &["method", "path", "status"],
        )?;
        registry.register(Box::new(request_seconds.clone()))?;
        let build = IntGauge::with_opts(
            Opts::new("build_info", "Always 1; what runs is in the labels")
                .const_label("version", env!("CARGO_PKG_VERSION"))
                .const_label("pod", pod),
        )?;
        build.set(1);
        registry.register(Box::new(build))?;
        registry.register(Box::new(ProcessCpu::new()?))?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;

        Ok(Self {
            requests: counter(
                "http_requests_total",
                "Answers",
                &["method", "path", "status"],
            )?,
            request_seconds,
            in_flight: gauge("http_requests_in_flight", "Requests being answered")?,
            compute_seconds: histogram(
                "fib_compute_seconds",
                "CPU time of one computation",
                SECONDS.to_vec(),
            )?,
            n: histogram("fib_n", "The n of the computations", powers_of_ten(8))?,
            result_bits: histogram(
                "fib_result_bits",
                "Size of the results in bits",
                powers_of_ten(8),
            )?,
            queue_depth: gauge("fib_queue_depth", "Computations that wait")?,
            shed: counter(
                "fib_shed_total",
                "Computations that were not begun",
                &["reason"],
            )?,
            cancelled: counter(
                "fib_cancelled_total",
                "Computations that were stopped",
                &["reason"],
            )?,
            connections_open: gauge("fib_connections_open", "Open connections")?,
            connections_recycled: counter(
                "fib_connections_recycled_total",
                "Connections that the server asked to close",
                &["reason"],
            )?,
            draining: gauge("fib_draining", "1 while the server drains")?,
            registry,
        })
    }

    /// A request's head has arrived; the guard's end is the answer's.
    pub fn request_started(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// A request has been answered.
    pub fn request_finished(&self, method: &str, path: &str, status: u16, took: Duration) {
        let mut buffer = [0_u8; 3];
        let status = three_digits(status, &mut buffer);
        self.requests
            .with_label_values(&[method, path, status])
            .inc();
        self.request_seconds
            .with_label_values(&[method, path, status])
            .observe(took.as_secs_f64());
    }

    /// A computation ran to its end.
    #[expect(clippy::cast_precision_loss, reason = "for a histogram's bucket")]
    pub fn computed(&self, n: u64, took: Duration) {
        self.compute_seconds.observe(took.as_secs_f64());
        self.n.observe(n as f64);
        // F(n) has n · log2(golden ratio) bits, to within two.
        self.result_bits.observe(n as f64 * 0.694_241_913_6);
    }

    /// A computation was not begun.
    pub fn shed(&self, reason: ShedReason) {
        self.shed.with_label_values(&[reason.as_str()]).inc();
    }

    /// A computation was stopped.
    pub fn cancelled(&self, stopped: Stopped) {
        let reason = match stopped {
            Stopped::Deadline => "deadline",
            Stopped::Abandoned => "client-gone",
        };
        self.cancelled.with_label_values(&[reason]).inc();
    }

    /// How many computations wait.
    pub fn queue_depth(&self, depth: usize) {
        self.queue_depth
            .set(i64::try_from(depth).unwrap_or(i64::MAX));
    }

    /// A connection was accepted; the guard's end is the connection's.
    pub fn connection_opened(&self) -> InFlight {
        self.connections_open.inc();
        InFlight(self.connections_open.clone())
    }

    /// A connection was asked to close.
    pub fn connection_recycled(&self, reason: &str) {
        self.connections_recycled.with_label_values(&[reason]).inc();
    }

    /// Whether the server drains.
    pub fn draining(&self, draining: bool) {
        self.draining.set(i64::from(draining));
    }

    /// All series in Prometheus' text format 0.0.4.
    ///
    /// # Errors
    /// When a series can't be written as text.
    pub fn text(&self) -> prometheus::Result<String> {
        let mut text = Vec::with_capacity(16 * 1024);
        TextEncoder::new().encode(&self.registry.gather(), &mut text)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

/// Counts one down when dropped.
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn three_digits(status: u16, buffer: &mut [u8; 3]) -> &str {
    for (place, digit) in buffer
        .iter_mut()
        .zip([status / 100, status / 10 % 10, status % 10])
    {
        *place = b'0' + u8::try_from(digit % 10).unwrap_or_default();
    }
    std::str::from_utf8(buffer).unwrap_or("000")
}

fn powers_of_ten(up_to: i32) -> Vec<f64> {
    (1..=up_to).map(|e| 10_f64.powi(e)).collect()
}

/// CPU time read at each scrape: the process' own, finer than the whole seconds of the standard
/// collector, and the control group's with its throttling.
#[derive(Debug)]
struct ProcessCpu {
    process: Counter,
    group: Counter,
    periods: Counter,
    throttled_periods: Counter,
    throttled_seconds: Counter,
    quota: Gauge,
}

impl ProcessCpu {
    fn new() -> prometheus::Result<Self> {
        Ok(Self {
            process: Counter::new("fib_process_cpu_seconds_total", "CPU time of this process")?,
            group: Counter::new(
                "fib_cgroup_cpu_usage_seconds_total",
                "CPU time of the control group",
            )?,
            periods: Counter::new(
                "fib_cgroup_cpu_periods_total",
                "Periods in which the group ran",
            )?,
            throttled_periods: Counter::new(
                "fib_cgroup_cpu_throttled_periods_total",
                "Periods held back by the quota",
            )?,
            throttled_seconds: Counter::new(
                "fib_cgroup_cpu_throttled_seconds_total",
                "Time held back by the quota",
            )?,
            quota: Gauge::new(
                "fib_cgroup_cpu_quota_cores",
                "The group's quota in cores; 0 without one",
            )?,
        })
    }

    fn all(&self) -> [&dyn Collector; 6] {
        [
            &self.process,
            &self.group,
            &self.periods,
            &self.throttled_periods,
            &self.throttled_seconds,
            &self.quota,
        ]
    }

    /// The kernel counts; the series only follows.
    fn follow(counter: &Counter, value: f64) {
        counter.inc_by((value - counter.get()).max(0.0));
    }
}

impl Collector for ProcessCpu {
    fn desc(&self) -> Vec<&Desc> {
        self.all().into_iter().flat_map(|c| c.desc()).collect()
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of periods are far below 2^52"
    )]
    fn collect(&self) -> Vec<MetricFamily> {
        if let Some(seconds) = process_cpu_seconds() {
            Self::follow(&self.process, seconds);
        }
        if let Some(cpu) = program_common::cgroup::cpu() {
            Self::follow(&self.group, cpu.usage_seconds);
            Self::follow(&self.periods, cpu.periods as f64);
            Self::follow(&self.throttled_periods, cpu.throttled_periods as f64);
            Self::follow(&self.throttled_seconds, cpu.throttled_seconds);
            self.quota.set(cpu.quota_cores.unwrap_or_default());
        }
        self.all()
            .into_iter()
            .flat_map(Collector::collect)
            .collect()
    }
}

/// The time on a CPU in nanoseconds is the first number of each thread's `schedstat`.
fn process_cpu_seconds() -> Option<f64> {
    let mut nanos = 0_u64;
    for thread in std::fs::read_dir("/proc/self/task").ok()? {
        let stat = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
        nanos += stat.split_whitespace().next()?.parse::<u64>().ok()?;
    }
    Some(Duration::from_nanos(nanos).as_secs_f64())
}

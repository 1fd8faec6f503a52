//! A run's metrics while it runs: Prometheus scrapes them, an OpenTelemetry collector receives them. Off by
//! default.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use hdrhistogram::Histogram;

pub mod otlp;
pub mod prometheus;

use crate::view::Moment;

/// Upper bounds of the response time buckets, in microseconds: each about twice the previous one.
const BOUNDS_US: [u64; 15] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000, 30_000_000,
];

/// The kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// A number with its labels.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricPoint {
    /// At most one label, its name and value.
    pub label: Option<(&'static str, String)>,
    /// The number.
    pub value: f64,
}

/// A family of numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    /// Its name, as Prometheus has it.
    pub name: &'static str,
    /// Its description.
    pub help: &'static str,
    /// Its unit in UCUM, as OpenTelemetry has it.
    pub unit: &'static str,
    /// The kind of its numbers.
    pub kind: MetricKind,
    /// Its numbers.
    pub points: Vec<MetricPoint>,
}

/// Response times in buckets.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Times {
    /// The number of requests up to each bound and above the previous one, and finally those above all.
    pub counts: Vec<u64>,
    /// The sum of all times, in seconds.
    pub sum_s: f64,
}

/// Everything observed so far.
#[derive(Debug, Default)]
pub struct Seen {
    now: Moment,
    response: Option<Histogram<u64>>,
    pods: BTreeMap<String, u64>,
}

/// Everything observed so far, shared with those who export it.
pub type Shared = Arc<Mutex<Seen>>;

/// The upper bounds of the buckets, in seconds.
pub fn bounds_s() -> impl Iterator<Item = f64> {
    #[expect(clippy::cast_precision_loss, reason = "a few round numbers")]
    BOUNDS_US.iter().map(|us| *us as f64 / 1e6)
}

/// Adds a second.
pub fn take(shared: &Shared, moment: &Moment) {
    let mut seen = shared.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(response) = &moment.response {
        match &mut seen.response {
            // Both resize themselves, so adding can't fail.
            Some(all) => drop(all.add(response)),
            none => *none = Some(response.clone()),
        }
    }
    for (pod, answers) in &moment.tick.pods {
        *seen.pods.entry(pod.clone()).or_default() += answers;
    }
    seen.now = moment.clone();
}

/// A family of one number.
fn one(
    name: &'static str,
    help: &'static str,
    unit: &'static str,
    kind: MetricKind,
    value: f64,
) -> Family {
    let points = vec![MetricPoint { label: None, value }];
    Family {
        name,
        help,
        unit,
        kind,
        points,
    }
}

/// A counter with a label.
#[expect(clippy::cast_precision_loss, reason = "counts, far below 2^52")]
fn by<L: ToString, C: Into<u64>>(
    label: &'static str,
    name: &'static str,
    help: &'static str,
    unit: &'static str,
    counts: impl IntoIterator<Item = (L, C)>,
) -> Family {
    let point = |(value, count): (L, C)| MetricPoint {
        label: Some((label, value.to_string())),
        value: count.into() as f64,
    };
    let points = counts.into_iter().map(point).collect();
    let kind = MetricKind::Counter;
    Family {
        name,
        help,
        unit,
        kind,
        points,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts, far below 2^52")]
impl Seen {
    /// Every family except the response times.
    pub fn families(&self) -> Vec<Family> {
        [self.requests(), self.load(), self.own()].concat()
    }

    /// The requests by outcome.
    fn requests(&self) -> Vec<Family> {
        let (tick, so_far) = (&self.now.tick, &self.now.so_far);
        let outcomes = [
            ("right", tick.ok),
            ("wrong", tick.wrong),
            ("failed", tick.failed.saturating_sub(tick.wrong)),
        ];
        let statuses = so_far
            .statuses
            .iter()
            .map(|(status, count)| (status, *count));
        let errors = so_far.errors.iter().map(|(class, count)| (class, *count));
        let pods = self.pods.iter().map(|(pod, count)| (pod, *count));
        vec![
            by(
                "outcome",
                "fib_loadgen_requests_total",
                "Requests that ended, by outcome",
                "{request}",
                outcomes,
            ),
            by(
                "status",
                "fib_loadgen_answers_total",
                "Answers by status",
                "{answer}",
                statuses,
            ),
            by(
                "class",
                "fib_loadgen_failures_total",
                "Failures by class",
                "{request}",
                errors,
            ),
            by(
                "pod",
                "fib_loadgen_pod_answers_total",
                "Answers by pod",
                "{answer}",
                pods,
            ),
        ]
    }

    /// The load.
    fn load(&self) -> Vec<Family> {
        use MetricKind::{Counter, Gauge};
        let (tick, so_far) = (&self.now.tick, &self.now.so_far);
        let due = tick.offered_rps.unwrap_or(0.0);
        vec![
            one(
                "fib_loadgen_sent_total",
                "Requests sent",
                "{request}",
                Counter,
                tick.sent as f64,
            ),
            one(
                "fib_loadgen_received_bytes_total",
                "Bytes of bodies",
                "By",
                Counter,
                so_far.bytes as f64,
            ),
            one(
                "fib_loadgen_connections_total",
                "Connections made",
                "{connection}",
                Counter,
                so_far.connections as f64,
            ),
            one(
                "fib_loadgen_offered_rate",
                "Requests due per second",
                "{request}/s",
                Gauge,
                due,
            ),
            one(
                "fib_loadgen_users",
                "Users up",
                "{user}",
                Gauge,
                tick.users as f64,
            ),
            one(
                "fib_loadgen_unsent",
                "Requests that are due and not sent",
                "{request}",
                Gauge,
                tick.unsent as f64,
            ),
            one(
                "fib_loadgen_unfinished_total",
                "Requests in flight that were given up",
                "{request}",
                Counter,
                tick.unfinished as f64,
            ),
            one(
                "fib_loadgen_in_flight",
                "Requests in flight",
                "{request}",
                Gauge,
                tick.in_flight as f64,
            ),
        ]
    }

    /// The generator's own metrics.
    fn own(&self) -> Vec<Family> {
        use MetricKind::{Counter, Gauge};
        let own = &self.now.own;
        vec![
            one(
                "fib_loadgen_queued_total",
                "Requests that found no free user in time",
                "{request}",
                Counter,
                own.queued as f64,
            ),
            one(
                "fib_loadgen_cpu_seconds_total",
                "CPU time of the generator",
                "s",
                Counter,
                own.cpu_s,
            ),
            one(
                "fib_loadgen_cpu_allowed",
                "CPUs that the generator may use",
                "{cpu}",
                Gauge,
                own.cpu_allowed,
            ),
            one(
                "fib_loadgen_resident_bytes",
                "Memory of the generator",
                "By",
                Gauge,
                own.rss as f64,
            ),
            one(
                "fib_loadgen_throttled_periods_total",
                "Periods in which its control group was throttled",
                "{period}",
                Counter,
                own.throttled as f64,
            ),
        ]
    }

    /// The response times.
    pub fn times(&self) -> Times {
        let mut times = Times {
            counts: vec![0; BOUNDS_US.len() + 1],
            sum_s: 0.0,
        };
        let Some(response) = &self.response else {
            return times;
        };
        for step in response.iter_recorded() {
            let us = step.value_iterated_to();
            let bucket = BOUNDS_US.partition_point(|bound| *bound < us);
            let count = step.count_since_last_iteration();
            times.counts[bucket] += count;
            times.sum_s += us as f64 / 1e6 * count as f64;
        }
        times
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::live::Tick;
    use crate::report::fixture;
    use crate::view::SoFar;

    /// Two seconds, the second of which has a failure.
    pub(crate) fn seen() -> Shared {
        let shared = Shared::default();
        for second in 1..=2 {
            take(
                &shared,
                &Moment {
                    tick: Tick {
                        ok: 100 * second,
                        failed: second - 1,
                        users: 5,
                        pods: [("fib-\"a\\\n".to_owned(), 100)].into(),
                        ..Tick::default()
                    },
                    response: Some(fixture::times(100, 3)),
                    so_far: SoFar {
                        statuses: [(200, 100 * second)].into(),
                        errors: [("timeout.total", second - 1)].into(),
                        ..SoFar::default()
                    },
                    ..Moment::default()
                },
            );
        }
        shared
    }

    #[test]
    fn counters_cover_the_whole_run_and_every_time_is_in_a_bucket() {
        let shared = seen();
        let seen = shared.lock().unwrap();
        let families = seen.families();
        let value = |name: &str| {
            let family = families.iter().find(|family| family.name == name).unwrap();
            family.points.iter().map(|point| point.value).sum::<f64>()
        };
        assert!((value("fib_loadgen_requests_total") - 201.0).abs() < 1e-9);
        assert!((value("fib_loadgen_pod_answers_total") - 200.0).abs() < 1e-9);
        assert_eq!(seen.times().counts.iter().sum::<u64>(), 200);
        assert!(seen.times().sum_s > 0.6);
    }
}

//! The measures by which runs and simulations are compared. For every measure, less is better.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::documents::result::RunResult;
use crate::observation::Phase;
use crate::run::timeline::{Step, Timeline};
use crate::sim::Simulation;

/// A measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Measure {
    /// Seconds from the rise of the load until the most pods are ready.
    TimeToMost,
    /// Seconds from the end of the load until the fewest pods are ready.
    TimeDown,
    /// Longest time during which the pods could not keep up with the work, in seconds (simulations only).
    TimeToCapacity,
    /// Work that was not done on time, in percent of all work (simulations only).
    Unserved,
    /// 95th percentile over time of the CPU utilization, in percent of the request.
    Utilization,
    /// Failed requests, in percent of all.
    Failed,
    /// Number of wrong answers.
    WrongAnswers,
    /// 99th percentile response time in milliseconds: the median over all seconds of load.
    ResponseTime,
    /// Mean replicas over time.
    MeanReplicas,
    /// Mean CPU requested over time, in cores: the cost.
    RequestedCores,
    /// Number of scaling events.
    Scalings,
    /// Syncs that the model can't explain.
    UnexplainedSyncs,
}

impl Measure {
    /// All measures, in display order.
    pub const ALL: [Self; 12] = [
        Self::TimeToMost,
        Self::TimeDown,
        Self::TimeToCapacity,
        Self::Unserved,
        Self::Utilization,
        Self::Failed,
        Self::WrongAnswers,
        Self::ResponseTime,
        Self::MeanReplicas,
        Self::RequestedCores,
        Self::Scalings,
        Self::UnexplainedSyncs,
    ];

    /// Its name, for display.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TimeToMost => "time to most replicas",
            Self::TimeDown => "time down",
            Self::TimeToCapacity => "time to capacity",
            Self::Unserved => "work not done on time",
            Self::Utilization => "CPU utilization, p95",
            Self::Failed => "failed requests",
            Self::WrongAnswers => "wrong answers",
            Self::ResponseTime => "response time, p99",
            Self::MeanReplicas => "replicas, mean",
            Self::RequestedCores => "cores requested, mean",
            Self::Scalings => "scaling events",
            Self::UnexplainedSyncs => "unexplained syncs",
        }
    }

    /// Its unit.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::TimeToMost | Self::TimeDown | Self::TimeToCapacity => "s",
            Self::Unserved | Self::Utilization | Self::Failed => "%",
            Self::ResponseTime => "ms",
            Self::RequestedCores => "cores",
            Self::MeanReplicas | Self::WrongAnswers | Self::Scalings | Self::UnexplainedSyncs => "",
        }
    }

    /// The smallest difference that matters; 0 if any increase is too much. Times are known only to one sync
    /// period.
    pub const fn least(self, sync_seconds: f64) -> f64 {
        match self {
            Self::TimeToMost | Self::TimeDown | Self::TimeToCapacity => sync_seconds,
            Self::Unserved | Self::Failed | Self::MeanReplicas => 0.1,
            Self::Utilization => 2.0,
            Self::ResponseTime => 5.0,
            Self::RequestedCores => 0.01,
            Self::Scalings => 1.0,
            Self::WrongAnswers | Self::UnexplainedSyncs => 0.0,
        }
    }

    /// Formats a value for display.
    pub fn told(self, value: Option<f64>) -> String {
        let Some(value) = value else {
            return "–".to_owned();
        };
        match self {
            Self::WrongAnswers | Self::Scalings | Self::UnexplainedSyncs => format!("{value:.0}"),
            Self::MeanReplicas => format!("{value:.2}"),
            Self::Unserved | Self::Failed | Self::RequestedCores => {
                format!("{value:.2} {}", self.unit())
            }
            Self::ResponseTime => format!("{value:.1} ms"),
            _ => format!("{value:.0} {}", self.unit()),
        }
    }
}

/// The measures of a simulation, from its summary.
pub(super) fn of_simulation(simulation: &Simulation) -> Vec<(Measure, f64)> {
    let summary = &simulation.summary;
    let hours = number(summary.seconds) / 3_600.0;
    let mut measures = vec![
        (
            Measure::TimeToCapacity,
            number(summary.longest_short_seconds),
        ),
        (Measure::Unserved, summary.unserved_percent),
        (Measure::Utilization, summary.p95_utilization),
        (Measure::Scalings, number(summary.scalings)),
    ];
    if hours > 0.0 {
        measures.push((Measure::MeanReplicas, summary.pod_hours / hours));
        measures.push((Measure::RequestedCores, summary.core_hours / hours));
    }
    measures
}

/// The measures of a run, from its observations.
pub(super) fn of_run(result: &RunResult) -> Vec<(Measure, f64)> {
    let timeline = &result.timeline;
    let mean = mean(&timeline.spec, timeline.until);
    let request = timeline
        .pods
        .iter()
        .filter_map(|pod| pod.request_milli)
        .max();
    let load = result.load.as_ref();
    let share = |part: u64, whole: u64| (whole > 0).then(|| number(part) / number(whole) * 100.0);
    let scalings = timeline
        .spec
        .windows(2)
        .filter(|w| w[0].value != w[1].value);
    let measures = [
        (Measure::TimeToMost, time_to_most(timeline)),
        (Measure::TimeDown, time_down(timeline)),
        (
            Measure::Utilization,
            p95(&timeline.utilization, timeline.until),
        ),
        (
            Measure::Failed,
            load.and_then(|l| share(l.failed, l.requests)),
        ),
        (Measure::WrongAnswers, load.map(|l| number(l.wrong))),
        (Measure::ResponseTime, response_time(timeline)),
        (Measure::MeanReplicas, mean),
        (
            Measure::RequestedCores,
            mean.zip(request).map(|(mean, milli)| {
                mean * f64::from(i32::try_from(milli).unwrap_or(i32::MAX)) / 1_000.0
            }),
        ),
        (Measure::Scalings, Some(number(scalings.count() as u64))),
        (
            Measure::UnexplainedSyncs,
            Some(number(
                result.syncs.observed.saturating_sub(result.syncs.explained),
            )),
        ),
    ];
    let known = measures.into_iter();
    known.filter_map(|(m, value)| Some((m, value?))).collect()
}

fn begin(timeline: &Timeline, phase: Phase) -> Option<Timestamp> {
    let mut phases = timeline.phases.iter();
    phases
        .find(|span| span.phase == phase)
        .map(|span| span.from)
}

fn time_to_most(timeline: &Timeline) -> Option<f64> {
    let from = begin(timeline, Phase::Up)?;
    let most = timeline.ready.iter().map(|step| step.value).max()?;
    let reached = timeline
        .ready
        .iter()
        .find(|s| s.at >= from && s.value == most)?;
    Some(reached.at.duration_since(from).as_secs_f64())
}

fn time_down(timeline: &Timeline) -> Option<f64> {
    let from = begin(timeline, Phase::Down)?;
    let after = || timeline.ready.iter().filter(|step| step.at >= from);
    let fewest = after().map(|step| step.value).min()?;
    let reached = after().find(|step| step.value == fewest)?;
    Some(reached.at.duration_since(from).as_secs_f64())
}

/// Each value with the number of seconds it lasted.
fn held<T: Copy>(steps: &[Step<T>], until: Timestamp) -> impl Iterator<Item = (T, f64)> {
    let ends = steps.iter().skip(1).map(|step| step.at).chain([until]);
    let all: Vec<(T, f64)> = steps
        .iter()
        .zip(ends)
        .map(|(step, end)| {
            (
                step.value,
                end.duration_since(step.at).as_secs_f64().max(0.0),
            )
        })
        .collect();
    all.into_iter()
}

fn mean(steps: &[Step<i32>], until: Timestamp) -> Option<f64> {
    let (sum, time) = held(steps, until).fold((0.0, 0.0), |(sum, time), (value, seconds)| {
        (sum + f64::from(value) * seconds, time + seconds)
    });
    (time > 0.0).then(|| sum / time)
}

/// The 95th percentile, weighted by time.
fn p95(steps: &[Step<Option<i32>>], until: Timestamp) -> Option<f64> {
    let known = held(steps, until).filter_map(|(value, seconds)| Some((value?, seconds)));
    let mut known: Vec<(i32, f64)> = known.collect();
    known.sort_unstable_by_key(|(value, _)| *value);
    let whole: f64 = known.iter().map(|(_, seconds)| seconds).sum();
    let mut so_far = 0.0;
    for (value, seconds) in known {
        so_far += seconds;
        if so_far >= whole * 0.95 {
            return Some(f64::from(value));
        }
    }
    None
}

fn response_time(timeline: &Timeline) -> Option<f64> {
    let mut all: Vec<u64> = timeline.load.iter().filter_map(|p| p.p99_us).collect();
    all.sort_unstable();
    let median = all.get(all.len() / 2)?;
    Some(number(*median) / 1_000.0)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and times are far below 2^52"
)]
fn number(count: u64) -> f64 {
    count as f64
}

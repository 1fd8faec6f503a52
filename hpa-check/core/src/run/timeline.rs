//! The run on one time axis, for rules and charts: every series as steps, every decision with its
//! explanation, every gap in the observations.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observation::{Phase, Watched};

/// A value that holds until the next step of the same series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step<T> {
    /// When it began.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The value.
    pub value: T,
}

/// A phase and how long it lasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseSpan {
    /// The phase.
    pub phase: Phase,
    /// Its start.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// Its end.
    #[schemars(with = "String")]
    pub until: Timestamp,
}

/// A gap in which a resource was not watched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// The resource.
    pub resource: Watched,
    /// The last instant before the gap at which the state was known.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The first instant after the gap at which the state was known.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// The error that started it.
    pub error: Option<String>,
}

impl Gap {
    /// How long it lasted.
    pub fn length(&self) -> Duration {
        Duration::try_from(self.until.duration_since(self.from)).unwrap_or_default()
    }
}

/// One sync of the controller, from the status that it wrote, with the model's decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SyncRecord {
    /// When it was observed.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// `spec.replicas` of the target when the sync began.
    pub current: i32,
    /// What the controller decided.
    pub desired: i32,
    /// The model's decision on the same pods and metrics; `None` if too little is known.
    pub model: Option<i32>,
    /// The utilization the controller reported, in percent.
    pub utilization: Option<i32>,
    /// The utilization the model computes, in percent.
    pub model_utilization: Option<i32>,
    /// Whether the two agree.
    pub explained: bool,
    /// The complete arithmetic in one sentence, of the most likely interpretation if several fit.
    pub sentence: String,
    /// What the metrics proposed, before any limit, in every interpretation that fits the observations.
    #[serde(default)]
    pub proposed: Option<Range>,
    /// What they proposed in the most likely interpretation.
    #[serde(default)]
    pub likeliest: Option<i32>,
    /// Whether everything that the controller can have read was observed, so no other interpretation is possible.
    #[serde(default)]
    pub certain: bool,
    /// For an unexplained sync: the model's decisions in all interpretations.
    #[serde(default)]
    pub modeled: Option<Range>,
    /// The fewest replicas that the scale-down window held at this sync in every interpretation, and since when.
    #[serde(default)]
    pub held: Option<Step<i32>>,
    /// For an unexplained sync: what else explains it, such as `another tolerance than the assumed 0.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<String>,
}

/// A number of replicas that is known to lie within bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// The lower bound.
    pub low: i32,
    /// The upper bound.
    pub high: i32,
}

impl Range {
    /// The range of some values; `None` if there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = i32>) -> Option<Self> {
        let mut range = None;
        for value in values {
            Self::widen(&mut range, value);
        }
        range
    }

    /// Extends the range, if there is one, to include a value.
    pub(crate) fn widen(range: &mut Option<Self>, value: i32) {
        let known = range.unwrap_or(Self {
            low: value,
            high: value,
        });
        *range = Some(Self {
            low: known.low.min(value),
            high: known.high.max(value),
        });
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.low == self.high {
            write!(f, "{}", self.low)
        } else {
            write!(f, "{} to {}", self.low, self.high)
        }
    }
}

/// What the metrics proposed from an instant on, before any limit, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalStep {
    /// The sync's instant.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// At least that many replicas.
    pub low: i32,
    /// At most that many replicas.
    pub high: i32,
    /// Whether everything that the controller can have read was observed, so nothing else is possible.
    pub certain: bool,
}

impl ProposalStep {
    /// The bounds, as text.
    pub fn range(&self) -> Range {
        Range {
            low: self.low,
            high: self.high,
        }
    }
}

/// One second of load.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadPoint {
    /// The second's end.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Answered requests per second.
    pub rps: f64,
    /// Planned requests per second, in an open model.
    pub offered_rps: Option<f64>,
    /// 99th percentile of the response time, in microseconds.
    pub p99_us: Option<u64>,
    /// Failed requests so far.
    pub failed: u64,
    /// Wrong answers so far.
    pub wrong: u64,
}

/// CPU usage of one pod over time, in millicores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PodSeries {
    /// The pod's name.
    pub pod: String,
    /// Its CPU request in millicores, summed over all containers; `None` if one has none.
    pub request_milli: Option<i64>,
    /// When it was first observed.
    #[schemars(with = "String")]
    pub first_seen: Timestamp,
    /// When it became ready.
    #[schemars(with = "Option<String>")]
    pub ready_at: Option<Timestamp>,
    /// When it was deleted.
    #[schemars(with = "Option<String>")]
    pub gone_at: Option<Timestamp>,
    /// Its usage in millicores, one step per sample.
    pub cpu_milli: Vec<Step<i64>>,
}

/// Something worth a mark on the axis: a scaling event, a failed poll, a restart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// `Normal` or `Warning`.
    pub kind: String,
    /// What, in one line.
    pub text: String,
}

/// Everything on one axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// The first instant.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The last instant.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// The phases, in order.
    pub phases: Vec<PhaseSpan>,
    /// The minimum in the spec.
    pub min_replicas: Vec<Step<i32>>,
    /// The maximum in the spec.
    pub max_replicas: Vec<Step<i32>>,
    /// The CPU target in the spec, in percent.
    pub target_percent: Vec<Step<Option<i32>>>,
    /// Utilization as the controller reported it, in percent.
    pub utilization: Vec<Step<Option<i32>>>,
    /// What the metrics alone propose, before any limit, in the most likely interpretation.
    pub proposed: Vec<Step<i32>>,
    /// The bounds of that over every interpretation that fits the observations.
    #[serde(default)]
    pub proposals: Vec<ProposalStep>,
    /// `status.desiredReplicas`.
    pub desired: Vec<Step<i32>>,
    /// `spec.replicas` of the target.
    pub spec: Vec<Step<i32>>,
    /// Ready pods of the target.
    pub ready: Vec<Step<i32>>,
    /// The load, second by second.
    pub load: Vec<LoadPoint>,
    /// The observed syncs.
    pub syncs: Vec<SyncRecord>,
    /// The pods.
    pub pods: Vec<PodSeries>,
    /// The gaps in the observations.
    pub gaps: Vec<Gap>,
    /// Events and other marks.
    pub marks: Vec<Mark>,
}

/// The value of a series at an instant.
pub fn value_at<T: Copy>(series: &[Step<T>], at: Timestamp) -> Option<T> {
    let later = series.partition_point(|s| s.at <= at);
    Some(series[..later].last()?.value)
}

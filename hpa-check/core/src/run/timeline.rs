//! The run on one time axis, ready to be judged and drawn: every series as steps, every decision
//! with its explanation, every stretch in which nothing was seen.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observation::{Phase, Watched};

/// A value from an instant on, until the next step of the same series.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step<T> {
    /// When it began to hold.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The value.
    pub value: T,
}

/// A phase and how long it lasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseSpan {
    /// Which phase.
    pub phase: Phase,
    /// Its start.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// Its end.
    #[schemars(with = "String")]
    pub until: Timestamp,
}

/// A stretch of time in which a resource was not seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gap {
    /// What was not seen.
    pub resource: Watched,
    /// The last instant at which all was known.
    #[schemars(with = "String")]
    pub from: Timestamp,
    /// The first instant at which all was known again.
    #[schemars(with = "String")]
    pub until: Timestamp,
    /// The error that began it.
    pub error: Option<String>,
}

impl Gap {
    /// How long it lasted.
    pub fn length(&self) -> Duration {
        Duration::try_from(self.until.duration_since(self.from)).unwrap_or_default()
    }
}

/// One sync of the controller, as seen in the status it wrote, beside what the model decides.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SyncRecord {
    /// When it was seen.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// `spec.replicas` of the target when the sync began.
    pub current: i32,
    /// What the controller decided.
    pub desired: i32,
    /// What the model decides from the same pods and metrics; `None` when it has too little to go on.
    pub model: Option<i32>,
    /// The utilization the controller reported, in percent.
    pub utilization: Option<i32>,
    /// The utilization the model computes, in percent.
    pub model_utilization: Option<i32>,
    /// Whether the two agree.
    pub explained: bool,
    /// The arithmetic to the replica, in one sentence: of the likeliest interpretation where several fit.
    pub sentence: String,
    /// What the metrics asked for, before any limit, in every interpretation that fits what was seen.
    #[serde(default)]
    pub proposed: Option<Range>,
    /// What they asked for in the likeliest interpretation.
    #[serde(default)]
    pub likeliest: Option<i32>,
    /// Whether all that the controller can have read was seen, so that no other interpretation is possible.
    #[serde(default)]
    pub certain: bool,
    /// What the model decides in every interpretation, for a sync that none of them explains.
    #[serde(default)]
    pub modeled: Option<Range>,
    /// The least that the scale-down window held at this sync in every interpretation, and since when.
    #[serde(default)]
    pub held: Option<Step<i32>>,
}

/// A number of replicas of which the bounds are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// At least that many.
    pub low: i32,
    /// At most that many.
    pub high: i32,
}

impl Range {
    /// The bounds of some values; `None` if there are none.
    pub(crate) fn of(values: impl IntoIterator<Item = i32>) -> Option<Self> {
        let mut range = None;
        for value in values {
            Self::widen(&mut range, value);
        }
        range
    }

    /// Makes a range that includes a value as well, if there is one already.
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

/// What the metrics asked for from an instant on, before any limit, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProposalStep {
    /// The sync's instant.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// At least that many replicas.
    pub low: i32,
    /// At most that many replicas.
    pub high: i32,
    /// Whether all that the controller can have read was seen, so that nothing else is possible.
    pub certain: bool,
}

impl ProposalStep {
    /// The bounds, to be told.
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
    /// Requests a second that were answered.
    pub rps: f64,
    /// Requests a second that were asked for, in an open model.
    pub offered_rps: Option<f64>,
    /// 99th percentile of the response time, in microseconds.
    pub p99_us: Option<u64>,
    /// Failed requests so far.
    pub failed: u64,
    /// Wrong answers so far.
    pub wrong: u64,
}

/// CPU use of one pod over time, in millicores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PodSeries {
    /// The pod's name.
    pub pod: String,
    /// Its CPU request in millicores, all containers together; `None` if one has none.
    pub request_milli: Option<i64>,
    /// When it was first seen.
    #[schemars(with = "String")]
    pub first_seen: Timestamp,
    /// When it became ready.
    #[schemars(with = "Option<String>")]
    pub ready_at: Option<Timestamp>,
    /// When it was gone.
    #[schemars(with = "Option<String>")]
    pub gone_at: Option<Timestamp>,
    /// Its use in millicores, a step for each new sample.
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
    /// The lower bound in the spec.
    pub min_replicas: Vec<Step<i32>>,
    /// The upper bound in the spec.
    pub max_replicas: Vec<Step<i32>>,
    /// The CPU target in the spec, in percent.
    pub target_percent: Vec<Step<Option<i32>>>,
    /// Utilization as the controller reported it, in percent.
    pub utilization: Vec<Step<Option<i32>>>,
    /// What the metrics alone ask for, before any limit, in the likeliest interpretation.
    pub proposed: Vec<Step<i32>>,
    /// The same in every interpretation that fits what was seen: the bounds of it.
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
    /// The syncs that were seen.
    pub syncs: Vec<SyncRecord>,
    /// The pods.
    pub pods: Vec<PodSeries>,
    /// When and what was not seen.
    pub gaps: Vec<Gap>,
    /// Events and other marks.
    pub marks: Vec<Mark>,
}

/// The value of a series at an instant.
pub(crate) fn value_at<T: Copy>(series: &[Step<T>], at: Timestamp) -> Option<T> {
    let later = series.partition_point(|s| s.at <= at);
    Some(series[..later].last()?.value)
}

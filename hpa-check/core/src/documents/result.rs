//! The result document, `hpa-check/1`: every report is drawn from it, and scripts read it. Minor versions only
//! add keys. 1.1 calls the outcome of code 92 `environment`, which was `surroundings` in 1.0. 1.2 adds what was
//! evaluated, and the instant of each reason.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::expectation::Expectation;
use crate::observation::{LoadResult, RunContext};
use crate::run::timeline::Timeline;
use crate::spec::{AutoscalerSpec, ContainerResources};
use crate::verdict::Verdict;

/// The schema's name and version.
pub const SCHEMA: &str = "hpa-check/1.2";

/// Whether a document with this schema can be read: every minor version of version 1.
///
/// ```
/// use hpa_check_core::documents::result::is_readable;
/// assert!(is_readable("hpa-check/1") && is_readable("hpa-check/1.1"));
/// assert!(!is_readable("hpa-check/2") && !is_readable("hpa-check/10"));
/// ```
pub fn is_readable(schema: &str) -> bool {
    super::is_version(schema, "hpa-check/1")
}

/// The result of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunResult {
    /// [`SCHEMA`] in this version; see [`is_readable`].
    pub schema: String,
    /// The program's version.
    pub version: String,
    /// The verdict.
    pub verdict: Verdict,
    /// What was asserted.
    pub expectation: Expectation,
    /// The cluster and the controller's settings.
    pub setting: Option<RunContext>,
    /// What was evaluated; results of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluated: Option<Evaluated>,
    /// The replicas over time.
    pub replicas: ReplicaSummary,
    /// How many of the controller's syncs were seen, and how many of them the model explains.
    pub syncs: Syncs,
    /// The longest time during which the target or the autoscaler was not observed, in milliseconds.
    pub longest_gap_ms: u64,
    /// The load generator's result, if there was one.
    pub load: Option<LoadResult>,
    /// The whole run on one time axis.
    pub timeline: Timeline,
}

/// What was evaluated.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Evaluated {
    /// The command line, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The version that recorded the run, if another version judged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_by: Option<String>,
    /// The autoscaler's spec as last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaler: Option<AutoscalerSpec>,
    /// What the containers of the newest pod request, and their limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<ContainerResources>,
}

/// The replicas over time. "Ready" counts ready pods; nothing here is `status.currentReplicas`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReplicaSummary {
    /// Fewest ready pods after the minimum was first ready.
    pub min_ready: Option<i32>,
    /// Most ready pods.
    pub max_ready: Option<i32>,
    /// Ready pods when the baseline was established.
    pub first_ready: Option<i32>,
    /// Ready pods at the end.
    pub last_ready: Option<i32>,
    /// Every change.
    pub path: Vec<PathPoint>,
}

/// The replicas from this instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PathPoint {
    /// When.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The target's `spec.replicas`.
    pub spec: i32,
    /// Its ready pods.
    pub ready: i32,
}

/// A count of syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Syncs {
    /// Syncs seen in the status.
    pub observed: u64,
    /// Syncs whose decision matches the model's.
    pub explained: u64,
}

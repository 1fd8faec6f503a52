//! The report of `hpa-check doctor`, `hpa-check-doctor/1.1`. Within version 1 keys are only added. 1.1 calls
//! the outcome of code 92 `environment`, which was `surroundings` in 1.0.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::snapshot::Unseen;
use crate::verdict::{Outcome, Reason};

/// The schema's name and version.
pub const SCHEMA: &str = "hpa-check-doctor/1.1";

/// All that was found in a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The program's version.
    pub version: String,
    /// When the API was looked at.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Kubernetes version as `1.36`, when known.
    pub kubernetes: Option<String>,
    /// How often the API was looked at: once or twice.
    pub looks: u8,
    /// The weightiest finding's outcome; inconclusive when nothing was found and not all was seen.
    pub outcome: Outcome,
    /// The exit code.
    pub exit_code: u8,
    /// Namespaces with autoscalers.
    pub namespaces: u64,
    /// Pods in these namespaces.
    pub pods: u64,
    /// Every autoscaler, healthy ones too.
    pub autoscalers: Vec<AutoscalerReport>,
    /// What could not be read, and what can't be told without it.
    pub unseen: Vec<Unseen>,
}

/// One autoscaler and what it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AutoscalerReport {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it scales, as `Kind/name`.
    pub target: String,
    /// Its lower bound in pods.
    pub min_replicas: i32,
    /// Its upper bound in pods.
    pub max_replicas: i32,
    /// Its CPU target in percent of the request, if it has one.
    pub cpu_target_percent: Option<i32>,
    /// What it asks of its metric now and why, by the model, where that can be computed.
    pub explanation: Option<String>,
    /// The findings, the weightiest first. Those with the outcome `pass` are worth knowing and no
    /// fault.
    pub findings: Vec<Reason>,
}

impl AutoscalerReport {
    /// Whether nothing is wrong with it.
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|f| f.outcome == Outcome::Pass)
    }
}

//! The report of `hpa-check doctor`, `hpa-check-doctor/1.2`. Minor versions only add keys. 1.1 calls the
//! outcome of code 92 `environment`, which was `surroundings` in 1.0. 1.2 adds groups, owners, ignored
//! findings, and baselines. 1.3 adds the settings, and each autoscaler's metrics and requests.

mod groups;
mod settings;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::findings::Weight;
use crate::judge;
use crate::snapshot::Unseen;
use crate::spec::ContainerResources;
use crate::verdict::{Outcome, Reason};

pub use groups::{Cause, Count, Groups, Part};
pub use settings::DoctorSettings;

/// The schema's name and version.
pub const SCHEMA: &str = "hpa-check-doctor/1.3";

/// Whether a document with this schema can be read: every minor version of version 1.
///
/// ```
/// use hpa_check_core::documents::doctor::is_readable;
/// assert!(is_readable("hpa-check-doctor/1") && is_readable("hpa-check-doctor/1.1"));
/// assert!(!is_readable("hpa-check-doctor/2") && !is_readable("hpa-check/1.1"));
/// ```
pub fn is_readable(schema: &str) -> bool {
    super::is_version(schema, "hpa-check-doctor/1")
}

/// The report on a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`] in this version; see [`is_readable`].
    pub schema: String,
    /// The program's version.
    pub version: String,
    /// When the API was read.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Kubernetes version as `1.36`, when known.
    pub kubernetes: Option<String>,
    /// How many snapshots were taken: one or two.
    pub looks: u8,
    /// The scope.
    #[serde(default)]
    pub scope: Scope,
    /// The settings it was made with; reports of earlier versions lack them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<DoctorSettings>,
    /// The heaviest finding's outcome. Inconclusive if nothing was found but not everything could be read, or
    /// if there was no autoscaler.
    pub outcome: Outcome,
    /// The lightest findings that affect the exit code.
    #[serde(default)]
    pub fail_on: FailOn,
    /// The exit code.
    pub exit_code: u8,
    /// Namespaces with autoscalers.
    pub namespaces: u64,
    /// Pods in these namespaces.
    pub pods: u64,
    /// The labels that name an autoscaler's owner; the first one present counts.
    #[serde(default)]
    pub owner_labels: Vec<String>,
    /// Every autoscaler, including healthy ones.
    pub autoscalers: Vec<AutoscalerReport>,
    /// The autoscalers by cause, namespace and owner.
    #[serde(default)]
    pub groups: Groups,
    /// The earlier report that this one was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// What could not be read, and what can't be decided without it.
    pub unseen: Vec<Unseen>,
    /// Problems with the request itself, such as an ignored finding that no autoscaler has.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// What was examined.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// The namespace; `None` for all.
    pub namespace: Option<String>,
    /// The autoscaler; `None` for all.
    pub autoscaler: Option<String>,
}

/// The lightest findings that affect the exit code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailOn {
    /// Only what keeps an autoscaler from working at all.
    Blocker,
    /// The above, and causes.
    Cause,
    /// Every fault.
    #[default]
    Symptom,
    /// Every fault, and notes, which exit with 99.
    Note,
    /// Nothing: the exit code is 0 whatever is found.
    None,
}

/// An earlier report, and what became of its findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// When that report was made.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Its findings that are no longer found.
    pub gone: Vec<Gone>,
}

/// A baseline finding that is no longer found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Gone {
    /// The autoscaler's namespace.
    pub namespace: String,
    /// The autoscaler's name.
    pub autoscaler: String,
    /// The finding, as it was.
    #[serde(flatten)]
    pub finding: Reason,
    /// Whether the autoscaler itself is gone.
    pub with_autoscaler: bool,
}

/// One autoscaler and its findings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AutoscalerReport {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its owner, from the owner label.
    #[serde(default)]
    pub owner: Option<String>,
    /// What it scales, as `Kind/name`.
    pub target: String,
    /// Its lower bound in pods.
    pub min_replicas: i32,
    /// Its upper bound in pods.
    pub max_replicas: i32,
    /// Its CPU target in percent of the request, if it has one.
    pub cpu_target_percent: Option<i32>,
    /// Its metrics with their targets, such as `cpu at 50 %`.
    #[serde(default)]
    pub metrics: Vec<String>,
    /// What the containers of one of its pods request, and their limits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requests: Vec<ContainerResources>,
    /// How many replicas the model computes now and why, if it can be computed.
    pub explanation: Option<String>,
    /// The findings that count, heaviest first. Those with the outcome `pass` are notes.
    pub findings: Vec<Reason>,
    /// Findings that the baseline has too. They don't count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<Reason>,
    /// Findings that somebody chose to ignore. They don't count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Ignored>,
}

/// A finding that someone chose to ignore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ignored {
    /// The finding.
    #[serde(flatten)]
    pub finding: Reason,
    /// Why it is ignored, in the author's words.
    pub because: String,
    /// Where it was ignored.
    pub by: IgnoredBy,
}

/// Where a finding was ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IgnoredBy {
    /// By `--ignore`.
    Flag,
    /// By the autoscaler's annotation.
    Annotation,
}

impl Report {
    /// Fills in the groups, which reports of earlier versions lack.
    #[must_use]
    pub fn grouped(mut self) -> Self {
        self.groups = Groups::of(&self.autoscalers);
        self
    }

    /// Whether so much could not be read that an empty result proves nothing.
    pub fn is_blind(&self) -> bool {
        self.unseen.iter().any(|unseen| unseen.essential)
    }
}

impl AutoscalerReport {
    /// Whether it has no fault that counts.
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|f| f.outcome == Outcome::Pass)
    }

    /// Its namespace and name, as `shop/cart`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl FailOn {
    /// Whether findings of this weight count.
    pub fn counts(self, weight: Weight) -> bool {
        let lightest = match self {
            Self::Blocker => Weight::Blocker,
            Self::Cause => Weight::Cause,
            Self::Symptom => Weight::Symptom,
            Self::Note => Weight::Note,
            Self::None => return false,
        };
        weight <= lightest
    }
}

/// A finding's weight. A name from another version is a cause, or a note if its outcome is a pass.
pub fn weight(finding: &Reason) -> Weight {
    let known = judge::weight(&finding.id);
    known.unwrap_or(if finding.outcome == Outcome::Pass {
        Weight::Note
    } else {
        Weight::Cause
    })
}

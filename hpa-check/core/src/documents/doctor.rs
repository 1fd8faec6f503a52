//! The report of `hpa-check doctor`, `hpa-check-doctor/1.2`. Within version 1 keys are only added. 1.1 calls
//! the outcome of code 92 `environment`, which was `surroundings` in 1.0. 1.2 adds groups, owners, ignored
//! findings, and what a baseline knew. 1.3 adds the settings, and each autoscaler's metrics and requests.

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
    let version = schema.strip_prefix("hpa-check-doctor/1");
    version.is_some_and(|minor| minor.is_empty() || minor.starts_with('.'))
}

/// All that was found in a cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`SCHEMA`] in this version; see [`is_readable`].
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
    /// What was looked at.
    #[serde(default)]
    pub scope: Scope,
    /// What the cluster was judged by; reports of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<DoctorSettings>,
    /// The weightiest finding's outcome. Inconclusive when nothing was found and not all was seen, or when
    /// there was no autoscaler to look at.
    pub outcome: Outcome,
    /// The lightest findings that the exit code counts.
    #[serde(default)]
    pub fail_on: FailOn,
    /// The exit code.
    pub exit_code: u8,
    /// Namespaces with autoscalers.
    pub namespaces: u64,
    /// Pods in these namespaces.
    pub pods: u64,
    /// The labels that name the owner of an autoscaler, the first one that it has counts.
    #[serde(default)]
    pub owner_labels: Vec<String>,
    /// Every autoscaler, healthy ones too.
    pub autoscalers: Vec<AutoscalerReport>,
    /// The same by cause, by namespace and by owner.
    #[serde(default)]
    pub groups: Groups,
    /// The earlier report that this one was compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline>,
    /// What could not be read, and what can't be told without it.
    pub unseen: Vec<Unseen>,
    /// What is odd about the question itself, such as an ignored finding that nobody has.
    #[serde(default)]
    pub warnings: Vec<String>,
}

/// What was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// The namespace, unless all were.
    pub namespace: Option<String>,
    /// The autoscaler, unless all were.
    pub autoscaler: Option<String>,
}

/// The lightest findings that the exit code counts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailOn {
    /// Only what keeps an autoscaler from working at all.
    Blocker,
    /// That, and what explains by itself what goes wrong.
    Cause,
    /// Every fault.
    #[default]
    Symptom,
    /// Every fault, and notes, for which the exit code is 99.
    Note,
    /// Nothing: the exit code is 0 whatever is found.
    None,
}

/// An earlier report, and what became of its findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// When its look was taken.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Its findings that are not found any more.
    pub gone: Vec<Gone>,
}

/// A finding of the baseline that is not found any more.
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

/// One autoscaler and what it has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AutoscalerReport {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Who looks after it, by its owner label.
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
    /// What it asks of its metric now and why, by the model, where that can be computed.
    pub explanation: Option<String>,
    /// The findings that count, the weightiest first. Those with the outcome `pass` are worth knowing and
    /// no fault.
    pub findings: Vec<Reason>,
    /// Findings that the baseline has too. They don't count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<Reason>,
    /// Findings that somebody chose to ignore. They don't count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<Ignored>,
}

/// A finding that somebody chose to ignore.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ignored {
    /// The finding.
    #[serde(flatten)]
    pub finding: Reason,
    /// Why it is ignored, in the words of who did.
    pub because: String,
    /// Where that was said.
    pub by: IgnoredBy,
}

/// Where it was said that a finding is to be ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IgnoredBy {
    /// By `--ignore`.
    Flag,
    /// By the autoscaler's annotation.
    Annotation,
}

impl Report {
    /// The report with its groups, which reports of earlier versions lack.
    #[must_use]
    pub fn grouped(mut self) -> Self {
        self.groups = Groups::of(&self.autoscalers);
        self
    }

    /// Whether so much could not be read that finding nothing proves nothing.
    pub fn is_blind(&self) -> bool {
        self.unseen.iter().any(|unseen| unseen.essential)
    }
}

impl AutoscalerReport {
    /// Whether nothing is wrong with it that counts.
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|f| f.outcome == Outcome::Pass)
    }

    /// Its namespace and name, as `shop/cart`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

impl FailOn {
    /// Whether findings of that weight count.
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

/// How heavy a finding is. One whose name another version gave it is a cause, unless it is no fault.
pub fn weight(finding: &Reason) -> Weight {
    let known = judge::weight(&finding.id);
    known.unwrap_or(if finding.outcome == Outcome::Pass {
        Weight::Note
    } else {
        Weight::Cause
    })
}

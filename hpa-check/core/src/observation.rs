//! What was seen, and when: the vocabulary shared by the sources (a live cluster, the rehearsal,
//! a recording, a simulation) and everything that judges.
//!
//! An observation holds the complete new state of one object, never a delta, so losing or repeating
//! one affects only its own instant. Times come from the observer's clock unless a field says that
//! they are server time.

mod autoscaler;
mod controller;
mod fact;
mod load;
mod metrics;
mod pod;
mod watch;

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::condition::Condition;
pub use autoscaler::{Autoscaler, AutoscalerStatus, FieldManager, ScaleTarget, is_controller};
pub use controller::ControllerConfig;
pub use fact::Fact;
pub use load::{GeneratorVerdict, LoadResult, LoadSecond};
pub use metrics::{ContainerSample, MetricAnswer, MetricReading, PodSample, PodValue};
pub use pod::{Disruption, Life, Pod, Ready, Resize};
pub use watch::{Watch, WatchState, Watched};

/// One thing seen at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When the observer saw it, by its own clock.
    pub at: Timestamp,
    /// What it saw.
    #[serde(flatten)]
    pub seen: Seen,
}

/// What can be seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum Seen {
    /// What is known before watching starts: the place, the version and the controller's settings.
    #[serde(rename = "setting")]
    RunContext(RunContext),
    /// The complete autoscaler.
    Autoscaler(Autoscaler),
    /// The autoscaler was deleted.
    AutoscalerGone,
    /// The complete scale target, such as a Deployment.
    Target(ScaleTarget),
    /// The scale target was deleted.
    TargetGone,
    /// One complete pod that matches the target's selector.
    Pod(Pod),
    /// A pod was deleted.
    PodGone {
        /// Its name.
        name: String,
    },
    /// One answer of the metrics API for the target's pods.
    PodMetrics {
        /// One sample per pod. A pod without a sample counts as missing.
        samples: Vec<PodSample>,
    },
    /// One answer of the custom or the external metrics API.
    Metric(MetricReading),
    /// The metrics API did not answer, or answered with an error.
    MetricsUnavailable {
        /// The error, as the API or the transport gave it.
        error: String,
        /// Whether the observer gave up waiting, which proves nothing about the API itself.
        #[serde(default)]
        timed_out: bool,
    },
    /// An event about the autoscaler, its target or its pods.
    Event(Event),
    /// One second of load, reported by the generator while it runs.
    Load(LoadSecond),
    /// The final result of the load.
    LoadResult(LoadResult),
    /// The run enters a phase.
    Phase {
        /// The phase.
        phase: Phase,
    },
    /// A fact about the environment, from a query rather than a watch.
    Fact(Fact),
    /// A watch became current or was lost.
    Watch(Watch),
    /// The run was interrupted.
    Interrupted,
}

/// Where the observations come from, and the controller's settings there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunContext {
    /// `cluster`, `rehearsal` or `simulation`. For display only; no rule reads it.
    pub source: String,
    /// The namespace, or empty outside a cluster.
    pub namespace: String,
    /// The autoscaler's name.
    pub autoscaler: String,
    /// Kubernetes version as `1.36`, when known.
    pub kubernetes: Option<String>,
    /// The controller's settings, given or assumed.
    pub controller: ControllerConfig,
    /// Whether the user stated them; see [`RunContext::controller_is_stated`].
    #[serde(default)]
    pub controller_stated: bool,
    /// The window of a metrics sample, and how often the metrics server takes one.
    #[schemars(with = "u64")]
    #[serde(rename = "metrics_resolution_ms", with = "crate::millis")]
    pub metrics_resolution: Duration,
}

impl RunContext {
    /// Whether the controller's settings are known. No API reveals them, so the defaults are otherwise assumed. Other
    /// values can only come from somebody who knows them.
    pub fn controller_is_stated(&self) -> bool {
        self.controller_stated || self.controller != ControllerConfig::default()
    }
}

/// A Kubernetes Event. Events are lossy, so a missing one proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The object it is about, as `Kind/name`.
    pub about: String,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The reason, such as `SuccessfulRescale`.
    pub reason: String,
    /// The message.
    pub message: String,
    /// How often it occurred.
    pub count: i32,
}

/// The phases of a run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Checks the setup, without load.
    Preflight,
    /// Idle, at the minimum.
    Baseline,
    /// Under load; replicas should rise.
    Up,
    /// Under load; replicas should stay where they are.
    Hold,
    /// Little or no load; replicas should fall.
    Down,
    /// The run is over.
    Done,
}

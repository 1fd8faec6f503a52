//! The input of `decide` and its conversion to the model's types. Members that are `null` were removed before,
//! so `null` is the same as missing.

mod pods;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::NOW;
use crate::model::{self, VersionGates, ZERO_TIME};
use crate::observation::{Condition, ControllerConfig, MetricReading};
use crate::spec::{Behavior, MetricSpec, ScalingRules};
pub(super) use pods::{PodInput, PodMetricInput};

/// An instant given by its age; `null` is the zero time. An age of exactly one window lies just outside the
/// window, as it does in a controller whose clock has moved on since.
pub(super) fn instant(ago_seconds: Option<f64>) -> Timestamp {
    let Some(ago) = ago_seconds else {
        return ZERO_TIME;
    };
    let just_more = SignedDuration::try_from_secs_f64(ago)
        .unwrap_or(SignedDuration::MAX)
        .saturating_add(SignedDuration::from_micros(1));
    NOW.checked_sub(just_more).unwrap_or(ZERO_TIME)
}

/// The items of a list that may have been left out.
pub(super) fn all<T>(list: Option<Vec<T>>) -> impl Iterator<Item = T> {
    list.into_iter().flatten()
}

fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or(Duration::ZERO)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ResourceReplicas {
    pub(super) current_replicas: i32,
    pub(super) metric: String,
    pub(super) container: Option<String>,
    pub(super) target_utilization: i32,
    #[serde(default)]
    pub(super) tolerance: Tolerance,
    #[serde(default)]
    pub(super) controller: ControllerInput,
    pub(super) pods: Option<Vec<PodInput>>,
    pub(super) pod_metrics: Option<Vec<PodMetricInput>>,
}

impl ResourceReplicas {
    /// A case that knows one resource only, by its line, has its numbers in the members for CPU.
    pub(super) fn with_numbers_of_its_resource(mut self, line: &str) -> Self {
        let is_named = |member: &&str| line.contains(member);
        let names = ["memoryRequestMilli", "memoryUsageMilli"];
        if self.metric == "memory" && !names.iter().any(is_named) {
            let pods = self.pods.iter_mut().flatten();
            for container in pods.flat_map(|p| &mut p.containers) {
                container.memory_request_milli = container.cpu_request_milli;
            }
            let samples = self.pod_metrics.iter_mut().flatten();
            for used in samples.flat_map(|m| &mut m.containers) {
                used.memory_usage_milli = used.cpu_usage_milli;
            }
        }
        self
    }

    /// Whether the lists are there that a case may not leave out.
    pub(super) fn has_lists(&self) -> bool {
        self.pods.is_some() && self.pod_metrics.is_some()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Tolerance {
    pub(super) scale_up: f64,
    pub(super) scale_down: f64,
}

impl Default for Tolerance {
    fn default() -> Self {
        let both = ControllerConfig::default().tolerance;
        Self {
            scale_up: both,
            scale_down: both,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReconcileInput {
    pub(super) pods: Option<Vec<PodInput>>,
    pub(super) pod_metrics: Option<Vec<PodMetricInput>>,
    /// The answers of the custom and external metrics APIs, one entry per metric.
    #[serde(default)]
    pub(super) other_metrics: Vec<MetricReading>,
    pub(super) hpa: Option<Hpa>,
    pub(super) scale: ScaleInput,
    #[serde(default)]
    pub(super) controller: ControllerInput,
    pub(super) recommendations: Option<Vec<RecommendationInput>>,
    #[serde(default)]
    pub(super) feature_gates: BTreeMap<String, bool>,
    pub(super) fault: Option<FaultInput>,
}

impl ReconcileInput {
    /// Whether the lists are there that a case may not leave out.
    pub(super) fn has_lists(&self) -> bool {
        self.pods.is_some() && self.pod_metrics.is_some()
    }
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Hpa {
    pub(super) min_replicas: Option<i32>,
    pub(super) max_replicas: i32,
    #[serde(default)]
    pub(super) metrics: Vec<MetricSpec>,
    pub(super) behavior: Option<Behavior>,
    #[serde(default)]
    pub(super) initial_conditions: Vec<ConditionInput>,
    pub(super) desired_replicas: Option<i32>,
    /// What only a manifest has.
    kind: Option<IgnoredAny>,
    items: Option<IgnoredAny>,
}

impl Hpa {
    /// Whether it is a manifest, or a list of them, which happens to have the members of the cases' own form.
    pub(super) fn is_manifest(&self) -> bool {
        self.kind.is_some() || self.items.is_some()
    }
}

#[derive(Clone, Deserialize)]
pub(super) struct ConditionInput {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    #[serde(default)]
    reason: String,
}

impl From<ConditionInput> for Condition {
    fn from(c: ConditionInput) -> Self {
        Self {
            kind: c.kind.into(),
            status: c.status.into(),
            reason: c.reason.into(),
            message: "".into(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScaleInput {
    pub(super) spec_replicas: i32,
    pub(super) status_replicas: Option<i32>,
    #[serde(default)]
    pub(super) selector: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RecommendationInput {
    replicas: i32,
    ago_seconds: Option<f64>,
}

impl RecommendationInput {
    pub(super) fn to_model(&self) -> model::normalize::Recommendation {
        model::normalize::Recommendation {
            replicas: self.replicas,
            at: instant(self.ago_seconds),
        }
    }
}

/// What goes wrong during the sync.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct FaultInput {
    pub(super) get_scale_error: Option<String>,
    pub(super) update_scale_error: Option<String>,
    /// The first write conflicts: the controller reads the scale again and retries once; before 1.34 it gives
    /// up.
    pub(super) update_scale_conflict_once: bool,
    pub(super) pod_metrics_list_error: Option<String>,
    pub(super) external_metric_error: Option<String>,
    pub(super) scale_status_selector: Option<String>,
    pub(super) other_hpa_selectors: Vec<String>,
    pub(super) extra_pod_labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Convert {
    pub(super) current_replicas: i32,
    pub(super) desired_replicas: i32,
    pub(super) min_replicas: i32,
    pub(super) max_replicas: i32,
    pub(super) scale_up: Option<ScalingRules>,
    pub(super) scale_down: Option<ScalingRules>,
    #[serde(default)]
    pub(super) scale_up_events: Vec<EventInput>,
    #[serde(default)]
    pub(super) scale_down_events: Vec<EventInput>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventInput {
    pub(super) replica_change: i32,
    pub(super) ago_seconds: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stabilize {
    #[serde(default)]
    pub(super) recommendations: Vec<RecommendationInput>,
    pub(super) current_replicas: i32,
    pub(super) desired_replicas: i32,
    #[serde(default)]
    pub(super) scale_up_stabilization_window_seconds: u64,
    #[serde(default)]
    pub(super) scale_down_stabilization_window_seconds: u64,
}

/// The controller's settings; missing ones have the controller's defaults.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ControllerInput {
    tolerance: Option<f64>,
    cpu_initialization_period_seconds: Option<f64>,
    initial_readiness_delay_seconds: Option<f64>,
    downscale_stabilization_seconds: Option<f64>,
    scale_up_limit_factor: Option<f64>,
    scale_up_limit_minimum: Option<f64>,
    /// The Kubernetes version, such as `1.34`, if not the newest.
    version: Option<String>,
}

impl ControllerInput {
    pub(super) fn cpu_initialization_period(&self) -> Duration {
        self.cpu_initialization_period_seconds
            .map_or(ControllerConfig::default().cpu_initialization_period, span)
    }

    pub(super) fn initial_readiness_delay(&self) -> Duration {
        self.initial_readiness_delay_seconds
            .map_or(ControllerConfig::default().initial_readiness_delay, span)
    }

    pub(super) fn settings(&self) -> ControllerConfig {
        let default = ControllerConfig::default();
        ControllerConfig {
            tolerance: self.tolerance.unwrap_or(default.tolerance),
            cpu_initialization_period: self.cpu_initialization_period(),
            initial_readiness_delay: self.initial_readiness_delay(),
            downscale_stabilization: self
                .downscale_stabilization_seconds
                .map_or(default.downscale_stabilization, span),
            scale_up_limit_factor: self
                .scale_up_limit_factor
                .unwrap_or(default.scale_up_limit_factor),
            scale_up_limit_minimum: self
                .scale_up_limit_minimum
                .unwrap_or(default.scale_up_limit_minimum),
            ..default
        }
    }

    pub(super) fn gates(&self) -> VersionGates {
        VersionGates::of_version(self.version.as_deref())
    }
}

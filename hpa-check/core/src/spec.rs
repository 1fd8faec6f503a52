//! What an autoscaler was told to do: the parts of a `HorizontalPodAutoscaler`'s `spec`
//! (autoscaling/v2) that decide anything. Shared by the model, the trace and the expectation.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Millicores;

/// The spec of a HorizontalPodAutoscaler.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AutoscalerSpec {
    /// What is scaled.
    pub scale_target_ref: TargetRef,
    /// Lower bound in pods; `None` means the API's default of 1.
    #[serde(default)]
    pub min_replicas: Option<i32>,
    /// Upper bound in pods.
    pub max_replicas: i32,
    /// The metrics, in the order given; the largest proposal wins.
    #[serde(default)]
    pub metrics: Vec<MetricSpec>,
    /// `None` is the controller's legacy path, which is not the same as the documented default.
    #[serde(default)]
    pub behavior: Option<Behavior>,
}

/// A reference to the object whose `/scale` is written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetRef {
    /// Such as `apps/v1`; empty when the user left it out.
    #[serde(default)]
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// The object's name, in the autoscaler's own namespace.
    pub name: String,
}

/// One entry of `spec.metrics`. At most one of the three targets is set in a valid object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricSpec {
    /// `Resource`, `ContainerResource`, `Pods`, `Object` or `External`; anything else is kept as it came.
    #[serde(rename = "type")]
    pub kind: String,
    /// The resource's or metric's name, `cpu` for what this project asserts; empty for a kind without one.
    #[serde(default)]
    pub name: String,
    /// The container, for `ContainerResource`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Target in percent of the request, averaged over pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_utilization: Option<i32>,
    /// Target as an amount per pod, in thousandths of the resource's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_value_milli: Option<i64>,
    /// Target as a total, in thousandths of the resource's unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_milli: Option<i64>,
}

/// `spec.behavior`: one set of rules a direction. A missing direction takes the API's defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Behavior {
    /// Rules for growing.
    #[serde(default)]
    pub scale_up: Option<ScalingRules>,
    /// Rules for shrinking.
    #[serde(default)]
    pub scale_down: Option<ScalingRules>,
}

/// `HPAScalingRules`. What is `None` takes the default of `pkg/apis/autoscaling/v2/defaults.go`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingRules {
    /// Seconds of history that hold a change back.
    #[serde(default)]
    pub stabilization_window_seconds: Option<i32>,
    /// `Max`, `Min` or `Disabled`.
    #[serde(default)]
    pub select_policy: Option<SelectPolicy>,
    /// Limits on the speed of change; `None` takes the defaults, a list replaces them all.
    #[serde(default)]
    pub policies: Option<Vec<ScalingPolicy>>,
    /// Band around the target in which nothing happens, as a fraction; honoured from 1.35 (beta) on.
    #[serde(default)]
    pub tolerance: Option<f64>,
}

/// Which of several policies counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SelectPolicy {
    /// The one that allows the biggest change.
    Max,
    /// The one that allows the smallest change.
    Min,
    /// No change at all in this direction.
    Disabled,
}

/// One limit on the speed of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingPolicy {
    /// What `value` counts.
    #[serde(rename = "type")]
    pub kind: PolicyKind,
    /// Pods, or percent of the pods at the period's start.
    pub value: i32,
    /// Length of the period the change is counted over, in seconds.
    pub period_seconds: i32,
}

/// The unit of a policy's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PolicyKind {
    /// A number of pods.
    Pods,
    /// A percentage of the pods there were when the period began.
    Percent,
}

impl AutoscalerSpec {
    /// The CPU utilization target, if the spec has one on pods or on a container.
    pub fn cpu_target_percent(&self) -> Option<i32> {
        self.metrics
            .iter()
            .find(|m| m.name == "cpu" && m.average_utilization.is_some())
            .and_then(|m| m.average_utilization)
    }

    /// The lower bound that is in force: the API's default is 1.
    pub fn effective_min(&self) -> i32 {
        self.min_replicas.unwrap_or(1)
    }
}

/// A container's CPU request and limit as its pod spec gives them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContainerCpu {
    /// The container's name.
    pub name: String,
    /// `None` when the container asks for no CPU, which stops the autoscaler.
    pub cpu_request: Option<Millicores>,
    /// `None` when nothing caps it.
    #[serde(default)]
    pub cpu_limit: Option<Millicores>,
}

//! The parts of a `HorizontalPodAutoscaler`'s `spec` (autoscaling/v2) that affect decisions. Shared by the
//! model, the trace and the expectation.

mod metric;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::nulls::without_nulls;
use crate::units::{Bytes, Millicores};

pub use metric::{
    CurrentMetric, LabelRequirement, LabelSelector, MetricIdentifier, MetricSource, MetricSpec,
    MetricTarget,
};

/// The spec of a HorizontalPodAutoscaler.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct AutoscalerSpec {
    /// The scale target.
    pub scale_target_ref: TargetRef,
    /// The minimum in pods; `None` means the API's default of 1.
    #[serde(default)]
    pub min_replicas: Option<i32>,
    /// The maximum in pods.
    pub max_replicas: i32,
    /// The metrics, in order; the largest proposal wins.
    #[serde(default)]
    pub metrics: Vec<MetricSpec>,
    /// `None` selects the controller's legacy code path, which differs from the documented default.
    #[serde(default)]
    pub behavior: Option<Behavior>,
}

/// A reference to the scale target.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TargetRef {
    /// Such as `apps/v1`; empty if omitted.
    #[serde(default)]
    pub api_version: String,
    /// Such as `Deployment`.
    pub kind: String,
    /// The object's name, in the autoscaler's own namespace.
    pub name: String,
}

impl TargetRef {
    /// A Deployment.
    pub fn deployment(name: impl Into<String>) -> Self {
        Self {
            api_version: "apps/v1".to_owned(),
            kind: "Deployment".to_owned(),
            name: name.into(),
        }
    }

    /// The API group; empty for the core group. The controller uses group and kind, regardless of the version.
    pub fn group(&self) -> &str {
        let version = self.api_version.as_str();
        version.split_once('/').map_or("", |(group, _)| group)
    }
}

/// `spec.behavior`: one set of rules per direction. A missing direction gets the API's defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Behavior {
    /// Rules for scale-up.
    #[serde(default)]
    pub scale_up: Option<ScalingRules>,
    /// Rules for scale-down.
    #[serde(default)]
    pub scale_down: Option<ScalingRules>,
}

impl Behavior {
    /// The API's form, without unset fields.
    pub fn written(&self) -> Value {
        without_nulls(&serde_json::to_value(self).unwrap_or_default())
    }
}

/// `HPAScalingRules`. `None` means the default in `pkg/apis/autoscaling/v2/defaults.go`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingRules {
    /// The stabilization window, in seconds.
    #[serde(default)]
    pub stabilization_window_seconds: Option<i32>,
    /// `Max`, `Min` or `Disabled`.
    #[serde(default)]
    pub select_policy: Option<SelectPolicy>,
    /// Limits on the rate of change; `None` means the defaults, and a list replaces all of them.
    #[serde(default)]
    pub policies: Option<Vec<ScalingPolicy>>,
    /// The tolerance around the target, as a fraction; honored since 1.35 (beta).
    #[schemars(with = "Option<f64>")]
    #[serde(default, with = "crate::quantity::fraction")]
    pub tolerance: Option<f64>,
}

/// Which of several policies applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum SelectPolicy {
    /// The one that allows the largest change.
    Max,
    /// The one that allows the smallest change.
    Min,
    /// No scaling in this direction.
    Disabled,
}

/// One limit on the rate of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingPolicy {
    /// The unit of `value`.
    #[serde(rename = "type")]
    pub kind: PolicyKind,
    /// Pods, or percent of the pods at the period's start.
    pub value: i32,
    /// The period over which changes are counted, in seconds.
    pub period_seconds: i32,
}

/// The unit of a policy's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PolicyKind {
    /// A number of pods.
    Pods,
    /// A percentage of the pods at the start of the period.
    Percent,
}

impl AutoscalerSpec {
    /// The CPU utilization target, if the spec has one on pods or on a container.
    pub fn cpu_target_percent(&self) -> Option<i32> {
        let mut cpu = self.metrics.iter().filter(|m| m.is_cpu());
        cpu.find_map(MetricSpec::utilization)
    }

    /// Sets every utilization target to this percentage.
    pub fn set_utilization(&mut self, percent: i32) {
        for metric in &mut self.metrics {
            if metric.utilization().is_some() {
                metric.target = MetricTarget::Utilization(percent);
            }
        }
    }

    /// Scales the spec down to this maximum: the minimum and the policies in pods shrink in proportion. `None` if
    /// the maximum is no larger already.
    pub fn scaled_down(&self, most: i32) -> Option<Self> {
        let max = self.max_replicas;
        if max <= most {
            return None;
        }
        let shrink = |pods: i32| {
            let exact = i64::from(pods) * i64::from(most) / i64::from(max);
            i32::try_from(exact).unwrap_or(most).max(1)
        };
        let mut scaled = self.clone();
        scaled.max_replicas = most;
        scaled.min_replicas = Some(shrink(self.effective_min()));
        let behavior = scaled.behavior.iter_mut();
        let rules = behavior.flat_map(|b| [&mut b.scale_up, &mut b.scale_down]);
        for policy in rules.flatten().flat_map(|r| &mut r.policies).flatten() {
            if policy.kind == PolicyKind::Pods {
                policy.value = shrink(policy.value);
            }
        }
        Some(scaled)
    }

    /// The effective minimum, with the API's default of 1.
    pub fn effective_min(&self) -> i32 {
        self.min_replicas.unwrap_or(1)
    }
}

/// A container's requests and limits, from its pod's spec.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContainerResources {
    /// The container's name.
    pub name: String,
    /// `None` without a CPU request, which stops an autoscaler that scales on CPU utilization.
    pub cpu_request: Option<Millicores>,
    /// `None` when nothing caps it.
    #[serde(default)]
    pub cpu_limit: Option<Millicores>,
    /// `None` without a memory request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_request: Option<Bytes>,
    /// `None` when nothing caps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<Bytes>,
}

impl ContainerResources {
    /// A container with only a CPU request and limit.
    pub fn cpu(
        name: impl Into<String>,
        request: Option<Millicores>,
        limit: Option<Millicores>,
    ) -> Self {
        Self {
            name: name.into(),
            cpu_request: request,
            cpu_limit: limit,
            ..Self::default()
        }
    }

    /// Its requests.
    pub fn requests(&self) -> Amounts {
        Amounts {
            cpu: self.cpu_request,
            memory: self.memory_request,
        }
    }

    /// Its limits.
    pub fn limits(&self) -> Amounts {
        Amounts {
            cpu: self.cpu_limit,
            memory: self.memory_limit,
        }
    }
}

/// Amounts of CPU and memory.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Amounts {
    /// `None` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Millicores>,
    /// `None` if not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
}

impl Amounts {
    /// The amount of a resource in thousandths of its unit, the controller's precision.
    pub fn milli(&self, resource: &str) -> Option<i64> {
        match resource {
            "cpu" => self.cpu.map(|cpu| cpu.0),
            "memory" => self.memory.map(Bytes::milli),
            _ => None,
        }
    }

    /// Whether neither is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Pod-level `spec.resources`: requests and limits shared by the containers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PodResources {
    /// The pod's requests.
    #[serde(default)]
    pub requests: Amounts,
    /// The pod's limits.
    #[serde(default)]
    pub limits: Amounts,
    /// Whether it requests huge pages. If so, pod-level requests apply even without any for CPU or
    /// memory.
    #[serde(default)]
    pub huge_pages: bool,
}

/// An init container.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InitContainer {
    /// Its requests and limits.
    #[serde(flatten)]
    pub resources: ContainerResources,
    /// Whether it is a sidecar (`restartPolicy: Always`).
    pub sidecar: bool,
}

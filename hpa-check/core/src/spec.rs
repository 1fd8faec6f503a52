//! What an autoscaler was told to do: the parts of a `HorizontalPodAutoscaler`'s `spec`
//! (autoscaling/v2) that decide anything. Shared by the model, the trace and the expectation.

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
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
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

impl TargetRef {
    /// The API group, empty for the core one. The controller goes by group and kind, whatever the version.
    pub fn group(&self) -> &str {
        let version = self.api_version.as_str();
        version.split_once('/').map_or("", |(group, _)| group)
    }
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

impl Behavior {
    /// As the API has it: what is not set is left out.
    pub fn written(&self) -> Value {
        without_nulls(&serde_json::to_value(self).unwrap_or_default())
    }
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
    /// Band around the target in which nothing happens, as a fraction; honored from 1.35 (beta) on.
    #[schemars(with = "Option<f64>")]
    #[serde(default, with = "crate::quantity::fraction")]
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
        let mut cpu = self.metrics.iter().filter(|m| m.is_cpu());
        cpu.find_map(MetricSpec::utilization)
    }

    /// Sets every target in percent of a request to this.
    pub fn set_utilization(&mut self, percent: i32) {
        for metric in &mut self.metrics {
            if metric.utilization().is_some() {
                metric.target = MetricTarget::Utilization(percent);
            }
        }
    }

    /// The same with at most that many pods: the minimum and the policies in pods shrink with the maximum. `None`
    /// if it has no more already.
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

    /// The lower bound that is in force: the API's default is 1.
    pub fn effective_min(&self) -> i32 {
        self.min_replicas.unwrap_or(1)
    }
}

/// A container's requests and limits as its pod's spec gives them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ContainerResources {
    /// The container's name.
    pub name: String,
    /// `None` when the container asks for no CPU, which stops an autoscaler on CPU utilization.
    pub cpu_request: Option<Millicores>,
    /// `None` when nothing caps it.
    #[serde(default)]
    pub cpu_limit: Option<Millicores>,
    /// `None` when the container asks for no memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_request: Option<Bytes>,
    /// `None` when nothing caps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<Bytes>,
}

impl ContainerResources {
    /// A container with a CPU request and limit alone.
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

    /// What it asks for.
    pub fn requests(&self) -> Amounts {
        Amounts {
            cpu: self.cpu_request,
            memory: self.memory_request,
        }
    }
}

/// Amounts of the two resources that a pod can be measured by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Amounts {
    /// `None` where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Millicores>,
    /// `None` where none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
}

impl Amounts {
    /// The amount of a resource in thousandths of its unit, as the controller computes.
    pub fn milli(&self, resource: &str) -> Option<i64> {
        match resource {
            "cpu" => self.cpu.map(|cpu| cpu.0),
            "memory" => self.memory.map(Bytes::milli),
            _ => None,
        }
    }

    /// Whether nothing is given.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `spec.resources` of a pod: requests and limits that its containers share.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PodResources {
    /// What the pod asks for.
    #[serde(default)]
    pub requests: Amounts,
    /// What caps it.
    #[serde(default)]
    pub limits: Amounts,
    /// Whether it asks for huge pages. Then the pod's own requests count, even if it has none for
    /// CPU or memory.
    #[serde(default)]
    pub huge_pages: bool,
}

/// A container that runs before the regular ones, in the spec's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InitContainer {
    /// Its requests and limits.
    #[serde(flatten)]
    pub resources: ContainerResources,
    /// Whether it runs on beside the regular ones (`restartPolicy: Always`).
    pub sidecar: bool,
}

//! One metric of an autoscaler: its source and its target.

mod written;

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::TargetRef;
use crate::quantity::Quantity;
use written::Flat;

/// One entry of `spec.metrics`. It is read in the API's form and in the flat form of traces, and written in the
/// flat form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "written::Written", into = "Flat")]
#[schemars(with = "Flat")]
pub struct MetricSpec {
    /// The source of its samples.
    pub source: MetricSource,
    /// The target.
    pub target: MetricTarget,
}

/// The source of a metric's samples. Written like an entry of the spec, without the target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "written::Written", into = "Flat")]
#[schemars(with = "Flat")]
pub enum MetricSource {
    /// The pods' use of a resource, summed over all containers.
    Resource {
        /// Such as `cpu` or `memory`.
        name: String,
    },
    /// The use of one container in each pod.
    ContainerResource {
        /// Such as `cpu` or `memory`.
        name: String,
        /// The container.
        container: String,
    },
    /// A custom metric with a value for each pod.
    Pods(MetricIdentifier),
    /// A custom metric of one object.
    Object {
        /// The metric.
        metric: MetricIdentifier,
        /// The object.
        object: TargetRef,
    },
    /// A metric from outside the cluster.
    External(MetricIdentifier),
    /// An unknown type.
    Unknown {
        /// The type as given.
        kind: String,
    },
}

/// A custom or external metric by name, and by labels if the spec has some.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MetricIdentifier {
    /// The metric's name.
    pub name: String,
    /// Labels that narrow it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<LabelSelector>,
}

/// `metav1.LabelSelector`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    /// Labels with their values.
    #[serde(skip_serializing_if = "std::collections::BTreeMap::is_empty")]
    pub match_labels: std::collections::BTreeMap<String, String>,
    /// Further requirements.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<LabelRequirement>,
}

/// `metav1.LabelSelectorRequirement`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LabelRequirement {
    /// The label.
    pub key: String,
    /// `In`, `NotIn`, `Exists` or `DoesNotExist`.
    pub operator: String,
    /// The values, for the first two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// The target of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricTarget {
    /// In percent of the request, averaged over pods.
    Utilization(i32),
    /// An amount per pod.
    AverageValue(Quantity),
    /// An amount in total.
    Value(Quantity),
    /// None that fits the source; API servers reject this.
    Missing,
}

impl std::fmt::Display for MetricTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Utilization(percent) => write!(f, "{percent} %"),
            Self::AverageValue(amount) => write!(f, "{amount} per pod"),
            Self::Value(amount) => write!(f, "{amount} in total"),
            Self::Missing => write!(f, "none"),
        }
    }
}

impl MetricSpec {
    /// A target for the pods' CPU in percent of their requests.
    pub fn cpu_utilization(percent: i32) -> Self {
        Self {
            source: MetricSource::Resource {
                name: "cpu".to_owned(),
            },
            target: MetricTarget::Utilization(percent),
        }
    }

    /// The resource in the pods' samples, with the container if only one counts.
    pub fn resource(&self) -> Option<(&str, Option<&str>)> {
        self.source.resource()
    }

    /// Whether the samples are CPU of pods or of a container.
    pub fn is_cpu(&self) -> bool {
        self.resource().is_some_and(|(name, _)| name == "cpu")
    }

    /// The target in percent of the request, if it is one.
    pub fn utilization(&self) -> Option<i32> {
        match self.target {
            MetricTarget::Utilization(percent) => Some(percent),
            _ => None,
        }
    }
}

impl MetricSource {
    /// `type` in the API.
    pub fn kind(&self) -> &str {
        match self {
            Self::Resource { .. } => "Resource",
            Self::ContainerResource { .. } => "ContainerResource",
            Self::Pods(_) => "Pods",
            Self::Object { .. } => "Object",
            Self::External(_) => "External",
            Self::Unknown { kind } => kind,
        }
    }

    /// The resource's or the metric's name; empty for an unknown type.
    pub fn name(&self) -> &str {
        match self {
            Self::Resource { name } | Self::ContainerResource { name, .. } => name,
            Self::Pods(metric) | Self::Object { metric, .. } | Self::External(metric) => {
                &metric.name
            }
            Self::Unknown { .. } => "",
        }
    }

    /// The container, if only one counts.
    pub fn container(&self) -> Option<&str> {
        match self {
            Self::ContainerResource { container, .. } => Some(container),
            _ => None,
        }
    }

    /// The resource in the pods' samples, with the container if only one counts.
    pub fn resource(&self) -> Option<(&str, Option<&str>)> {
        match self {
            Self::Resource { name } => Some((name, None)),
            Self::ContainerResource { name, container } => Some((name, Some(container))),
            _ => None,
        }
    }

    /// Whether this version knows its type.
    pub fn is_known(&self) -> bool {
        !matches!(self, Self::Unknown { .. })
    }

    /// Whether the metric has one value shared by all pods.
    pub fn is_object_or_external(&self) -> bool {
        matches!(self, Self::Object { .. } | Self::External(_))
    }
}

/// The name in a sentence: `cpu`, `cpu of container app`, `pods metric hits`, `Ingress/shop metric hits`,
/// `external metric queue`.
impl std::fmt::Display for MetricSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Resource { name } => write!(f, "{name}"),
            Self::ContainerResource { name, container } => {
                write!(f, "{name} of container {container}")
            }
            Self::Pods(metric) => write!(f, "pods metric {}", metric.name),
            Self::Object { metric, object } => {
                write!(f, "{}/{} metric {}", object.kind, object.name, metric.name)
            }
            Self::External(metric) => write!(f, "external metric {}", metric.name),
            Self::Unknown { kind } => write!(f, "a metric of type {kind:?}"),
        }
    }
}

impl LabelSelector {
    /// The text for an API query; `None` if an operator is unknown.
    pub fn query(&self) -> Option<String> {
        let labels = self
            .match_labels
            .iter()
            .map(|(k, v)| Some(format!("{k}={v}")));
        let expressions = self.match_expressions.iter().map(|requirement| {
            let (key, values) = (&requirement.key, requirement.values.join(","));
            match requirement.operator.as_str() {
                "In" => Some(format!("{key} in ({values})")),
                "NotIn" => Some(format!("{key} notin ({values})")),
                "Exists" => Some(key.clone()),
                "DoesNotExist" => Some(format!("!{key}")),
                _ => None,
            }
        });
        let parts: Vec<String> = labels.chain(expressions).collect::<Option<_>>()?;
        Some(parts.join(","))
    }

    /// The form in which the controller prints it in its messages: `LabelSelector.String`.
    pub fn as_go_prints(selector: Option<&Self>) -> String {
        let Some(selector) = selector else {
            return "nil".to_owned();
        };
        let mut text = "&LabelSelector{MatchLabels:map[string]string{".to_owned();
        for (key, value) in &selector.match_labels {
            let _ = write!(text, "{key}: {value},");
        }
        text.push_str("},MatchExpressions:[]LabelSelectorRequirement{");
        for requirement in &selector.match_expressions {
            let (key, operator) = (&requirement.key, &requirement.operator);
            let values = requirement.values.join(" ");
            let _ = write!(
                text,
                "LabelSelectorRequirement{{Key:{key},Operator:{operator},Values:[{values}],}},"
            );
        }
        text.push_str("},}");
        text
    }
}

/// What the controller wrote about one metric in `status.currentMetrics`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CurrentMetric {
    /// In percent of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_utilization: Option<i32>,
    /// Per pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub average_value: Option<Quantity>,
    /// In total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Quantity>,
}

impl CurrentMetric {
    /// Whether the metric failed: it keeps its place in the list, with an empty entry.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests;

//! The two forms of an entry of `spec.metrics`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LabelSelector, MetricIdentifier, MetricSource, MetricSpec, MetricTarget};
use crate::quantity::Quantity;
use crate::spec::TargetRef;

/// The flat form, used in traces and documents.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Flat {
    /// `Resource`, `ContainerResource`, `Pods`, `Object` or `External`; anything else is kept as is.
    #[serde(rename = "type")]
    kind: String,
    /// The resource's or metric's name; empty for a kind without one.
    name: String,
    /// The container, for `ContainerResource`.
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<String>,
    /// Labels of a custom or external metric.
    #[serde(skip_serializing_if = "Option::is_none")]
    selector: Option<LabelSelector>,
    /// The object, for `Object`.
    #[serde(skip_serializing_if = "Option::is_none")]
    described_object: Option<TargetRef>,
    /// Target in percent of the request, averaged over pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    average_utilization: Option<i32>,
    /// Target as an amount per pod, in thousandths of the resource's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    average_value_milli: Option<i64>,
    /// Target as a total, in thousandths of the resource's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    value_milli: Option<i64>,
}

impl From<MetricSource> for Flat {
    fn from(source: MetricSource) -> Self {
        let mut flat = Self {
            kind: source.kind().to_owned(),
            name: source.name().to_owned(),
            container: source.container().map(str::to_owned),
            selector: None,
            described_object: None,
            average_utilization: None,
            average_value_milli: None,
            value_milli: None,
        };
        match source {
            MetricSource::Pods(metric) | MetricSource::External(metric) => {
                flat.selector = metric.selector;
            }
            MetricSource::Object { metric, object } => {
                flat.selector = metric.selector;
                flat.described_object = Some(object);
            }
            _ => {}
        }
        flat
    }
}

impl From<MetricSpec> for Flat {
    fn from(spec: MetricSpec) -> Self {
        let mut flat = Self::from(spec.source);
        match spec.target {
            MetricTarget::Utilization(percent) => flat.average_utilization = Some(percent),
            MetricTarget::AverageValue(amount) => flat.average_value_milli = Some(amount.milli()),
            MetricTarget::Value(amount) => flat.value_milli = Some(amount.milli()),
            MetricTarget::Missing => {}
        }
        flat
    }
}

/// Either form: an entry in the API's form has a member named like its type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Written {
    #[serde(rename = "type")]
    kind: String,
    // In the API's form.
    resource: Option<ApiResource>,
    container_resource: Option<ApiResource>,
    pods: Option<ApiMetric>,
    object: Option<ApiMetric>,
    external: Option<ApiMetric>,
    // In the traces' form.
    #[serde(default)]
    name: String,
    container: Option<String>,
    selector: Option<LabelSelector>,
    described_object: Option<TargetRef>,
    average_utilization: Option<i32>,
    average_value_milli: Option<i64>,
    value_milli: Option<i64>,
}

#[derive(Deserialize)]
struct ApiResource {
    name: String,
    #[serde(default)]
    container: String,
    #[serde(default)]
    target: ApiTarget,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiMetric {
    metric: MetricIdentifier,
    described_object: Option<TargetRef>,
    #[serde(default)]
    target: ApiTarget,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ApiTarget {
    #[serde(rename = "type")]
    kind: Option<String>,
    average_utilization: Option<i32>,
    average_value: Option<Quantity>,
    value: Option<Quantity>,
}

impl TryFrom<Written> for MetricSource {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        MetricSpec::try_from(written).map(|spec| spec.source)
    }
}

impl TryFrom<Written> for MetricSpec {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let lacks = |member: &str| format!("a metric of type {} lacks `{member}`", written.kind);
        let flat = || ApiTarget {
            kind: None,
            average_utilization: written.average_utilization,
            average_value: written.average_value_milli.map(Quantity::from_milli),
            value: written.value_milli.map(Quantity::from_milli),
        };
        let metric = || ApiMetric {
            metric: MetricIdentifier {
                name: written.name.clone(),
                selector: written.selector.clone(),
            },
            described_object: written.described_object.clone(),
            target: flat(),
        };
        let resource = || ApiResource {
            name: written.name.clone(),
            container: written.container.clone().unwrap_or_default(),
            target: flat(),
        };
        let named = !written.name.is_empty();
        Ok(match written.kind.as_str() {
            "Resource" => {
                let source = written.resource.or_else(|| named.then(resource));
                let source = source.ok_or_else(|| lacks("resource"))?;
                Self {
                    target: source.target.of_pods(),
                    source: MetricSource::Resource { name: source.name },
                }
            }
            "ContainerResource" => {
                let source = written.container_resource.or_else(|| named.then(resource));
                let source = source.ok_or_else(|| lacks("containerResource"))?;
                Self {
                    target: source.target.of_pods(),
                    source: MetricSource::ContainerResource {
                        name: source.name,
                        container: source.container,
                    },
                }
            }
            "Pods" => {
                let source = written.pods.or_else(|| named.then(metric));
                let source = source.ok_or_else(|| lacks("pods"))?;
                Self {
                    target: source.target.of_pods(),
                    source: MetricSource::Pods(source.metric),
                }
            }
            "Object" => {
                let source = written.object.or_else(|| named.then(metric));
                let source = source.ok_or_else(|| lacks("object"))?;
                Self {
                    target: source.target.of_object(),
                    source: MetricSource::Object {
                        metric: source.metric,
                        // Traces of the first versions do not name the object.
                        object: source.described_object.unwrap_or_default(),
                    },
                }
            }
            "External" => {
                let source = written.external.or_else(|| named.then(metric));
                let source = source.ok_or_else(|| lacks("external"))?;
                Self {
                    target: source.target.of_external(),
                    source: MetricSource::External(source.metric),
                }
            }
            _ => Self {
                source: MetricSource::Unknown { kind: written.kind },
                target: MetricTarget::Missing,
            },
        })
    }
}

/// Which field counts if several are set: the order in which the controller checks them.
impl ApiTarget {
    fn of_pods(&self) -> MetricTarget {
        let average = self.average_value.map(MetricTarget::AverageValue);
        let percent = self.average_utilization.map(MetricTarget::Utilization);
        average.or(percent).unwrap_or(MetricTarget::Missing)
    }

    fn of_external(&self) -> MetricTarget {
        let average = self.average_value.map(MetricTarget::AverageValue);
        let value = self.value.map(MetricTarget::Value);
        average.or(value).unwrap_or(MetricTarget::Missing)
    }

    /// Only for an object does the target's type matter too.
    fn of_object(&self) -> MetricTarget {
        let average = self.average_value.map(MetricTarget::AverageValue);
        let value = self.value.map(MetricTarget::Value);
        match self.kind.as_deref() {
            Some("Value") => value,
            Some("AverageValue") => average,
            Some(_) => None,
            None => value.or(average),
        }
        .unwrap_or(MetricTarget::Missing)
    }
}

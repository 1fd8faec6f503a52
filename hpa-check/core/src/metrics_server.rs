//! The components that serve the metrics APIs.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::spec::MetricSource;

/// The API for pods' own resource use.
pub const RESOURCE: &str = "metrics.k8s.io";
/// The API for metrics of pods and other objects.
pub const CUSTOM: &str = "custom.metrics.k8s.io";
/// The API for metrics from outside the cluster.
pub const EXTERNAL: &str = "external.metrics.k8s.io";

/// What a group's `APIService` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricsServer {
    /// One of [`RESOURCE`], [`CUSTOM`] and [`EXTERNAL`].
    pub group: String,
    /// Whether anything is registered for it.
    pub registered: bool,
    /// The Service behind it, as `namespace/name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Status, reason and message of its condition `Available`, unless that is `True`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// When that began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable_since: Option<Timestamp>,
}

/// Components by a part of their Service's name; more specific parts come first.
const COMPONENTS: [(&str, &str); 12] = [
    ("keda", "KEDA's metrics API server"),
    ("datadog", "the Datadog Cluster Agent"),
    ("prometheus-adapter", "prometheus-adapter"),
    ("prometheus-metrics", "prometheus-adapter"),
    ("stackdriver", "GKE's Stackdriver adapter"),
    ("cloudwatch", "the CloudWatch adapter"),
    ("azure", "the Azure metrics adapter"),
    ("newrelic", "the New Relic metrics adapter"),
    ("alibaba", "the Alibaba Cloud metrics adapter"),
    ("kube-metrics-adapter", "kube-metrics-adapter"),
    (METRICS_SERVER, METRICS_SERVER),
    ("heapster", "Heapster"),
];

const METRICS_SERVER: &str = "metrics-server";

impl MetricsServer {
    /// The component, as far as its Service's name reveals it.
    fn component(&self) -> Option<&'static str> {
        let service = self.service.as_deref()?;
        let mut known = COMPONENTS.iter();
        known
            .find(|(part, _)| service.contains(part))
            .map(|(_, c)| *c)
    }

    /// Whether it is, or may be, metrics-server, which most clusters have.
    pub fn is_usual(&self) -> bool {
        self.service.is_none() || self.component() == Some(METRICS_SERVER)
    }

    /// The condition, as a quote.
    pub fn quote(&self) -> Option<String> {
        let says = self.unavailable.as_ref()?;
        Some(format!("APIService {}: {says}", self.group))
    }
}

/// The component and its Service.
impl fmt::Display for MetricsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.component(), &self.service) {
            (Some(component), Some(service)) => write!(f, "{component} (Service {service})"),
            (None, Some(service)) => write!(f, "the adapter behind Service {service}"),
            (_, None) => write!(f, "the server of {}", self.group),
        }
    }
}

/// The API that a metric's values come from; `None` for an unknown type.
pub fn group_of(source: &MetricSource) -> Option<&'static str> {
    match source {
        MetricSource::Resource { .. } | MetricSource::ContainerResource { .. } => Some(RESOURCE),
        MetricSource::Pods(_) | MetricSource::Object { .. } => Some(CUSTOM),
        MetricSource::External(_) => Some(EXTERNAL),
        MetricSource::Unknown { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_names_the_component_and_an_unknown_one_is_named_by_its_service() {
        let named = |service: &str| {
            MetricsServer {
                service: Some(service.to_owned()),
                ..MetricsServer::default()
            }
            .to_string()
        };
        for (service, component) in [
            (
                "keda/keda-operator-metrics-apiserver",
                "KEDA's metrics API server",
            ),
            ("monitoring/prometheus-adapter", "prometheus-adapter"),
            ("kube-system/metrics-server", "metrics-server"),
            (
                "datadog/datadog-cluster-agent-metrics-server",
                "the Datadog Cluster Agent",
            ),
            (
                "custom-metrics/custom-metrics-stackdriver-adapter",
                "GKE's Stackdriver adapter",
            ),
        ] {
            assert_eq!(named(service), format!("{component} (Service {service})"));
        }
        assert_eq!(named("ops/own"), "the adapter behind Service ops/own");
    }
}

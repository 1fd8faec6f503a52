//! `metrics.k8s.io` PodMetrics, v1 and v1beta1, which have the same shape. No crate has types for them.

use std::collections::BTreeMap;
use std::time::Duration;

use super::null_as_empty;
use hpa_check_core::observation::{ContainerSample, PodSample};
use hpa_check_core::units::Millicores;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use serde::Deserialize;

use super::{quantity_bytes, quantity_milli};

/// `PodMetricsList`.
#[derive(Debug, Deserialize)]
pub(in crate::feed::live) struct PodMetricsList {
    #[serde(default, deserialize_with = "null_as_empty")]
    items: Vec<PodMetrics>,
}

#[derive(Debug, Deserialize)]
pub(in crate::feed::live) struct PodMetrics {
    metadata: Metadata,
    timestamp: Timestamp,
    /// Go's notation, such as `15.041s` or `1m0s`.
    window: String,
    #[serde(default, deserialize_with = "null_as_empty")]
    containers: Vec<ContainerMetrics>,
}

#[derive(Debug, Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    namespace: String,
}

#[derive(Debug, Deserialize)]
struct ContainerMetrics {
    name: String,
    #[serde(default, deserialize_with = "null_as_empty")]
    usage: BTreeMap<String, Quantity>,
}

/// The samples, by pod name.
pub(in crate::feed::live) fn samples(list: PodMetricsList) -> Vec<PodSample> {
    list.items.into_iter().map(sample).collect()
}

impl PodMetrics {
    /// The pod's namespace.
    pub(in crate::feed::live) fn namespace(&self) -> &str {
        &self.metadata.namespace
    }
}

/// One sample.
pub(in crate::feed::live) fn sample(item: PodMetrics) -> PodSample {
    PodSample {
        pod: item.metadata.name,
        timestamp: item.timestamp,
        window: window(&item.window),
        containers: item
            .containers
            .into_iter()
            .map(|container| ContainerSample {
                cpu: container
                    .usage
                    .get("cpu")
                    .and_then(quantity_milli)
                    .map(Millicores),
                memory: container.usage.get("memory").and_then(quantity_bytes),
                name: container.name,
            })
            .collect(),
    }
}

/// An unreadable length counts as zero; the sample is still good.
fn window(text: &str) -> Duration {
    text.parse::<SignedDuration>()
        .map(SignedDuration::unsigned_abs)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use hpa_check_core::units::Bytes;

    use super::*;
    use serde_json::json;

    #[test]
    fn nanocores_are_rounded_up_to_whole_millicores_as_in_the_controller() {
        let list = serde_json::from_value(json!({"kind": "PodMetricsList", "items": [{
            "metadata": {"name": "fib-1"}, "timestamp": "2026-01-01T00:00:00Z", "window": "15.041s",
            "containers": [{"name": "fib", "usage": {"cpu": "92000001n", "memory": "12Mi"}}]
        }]}))
        .unwrap();
        let samples = samples(list);
        assert_eq!(samples[0].pod, "fib-1");
        assert_eq!(samples[0].window, Duration::from_millis(15_041));
        assert_eq!(samples[0].containers[0].cpu, Some(Millicores(93)));
        assert_eq!(
            samples[0].containers[0].memory,
            Some(Bytes::whole(12 << 20))
        );
    }

    #[test]
    fn a_container_without_an_amount_stays_in_its_sample() {
        let list = serde_json::from_value(json!({"items": [{
            "metadata": {"name": "fib-1"}, "timestamp": "2026-01-01T00:00:00Z", "window": "15s",
            "containers": [{"name": "fib", "usage": {"cpu": "9m"}}, {"name": "proxy", "usage": {"memory": "1Mi"}}]
        }]}))
        .unwrap();
        let containers = &samples(list)[0].containers;
        assert_eq!(
            (containers[1].name.as_str(), containers[1].cpu),
            ("proxy", None)
        );
    }

    #[test]
    fn windows_are_in_gos_notation() {
        assert_eq!(window("1m0s"), Duration::from_mins(1));
        assert_eq!(window("10s"), Duration::from_secs(10));
        assert_eq!(window("999.5ms"), Duration::from_micros(999_500));
        assert_eq!(window("soon"), Duration::ZERO);
    }
}

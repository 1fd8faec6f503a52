//! The shapes of objects of which only little is read.

use hpa_check_core::snapshot::{self, EventSnapshot, VpaControl};
use jiff::Timestamp;
use serde::Deserialize;

use super::super::convert::meta::Meta;

/// An object of which only the metadata matters.
#[derive(Debug, Deserialize)]
pub(super) struct Bare {
    pub(super) metadata: Meta,
}

/// `v1` Event.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventObject {
    #[serde(default)]
    involved_object: Involved,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default)]
    count: Option<i32>,
    #[serde(default)]
    first_timestamp: Option<Timestamp>,
    #[serde(default)]
    last_timestamp: Option<Timestamp>,
    #[serde(default, rename = "eventTime")]
    at: Option<Timestamp>,
    #[serde(default)]
    series: Option<Series>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Involved {
    kind: String,
    name: String,
    namespace: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Series {
    #[serde(default)]
    count: Option<i32>,
    #[serde(default)]
    last_observed_time: Option<Timestamp>,
}

impl EventObject {
    /// Its namespace and the snapshot's form.
    pub(super) fn facts(self) -> Option<(String, EventSnapshot)> {
        let Involved {
            kind,
            name,
            namespace,
        } = self.involved_object;
        let series = self.series;
        let seen = series.as_ref().and_then(|s| s.last_observed_time);
        Some((
            namespace,
            EventSnapshot {
                about: format!("{kind}/{name}"),
                reason: self.reason?,
                message: self.message.unwrap_or_default(),
                count: self.count.or(series.and_then(|s| s.count)).unwrap_or(1),
                first: self.first_timestamp.or(self.at),
                last: self.last_timestamp.max(self.at).max(seen),
            },
        ))
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Reference {
    kind: String,
    name: String,
}

impl Reference {
    /// As `Kind/name`.
    fn text(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }
}

/// `VerticalPodAutoscaler` of `autoscaling.k8s.io`.
#[derive(Debug, Deserialize)]
pub(super) struct VpaObject {
    metadata: Meta,
    spec: VpaSpec,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct VpaSpec {
    #[serde(default)]
    target_ref: Reference,
    #[serde(default)]
    update_policy: Option<UpdatePolicy>,
    #[serde(default)]
    resource_policy: Option<ResourcePolicy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct UpdatePolicy {
    update_mode: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ResourcePolicy {
    container_policies: Vec<ContainerPolicy>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerPolicy {
    container_name: String,
    mode: Option<String>,
    controlled_resources: Option<Vec<String>>,
}

/// What a policy controls if it names no resources.
const CONTROLLED: [&str; 2] = ["cpu", "memory"];

impl ContainerPolicy {
    fn facts(self) -> VpaControl {
        let all = || CONTROLLED.map(str::to_owned).to_vec();
        let resources = match self.mode.as_deref() {
            Some("Off") => Vec::new(),
            _ => self.controlled_resources.unwrap_or_else(all),
        };
        VpaControl {
            container: self.container_name,
            resources,
        }
    }
}

impl VpaObject {
    /// Its namespace and the snapshot's form. A container without a policy is controlled completely.
    pub(super) fn facts(self) -> (String, snapshot::Vpa) {
        let policies = self.spec.resource_policy.unwrap_or_default();
        let mut policies = policies.container_policies;
        if !policies.iter().any(|p| p.container_name == "*") {
            policies.push(ContainerPolicy {
                container_name: "*".to_owned(),
                ..ContainerPolicy::default()
            });
        }
        let mode = self.spec.update_policy.unwrap_or_default().update_mode;
        (
            self.metadata.namespace,
            snapshot::Vpa {
                name: self.metadata.name,
                target: self.spec.target_ref.text(),
                mode: mode.unwrap_or_else(|| "Auto".to_owned()),
                controls: policies.into_iter().map(ContainerPolicy::facts).collect(),
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_vpa_that_does_not_list_cpu_does_not_control_it() {
        let vpa = |spec| -> snapshot::Vpa {
            let value = json!({"metadata": {"name": "v", "namespace": "shop"}, "spec": spec});
            serde_json::from_value::<VpaObject>(value)
                .unwrap()
                .facts()
                .1
        };
        let target = json!({"kind": "Deployment", "name": "cart"});
        let plain = vpa(json!({"targetRef": target}));
        assert_eq!(
            (plain.target.as_str(), plain.mode.as_str()),
            ("Deployment/cart", "Auto")
        );
        assert!(plain.controls("cpu", None) && plain.controls("memory", Some("app")));
        let memory = json!({"containerPolicies": [{"containerName": "*", "controlledResources": ["memory"]}]});
        assert!(!vpa(json!({"targetRef": target, "resourcePolicy": memory})).controls("cpu", None));
        let off = json!({"containerPolicies": [{"containerName": "*", "mode": "Off"}]});
        assert!(!vpa(json!({"targetRef": target, "resourcePolicy": off})).controls("cpu", None));
        let proxy = json!({"containerPolicies": [{"containerName": "proxy", "mode": "Off"}]});
        let beside = vpa(json!({"targetRef": target, "resourcePolicy": proxy}));
        assert!(beside.controls("cpu", Some("app")) && !beside.controls("cpu", Some("proxy")));
    }

    #[test]
    fn both_ways_of_counting_events_are_read() {
        let event = |value| {
            serde_json::from_value::<EventObject>(value)
                .unwrap()
                .facts()
                .unwrap()
                .1
        };
        let about = json!({"kind": "HorizontalPodAutoscaler", "name": "cart", "namespace": "shop"});
        let old = event(
            json!({"involvedObject": about, "reason": "SuccessfulRescale", "count": 3,
            "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:05:00Z", "eventTime": null}),
        );
        assert_eq!(
            (old.count, old.last),
            (3, "2026-01-01T00:05:00Z".parse().ok())
        );
        let new = event(
            json!({"involvedObject": about, "reason": "x", "eventTime": "2026-01-01T00:00:00.5Z",
            "series": {"count": 4, "lastObservedTime": "2026-01-01T00:09:00.5Z"}}),
        );
        assert_eq!(
            (new.count, new.about.as_str()),
            (4, "HorizontalPodAutoscaler/cart")
        );
        assert_eq!(new.last, "2026-01-01T00:09:00.5Z".parse().ok());
    }
}

//! `ScaledObject` of `keda.sh`.

use std::collections::BTreeMap;

use hpa_check_core::keda::{LABEL, PREFIX, ScaledObject};
use hpa_check_core::observation::Condition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

use super::null_as_empty;

/// The parts of the object that are read.
#[derive(Debug, Clone, Deserialize)]
pub(in crate::feed::live) struct Object {
    pub(in crate::feed::live) metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::feed::live) struct Metadata {
    pub(in crate::feed::live) name: String,
    pub(in crate::feed::live) namespace: String,
    #[serde(deserialize_with = "null_as_empty")]
    annotations: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Spec {
    scale_target_ref: Reference,
    min_replica_count: Option<i32>,
    max_replica_count: Option<i32>,
    idle_replica_count: Option<i32>,
    advanced: Option<Advanced>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Reference {
    kind: Option<String>,
    name: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Advanced {
    horizontal_pod_autoscaler_config: Option<AutoscalerConfig>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct AutoscalerConfig {
    name: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    hpa_name: Option<String>,
    #[serde(deserialize_with = "null_as_empty")]
    conditions: Vec<StatusCondition>,
}

#[derive(Debug, Clone, Deserialize)]
struct StatusCondition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    message: String,
}

/// Converts the object.
pub(in crate::feed::live) fn scaled_object(object: Object) -> ScaledObject {
    let Object {
        metadata,
        spec,
        status,
    } = object;
    // A missing kind is a Deployment, and a missing autoscaler name is KEDA's default.
    let kind = spec.scale_target_ref.kind.filter(|kind| !kind.is_empty());
    let kind = kind.unwrap_or_else(|| "Deployment".to_owned());
    let config = spec
        .advanced
        .and_then(|a| a.horizontal_pod_autoscaler_config);
    let named = status.hpa_name.or(config.and_then(|c| c.name));
    let named = named.filter(|name| !name.is_empty());
    let conditions = status.conditions.into_iter().map(|c| Condition {
        kind: c.kind.into(),
        status: c.status.into(),
        reason: c.reason.into(),
        message: c.message.into(),
    });
    let mut annotations = metadata.annotations;
    annotations.retain(|key, _| key.starts_with(PREFIX));
    ScaledObject {
        autoscaler: Some(named.unwrap_or_else(|| format!("keda-hpa-{}", metadata.name))),
        name: metadata.name,
        is_read: true,
        target: format!("{kind}/{}", spec.scale_target_ref.name),
        min_replicas: spec.min_replica_count,
        max_replicas: spec.max_replica_count,
        idle_replicas: spec.idle_replica_count,
        annotations,
        conditions: conditions.collect(),
    }
}

/// The name of the `ScaledObject` that an autoscaler belongs to, from its owner reference, or from KEDA's label
/// if the reference was lost.
pub(in crate::feed::live) fn owner(metadata: &ObjectMeta) -> Option<String> {
    let owners = metadata.owner_references.iter().flatten();
    let mut owners = owners.filter(|o| o.kind == "ScaledObject");
    let labels = metadata.labels.as_ref();
    let labeled = || labels.and_then(|labels| labels.get(LABEL)).cloned();
    owners.next().map(|o| o.name.clone()).or_else(labeled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(value: serde_json::Value) -> ScaledObject {
        scaled_object(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn missing_fields_have_kedas_defaults() {
        let plain = read(
            json!({"metadata": {"name": "cart", "namespace": "shop", "annotations": null},
            "spec": {"scaleTargetRef": {"name": "cart"}, "triggers": []}, "status": {"conditions": null}}),
        );
        assert_eq!(plain.target, "Deployment/cart");
        assert_eq!(plain.autoscaler.as_deref(), Some("keda-hpa-cart"));
        assert_eq!((plain.min_replicas, plain.pause()), (None, None));
    }

    #[test]
    fn kedas_annotations_and_conditions_are_converted_and_other_annotations_are_not() {
        let paused = read(
            json!({"metadata": {"name": "cart", "namespace": "shop", "annotations": {
                "autoscaling.keda.sh/paused-replicas": "4", "team": "basket"}},
            "spec": {"scaleTargetRef": {"kind": "StatefulSet", "name": "db"}, "minReplicaCount": 2,
                "idleReplicaCount": 0, "advanced": {"horizontalPodAutoscalerConfig": {"name": "mine"}}},
            "status": {"conditions": [{"type": "Fallback", "status": "True", "reason": "FallbackExists"}]}}),
        );
        assert_eq!(paused.annotations.len(), 1);
        assert!(paused.is_paused() && paused.fallback().is_some());
        assert_eq!(
            (paused.target.as_str(), paused.autoscaler.as_deref()),
            ("StatefulSet/db", Some("mine"))
        );
        assert_eq!(
            (paused.min_replicas, paused.idle_replicas),
            (Some(2), Some(0))
        );
    }

    #[test]
    fn an_autoscaler_is_kedas_by_its_owner_or_by_its_label() {
        let meta = |value| serde_json::from_value::<ObjectMeta>(value).unwrap();
        let owned = json!({"ownerReferences": [{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "name": "cart", "uid": "u", "controller": true}]});
        assert_eq!(owner(&meta(owned)).as_deref(), Some("cart"));
        let labeled = json!({"labels": {"scaledobject.keda.sh/name": "cart"}});
        assert_eq!(owner(&meta(labeled)).as_deref(), Some("cart"));
        let other = json!({"labels": {"app": "cart"}, "ownerReferences": [
            {"apiVersion": "apps/v1", "kind": "Deployment", "name": "cart", "uid": "u"}]});
        assert_eq!(owner(&meta(other)), None);
    }
}

//! The scale target: a Deployment, a StatefulSet, or anything else with a `/scale` subresource. All of them
//! store their replicas under the same names, so one conversion reads them all.

use std::hash::{DefaultHasher, Hash, Hasher};

use hpa_check_core::observation::{Condition, FieldManager, ScaleTarget};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::DynamicObject;
use serde_json::Value;

use super::super::scale::Scale;
use super::selector;

/// A complete Deployment, StatefulSet or similar object.
pub(in crate::feed::live) fn target(object: &DynamicObject) -> ScaleTarget {
    ScaleTarget {
        generation: object.metadata.generation,
        // The API's default if the field is missing.
        spec_replicas: number(object, "/spec/replicas").unwrap_or(1),
        replicas: number(object, "/status/replicas").unwrap_or(0),
        ready_replicas: number(object, "/status/readyReplicas").unwrap_or(0),
        updated_replicas: number(object, "/status/updatedReplicas").unwrap_or(0),
        selector: own_selector(object).unwrap_or_default(),
        ..common(object)
    }
}

/// Any other object, whose replicas only its `/scale` shows. Ready replicas are counted from the pods.
pub(in crate::feed::live) fn scaled(object: &DynamicObject, scale: &Scale) -> ScaleTarget {
    ScaleTarget {
        generation: object.metadata.generation,
        spec_replicas: scale.wanted,
        replicas: scale.observed,
        ready_replicas: 0,
        counts_ready: false,
        updated_replicas: scale.observed,
        selector: scale.selector.clone().unwrap_or_default(),
        ..common(object)
    }
}

/// What every object has.
fn common(object: &DynamicObject) -> ScaleTarget {
    let metadata = &object.metadata;
    ScaleTarget {
        uid: metadata.uid.clone().unwrap_or_default(),
        conditions: conditions(object.data.pointer("/status/conditions")),
        replicas_writer: replicas_writer(metadata.managed_fields.as_deref().unwrap_or(&[])),
        spec_digest: object.data.get("spec").map(digest),
        counts_ready: true,
        ..ScaleTarget::default()
    }
}

/// A digest of the spec without any replicas, which the autoscaler writes: custom resources store them in
/// various places.
fn digest(spec: &Value) -> String {
    let mut rest = spec.clone();
    remove_replicas(&mut rest);
    let mut hasher = DefaultHasher::new();
    rest.to_string().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn remove_replicas(value: &mut Value) {
    if let Some(fields) = value.as_object_mut() {
        fields.remove("replicas");
        fields.values_mut().for_each(remove_replicas);
    }
}

/// `spec.selector` as text: for the kinds of `apps` it is the same as in `/scale`.
fn own_selector(object: &DynamicObject) -> Option<String> {
    selector::text(object.data.pointer("/spec/selector")?)
}

fn number(object: &DynamicObject, pointer: &str) -> Option<i32> {
    object
        .data
        .pointer(pointer)
        .and_then(Value::as_i64)
        .and_then(|n| i32::try_from(n).ok())
}

fn conditions(list: Option<&Value>) -> Vec<Condition> {
    let text = |condition: &Value, key: &str| {
        let text = condition.get(key).and_then(Value::as_str);
        text.unwrap_or_default().to_owned().into()
    };
    list.and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|condition| Condition {
            kind: text(condition, "type"),
            status: text(condition, "status"),
            reason: text(condition, "reason"),
            message: text(condition, "message"),
        })
        .collect()
}

/// Whether a set of owned fields includes replicas anywhere: custom resources have them at paths of their own.
fn owns_replicas(fields: &Value) -> bool {
    fields.as_object().is_some_and(|fields| {
        fields
            .iter()
            .any(|(name, inner)| name == "f:replicas" || owns_replicas(inner))
    })
}

/// Who wrote the fields of an entry, and when.
pub(in crate::feed::live) fn writer(entry: &ManagedFieldsEntry) -> FieldManager {
    FieldManager {
        manager: entry.manager.clone().unwrap_or_default(),
        at: entry.time.as_ref().map(|time| time.0),
    }
}

/// The last writer among the managers that own the spec's replicas.
fn replicas_writer(managers: &[ManagedFieldsEntry]) -> Option<FieldManager> {
    managers
        .iter()
        .filter(|entry| {
            entry
                .fields_v1
                .as_ref()
                .and_then(|fields| fields.0.get("f:spec"))
                .is_some_and(owns_replicas)
        })
        .map(writer)
        .max_by_key(|writer| writer.at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: serde_json::Value) -> DynamicObject {
        serde_json::from_value(value).unwrap()
    }

    fn deployment() -> DynamicObject {
        object(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "fib", "uid": "d", "generation": 7, "managedFields": [
                {"manager": "helm", "time": "2026-01-01T00:00:00Z",
                 "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                {"manager": "kube-controller-manager", "subresource": "scale", "time": "2026-01-01T00:03:00Z",
                 "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                {"manager": "kubectl", "time": "2026-01-01T00:09:00Z",
                 "fieldsV1": {"f:metadata": {"f:labels": {}}}}]},
            "spec": {"replicas": 6, "selector": {"matchLabels": {"app": "fib"}},
                "template": {"spec": {"containers": [{"name": "fib", "image": "one"}]}}},
            "status": {"replicas": 6, "readyReplicas": 4, "updatedReplicas": 6, "conditions": [
                {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}]}
        }))
    }

    #[test]
    fn a_deployment_is_converted_completely() {
        let seen = target(&deployment());
        assert_eq!(seen.generation, Some(7));
        assert_eq!(
            (seen.spec_replicas, seen.replicas, seen.ready_replicas),
            (6, 6, 4)
        );
        assert_eq!(seen.selector, "app=fib");
        assert_eq!(seen.conditions[0].reason, "FailedCreate");
    }

    #[test]
    fn the_digest_changes_with_the_template_and_not_with_the_replicas() {
        let with = |pointer: &str, value: serde_json::Value| {
            let mut changed = deployment();
            *changed.data.pointer_mut(pointer).unwrap() = value;
            target(&changed).spec_digest
        };
        let digest = target(&deployment()).spec_digest;
        assert!(digest.is_some());
        assert_eq!(with("/spec/replicas", json!(9)), digest);
        assert_ne!(
            with("/spec/template/spec/containers/0/image", json!("two")),
            digest
        );
    }

    #[test]
    fn the_last_writer_of_the_replicas_is_named_and_not_the_last_writer_of_anything() {
        let writer = target(&deployment()).replicas_writer.unwrap();
        assert_eq!(writer.manager, "kube-controller-manager");
        assert_eq!(writer.at, "2026-01-01T00:03:00Z".parse().ok());
    }

    #[test]
    fn missing_ready_replicas_are_zero_because_the_api_omits_zero() {
        let seen = target(&object(
            json!({"metadata": {}, "spec": {"replicas": 3}, "status": {}}),
        ));
        assert_eq!(seen.ready_replicas, 0);
    }

    #[test]
    fn a_custom_resources_replicas_are_what_its_scale_says_wherever_it_stores_them() {
        let flink = object(
            json!({"metadata": {"uid": "f", "generation": 2, "managedFields": [
                {"manager": "flink-operator", "time": "2026-01-01T00:00:00Z",
                 "fieldsV1": {"f:spec": {"f:taskManager": {"f:replicas": {}}}}}]},
            "spec": {"replicas": 99, "taskManager": {"replicas": 4}}, "status": {"replicas": 77}}),
        );
        let scale = Scale {
            wanted: 4,
            observed: 3,
            selector: Some("app=flink".to_owned()),
        };
        let seen = scaled(&flink, &scale);
        assert_eq!((seen.spec_replicas, seen.replicas), (4, 3));
        assert_eq!(
            (seen.selector.as_str(), seen.counts_ready),
            ("app=flink", false)
        );
        assert_eq!(seen.replicas_writer.unwrap().manager, "flink-operator");
    }
}

//! Manifests: reads them as people, charts and kubectl write them, and makes them from live objects by removing
//! what a server adds.

mod amounts;
mod autoscaler;
mod differences;
mod keys;
mod limit_range;
mod missing;
mod older;
mod origin;
mod simulable;
mod valid;
mod workload;

use serde_json::{Map, Value};

use crate::keda::LABEL;

pub use autoscaler::{DEFAULT_CPU_TARGET, Manifest, object, objects, read, read_behavior};
pub use differences::differences;
pub use missing::missing;
pub use origin::{Origin, cpu_metric};
pub use simulable::{PodRequest, Simulable};
pub use workload::WorkloadManifest;

/// The metadata that a person writes.
const METADATA: [&str; 4] = ["name", "namespace", "labels", "annotations"];

/// Annotations that tools and controllers write.
const WRITTEN: [&str; 4] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "kubectl.kubernetes.io/restartedAt",
    "autoscaling.alpha.kubernetes.io/conditions",
];

/// What is exported, as group, version and kind, in the order in which it is created: dependencies first. No
/// Secrets.
pub const EXPORTED: [(&str, &str, &str); 14] = [
    ("", "v1", "ServiceAccount"),
    ("", "v1", "ConfigMap"),
    ("rbac.authorization.k8s.io", "v1", "Role"),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding"),
    ("", "v1", "ResourceQuota"),
    ("networking.k8s.io", "v1", "NetworkPolicy"),
    ("", "v1", "Service"),
    ("networking.k8s.io", "v1", "Ingress"),
    ("apps", "v1", "Deployment"),
    ("apps", "v1", "StatefulSet"),
    ("policy", "v1", "PodDisruptionBudget"),
    ("keda.sh", "v1alpha1", "TriggerAuthentication"),
    ("keda.sh", "v1alpha1", "ScaledObject"),
    ("autoscaling", "v2", "HorizontalPodAutoscaler"),
];

/// An object's kind and name, such as `Deployment/cart`.
pub fn named(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
    format!("{kind}/{name}")
}

/// Whether an object is in this namespace, as far as the input says.
fn is_in(object: &Value, namespace: Option<&str>) -> bool {
    let place = object["metadata"]["namespace"].as_str();
    place.is_none() || namespace.is_none() || place == namespace
}

/// Whether a person made the object, rather than the cluster or another object.
pub fn is_own(object: &Value) -> bool {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let made_by_cluster = matches!(
        (object["kind"].as_str(), name),
        (Some("ServiceAccount"), "default")
            | (
                Some("ConfigMap"),
                "kube-root-ca.crt" | "openshift-service-ca.crt"
            )
    );
    let owners = object["metadata"]["ownerReferences"].as_array();
    let owned = owners.is_some_and(|list| list.iter().any(|o| o["controller"] == true));
    !name.is_empty() && !made_by_cluster && !owned
}

/// The manifest of an object. If `scaled`, an autoscaler owns its replicas, so they are left out: applying them
/// would reset them.
pub fn clean(object: &Value, scaled: bool) -> Value {
    let mut manifest = Map::new();
    for key in ["apiVersion", "kind"] {
        manifest.insert(key.to_owned(), object[key].clone());
    }
    manifest.insert("metadata".to_owned(), metadata(&object["metadata"]));
    let mut rest: Vec<(&String, &Value)> = object.as_object().into_iter().flatten().collect();
    rest.sort_unstable_by_key(|(key, _)| *key);
    for (key, value) in rest {
        if !matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "status") {
            manifest.insert(key.clone(), sorted(value));
        }
    }
    match object["kind"].as_str().unwrap_or_default() {
        "Service" => service(&mut manifest),
        "ServiceAccount" => drop(manifest.remove("secrets")),
        "ScaledObject" => scaled_object(&mut manifest),
        "Deployment" | "StatefulSet" => workload(&mut manifest, scaled),
        _ => {}
    }
    Value::Object(manifest)
}

fn metadata(metadata: &Value) -> Value {
    let mut kept = Map::new();
    for key in METADATA {
        let value = match (key, metadata.get(key)) {
            (_, None) => continue,
            ("annotations", Some(all)) => annotations(all),
            (_, Some(value)) => sorted(value),
        };
        if value.as_object().is_none_or(|map| !map.is_empty()) {
            kept.insert(key.to_owned(), value);
        }
    }
    Value::Object(kept)
}

fn annotations(all: &Value) -> Value {
    let mut kept = sorted(all);
    if let Some(map) = kept.as_object_mut() {
        map.retain(|key, _| !WRITTEN.contains(&key.as_str()));
    }
    kept
}

/// Removes what the cluster assigned; a headless Service keeps its `None`.
fn service(manifest: &mut Map<String, Value>) {
    let Some(spec) = manifest.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if spec.get("clusterIP").is_some_and(|ip| ip != "None") {
        spec.remove("clusterIP");
    }
    for key in [
        "clusterIPs",
        "ipFamilies",
        "ipFamilyPolicy",
        "healthCheckNodePort",
    ] {
        spec.remove(key);
    }
    for port in spec
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        if let Some(port) = port.as_object_mut() {
            port.remove("nodePort");
        }
    }
}

/// KEDA labels its own objects with their names.
fn scaled_object(manifest: &mut Map<String, Value>) {
    let metadata = manifest.get_mut("metadata").and_then(Value::as_object_mut);
    let Some(metadata) = metadata else {
        return;
    };
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels.remove(LABEL);
    }
    metadata.retain(|_, value| value.as_object().is_none_or(|map| !map.is_empty()));
}

fn workload(manifest: &mut Map<String, Value>, scaled: bool) {
    let Some(spec) = manifest.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if scaled {
        spec.remove("replicas");
    }
    let template = spec.get_mut("template").and_then(|t| t.get_mut("metadata"));
    if let Some(metadata) = template.and_then(Value::as_object_mut) {
        metadata.remove("creationTimestamp");
        if let Some(all) = metadata.get_mut("annotations") {
            *all = annotations(all);
        }
        metadata.retain(|_, value| value.as_object().is_none_or(|map| !map.is_empty()));
    }
}

/// The same value with the keys of every object sorted.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_unstable_by_key(|(key, _)| *key);
            entries
                .into_iter()
                .map(|(key, value)| (key.clone(), sorted(value)))
                .collect()
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        plain => plain.clone(),
    }
}

/// The manifests in the order in which to apply them, then by name.
pub fn in_order(mut manifests: Vec<Value>) -> Vec<Value> {
    let place = |manifest: &Value| {
        let kind = manifest["kind"].as_str().unwrap_or_default();
        let mut known = EXPORTED.iter();
        let rank = known.position(|(.., known)| *known == kind);
        let rank = rank.unwrap_or(EXPORTED.len());
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (rank, kind.to_owned(), text(&manifest["metadata"]["name"]))
    };
    manifests.sort_by_cached_key(place);
    manifests
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_server_added_is_removed_and_what_a_person_wrote_stays() {
        let live = json!({
            "status": {"replicas": 5}, "kind": "Deployment", "apiVersion": "apps/v1",
            "metadata": {"uid": "u", "resourceVersion": "7", "generation": 4, "creationTimestamp": "2026-01-01T00:00:00Z",
                "managedFields": [{}], "name": "cart", "namespace": "shop", "labels": {"b": "2", "a": "1"},
                "annotations": {"deployment.kubernetes.io/revision": "3", "team": "basket"}},
            "spec": {"replicas": 5, "selector": {"matchLabels": {"app": "cart"}},
                "template": {"metadata": {"creationTimestamp": null, "labels": {"app": "cart"},
                        "annotations": {"kubectl.kubernetes.io/restartedAt": "2026-01-01T00:00:00Z"}},
                    "spec": {"containers": [{"name": "app", "env": [{"name": "B"}, {"name": "A"}]}]}}}});
        let manifest = clean(&live, true);
        assert_eq!(
            manifest,
            json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "cart", "namespace": "shop", "labels": {"a": "1", "b": "2"}, "annotations": {"team": "basket"}},
            "spec": {"selector": {"matchLabels": {"app": "cart"}},
                "template": {"metadata": {"labels": {"app": "cart"}},
                    "spec": {"containers": [{"name": "app", "env": [{"name": "B"}, {"name": "A"}]}]}}}})
        );
        assert_eq!(clean(&live, false)["spec"]["replicas"], 5);
        assert_eq!(
            clean(&manifest, true),
            manifest,
            "a manifest is clean already"
        );
    }

    #[test]
    fn a_scaled_object_keeps_what_its_author_wrote_and_loses_what_keda_added() {
        let live = json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
            "metadata": {"name": "cart", "namespace": "shop", "uid": "u", "finalizers": ["finalizer.keda.sh"],
                "labels": {"scaledobject.keda.sh/name": "cart"},
                "annotations": {"autoscaling.keda.sh/paused-replicas": "2"}},
            "spec": {"scaleTargetRef": {"name": "cart"}, "triggers": [{"type": "cpu"}]},
            "status": {"hpaName": "keda-hpa-cart", "originalReplicaCount": 1}});
        assert_eq!(
            clean(&live, false),
            json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
                "metadata": {"name": "cart", "namespace": "shop",
                    "annotations": {"autoscaling.keda.sh/paused-replicas": "2"}},
                "spec": {"scaleTargetRef": {"name": "cart"}, "triggers": [{"type": "cpu"}]}})
        );
    }

    #[test]
    fn a_service_loses_its_addresses_and_a_headless_one_stays_headless() {
        let service = |ip: &str| {
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart"},
                "spec": {"clusterIP": ip, "clusterIPs": [ip], "ipFamilies": ["IPv4"], "type": "NodePort",
                    "ports": [{"port": 80, "nodePort": 30080}]}})
        };
        assert_eq!(
            clean(&service("10.0.0.7"), false)["spec"],
            json!({"type": "NodePort", "ports": [{"port": 80}]})
        );
        assert_eq!(clean(&service("None"), false)["spec"]["clusterIP"], "None");
    }

    #[test]
    fn objects_made_by_the_cluster_or_another_object_are_not_exported() {
        let object = |kind: &str, name: &str| json!({"kind": kind, "metadata": {"name": name}});
        assert!(is_own(&object("ConfigMap", "settings")));
        assert!(!is_own(&object("ConfigMap", "kube-root-ca.crt")));
        assert!(!is_own(&object("ServiceAccount", "default")));
        let owned = json!({"kind": "ConfigMap", "metadata": {"name": "x", "ownerReferences": [{"controller": true}]}});
        assert!(!is_own(&owned));
    }

    #[test]
    fn dependencies_come_first() {
        let kinds = [
            "HorizontalPodAutoscaler",
            "Deployment",
            "ConfigMap",
            "Service",
        ];
        let manifests = kinds.map(|kind| json!({"kind": kind, "metadata": {"name": "x"}}));
        let kinds: Vec<_> = in_order(manifests.to_vec())
            .iter()
            .map(|m| m["kind"].clone())
            .collect();
        assert_eq!(
            kinds,
            [
                "ConfigMap",
                "Service",
                "Deployment",
                "HorizontalPodAutoscaler"
            ]
        );
    }
}

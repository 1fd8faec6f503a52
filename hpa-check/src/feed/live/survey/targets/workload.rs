//! What a workload's object reveals: its template, and who sets its replicas.

use hpa_check_core::deployer::AppliedManifest;
use hpa_check_core::observation::{FieldManager, ScaleTarget};
use hpa_check_core::snapshot::{FieldOwner, Workload};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::api::DynamicObject;
use serde_json::Value;

use super::super::super::convert::target::writer;

/// Where `kubectl apply` stores what it applied last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

pub(super) fn workload(object: &DynamicObject, seen: ScaleTarget) -> Workload {
    let metadata = &object.metadata;
    let containers = object.data.pointer("/spec/template/spec/containers");
    let name = |container: &Value| Some(container.get("name")?.as_str()?.to_owned());
    let init = object.data.pointer("/spec/template/spec/initContainers");
    let all = [containers, init].into_iter().flatten();
    Workload {
        created: metadata.creation_timestamp.as_ref().map(|t| t.0),
        object: seen,
        paused: object.data.pointer("/spec/paused") == Some(&Value::Bool(true)),
        template: all
            .filter_map(Value::as_array)
            .flatten()
            .filter_map(name)
            .collect(),
        manifest: manifest(metadata),
        owners_of_replicas: owners_of_replicas(
            metadata.managed_fields.as_deref().unwrap_or_default(),
        ),
    }
}

/// What the object reveals about the manifests applied to it.
fn manifest(metadata: &ObjectMeta) -> AppliedManifest {
    let annotations = metadata.annotations.as_ref();
    let labels = metadata.labels.as_ref();
    let noted = |key: &str| annotations.and_then(|a| a.get(key)).map(String::as_str);
    let marked = |key: &str| noted(key).or_else(|| labels?.get(key).map(String::as_str));
    let named =
        |name: &str, namespace: &str| Some(format!("{}/{}", marked(namespace)?, marked(name)?));
    let managers = metadata.managed_fields.as_deref().unwrap_or_default();
    let applied = noted(LAST_APPLIED).and_then(|text| serde_json::from_str::<Value>(text).ok());
    let sets_replicas = applied.is_some_and(|a| a.pointer("/spec/replicas").is_some());
    let stores = |entry: &&ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref();
        let stored = format!("f:{LAST_APPLIED}");
        let annotations = fields.and_then(|f| f.0.pointer("/f:metadata/f:annotations"));
        annotations.is_some_and(|a| a.get(&stored).is_some())
    };
    let by = managers
        .iter()
        .filter(stores)
        .max_by_key(|e| e.time.as_ref().map(|t| t.0));
    let unknown = FieldManager {
        manager: String::new(),
        at: None,
    };
    let left = FLUX_LEAVES.iter().find_map(|(key, value)| {
        let is = marked(key)?;
        is.eq_ignore_ascii_case(value)
            .then(|| format!("{key}: {is}"))
    });
    AppliedManifest {
        stored: sets_replicas.then(|| by.map_or(unknown, writer)),
        appliers: managers
            .iter()
            .filter(|e| e.operation.as_deref() == Some("Apply") && e.subresource.is_none())
            .map(writer)
            .collect(),
        helm_release: named(
            "meta.helm.sh/release-name",
            "meta.helm.sh/release-namespace",
        ),
        kustomization: named(
            "kustomize.toolkit.fluxcd.io/name",
            "kustomize.toolkit.fluxcd.io/namespace",
        ),
        left_by_flux: left,
    }
}

/// Marks by which kustomize-controller leaves an existing object alone.
const FLUX_LEAVES: [(&str, &str); 3] = [
    ("kustomize.toolkit.fluxcd.io/ssa", "IfNotPresent"),
    ("kustomize.toolkit.fluxcd.io/ssa", "Ignore"),
    ("kustomize.toolkit.fluxcd.io/reconcile", "disabled"),
];

fn owners_of_replicas(managers: &[ManagedFieldsEntry]) -> Vec<FieldOwner> {
    let owns = |entry: &&ManagedFieldsEntry| {
        let fields = entry.fields_v1.as_ref();
        fields.is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
    };
    managers
        .iter()
        .filter(owns)
        .map(|entry| FieldOwner {
            writer: writer(entry),
            applies: entry.operation.as_deref() == Some("Apply"),
            through_scale: entry.subresource.as_deref() == Some("scale"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::super::convert;
    use super::*;

    #[test]
    fn a_workload_shows_who_sets_its_replicas_and_its_templates_containers() {
        let object: DynamicObject = serde_json::from_value(json!({
            "metadata": {"name": "cart", "namespace": "shop",
                "annotations": {LAST_APPLIED: "{\"spec\":{\"replicas\":3}}"},
                "managedFields": [
                    {"manager": "argocd-controller", "operation": "Apply", "time": "2026-01-01T00:00:00Z",
                     "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                    {"manager": "kube-controller-manager", "operation": "Update", "subresource": "scale",
                     "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                    {"manager": "kubectl", "operation": "Update", "fieldsV1": {"f:metadata": {}}}]},
            "spec": {"replicas": 3, "paused": true, "selector": {"matchLabels": {"app": "cart"}},
                "template": {"spec": {"containers": [{"name": "app"}], "initContainers": [{"name": "proxy"}]}}}
        }))
        .unwrap();
        let workload = workload(&object, convert::target::target(&object));
        assert!(workload.paused && workload.manifest.stored.is_some());
        assert_eq!(workload.manifest.appliers[0].manager, "argocd-controller");
        assert_eq!(workload.template, ["app", "proxy"]);
        let owners: Vec<_> = workload
            .owners_of_replicas
            .iter()
            .map(|o| (o.writer.manager.as_str(), o.applies, o.through_scale))
            .collect();
        assert_eq!(
            owners,
            [
                ("argocd-controller", true, false),
                ("kube-controller-manager", false, true)
            ]
        );
    }
}

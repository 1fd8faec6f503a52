//! The autoscalers' targets, and the owners of pods' owners.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use hpa_check_core::deployer::AppliedManifest;
use hpa_check_core::observation::{FieldManager, ScaleTarget};
use hpa_check_core::snapshot::{FieldOwner, TargetLook, Workload};
use hpa_check_core::spec::TargetRef;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ManagedFieldsEntry, ObjectMeta};
use kube::api::{Api, ApiResource, DynamicObject};
use serde_json::Value;

use super::super::convert;
use super::super::convert::meta::controller;
use super::super::scale;
use super::super::trouble::{Trouble, TroubleKind, within};
use super::Found;
use super::decode::Bare;
use super::lists::{Ask, Granted, List, Lists, patiently};

/// Where `kubectl apply` stores what it applied last.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Kinds that are listed instead of being read one by one: API, plural, kind, group.
const LISTED: [(&str, &str, &str, &str); 3] = [
    ("/apis/apps/v1", "deployments", "Deployment", "apps"),
    ("/apis/apps/v1", "statefulsets", "StatefulSet", "apps"),
    (
        "/api/v1",
        "replicationcontrollers",
        "ReplicationController",
        "",
    ),
];

/// Targets of other kinds that are read at the same time.
const AT_ONCE: usize = 32;

/// What was read.
pub(super) struct Targets {
    /// One per autoscaler, in their order.
    pub(super) looks: Vec<TargetLook>,
    /// The owners of pods' owners, by namespace.
    pub(super) owners: BTreeMap<String, BTreeMap<String, String>>,
}

/// A workload of a list.
struct Listed {
    namespace: String,
    name: String,
    owner: Option<String>,
    workload: Workload,
}

pub(super) async fn read(lists: &Lists<'_>, names: &BTreeSet<String>, found: &[Found]) -> Targets {
    let mut targets = Targets {
        looks: vec![TargetLook::Unread; found.len()],
        owners: BTreeMap::new(),
    };
    let wanted: BTreeSet<&str> = found
        .iter()
        .map(|f| kind_of(&f.scaler.object.spec.scale_target_ref))
        .collect();
    for (api, plural, kind, group) in LISTED {
        // Owners between a pod and a custom target are needed too.
        if wanted.contains(kind) || wanted.contains("") {
            let rule = rule(plural, group);
            let ask = Ask {
                api,
                plural,
                list: List::PAGED,
                rule: &format!("list {rule}"),
                consequence: "the desired and ready replicas, and which pods count, can't be observed",
                essential: true,
            };
            if let Some(list) = lists.granted(&ask, names, listed).await {
                targets.take(found, list, (&rule, kind));
            }
        }
    }
    targets.replica_sets(lists, names).await;
    targets.others(lists, found).await;
    targets
}

/// The resource as an RBAC rule names it.
fn rule(plural: &str, group: &str) -> String {
    if group.is_empty() {
        plural.to_owned()
    } else {
        format!("{plural}.{group}")
    }
}

/// The kind if it is listed, else an empty string.
fn kind_of(reference: &TargetRef) -> &str {
    let (_, _, kind, _) = LISTED
        .iter()
        .find(|(_, _, kind, group)| *kind == reference.kind && *group == group_of(reference))
        .unwrap_or(&("", "", "", ""));
    kind
}

fn group_of(reference: &TargetRef) -> &str {
    let version = reference.api_version.as_str();
    version.split_once('/').map_or("", |(group, _)| group)
}

impl Targets {
    fn take(&mut self, found: &[Found], list: Granted<Vec<Listed>>, (rule, kind): (&str, &str)) {
        let mut by_name = BTreeMap::new();
        for one in list.all {
            self.own(&one.namespace, format!("{kind}/{}", one.name), one.owner);
            by_name.insert((one.namespace, one.name), Box::new(one.workload));
        }
        for (one, look) in found.iter().zip(&mut self.looks) {
            let reference = &one.scaler.object.spec.scale_target_ref;
            if kind_of(reference) != kind || list.refused.contains(&one.namespace) {
                continue;
            }
            let name = (one.namespace.clone(), reference.name.clone());
            *look = match by_name.get(&name) {
                Some(workload) => TargetLook::Read(workload.clone()),
                None => TargetLook::Absent {
                    message: format!("{rule} \"{}\" not found", reference.name),
                },
            };
        }
    }

    fn own(&mut self, namespace: &str, what: String, owner: Option<String>) {
        if let Some(owner) = owner {
            let space = self.owners.entry(namespace.to_owned()).or_default();
            space.insert(what, owner);
        }
    }

    async fn replica_sets(&mut self, lists: &Lists<'_>, names: &BTreeSet<String>) {
        let ask = Ask {
            api: "/apis/apps/v1",
            plural: "replicasets",
            list: List::PAGED.of_metadata(),
            rule: "list replicasets.apps",
            consequence: "the owners of the selected pods are only known by name",
            essential: false,
        };
        let convert = |bare: Bare| {
            let meta = bare.metadata;
            let wanted = names.contains(&meta.namespace);
            wanted.then_some((meta.namespace, meta.name, meta.controller))
        };
        let list: Option<Granted<Vec<_>>> = lists.granted(&ask, names, convert).await;
        for (namespace, name, owner) in list.into_iter().flat_map(|list| list.all) {
            self.own(&namespace, format!("ReplicaSet/{name}"), owner);
        }
    }

    /// Targets of kinds that are not listed, each read separately.
    async fn others(&mut self, lists: &Lists<'_>, found: &[Found]) {
        let reference = |n: usize| &found[n].scaler.object.spec.scale_target_ref;
        let rest: Vec<usize> = (0..found.len())
            .filter(|n| kind_of(reference(*n)).is_empty())
            .collect();
        let mut kinds: BTreeMap<(&str, &str), Result<ApiResource, Trouble>> = BTreeMap::new();
        for reference in rest.iter().map(|n| reference(*n)) {
            let kind = (reference.api_version.as_str(), reference.kind.as_str());
            if let Entry::Vacant(free) = kinds.entry(kind) {
                free.insert(scale::resource(lists.client, reference, lists.timing).await);
            }
        }
        let kind = |n: usize| {
            let reference = reference(n);
            &kinds[&(reference.api_version.as_str(), reference.kind.as_str())]
        };
        let looks: Vec<(usize, TargetLook)> = stream::iter(rest)
            .map(|n| (n, kind(n)))
            .map(|(n, kind)| async move { (n, one(lists, &found[n], kind).await) })
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        for (n, look) in looks {
            self.looks[n] = look;
        }
    }
}

/// Any kind with a `/scale` subresource.
async fn one(
    lists: &Lists<'_>,
    found: &Found,
    resource: &Result<ApiResource, Trouble>,
) -> TargetLook {
    let reference = &found.scaler.object.spec.scale_target_ref;
    let asking = async {
        let resource = resource.as_ref().map_err(Clone::clone)?;
        let api: Api<DynamicObject> =
            Api::namespaced_with(lists.client.clone(), &found.namespace, resource);
        let get = async || within(lists.timing.call, api.get(&reference.name)).await;
        if scale::is_workload(resource) {
            let object = patiently(get).await?;
            let seen = convert::target::target(&object);
            return Ok(TargetLook::Read(Box::new(workload(&object, seen))));
        }
        let scale = async || scale::read(&api, &reference.name, lists.timing).await;
        let (object, scale) = tokio::join!(patiently(get), patiently(scale));
        let object = object?;
        match scale {
            Ok(scale) => {
                let seen = convert::target::scaled(&object, &scale);
                Ok(TargetLook::Read(Box::new(workload(&object, seen))))
            }
            // The object exists, so what was not found is its scale.
            Err(trouble) if trouble.kind == TroubleKind::NotFound => Ok(TargetLook::NotScalable {
                message: trouble.message,
            }),
            Err(trouble) => Err(trouble),
        }
    };
    match asking.await {
        Ok(look) => look,
        Err(trouble) if trouble.kind == TroubleKind::NotFound => TargetLook::Absent {
            message: trouble.message,
        },
        Err(trouble) => {
            let what = format!("{}/{}", reference.kind, reference.name);
            let consequence = format!(
                "the target of {} in {} can't be observed",
                found.scaler.name, found.namespace
            );
            lists.missing.note(
                &trouble,
                &format!("get {what} and its /scale"),
                &consequence,
                true,
            );
            TargetLook::Unread
        }
    }
}

fn listed(object: DynamicObject) -> Option<Listed> {
    let metadata = &object.metadata;
    Some(Listed {
        namespace: metadata.namespace.clone()?,
        name: metadata.name.clone()?,
        owner: controller(metadata.owner_references.as_deref().unwrap_or_default()),
        workload: workload(&object, convert::target::target(&object)),
    })
}

fn workload(object: &DynamicObject, seen: ScaleTarget) -> Workload {
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

fn writer(entry: &ManagedFieldsEntry) -> FieldManager {
    FieldManager {
        manager: entry.manager.clone().unwrap_or_default(),
        at: entry.time.as_ref().map(|t| t.0),
    }
}

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
    use super::*;
    use serde_json::json;

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

    #[test]
    fn a_kind_in_the_wrong_group_is_not_confused_with_the_right_one() {
        let reference = |api_version: &str| TargetRef {
            api_version: api_version.to_owned(),
            kind: "Deployment".to_owned(),
            name: "cart".to_owned(),
        };
        assert_eq!(kind_of(&reference("apps/v1")), "Deployment");
        assert_eq!(kind_of(&reference("apps/v1beta2")), "Deployment");
        assert_eq!(kind_of(&reference("v1")), "");
        assert_eq!(kind_of(&reference("")), "");
    }
}

//! The autoscalers' targets, and the owners of pods' owners.

mod workload;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{self, StreamExt};
use hpa_check_core::snapshot::{TargetLook, Workload};
use hpa_check_core::spec::TargetRef;
use kube::api::{Api, ApiResource, DynamicObject};

use super::super::convert;
use super::super::convert::meta::controller;
use super::super::scale;
use super::super::trouble::{Trouble, TroubleKind, within};
use super::Found;
use super::decode::Bare;
use super::lists::{Ask, Granted, List, Lists, patiently};
use workload::workload;

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
        .find(|(_, _, kind, group)| *kind == reference.kind && *group == reference.group())
        .unwrap_or(&("", "", "", ""));
    kind
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

#[cfg(test)]
mod tests {
    use super::*;

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

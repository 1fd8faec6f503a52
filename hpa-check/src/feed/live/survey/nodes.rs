//! CPU of the nodes, if the set of nodes is fixed.

use std::collections::BTreeMap;

use hpa_check_core::snapshot::Room;
use hpa_check_core::snapshot::room::{NodeRoom, OS, Taint};
use hpa_check_core::units::Millicores;
use k8s_openapi::api::core::v1::Node;
use kube::ResourceExt;

use super::super::capacity;
use super::super::convert::meta::Meta;
use super::super::convert::pod;
use super::NamespaceScope;
use super::lists::{List, Lists};
use super::pods::{self, Requested};

/// The nodes: only a fixed set gives a bound.
pub(super) struct Nodes {
    all: Vec<NodeRoom>,
    /// What all pods request, if only one namespace's pods were read elsewhere.
    requested: Option<Requested>,
}

pub(super) async fn read(lists: &Lists<'_>) -> Option<Nodes> {
    let nodes: Vec<Node> = match lists.all(List::at("/api/v1/nodes"), Some).await {
        Ok(nodes) => nodes,
        Err(trouble) => {
            let consequence = "whether maxReplicas pods fit is only noticed if they do not";
            lists
                .missing
                .note(&trouble, "list nodes", consequence, false);
            return None;
        }
    };
    if !capacity::is_fixed(&nodes) {
        return None;
    }
    let requested = match lists.scope {
        NamespaceScope::All => None,
        // This only makes the bound tighter, so it does not justify a cluster-wide permission to read pods.
        NamespaceScope::One(_) => {
            let taken = |pod: pod::Object<Meta>| Some(pods::taken_by(pod));
            let all: Vec<_> = lists
                .all(List::at("/api/v1/pods"), taken)
                .await
                .unwrap_or_default();
            let mut requested = Requested::new();
            for taken in all {
                pods::add(&mut requested, taken);
            }
            Some(requested)
        }
    };
    let all = nodes.into_iter().filter_map(room_of).collect();
    Some(Nodes { all, requested })
}

/// A node without pods.
fn room_of(node: Node) -> Option<NodeRoom> {
    let allocatable = Millicores(capacity::allocatable(&node)?);
    let name = node.name_any();
    let mut labels: BTreeMap<String, String> = node.metadata.labels.unwrap_or_default();
    labels.insert("metadata.name".to_owned(), name.clone());
    if let Some(info) = node.status.and_then(|status| status.node_info) {
        labels.entry(OS.to_owned()).or_insert(info.operating_system);
    }
    let taints = node.spec.and_then(|spec| spec.taints).unwrap_or_default();
    let keeps_away = |effect: &str| matches!(effect, "NoSchedule" | "NoExecute");
    let taints = taints.into_iter().filter(|taint| keeps_away(&taint.effect));
    let taints = taints.map(|taint| Taint {
        key: taint.key,
        value: taint.value.unwrap_or_default(),
        effect: taint.effect,
    });
    Some(NodeRoom {
        name,
        labels,
        taints: taints.collect(),
        allocatable,
        requested: BTreeMap::new(),
    })
}

impl Nodes {
    pub(super) fn room(mut self, pods: Option<Requested>) -> Option<Room> {
        let nodes = self.all.iter_mut();
        let mut by_name: BTreeMap<String, _> = nodes.map(|one| (one.name.clone(), one)).collect();
        for ((node, priority), cpu) in self.requested.or(pods)? {
            if let Some(node) = by_name.get_mut(&node) {
                node.requested.insert(priority, Millicores(cpu));
            }
        }
        Some(Room { nodes: self.all })
    }
}

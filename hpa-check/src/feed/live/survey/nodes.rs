//! CPU of the nodes, if the set of nodes is fixed.

use hpa_check_core::snapshot::Room;
use hpa_check_core::units::Millicores;
use k8s_openapi::api::core::v1::Node;

use super::super::capacity;
use super::super::convert::meta::Meta;
use super::super::convert::pod;
use super::NamespaceScope;
use super::lists::{List, Lists};
use super::pods;

/// The nodes: only a fixed set gives a bound.
pub(super) struct Nodes {
    allocatable: i64,
    /// What all pods request, if only one namespace's pods were read elsewhere.
    requested: Option<i64>,
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
    let (allocatable, _) = capacity::left(&nodes, None);
    let requested = match lists.scope {
        NamespaceScope::All => None,
        // This only makes the bound tighter, so it does not justify a cluster-wide permission to read pods.
        NamespaceScope::One(_) => {
            let request = |pod: pod::Object<Meta>| Some(pods::request(pod));
            let all = lists.all(List::at("/api/v1/pods"), request).await;
            Some(
                all.map(|requests: Vec<i64>| requests.iter().sum())
                    .unwrap_or_default(),
            )
        }
    };
    Some(Nodes {
        allocatable,
        requested,
    })
}

impl Nodes {
    pub(super) fn room(&self, pods: Option<i64>) -> Option<Room> {
        Some(Room {
            allocatable: Millicores(self.allocatable),
            requested: Millicores(self.requested.or(pods)?),
        })
    }
}

//! CPU of the nodes, where these are all the nodes there will be.

use hpa_check_core::snapshot::Room;
use hpa_check_core::units::Millicores;
use k8s_openapi::api::core::v1::Node;

use super::super::capacity;
use super::super::convert::meta::Meta;
use super::super::convert::pod;
use super::lists::{List, Lists};
use super::pods;
use super::{Missing, NamespaceScope};

/// What was read: only nodes that do not multiply are worth a bound.
pub(super) struct Nodes {
    allocatable: i64,
    /// What all pods request, where the pods of one namespace alone were read besides.
    requested: Option<i64>,
}

pub(super) async fn read(lists: &Lists<'_>, missing: &Missing) -> Option<Nodes> {
    let nodes: Vec<Node> = match lists.all(List::at("/api/v1/nodes"), Some).await {
        Ok(nodes) => nodes,
        Err(trouble) => {
            let consequence = "whether the pods at the maximum fit is only seen once they do not";
            missing.note(&trouble, "list nodes", consequence, false);
            return None;
        }
    };
    if !capacity::is_fixed(&nodes) {
        return None;
    }
    let (allocatable, _) = capacity::left(&nodes, None);
    let requested = match lists.scope {
        NamespaceScope::All => None,
        // Only makes the bound tighter, so a cluster-wide right to read pods is not asked for.
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

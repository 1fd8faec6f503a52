//! An upper bound of the CPU that the nodes can give to the target's pods. A bound that is too high costs a
//! warning, but one that is too low would end a good run, so anything doubtful counts as room.

use k8s_openapi::api::core::v1::Node;

use super::convert::pod::{self, WatchedPod};
use super::convert::quantity_milli;

/// Providers whose nodes are a fixed set.
const FIXED_PROVIDERS: [&str; 4] = ["kind://", "k3s://", "k3d://", "minikube://"];

/// Whether the set of nodes is fixed. A cloud's cluster autoscaler may add nodes, so their sum proves nothing.
pub(super) fn is_fixed(nodes: &[Node]) -> bool {
    !nodes.is_empty()
        && nodes.iter().all(|node| {
            let provider = node
                .spec
                .as_ref()
                .and_then(|spec| spec.provider_id.as_deref())
                .unwrap_or_default();
            provider.is_empty()
                || FIXED_PROVIDERS
                    .iter()
                    .any(|fixed| provider.starts_with(fixed))
        })
}

/// Allocatable CPU of the nodes that take pods, minus the requests of the `others` already there if these are
/// known, in millicores, with a sentence that explains it.
pub(super) fn left(nodes: &[Node], others: Option<&[WatchedPod]>) -> (i64, String) {
    let open: Vec<&Node> = nodes.iter().filter(|node| takes_pods(node)).collect();
    let allocatable: i64 = open.iter().filter_map(|node| allocatable(node)).sum();
    let nodes = if open.len() == 1 {
        "1 node".to_owned()
    } else {
        format!("{} nodes", open.len())
    };
    let Some(others) = others else {
        return (
            allocatable,
            format!("{allocatable}m allocatable on {nodes}"),
        );
    };
    let taken: i64 = others.iter().map(|other| request(other.clone())).sum();
    (
        (allocatable - taken).max(0),
        format!(
            "{allocatable}m allocatable on {nodes}, minus {taken}m requested by pods of other namespaces"
        ),
    )
}

/// Taints are ignored: the pods may tolerate them.
fn takes_pods(node: &Node) -> bool {
    node.spec.as_ref().and_then(|spec| spec.unschedulable) != Some(true)
}

fn allocatable(node: &Node) -> Option<i64> {
    quantity_milli(node.status.as_ref()?.allocatable.as_ref()?.get("cpu")?)
}

fn request(object: WatchedPod) -> i64 {
    pod::pod(object)
        .containers
        .iter()
        .filter_map(|container| container.cpu_request)
        .map(|request| request.0)
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(cpu: &str, provider: &str, cordoned: bool) -> Node {
        serde_json::from_value(json!({
            "metadata": {"name": "n"},
            "spec": {"providerID": provider, "unschedulable": cordoned},
            "status": {"allocatable": {"cpu": cpu}}
        }))
        .unwrap()
    }

    fn system_pod(request: &str) -> WatchedPod {
        serde_json::from_value(json!({
            "metadata": {"name": "p", "namespace": "kube-system"},
            "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": request}}}]}
        }))
        .unwrap()
    }

    #[test]
    fn the_requests_of_other_pods_are_subtracted_and_a_cordoned_node_adds_nothing() {
        let nodes = [
            node("2", "kind://x", false),
            node("1930m", "", false),
            node("4", "", true),
        ];
        let (total, how) = left(&nodes, Some(&[system_pod("950m"), system_pod("100m")]));
        assert_eq!(total, 3930 - 1050);
        assert_eq!(
            how,
            "3930m allocatable on 2 nodes, minus 1050m requested by pods of other namespaces"
        );
    }

    #[test]
    fn if_other_pods_are_unreadable_the_bound_is_that_of_the_nodes() {
        assert_eq!(
            left(&[node("2", "", false)], None),
            (2000, "2000m allocatable on 1 node".into())
        );
    }

    #[test]
    fn cloud_nodes_are_no_bound_because_there_can_be_more() {
        assert!(is_fixed(&[node(
            "2",
            "kind://docker/kind/kind-control-plane",
            false
        )]));
        assert!(!is_fixed(&[
            node("2", "", false),
            node("2", "aws:///eu-west-1a/i-0", false)
        ]));
        assert!(!is_fixed(&[]));
    }
}

//! How much CPU the nodes can give to the target's pods, at most. A bound that is too high costs a
//! warning; one that is too low would end a good run, so everything doubtful counts as room.

use k8s_openapi::api::core::v1::Node;

use super::convert::pod::{self, WatchedPod};
use super::convert::quantity_milli;

/// Providers of machines that do not multiply by themselves.
const FIXED_PROVIDERS: [&str; 4] = ["kind://", "k3s://", "k3d://", "minikube://"];

/// Whether the nodes there are will be all the nodes there are. On a cloud's nodes an autoscaler of
/// the cluster may add more, and then their sum proves nothing.
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

/// Allocatable CPU of the nodes that take pods, less the requests of the `others` already there if
/// these are known, in millicores, with the sentence that says how it was found.
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
            "{allocatable}m allocatable on {nodes}, less {taken}m that pods of other namespaces request"
        ),
    )
}

/// Taints are not looked at: the pods may tolerate them.
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
    fn what_others_request_is_not_left_and_a_cordoned_node_gives_nothing() {
        let nodes = [
            node("2", "kind://x", false),
            node("1930m", "", false),
            node("4", "", true),
        ];
        let (total, how) = left(&nodes, Some(&[system_pod("950m"), system_pod("100m")]));
        assert_eq!(total, 3930 - 1050);
        assert_eq!(
            how,
            "3930m allocatable on 2 nodes, less 1050m that pods of other namespaces request"
        );
    }

    #[test]
    fn without_the_right_to_see_other_pods_the_bound_is_the_nodes() {
        assert_eq!(
            left(&[node("2", "", false)], None),
            (2000, "2000m allocatable on 1 node".into())
        );
    }

    #[test]
    fn nodes_of_a_cloud_bound_nothing_because_there_can_be_more() {
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

//! An upper bound of the CPU that the nodes can give to the target's pods. A bound that is too high costs a
//! warning, but one that is too low would end a good run, so anything doubtful counts as room.

use hpa_check_core::model::counted::whole_request;
use hpa_check_core::observation::Pod;
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

/// The pods of other namespaces that no pod of this one can displace: those of at least the highest priority in it.
pub(super) fn lasting(pods: Vec<WatchedPod>, namespace: &str) -> Vec<WatchedPod> {
    let priority = |pod: &WatchedPod| pod::placement(pod).priority;
    let (own, others): (Vec<_>, Vec<_>) = pods
        .into_iter()
        .partition(|pod| pod.metadata.namespace.as_deref() == Some(namespace));
    let highest = own.iter().map(priority).max().unwrap_or(i32::MAX);
    let lasts = |pod: &WatchedPod| priority(pod) >= highest;
    others.into_iter().filter(lasts).collect()
}

/// Allocatable CPU of the nodes, minus the requests of the `others` already there if these are
/// known, in millicores, with a sentence that explains it.
pub(super) fn left(nodes: &[Node], others: Option<&[WatchedPod]>) -> (i64, String) {
    let allocatable: i64 = nodes.iter().filter_map(allocatable).sum();
    let nodes = match nodes.len() {
        1 => "1 node".to_owned(),
        count => format!("{count} nodes"),
    };
    let Some(others) = others else {
        return (
            allocatable,
            format!("{allocatable}m allocatable on {nodes}"),
        );
    };
    let taken = others.iter().map(|other| request(&pod::pod(other.clone())));
    let taken: i64 = taken.sum();
    (
        (allocatable - taken).max(0),
        format!(
            "{allocatable}m allocatable on {nodes}, minus {taken}m requested by pods of other namespaces"
        ),
    )
}

/// Taints are ignored, because the pods may tolerate them, and so is a cordon, because it may be lifted any moment.
pub(super) fn allocatable(node: &Node) -> Option<i64> {
    quantity_milli(node.status.as_ref()?.allocatable.as_ref()?.get("cpu")?)
}

/// CPU that a pod takes from a node, in millicores: nothing if it has ended, or waits for a node.
pub(super) fn request(pod: &Pod) -> i64 {
    let placed = !pod.has_ended() && pod.unschedulable.is_none();
    let cpu = whole_request(pod, "cpu").filter(|_| placed);
    cpu.unwrap_or_default()
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
    fn the_requests_of_other_pods_are_subtracted() {
        let nodes = [node("2", "kind://x", false), node("1930m", "", false)];
        let (total, how) = left(&nodes, Some(&[system_pod("950m"), system_pod("100m")]));
        assert_eq!(total, 3930 - 1050);
        assert_eq!(
            how,
            "3930m allocatable on 2 nodes, minus 1050m requested by pods of other namespaces"
        );
    }

    #[test]
    fn a_pod_that_the_targets_pods_can_displace_counts_as_room() {
        let pod = |name: &str, namespace: &str, priority: i32| -> WatchedPod {
            serde_json::from_value(json!({
                "metadata": {"name": name, "namespace": namespace},
                "spec": {"priority": priority, "containers": []}
            }))
            .unwrap()
        };
        let lasting = |own: Vec<WatchedPod>| {
            let others = [
                pod("placeholder", "spare", -10),
                pod("api", "other", 0),
                pod("dns", "kube-system", 2_000_000_000),
            ];
            let pods = own.into_iter().chain(others).collect();
            let names = |pod: &WatchedPod| pod.metadata.name.clone().unwrap();
            let lasting = super::lasting(pods, "shop");
            lasting.iter().map(names).collect::<Vec<_>>()
        };
        assert_eq!(lasting(vec![pod("cart", "shop", 0)]), ["api", "dns"]);
        let important = vec![pod("job", "shop", 0), pod("cart", "shop", 1000)];
        assert_eq!(lasting(important), ["dns"]);
        // Nobody knows the priority of pods that are not there yet.
        assert!(lasting(vec![]).is_empty());
    }

    #[test]
    fn a_cordoned_node_counts_as_room_because_its_pods_are_subtracted_and_the_cordon_may_be_lifted()
    {
        let nodes = [node("2", "kind://x", false), node("4", "", true)];
        assert_eq!(left(&nodes, Some(&[system_pod("3")])).0, 3000);
    }

    #[test]
    fn a_pod_that_waits_for_a_node_takes_nothing_from_any() {
        let mut waiting = serde_json::to_value(json!({
            "metadata": {"name": "gpu", "namespace": "ml"},
            "spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "30"}}}]},
            "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
                "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient nvidia.com/gpu."}]}
        }))
        .unwrap();
        let pod = |value: &serde_json::Value| {
            serde_json::from_value::<WatchedPod>(value.clone()).unwrap()
        };
        let nodes = [node("2", "", false)];
        assert_eq!(left(&nodes, Some(&[pod(&waiting)])).0, 2000);
        waiting["status"] = json!({"phase": "Running"});
        assert_eq!(left(&nodes, Some(&[pod(&waiting)])).0, 0);
    }

    #[test]
    fn the_startup_of_a_pod_takes_the_request_of_its_largest_init_container() {
        let pod: WatchedPod = serde_json::from_value(json!({
            "metadata": {"name": "p", "namespace": "shop"},
            "spec": {
                "overhead": {"cpu": "250m"},
                "initContainers": [{"name": "load", "resources": {"requests": {"cpu": "1"}}}],
                "containers": [{"name": "c", "resources": {"requests": {"cpu": "100m"}}}]
            }
        }))
        .unwrap();
        assert_eq!(left(&[node("2", "", false)], Some(&[pod])).0, 750);
    }

    #[test]
    fn if_other_pods_are_unreadable_the_bound_is_that_of_the_nodes() {
        assert_eq!(
            left(&[node("2", "", false)], None),
            (2000, "2000m allocatable on 1 node".into())
        );
    }

    #[test]
    fn a_fargate_node_is_no_bound_because_each_pod_brings_its_own() {
        let fargate = "aws:///eu-west-1a/3c0f-1d2a/fargate-ip-10-0-1-2.eu-west-1.compute.internal";
        assert!(!is_fixed(&[node("2", fargate, false)]));
        let local = "kind://docker/kind/kind-worker";
        assert!(is_fixed(&[node("2", local, false)]));
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

//! Findings about the room that nodes have for an autoscaler's pods.

use serde_json::{Value, json};

use super::{diagnose, first_finding, shop};

/// The report on three applications on a node that has room for all but one pod at their maxima, beside another node.
fn beside_node(labels: Value, taints: Value) -> (i32, Value, String) {
    let mut api = shop();
    api.change("/api/v1/nodes", |node| {
        node["metadata"]["labels"] = json!({"kubernetes.io/os": "linux"});
        node["spec"] = json!({});
        node["status"]["allocatable"]["cpu"] = json!("2");
    });
    api.put(
        "/api/v1",
        "nodes",
        json!({"metadata": {"name": "node-2", "labels": labels}, "spec": {"taints": taints},
            "status": {"allocatable": {"cpu": "4"}}}),
    );
    diagnose(&api.serve(), &["-A"])
}

#[test]
fn only_nodes_that_the_pods_may_use_are_room_for_them() {
    let dedicated = json!([{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]);
    let cordon = json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]);
    let linux = || json!({"kubernetes.io/os": "linux"});
    for (labels, taints, why) in [
        (linux(), Value::Null, None),
        (linux(), cordon, None),
        (
            linux(),
            dedicated,
            Some("node-2 (taint dedicated=db:NoSchedule)"),
        ),
        (
            json!({"kubernetes.io/os": "windows"}),
            Value::Null,
            Some("node-2 (its operating system is windows)"),
        ),
    ] {
        let (code, report, said) = beside_node(labels, taints);
        let Some(why) = why else {
            assert_eq!(code, 0, "{said}");
            continue;
        };
        assert_eq!(
            (code, first_finding(&report, "cart")),
            (92, json!("capacity-too-small")),
            "{said}"
        );
        assert!(said.contains(why), "{said}");
        assert_eq!(first_finding(&report, "books"), Value::Null, "{said}");
    }
}

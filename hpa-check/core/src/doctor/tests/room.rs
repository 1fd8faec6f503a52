//! Whether the nodes have room for the maximum: only those count that the pods may use.

use std::sync::Arc;

use super::reports::{of_kind, refused_pod};
use super::world::{healthy, node, pods, scaler, space, target};
use super::{Assertions, diagnose};
use crate::snapshot::room::{NodeRoom, Placement, Taint, Toleration};
use crate::snapshot::{ClusterSnapshot, EventSnapshot, Room};
use crate::units::Millicores;

/// Three pods of 100m, at most ten, with room for five of them here and for ten on a second node, which has these
/// properties.
fn beside(second: impl Fn(&mut NodeRoom)) -> ClusterSnapshot {
    let mut facts = healthy();
    scaler(&mut facts).object.spec.max_replicas = 10;
    let mut other = node("node-2", "linux", 1_000, 0);
    second(&mut other);
    facts.room = Some(Room {
        nodes: vec![node("node-1", "linux", 1_000, 800), other],
    });
    facts
}

/// The same for pods with this placement.
fn placed(mut facts: ClusterSnapshot, placement: &Placement) -> ClusterSnapshot {
    for pod in pods(&mut facts) {
        pod.placement = Arc::new(placement.clone());
    }
    facts
}

fn taint(node: &mut NodeRoom, key: &str) {
    node.taints = vec![Taint {
        key: key.to_owned(),
        value: "db".to_owned(),
        effect: "NoSchedule".to_owned(),
    }];
}

fn found(facts: &ClusterSnapshot) -> Vec<String> {
    super::found(facts, None)
}

fn capacity_quote(facts: &ClusterSnapshot) -> String {
    let report = diagnose(facts, None, &Assertions::default());
    let finding = &report.autoscalers[0].findings[0];
    assert_eq!(finding.id, "capacity-too-small");
    finding.evidence[0].clone()
}

#[test]
fn a_node_of_another_operating_system_is_no_room() {
    assert_eq!(found(&beside(|_| {})), Vec::<String>::new());
    let windows = beside(|other| *other = node("win-1", "windows", 1_000, 0));
    assert_eq!(
        capacity_quote(&windows),
        "capacity: nodes: 1000m allocatable, 800m requested; 1 of 2 nodes don't count: win-1 (its operating system is windows)"
    );
    // Pods that have not started yet say by their spec where they belong.
    let os = |name: &str| Placement {
        os: Some(name.to_owned()),
        ..Placement::default()
    };
    assert_eq!(
        found(&placed(windows.clone(), &os("linux"))),
        ["capacity-too-small"]
    );
    let mut nowhere = windows;
    for pod in pods(&mut nowhere) {
        pod.node = None;
    }
    assert_eq!(
        found(&nowhere),
        Vec::<String>::new(),
        "whose nodes are unknown"
    );
}

#[test]
fn a_tainted_node_is_room_for_pods_that_tolerate_it_and_a_passing_taint_is_none() {
    let dedicated = beside(|node| taint(node, "dedicated"));
    assert!(capacity_quote(&dedicated).ends_with("node-2 (taint dedicated=db:NoSchedule)"));
    let tolerating = |key: &str, operator: &str, value: &str, effect: &str| Placement {
        tolerations: vec![Toleration {
            key: key.to_owned(),
            operator: operator.to_owned(),
            value: value.to_owned(),
            effect: effect.to_owned(),
        }],
        ..Placement::default()
    };
    for (toleration, fits) in [
        (tolerating("dedicated", "Equal", "db", "NoSchedule"), true),
        (tolerating("dedicated", "", "db", ""), true),
        (tolerating("dedicated", "Exists", "", ""), true),
        (tolerating("", "Exists", "", ""), true),
        (tolerating("dedicated", "Equal", "web", ""), false),
        (tolerating("dedicated", "Exists", "", "NoExecute"), false),
        (tolerating("gpu", "Exists", "", ""), false),
    ] {
        let found = found(&placed(dedicated.clone(), &toleration));
        assert_eq!(found.is_empty(), fits, "{toleration:?}: {found:?}");
    }
    for passing in [
        "node.kubernetes.io/unschedulable",
        "node.kubernetes.io/not-ready",
    ] {
        assert_eq!(
            found(&beside(|node| taint(node, passing))),
            Vec::<String>::new()
        );
    }
}

#[test]
fn a_node_that_the_selector_excludes_is_no_room_and_an_unknown_selector_excludes_none() {
    let choosing = |text: &str| Placement {
        nodes: vec![text.to_owned()],
        ..Placement::default()
    };
    let zoned = beside(|node| drop(node.labels.insert("zone".to_owned(), "b".to_owned())));
    for (text, fits) in [
        ("zone=b", true),
        ("zone notin (a)", true),
        ("zone in (a)", false),
        ("!zone", false),
        ("zone Near (a)", true),
    ] {
        let found = found(&placed(zoned.clone(), &choosing(text)));
        assert_eq!(found.is_empty(), fits, "{text}: {found:?}");
    }
}

#[test]
fn pods_that_others_may_displace_take_no_room() {
    let filler =
        |priority: i32| beside(|node| node.requested = [(priority, Millicores(900))].into());
    assert_eq!(found(&filler(0)), ["capacity-too-small"]);
    assert_eq!(found(&filler(-10)), Vec::<String>::new());
    let critical = Placement {
        priority: 1_000,
        ..Placement::default()
    };
    // Its own pods, on the first node, are of the same priority.
    assert_eq!(found(&placed(filler(0), &critical)), Vec::<String>::new());
}

#[test]
fn pods_that_a_replica_set_of_the_target_could_not_create_are_refused_whatever_kind_the_target_is()
{
    let refused = |about: &str| {
        let mut facts = of_kind("argoproj.io/v1alpha1", "Rollout");
        let space = space(&mut facts);
        for (owned, owner) in [("cart-6d", "cart"), ("web-7f", "web")] {
            let (owned, owner) = (format!("ReplicaSet/{owned}"), format!("Rollout/{owner}"));
            space.owners.insert(owned, owner);
        }
        space.events = vec![EventSnapshot {
            about: about.to_owned(),
            ..refused_pod(30)
        }];
        let workload = target(&mut facts);
        workload.object.spec_replicas = workload.object.replicas + 2;
        found(&facts)
    };
    assert_eq!(refused("ReplicaSet/cart-6d"), ["pods-refused"]);
    let open = refused("ReplicaSet/web-7f");
    assert_eq!(open, ["needs-second-look"], "nothing says why");
}

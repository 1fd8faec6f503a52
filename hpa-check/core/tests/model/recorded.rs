//! The controller's own answers to random input from this project, recorded in `tests/cases/`: those with
//! `controller.version` 1.36 by Kubernetes 1.36.3, the others by 1.37.2 with the later rule for succeeded pods
//! (kubernetes/kubernetes#141302). Cases that the controller answers nondeterministically are left out.

use hpa_check_core::decide;
use serde_json::Value;

#[track_caller]
fn agree(kind: &str, recorded: &str) {
    for line in recorded.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let (answer, good) = decide::answer(line, None);
        assert_eq!(case["kind"], kind);
        assert!(good, "{answer}");
        // The recordings are older than some members of the answer.
        for (member, expected) in case["result"].as_object().unwrap() {
            assert_eq!(answer["result"][member], *expected, "{member} of {line}");
        }
    }
}

#[test]
fn the_model_proposes_what_the_controller_proposed() {
    agree(
        "resource_replicas",
        include_str!("../cases/resource_replicas.jsonl"),
    );
}

#[test]
fn the_model_reconciles_as_the_controller_did() {
    agree("reconcile", include_str!("../cases/reconcile.jsonl"));
}

#[test]
fn the_model_limits_the_rate_as_the_controller_did() {
    agree(
        "convert_with_behavior_rate",
        include_str!("../cases/convert_with_behavior_rate.jsonl"),
    );
}

#[test]
fn the_model_stabilizes_as_the_controller_did() {
    agree(
        "stabilize_with_behaviors",
        include_str!("../cases/stabilize_with_behaviors.jsonl"),
    );
}

//! Which pods count, and what is assumed about the others.

use serde_json::json;

use crate::case::{pod, pod_with, propose, propose_in, using};

/// A pod that became ready just now, started half a minute ago.
fn young(name: &str, ready: &str) -> serde_json::Value {
    pod_with(
        name,
        json!({"startAgoSeconds": 30, "readyCondition": {"status": ready, "lastTransitionAgoSeconds": 4}}),
    )
}

#[test]
fn a_pod_without_a_sample_counts_as_idle_when_growing() {
    let pods = [pod("a"), pod("b"), pod("c")];
    let metrics = [using("a", 92), using("b", 92)];
    assert_eq!(
        propose(3, &pods, &metrics),
        json!({"replicas": 4, "utilization": 92, "rawAverageMilli": 92})
    );
}

#[test]
fn a_pod_without_a_sample_counts_as_fully_used_when_shrinking() {
    let pods = [pod("a"), pod("b"), pod("c"), pod("d")];
    let metrics = [using("a", 20), using("b", 20), using("c", 20)];
    // 160 of 400 is 40 %: ratio 0.8, ceil(3.2) = 4.
    assert_eq!(propose(4, &pods, &metrics)["replicas"], 4);
    // Three alone would have asked for ceil(0.4 · 3) = 2.
    assert_eq!(propose(4, &pods[..3], &metrics)["replicas"], 2);
}

#[test]
fn an_unready_pod_counts_as_idle_when_growing_and_not_at_all_when_shrinking() {
    let pods = [
        pod("a"),
        pod("b"),
        pod_with("c", json!({"phase": "Pending"})),
    ];
    assert_eq!(
        propose(3, &pods, &[using("a", 92), using("b", 92)])["replicas"],
        4
    );
    assert_eq!(
        propose(3, &pods, &[using("a", 20), using("b", 20)])["replicas"],
        1
    );
}

#[test]
fn an_assumption_that_reverses_the_direction_keeps_the_size() {
    let pods = [pod("a"), pod("b"), pod("c"), pod("d"), pod("e")];
    // 130 % on one pod alone, 26 % with four idle ones.
    assert_eq!(propose(5, &pods, &[using("a", 130)])["replicas"], 5);
    assert_eq!(propose(5, &pods[..2], &[using("a", 60)])["replicas"], 5);
}

#[test]
fn deleted_and_failed_pods_are_ignored() {
    let pods = [
        pod("a"),
        pod_with("b", json!({"deleting": true})),
        pod_with("c", json!({"phase": "Failed"})),
    ];
    let metrics = [using("a", 92), using("b", 0), using("c", 0)];
    assert_eq!(
        propose(1, &pods, &metrics),
        json!({"replicas": 2, "utilization": 92, "rawAverageMilli": 92})
    );
}

#[test]
fn a_succeeded_pod_is_ignored_from_1_38_on_and_counts_as_missing_before() {
    let pods = [
        pod("a"),
        pod("b"),
        pod_with("job", json!({"phase": "Succeeded"})),
    ];
    let metrics = [using("a", 92), using("b", 92)];
    assert_eq!(propose(3, &pods, &metrics)["replicas"], 4);
    let three = [using("a", 70), using("b", 70)];
    assert_eq!(propose(2, &pods, &three)["replicas"], 3);
    assert_eq!(propose_in("1.37", 2, &pods, &three)["replicas"], 2);
}

#[test]
fn a_young_pod_counts_only_after_a_whole_window_since_it_became_ready() {
    let after = |ready_ago: i64| {
        let c = pod_with(
            "c",
            json!({"startAgoSeconds": 60, "readyCondition": {"status": "True", "lastTransitionAgoSeconds": ready_ago}}),
        );
        propose(
            3,
            &[pod("a"), pod("b"), c],
            &[using("a", 92), using("b", 92), using("c", 92)],
        )["replicas"]
            .clone()
    };
    // The window of 15 s ended 5 s ago.
    assert_eq!(after(19), 4);
    assert_eq!(after(20), 6);
    assert_eq!(after(21), 6);
}

#[test]
fn a_young_unready_pod_does_not_count_and_one_of_unknown_readiness_does() {
    let metrics = [using("a", 92), using("b", 92), using("c", 92)];
    assert_eq!(
        propose(3, &[pod("a"), pod("b"), young("c", "False")], &metrics)["replicas"],
        4
    );
    let unknown = pod_with(
        "c",
        json!({"startAgoSeconds": 60, "readyCondition": {"status": "Unknown", "lastTransitionAgoSeconds": 30}}),
    );
    assert_eq!(
        propose(3, &[pod("a"), pod("b"), unknown], &metrics)["replicas"],
        6
    );
}

#[test]
fn an_old_pod_that_became_unready_still_counts_and_one_that_never_was_ready_does_not() {
    let old = |turned_ago: i64| {
        let c = pod_with(
            "c",
            json!({"readyCondition": {"status": "False", "lastTransitionAgoSeconds": turned_ago}}),
        );
        propose(
            3,
            &[pod("a"), pod("b"), c],
            &[using("a", 92), using("b", 92), using("c", 92)],
        )["replicas"]
            .clone()
    };
    // Started 900 s ago; if its readiness last changed within 30 s of that, it was never ready.
    assert_eq!(old(100), 6);
    assert_eq!(old(880), 4);
}

#[test]
fn a_pod_without_a_condition_is_not_ready() {
    let c = pod_with("c", json!({"readyCondition": null}));
    let metrics = [using("a", 92), using("b", 92), using("c", 92)];
    assert_eq!(
        propose(3, &[pod("a"), pod("b"), c], &metrics)["replicas"],
        4
    );
}

#[test]
fn when_no_pod_counts_there_is_an_error() {
    let error = propose(
        3,
        &[pod_with("a", json!({"phase": "Pending"}))],
        &[using("a", 5)],
    )["error"]
        .clone();
    assert_eq!(
        error,
        "did not receive metrics for targeted pods (pods might be unready)"
    );
}

#[test]
fn the_zero_time_is_older_than_everything() {
    let zero = json!({"startAgoSeconds": null, "readyCondition": {"status": "True", "lastTransitionAgoSeconds": null}});
    let pods = [pod_with("a", zero.clone()), pod_with("b", zero)];
    assert_eq!(
        propose(2, &pods, &[using("a", 100), using("b", 100)])["replicas"],
        4
    );
}

//! What people set on purpose is a note. It is a fault only if something else is asserted, or if it is not on purpose.

use super::agreement::both;
use super::broken::Do;
use super::world::{healthy, owner, pods, samples, scaler, target};
use super::{Assertions, diagnose, keep};
use crate::snapshot::ClusterSnapshot;

fn found(facts: &ClusterSnapshot, asserted: &Assertions) -> (Vec<String>, u8) {
    let report = diagnose(facts, None, asserted);
    if let Some(first) = report.autoscalers[0].findings.first() {
        keep(&first.id, &report);
    }
    let ids = report.autoscalers[0].findings.iter().map(|f| f.id.clone());
    (ids.collect(), report.exit_code)
}

fn asserting(min: Option<i32>, max: Option<i32>) -> Assertions {
    Assertions {
        min_replicas: min,
        max_replicas: max,
        ..Assertions::default()
    }
}

/// Found as a note where nothing is asserted, and as a fault beside that assertion.
#[track_caller]
fn is_a_note_until_asserted(do_it: Do, note: &str, asserted: &Assertions, fault: &str) {
    let mut facts = healthy();
    assert_eq!(found(&facts, asserted), (Vec::new(), 0));
    do_it(&mut facts);
    let (ids, code) = found(&facts, &Assertions::default());
    assert_eq!((ids, code), (vec![note.to_owned()], 0));
    let (ids, code) = found(&facts, asserted);
    assert_eq!((ids[0].as_str(), code), (fault, 91), "{ids:?}");
    assert!(!ids.iter().any(|id| id == note), "{ids:?}");
}

fn scale_to_zero(facts: &mut ClusterSnapshot) {
    let object = &mut target(facts).object;
    (object.spec_replicas, object.replicas, object.ready_replicas) = (0, 0, 0);
    pods(facts).clear();
    samples(facts).clear();
}

#[test]
fn equal_bounds_pin_the_replicas_and_are_a_fault_only_where_other_bounds_are_asserted() {
    let pin: Do = |f| scaler(f).object.spec.max_replicas = 3;
    let ten = asserting(None, Some(10));
    is_a_note_until_asserted(pin, "replicas-pinned", &ten, "bounds-leave-no-room");
    let mut facts = healthy();
    pin(&mut facts);
    let same = asserting(Some(3), Some(3));
    assert_eq!(
        found(&facts, &same),
        (vec!["replicas-pinned".to_owned()], 0)
    );
}

#[test]
fn a_target_that_was_scaled_to_zero_is_off_and_a_fault_only_where_pods_are_asserted() {
    let three = asserting(Some(3), None);
    is_a_note_until_asserted(scale_to_zero, "scaled-to-zero", &three, "scaling-disabled");
    let mut facts = healthy();
    scale_to_zero(&mut facts);
    assert!(
        both(&facts).contains("scaling-disabled"),
        "a run tests the scaling"
    );
}

#[test]
fn a_paused_rollout_is_a_note_and_one_that_is_stuck_is_a_fault() {
    for updated in [1, 3] {
        let mut facts = healthy();
        target(&mut facts).object.updated_replicas = updated;
        target(&mut facts).paused = true;
        let (ids, code) = found(&facts, &Assertions::default());
        assert_eq!((ids, code), (vec!["rollout-paused".to_owned()], 0));
        assert!(both(&facts).is_empty());
    }
    let mut facts = healthy();
    let progressing = &mut target(&mut facts).object.conditions[0];
    progressing.status = "False".into();
    progressing.reason = "ProgressDeadlineExceeded".into();
    let (ids, code) = found(&facts, &Assertions::default());
    assert_eq!((ids, code), (vec!["rollout-stuck".to_owned()], 91));
}

#[test]
fn a_size_that_somebody_set_once_is_a_note_and_one_that_is_applied_again_and_again_is_a_fault() {
    for (manager, id, code) in [
        ("kubectl", "replicas-set-once", 0),
        ("kubectl-edit", "replicas-set-once", 0),
        ("kube-downscaler", "replicas-set-once", 0),
        ("a-tool-of-their-own", "replicas-set-once", 0),
        (
            "argocd-application-controller",
            "replicas-moved-by-another",
            91,
        ),
        ("Terraform", "replicas-moved-by-another", 91),
        ("kubectl-client-side-apply", "replicas-moved-by-another", 91),
    ] {
        let mut facts = healthy();
        target(&mut facts).owners_of_replicas = vec![owner(manager, 600)];
        let (ids, exit) = found(&facts, &Assertions::default());
        assert_eq!((ids[0].as_str(), exit), (id, code), "{manager}: {ids:?}");
    }
}

#[test]
fn the_controller_is_known_by_the_name_of_every_program_that_contains_it() {
    for manager in ["kube-controller-manager", "k3s", "kubelite", "microshift"] {
        let mut facts = healthy();
        target(&mut facts).owners_of_replicas = vec![owner(manager, 600)];
        assert_eq!(
            found(&facts, &Assertions::default()),
            (Vec::new(), 0),
            "{manager}"
        );
    }
}

//! What KEDA does on purpose is a note, and it hides no other finding.

use super::world::{healthy, of_keda, owner, scaled_object, scaler, space, target};
use super::{Assertions, diagnose, found};
use crate::snapshot::ClusterSnapshot;
use crate::spec::{ScalingRules, SelectPolicy};

fn paused(annotations: &[(&str, &str)]) -> ClusterSnapshot {
    let mut facts = of_keda();
    space(&mut facts).scaled_objects = vec![scaled_object("cart", annotations, &[])];
    facts
}

/// At zero replicas, which turns a plain autoscaler off.
fn at_zero(mut facts: ClusterSnapshot) -> ClusterSnapshot {
    let object = &mut target(&mut facts).object;
    (object.spec_replicas, object.replicas, object.ready_replicas) = (0, 0, 0);
    let space = space(&mut facts);
    space.pods = Some(Vec::new());
    space.samples = Some(Ok(Vec::new()));
    facts
}

#[test]
fn zero_replicas_are_idle_for_a_keda_autoscaler_and_scaled_to_zero_otherwise() {
    let idle = at_zero(of_keda());
    assert_eq!(found(&idle, None), ["idle-at-zero"]);
    assert_eq!(diagnose(&idle, None, &Assertions::default()).exit_code, 0);
    assert_eq!(found(&at_zero(healthy()), None), ["scaled-to-zero"]);
    assert_eq!(found(&of_keda(), None), Vec::<String>::new());
}

#[test]
fn the_owner_reference_is_enough_if_scaled_objects_are_unreadable() {
    let mut idle = at_zero(of_keda());
    space(&mut idle).scaled_objects.clear();
    assert_eq!(found(&idle, None), ["idle-at-zero"]);
}

#[test]
fn an_idle_target_in_both_snapshots_is_not_out_of_bounds() {
    let idle = at_zero(of_keda());
    assert_eq!(found(&idle, Some(&idle)), ["idle-at-zero"]);
    let mut held = paused(&[("paused-replicas", "15")]);
    target(&mut held).object.spec_replicas = 15;
    assert!(!found(&held, Some(&held)).contains(&"left-bounds".to_owned()));
}

#[test]
fn a_pause_and_a_fallback_are_notes_that_name_their_cause() {
    let noted = |facts: &ClusterSnapshot, id: &str, quote: &str| {
        let report = diagnose(facts, None, &Assertions::default());
        let findings = &report.autoscalers[0].findings;
        assert_eq!((report.exit_code, findings.len()), (0, 1), "{findings:?}");
        assert_eq!(findings[0].id, id);
        assert!(findings[0].evidence[0].contains(quote), "{findings:?}");
    };
    let quote = "autoscaling.keda.sh/paused: \"true\"";
    noted(&paused(&[("paused", "true")]), "paused", quote);
    let quote = "autoscaling.keda.sh/paused-replicas: \"3\"";
    noted(
        &paused(&[("paused-replicas", "3")]),
        "paused-at-replicas",
        quote,
    );
    let mut facts = of_keda();
    let broken = [("Ready", "False"), ("Fallback", "True")];
    space(&mut facts).scaled_objects = vec![scaled_object("cart", &[], &broken)];
    noted(
        &facts,
        "fallback",
        "ScaledObject/cart: condition TriggerError",
    );
}

#[test]
fn a_pause_in_one_direction_is_a_note_and_the_policy_that_keda_writes_for_it_is_not_a_fault() {
    let disabled = |facts: &mut ClusterSnapshot| {
        let behavior = scaler(facts).object.spec.behavior.get_or_insert_default();
        behavior.scale_up = Some(ScalingRules {
            select_policy: Some(SelectPolicy::Disabled),
            ..ScalingRules::default()
        });
    };
    let mut facts = paused(&[("paused-scale-out", "true")]);
    disabled(&mut facts);
    assert_eq!(found(&facts, None), ["paused"]);
    let mut facts = of_keda();
    disabled(&mut facts);
    assert_eq!(found(&facts, None), ["scale-up-disabled"]);
}

#[test]
fn kedas_operator_does_not_conflict_with_its_own_autoscaler() {
    let mut facts = of_keda();
    target(&mut facts)
        .owners_of_replicas
        .push(owner("keda", 60));
    assert_eq!(found(&facts, None), Vec::<String>::new());
    let mut facts = healthy();
    target(&mut facts)
        .owners_of_replicas
        .push(owner("keda", 60));
    assert_eq!(found(&facts, None), ["another-scaler"]);
}

#[test]
fn a_paused_scaled_object_does_not_scale_beside_another_autoscaler() {
    let beside = |annotations| {
        let mut facts = healthy();
        space(&mut facts).scaled_objects = vec![scaled_object("cart", annotations, &[])];
        found(&facts, None)
    };
    assert_eq!(beside(&[]), ["another-scaler"]);
    assert_eq!(beside(&[("paused", "true")]), Vec::<String>::new());
}

#[test]
fn an_autoscaler_that_keda_deletes_during_a_pause_is_reported() {
    let mut facts = healthy();
    let gone = scaled_object("web", &[("paused-replicas", "0")], &[]);
    space(&mut facts).scaled_objects = vec![gone];
    let report = diagnose(&facts, None, &Assertions::default());
    let web = &report.autoscalers[1];
    assert_eq!(
        (web.name.as_str(), web.target.as_str()),
        ("keda-hpa-web", "Deployment/web")
    );
    assert_eq!(
        (web.findings[0].id.as_str(), report.exit_code),
        ("paused-at-replicas", 0)
    );
}

#[test]
fn a_workload_of_at_most_one_pod_scales_from_zero_and_back() {
    let mut facts = of_keda();
    let bounds = |facts: &mut ClusterSnapshot| {
        let spec = &mut scaler(facts).object.spec;
        (spec.min_replicas, spec.max_replicas) = (Some(3), 3);
    };
    bounds(&mut facts);
    assert_eq!(found(&facts, None), Vec::<String>::new());
    space(&mut facts).scaled_objects[0].min_replicas = Some(3);
    assert_eq!(found(&facts, None), ["replicas-pinned"]);
}

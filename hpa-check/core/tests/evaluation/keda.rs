//! Runs on an autoscaler that KEDA manages.

use hpa_check_core::keda::ScaledObject;
use hpa_check_core::observation::{Condition, Fact};

use super::pairs::{Pair, beside};
use super::world::{World, assert_passed, healthy};

pub(crate) fn pairs() -> Vec<Pair> {
    vec![
        beside(of_keda(&[], &[]), "scaling-paused", |w| {
            w.facts = facts(&[("paused", "true")], &[]);
        }),
        beside(of_keda(&[], &[]), "scaling-paused", |w| {
            w.facts = facts(&[("paused-replicas", "3")], &[]);
            w.expectation.max_replicas = 12;
        }),
        // KEDA removes its autoscaler for a pause that has not been read yet.
        beside(of_keda(&[], &[]), "scaling-paused", |w| {
            w.deleted = Some((1, 400_000));
        }),
        beside(of_keda(&[], &[]), "held-by-keda", |w| {
            w.spec.min_replicas = Some(0);
            w.expectation.min_replicas = 0;
        }),
        beside(of_keda(&[], &[("Fallback", "True")]), "held-by-keda", |w| {
            w.high = 100;
        }),
        beside(
            of_keda(&[], &[("Ready", "False")]),
            "scaled-object-not-ready",
            |w| {
                let message = "unable to get external metric queue: no metrics returned";
                w.refusal = Some(("ScalingActive", "FailedGetExternalMetric", message));
            },
        ),
    ]
}

fn of_keda(annotations: &[(&str, &str)], conditions: &[(&str, &str)]) -> World {
    World {
        facts: facts(annotations, conditions),
        ..healthy()
    }
}

fn facts(annotations: &[(&str, &str)], conditions: &[(&str, &str)]) -> Vec<Fact> {
    let annotated =
        |(key, value): &(&str, &str)| (format!("autoscaling.keda.sh/{key}"), (*value).to_owned());
    let condition = |(kind, status): &(&str, &str)| Condition {
        kind: (*kind).to_owned().into(),
        status: (*status).to_owned().into(),
        reason: "TriggerError".into(),
        message: "triggers are not working".into(),
    };
    vec![Fact::ScaledObject(ScaledObject {
        is_read: true,
        annotations: annotations.iter().map(annotated).collect(),
        conditions: conditions.iter().map(condition).collect(),
        ..ScaledObject::unread("fib-server")
    })]
}

#[test]
fn a_scale_up_from_zero_by_kedas_operator_is_not_a_rivals() {
    let with = |facts| World {
        rival: Some((4, "keda")),
        facts,
        ..healthy()
    };
    let own = with(facts(&[], &[])).result();
    let named = |result: &hpa_check_core::documents::result::RunResult| {
        let mut ids = result.verdict.reasons.iter();
        ids.any(|r| r.id == "replicas-moved-by-another")
    };
    assert!(!named(&own), "{:#?}", own.verdict);
    assert!(named(&with(Vec::new()).result()));
    assert_passed(&of_keda(&[], &[]).result());
}

#[test]
fn a_pause_counts_from_its_first_observation() {
    let mut world = of_keda(&[], &[]);
    world.facts.extend(facts(&[("paused", "true")], &[]));
    let paused = world.result();
    assert_eq!(paused.verdict.reasons[0].id, "scaling-paused");
    assert_eq!(paused.verdict.exit_code, 93);
}

#[test]
fn an_autoscaler_that_disappears_with_its_scaled_object_was_deleted() {
    let mut world = of_keda(&[], &[]);
    world.facts.push(Fact::ScaledObjectGone {
        name: "fib-server".to_owned(),
    });
    world.deleted = Some((1, 400_000));
    assert_eq!(world.result().verdict.reasons[0].id, "autoscaler-gone");
}

//! Set-ups that can't work: found before any load, each beside the healthy neighbour of `healthy()`.

use hpa_check_core::expectation::ScaleDown;
use hpa_check_core::observation::{Fact, Seen};
use hpa_check_core::spec::{Behavior, ScalingRules, SelectPolicy};
use hpa_check_core::units::Millicores;
use hpa_check_core::verdict::Outcome;

use super::world::{World, healthy};

/// The cause and its outcome, of a run that has to end before any load was made.
fn before_load(world: &World) -> (String, Outcome) {
    let (recording, result) = world.run();
    assert!(
        !recording.iter().any(|o| matches!(o.seen, Seen::Load(_))),
        "load was made"
    );
    let first = &result.verdict.reasons[0];
    assert_eq!(first.outcome, result.verdict.outcome);
    assert!(!first.evidence.is_empty(), "{first:?}");
    (first.id.clone(), result.verdict.outcome)
}

fn wrong(id: &str) -> (String, Outcome) {
    (id.to_owned(), Outcome::Wrong)
}

#[test]
fn equal_bounds_leave_no_room() {
    let mut world = healthy();
    world.spec.max_replicas = 3;
    assert_eq!(before_load(&world), wrong("bounds-leave-no-room"));
}

#[test]
fn other_bounds_than_asserted_are_named() {
    let mut world = healthy();
    world.spec.max_replicas = 6;
    assert_eq!(before_load(&world), wrong("spec-bounds-differ"));
}

#[test]
fn the_asserted_bounds_are_judged_and_not_ten() {
    let mut world = healthy();
    world.spec.max_replicas = 6;
    world.expectation.max_replicas = 6;
    assert_eq!(world.result().verdict.outcome, Outcome::Pass);
}

#[test]
fn another_target_than_asserted_is_named() {
    let mut world = healthy();
    world.spec.metrics[0].average_utilization = Some(80);
    assert_eq!(before_load(&world), wrong("spec-target-differs"));
}

#[test]
fn a_spec_without_a_cpu_metric_is_named() {
    let mut world = healthy();
    world.spec.metrics[0].name = "memory".into();
    assert_eq!(before_load(&world), wrong("no-cpu-metric"));
}

#[test]
fn a_container_without_a_request_is_named() {
    let mut world = healthy();
    world.request = None;
    assert_eq!(before_load(&world), wrong("missing-cpu-request"));
}

#[test]
fn a_limit_within_the_tolerance_of_the_target_can_never_fire() {
    let mut world = healthy();
    world.limit = Some(55);
    assert_eq!(before_load(&world), wrong("limit-caps-utilization"));
    world.limit = Some(100);
    assert_eq!(world.result().verdict.outcome, Outcome::Pass);
}

#[test]
fn a_direction_that_is_switched_off_is_named() {
    let off = Some(ScalingRules {
        select_policy: Some(SelectPolicy::Disabled),
        ..ScalingRules::default()
    });
    let mut world = healthy();
    world.spec.behavior = Some(Behavior {
        scale_up: off.clone(),
        scale_down: None,
    });
    assert_eq!(before_load(&world), wrong("scale-up-disabled"));
    world.spec.behavior = Some(Behavior {
        scale_up: None,
        scale_down: off,
    });
    assert_eq!(before_load(&world), wrong("scale-down-disabled"));
    world.expectation.scale_down = ScaleDown::Skip;
    assert_eq!(world.result().verdict.outcome, Outcome::Pass);
}

#[test]
fn pods_of_another_owner_under_the_same_selector_are_named() {
    let mut world = healthy();
    world.owner = |n| {
        if n == 2 {
            "ReplicaSet/canary-77f"
        } else {
            "ReplicaSet/fib-server-5d8f"
        }
    };
    assert_eq!(before_load(&world), wrong("selector-matches-others"));
}

#[test]
fn another_autoscaler_on_the_same_target_is_named() {
    let other = |target: &str| Fact::OtherAutoscaler {
        name: "b".into(),
        target: target.into(),
    };
    let mut world = healthy();
    world.facts.push(other("Deployment/fib-server"));
    assert_eq!(before_load(&world), wrong("ambiguous-selector"));
    let mut world = healthy();
    world.facts.push(other("Deployment/else"));
    assert_eq!(world.result().verdict.outcome, Outcome::Pass);
}

#[test]
fn what_the_controller_itself_refuses_for_is_named() {
    let refusals = [
        (
            "AbleToScale",
            "FailedGetScale",
            "deployments.apps \"x\" not found",
            "target-not-found",
        ),
        (
            "ScalingActive",
            "InvalidSelector",
            "the scale is missing a selector",
            "invalid-selector",
        ),
        (
            "ScalingActive",
            "AmbiguousSelector",
            "controlled by more than one HPA",
            "ambiguous-selector",
        ),
    ];
    for (kind, reason, message, id) in refusals {
        let mut world = healthy();
        world.refusal = Some((kind, reason, message));
        assert_eq!(before_load(&world), wrong(id));
    }
}

#[test]
fn a_target_at_zero_switches_the_autoscaler_off() {
    let mut world = healthy();
    world.spec.min_replicas = Some(0);
    world.expectation.min_replicas = 0;
    assert_eq!(before_load(&world), wrong("scaling-disabled"));
}

#[test]
fn a_request_that_all_the_cpu_there_is_can_t_make_ask_for_the_maximum_is_too_high() {
    let mut world = healthy();
    // Nine pods have to be above 55 %: 9 × 404m × 0.55 = 1999m of 2000m.
    world.request = Some(2000);
    let expected = ("cpu-request-too-high".to_owned(), Outcome::Inconclusive);
    assert_eq!(before_load(&world), expected);
    let message = &world.result().verdict.reasons[0].message;
    assert!(
        message.contains("9900m") && message.contains("2000m"),
        "{message}"
    );
}

#[test]
fn requests_that_do_not_fit_are_the_surroundings_fault() {
    let mut world = healthy();
    world.facts = vec![Fact::CpuCapacity {
        total: Millicores(940),
        how: "940m on 1 node".into(),
    }];
    let expected = ("capacity-too-small".to_owned(), Outcome::Surroundings);
    assert_eq!(before_load(&world), expected);
    world.facts = vec![Fact::CpuCapacity {
        total: Millicores(1000),
        how: "1000m on 1 node".into(),
    }];
    assert_eq!(world.result().verdict.outcome, Outcome::Pass);
}

#[test]
fn a_quota_below_the_maximum_is_found_before_it_speaks() {
    let quota = |resource: &str, hard: &str| Fact::Quota {
        name: "small".into(),
        resource: resource.into(),
        hard: hard.into(),
        used: "3".into(),
    };
    for (resource, too_little, enough) in [("pods", "6", "10"), ("requests.cpu", "999m", "1")] {
        let mut world = healthy();
        world.facts.push(quota(resource, too_little));
        let expected = ("quota-exceeded".to_owned(), Outcome::Surroundings);
        assert_eq!(before_load(&world), expected);
        let mut world = healthy();
        world.facts.push(quota(resource, enough));
        assert_eq!(world.result().verdict.outcome, Outcome::Pass);
    }
}

#[test]
fn a_metrics_api_that_is_not_registered_ends_the_run_at_once() {
    let api = |registered| Fact::MetricsApi {
        registered,
        available: registered,
        message: "404".into(),
    };
    let mut world = healthy();
    world.facts.push(api(false));
    let expected = ("no-metrics-api".to_owned(), Outcome::Surroundings);
    assert_eq!(before_load(&world), expected);
    let mut world = healthy();
    world.facts.push(api(true));
    assert_eq!(world.result().verdict.outcome, Outcome::Pass);
}

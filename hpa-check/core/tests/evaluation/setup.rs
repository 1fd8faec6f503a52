//! Setups that can't work, found before the load.

use hpa_check_core::expectation::ScaleDown;
use hpa_check_core::observation::{Fact, Seen};
use hpa_check_core::quota::Quota;
use hpa_check_core::spec::{Behavior, MetricSource, MetricTarget, ScalingRules, SelectPolicy};
use hpa_check_core::units::Millicores;
use hpa_check_core::verdict::Outcome;

use super::pairs::{Pair, beside, pair};
use super::world::{World, assert_passed, healthy, ids};

pub(crate) fn pairs() -> Vec<Pair> {
    let mut pairs = found_before_load();
    pairs.extend(too_little_there());
    pairs.push(beside(of_its_own_spec(), "spec-changed", |w| {
        w.spec.max_replicas = 12;
    }));
    pairs.push(beside(of_its_own_spec(), "nothing-to-scale", |w| {
        w.spec.max_replicas = 3;
        w.expectation = w.expectation.clone().of_spec(&w.spec);
    }));
    pairs.push(pair("metric-failed", |w| {
        let message = "unable to get external metric queue: no metrics returned";
        refuse(w, "ScalingActive", "FailedGetExternalMetric", message);
    }));
    // A target at zero never has a utilization, so no healthy run with a target at zero exists.
    pairs.push(pair("scaling-disabled", |w| {
        w.spec.min_replicas = Some(0);
        w.expectation.min_replicas = 0;
    }));
    pairs
}

/// A run without expected numbers.
fn of_its_own_spec() -> World {
    let mut world = healthy();
    world.expectation = world.expectation.of_spec(&world.spec);
    world
}

fn found_before_load() -> Vec<Pair> {
    let mut pairs = found_in_the_autoscaler();
    pairs.extend(found_around_it());
    pairs
}

fn found_in_the_autoscaler() -> Vec<Pair> {
    vec![
        pair("autoscaler-gone", |w| w.deleted = Some((1, 400))),
        pair("target-not-found", |w| {
            refuse(
                w,
                "AbleToScale",
                "FailedGetScale",
                "deployments \"x\" not found",
            );
        }),
        pair("target-api-version", |w| {
            w.spec.scale_target_ref.api_version = "extensions/v1beta1".into();
        }),
        pair("target-not-scalable", |w| {
            refuse(
                w,
                "AbleToScale",
                "FailedGetScale",
                "the server could not find the requested resource",
            );
        }),
        pair("scale-unreadable", |w| {
            refuse(
                w,
                "AbleToScale",
                "FailedGetScale",
                "etcdserver: request timed out",
            );
        }),
        pair("no-such-metric", |w| {
            w.expectation.metrics = vec!["queue=100".parse().unwrap()];
        }),
        pair("no-cpu-metric", |w| {
            w.spec.metrics[0].source = MetricSource::Resource {
                name: "memory".into(),
            };
            w.expectation.metrics = vec!["cpu".parse().unwrap()];
        }),
        pair("missing-cpu-request", |w| w.request = None),
        beside(
            with(|w| of_container(w, "fib-server")),
            "metric-container-missing",
            |w| {
                of_container(w, "app");
            },
        ),
        pair("bounds-leave-no-room", |w| w.spec.max_replicas = 3),
        pair("spec-bounds-differ", |w| w.spec.max_replicas = 6),
        pair("spec-target-differs", |w| {
            w.spec.metrics[0].target = MetricTarget::Utilization(80);
        }),
        pair("scale-up-disabled", |w| {
            w.spec.behavior = Some(Behavior {
                scale_up: switched_off(),
                scale_down: None,
            });
        }),
        beside(
            with(|w| w.spec.behavior = Some(Behavior::default())),
            "scale-down-disabled",
            |w| {
                w.spec.behavior = Some(Behavior {
                    scale_up: None,
                    scale_down: switched_off(),
                });
            },
        ),
        // The limit is rounded up: up to 55 % nothing happens.
        beside(
            with(|w| w.limit = Some(100)),
            "limit-caps-utilization",
            |w| {
                w.limit = Some(55);
            },
        ),
    ]
}

pub(crate) fn of_container(world: &mut World, container: &str) {
    world.spec.metrics[0].source = MetricSource::ContainerResource {
        name: "cpu".into(),
        container: container.into(),
    };
}

fn found_around_it() -> Vec<Pair> {
    vec![
        beside(
            with(|w| w.facts.push(also_scales("Deployment/else"))),
            "ambiguous-selector",
            |w| {
                w.facts.push(also_scales("Deployment/fib-server"));
            },
        ),
        pair("ambiguous-selector", |w| {
            refuse(
                w,
                "ScalingActive",
                "AmbiguousSelector",
                "controlled by more than one HPA",
            );
        }),
        pair("invalid-selector", |w| {
            refuse(
                w,
                "ScalingActive",
                "InvalidSelector",
                "the scale is missing a selector",
            );
        }),
        beside(
            with(|w| (w.completed, w.kubernetes) = (1, Some("1.38"))),
            "completed-pods-counted",
            |w| w.kubernetes = Some("1.37"),
        ),
        pair("selector-matches-others", |w| {
            w.owner = |n| match n {
                2 => "ReplicaSet/canary-77f",
                _ => "ReplicaSet/fib-server-5d8f",
            };
        }),
    ]
}

/// The environment lacks what the run needs.
fn too_little_there() -> Vec<Pair> {
    vec![
        beside(
            with(|w| w.facts.push(metrics_api(true))),
            "no-metrics-api",
            |w| {
                w.facts.push(metrics_api(false));
            },
        ),
        pair("cpu-request-too-high", |w| w.request = Some(2000)),
        beside(
            with(|w| w.facts = vec![capacity(1000)]),
            "capacity-too-small",
            |w| {
                w.facts = vec![capacity(940)];
            },
        ),
        beside(
            with(|w| w.facts.push(quota("pods", "10", "3"))),
            "quota-exceeded",
            |w| {
                w.facts.push(quota("pods", "6", "3"));
            },
        ),
        beside(
            with(|w| w.facts.push(quota("requests.cpu", "1", "300m"))),
            "quota-exceeded",
            |w| {
                w.facts.push(quota("requests.cpu", "999m", "300m"));
            },
        ),
    ]
}

fn with(change: impl FnOnce(&mut World)) -> World {
    let mut world = healthy();
    change(&mut world);
    world
}

fn refuse(world: &mut World, kind: &'static str, reason: &'static str, message: &'static str) {
    world.refusal = Some((kind, reason, message));
}

#[expect(clippy::unnecessary_wraps, reason = "as the field has it")]
fn switched_off() -> Option<ScalingRules> {
    Some(ScalingRules {
        select_policy: Some(SelectPolicy::Disabled),
        ..ScalingRules::default()
    })
}

fn also_scales(target: &str) -> Fact {
    Fact::OtherAutoscaler {
        name: "b".into(),
        target: target.into(),
    }
}

fn metrics_api(registered: bool) -> Fact {
    Fact::MetricsApi {
        registered,
        available: registered,
        message: "404".into(),
    }
}

pub(crate) fn capacity(millicores: i64) -> Fact {
    Fact::CpuCapacity {
        total: Millicores(millicores),
        how: format!("{millicores}m on 1 node"),
    }
}

/// What the three idle pods use of it, plus what is left.
fn quota(resource: &str, hard: &str, used: &str) -> Fact {
    Fact::Quota(Quota {
        name: "small".into(),
        resource: resource.into(),
        hard: hard.into(),
        used: used.into(),
        scopes: Vec::new(),
    })
}

#[test]
fn a_problem_that_shows_before_the_load_ends_the_run_before_the_load() {
    for pair in pairs() {
        let (recording, _) = pair.broken().run();
        let loaded = recording.iter().any(|o| matches!(o.seen, Seen::Load(_)));
        assert!(!loaded, "load was made in spite of {}", pair.finding);
    }
}

#[test]
fn the_expected_bounds_are_judged_and_not_a_fixed_ten() {
    let mut world = healthy();
    world.spec.max_replicas = 6;
    world.expectation.max_replicas = 6;
    assert_passed(&world.result());
}

#[test]
fn a_disabled_scale_down_is_not_a_fault_if_none_is_expected() {
    let mut world = healthy();
    world.spec.behavior = Some(Behavior {
        scale_up: None,
        scale_down: switched_off(),
    });
    world.expectation.scale_down = ScaleDown::Skip;
    assert_passed(&world.result());
}

#[test]
fn a_recreated_autoscaler_is_not_gone() {
    let world = with(|w| w.deleted = Some((24, 27)));
    assert_passed(&world.result());
    let world = with(|w| w.deleted = Some((24, 400)));
    let verdict = world.result().verdict;
    assert_eq!(verdict.reasons[0].id, "autoscaler-gone", "{verdict:#?}");
    assert_eq!(verdict.outcome, Outcome::Wrong);
}

#[test]
fn no_change_is_advised_to_what_nobody_expected() {
    for change in [
        (|w| w.spec.max_replicas = 12) as fn(&mut World),
        |w| w.spec.min_replicas = Some(2),
        |w| w.spec.metrics = vec![hpa_check_core::spec::MetricSpec::cpu_utilization(70)],
    ] {
        let mut world = of_its_own_spec();
        change(&mut world);
        let verdict = world.result().verdict;
        let ids = ids(&verdict);
        assert_eq!(verdict.outcome, Outcome::Inconclusive, "{ids:?}");
        assert_eq!(ids[0], "spec-changed");
        let advice = ["spec-bounds-differ", "spec-target-differs"];
        assert!(!ids.iter().any(|id| advice.contains(id)), "{ids:?}");
    }
}

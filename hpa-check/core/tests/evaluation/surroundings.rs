//! Runs in which the autoscaler was right and its surroundings could not.

use hpa_check_core::verdict::Outcome;

use super::world::{Fate, Metrics, World, healthy};

fn surroundings(world: &World) -> String {
    let verdict = world.result().verdict;
    assert_eq!(verdict.outcome, Outcome::Surroundings, "{verdict:#?}");
    assert!(!verdict.reasons[0].evidence.is_empty(), "{verdict:#?}");
    verdict.reasons[0].id.clone()
}

fn with_fate(fate: fn(usize) -> Fate) -> World {
    World { fate, ..healthy() }
}

#[test]
fn a_quota_that_stops_the_pods_is_named() {
    assert_eq!(
        surroundings(&World {
            quota: Some(6),
            ..healthy()
        }),
        "quota-exceeded"
    );
    let verdict = World {
        quota: Some(10),
        ..healthy()
    }
    .result()
    .verdict;
    assert_eq!(verdict.outcome, Outcome::Pass);
}

#[test]
fn pods_that_never_come_are_named_by_what_keeps_them() {
    let after_the_sixth = |fate: fn(usize) -> Fate| with_fate(fate);
    let world = after_the_sixth(|n| {
        if n > 6 {
            Fate::Waits("ImagePullBackOff")
        } else {
            Fate::Serves
        }
    });
    // A waiting reason alone keeps no pod from serving in this world.
    let world = World {
        fate: |n| {
            if n > 6 {
                Fate::NeverReady
            } else {
                Fate::Serves
            }
        },
        ..world
    };
    assert_eq!(surroundings(&world), "pods-not-ready");
    let world = with_fate(|n| {
        if n > 6 {
            Fate::Waits("ImagePullBackOff")
        } else {
            Fate::Serves
        }
    });
    assert_eq!(surroundings(&world), "image-missing");
    let world = with_fate(|n| {
        if n > 6 {
            Fate::Waits("CrashLoopBackOff")
        } else {
            Fate::Serves
        }
    });
    assert_eq!(surroundings(&world), "pods-crash");
    let world = with_fate(|n| {
        if n > 6 {
            Fate::FitsNowhere
        } else {
            Fate::Serves
        }
    });
    assert_eq!(surroundings(&world), "unschedulable");
}

#[test]
fn pods_that_are_not_ready_even_at_rest_are_named() {
    assert_eq!(
        surroundings(&with_fate(|_| Fate::NeverReady)),
        "pods-not-ready"
    );
}

#[test]
fn a_metrics_api_that_does_not_answer_is_named() {
    let world = World {
        metrics: Metrics::Fails("the server is currently unable to handle the request"),
        ..healthy()
    };
    assert_eq!(surroundings(&world), "metrics-api-unavailable");
}

#[test]
fn metrics_that_leave_pods_out_are_named() {
    let world = World {
        metrics: Metrics::Leaves(2),
        ..healthy()
    };
    assert_eq!(surroundings(&world), "metrics-incomplete");
}

#[test]
fn metrics_that_stop_getting_newer_are_named() {
    let world = World {
        metrics: Metrics::StopsAt(9),
        ..healthy()
    };
    assert_eq!(surroundings(&world), "metrics-stale");
}

#[test]
fn a_saturated_generator_explains_a_weak_load() {
    let mut world = World {
        high: 300,
        ..healthy()
    };
    world.account.generator = "saturated".into();
    world.account.generator_reasons = vec!["CPU of the generator at 98 %".into()];
    assert_eq!(surroundings(&world), "generator-saturated");
}

#[test]
fn a_saturated_generator_that_was_strong_enough_does_not_matter() {
    let mut world = healthy();
    world.account.generator = "saturated".into();
    assert_eq!(world.result().verdict.outcome, Outcome::Pass);
}

#[test]
fn a_size_that_the_controller_may_not_write_is_named() {
    let world = World {
        refusal: Some((
            "AbleToScale",
            "FailedUpdateScale",
            "admission webhook denied",
        )),
        ..healthy()
    };
    assert_eq!(surroundings(&world), "rescale-failed");
}

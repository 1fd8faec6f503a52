//! A controller whose flags or restarts the observer does not know.

use std::time::Duration;

use hpa_check_core::observation::{ControllerConfig, Fact, Phase};
use hpa_check_core::spec::{Behavior, ScalingRules};
use hpa_check_core::verdict::{Outcome, Verdict};

use super::pairs::{Pair, beside};
use super::world::{Flags, World, in_a_cluster};

pub(crate) fn pairs() -> Vec<Pair> {
    vec![
        beside(assumed(), "controller-unknown", |w| {
            w.controller.downscale_stabilization = Duration::from_mins(1);
        }),
        beside(assumed(), "controller-unknown", |w| {
            w.controller.downscale_stabilization = Duration::from_mins(15);
        }),
        beside(with_a_restart(true), "controller-unknown", |w| {
            *w = with_a_restart(false);
        }),
    ]
}

/// The observer assumes the defaults.
fn assumed() -> World {
    World {
        flags: Flags::Assumed,
        ..in_a_cluster()
    }
}

/// The controller restarts in the middle of its window, and its lease may or may not be read.
fn with_a_restart(lease: bool) -> World {
    let mut world = in_a_cluster();
    let phases = world.result().timeline.phases;
    let down = phases
        .iter()
        .find(|span| span.phase == Phase::Down)
        .unwrap();
    let second = down.from.duration_since(phases[0].from).as_secs() + 200;
    world.restart = Some((second, lease));
    if !lease {
        world.facts.push(Fact::Forbidden {
            rule: "get leases.coordination.k8s.io in kube-system".into(),
            consequence: "a restart of the controller can't be observed".into(),
        });
    }
    world
}

/// Every flag with values that differ from the defaults.
fn others() -> Vec<(String, ControllerConfig)> {
    let mut all = Vec::new();
    let mut add = |name: &str, value: u64, change: fn(&mut ControllerConfig, u64)| {
        let mut controller = ControllerConfig::default();
        change(&mut controller, value);
        all.push((format!("{name} {value}"), controller));
    };
    for percent in [0, 1, 5, 20, 30, 50, 100] {
        add("tolerance in percent", percent, |c, percent| {
            c.tolerance = f64::from(u32::try_from(percent).unwrap()) / 100.0;
        });
    }
    for value in [5, 10, 30, 60] {
        add("sync period", value, |c, s| {
            c.sync_period = Duration::from_secs(s);
        });
    }
    for value in [0, 30, 60, 120, 600, 900] {
        add("downscale stabilization", value, |c, s| {
            c.downscale_stabilization = Duration::from_secs(s);
        });
    }
    for value in [0, 30, 120, 1800] {
        add("CPU initialization period", value, |c, s| {
            c.cpu_initialization_period = Duration::from_secs(s);
        });
        add("initial readiness delay", value, |c, s| {
            c.initial_readiness_delay = Duration::from_secs(s);
        });
    }
    all
}

/// Loads, starts and bounds under which the flags make a difference.
fn scenes() -> Vec<World> {
    let mut scenes = Vec::new();
    for (high, wobble, pod_start) in [
        (160, 10, 4000),
        (210, 10, 4000),
        (290, 10, 20_000),
        (540, 10, 4000),
        (650, 8, 40_000),
        (1200, 8, 4000),
    ] {
        for behavior in [None, Some(Behavior::default())] {
            let mut world = World {
                high,
                wobble,
                pod_start,
                ..assumed()
            };
            world.spec.behavior = behavior;
            scenes.push(world);
        }
    }
    let mut wide = World {
        high: 3000,
        rest: 20,
        after: 20,
        ..assumed()
    };
    (wide.spec.min_replicas, wide.spec.max_replicas) = (Some(1), 50);
    (wide.expectation.min_replicas, wide.expectation.max_replicas) = (1, 50);
    wide.facts.clear();
    scenes.push(wide);
    scenes
}

#[test]
fn no_other_value_of_an_assumed_flag_is_a_definite_fault() {
    let mut blamed = Vec::new();
    for (name, controller) in others() {
        for mut world in scenes() {
            world.controller = controller.clone();
            let verdict = world.result().verdict;
            if !matches!(verdict.outcome, Outcome::Pass | Outcome::Inconclusive) {
                let reason = &verdict.reasons[0];
                blamed.push(format!(
                    "{name}, {}: {}: {}",
                    world.high, reason.id, reason.message
                ));
            }
        }
    }
    assert!(blamed.is_empty(), "{blamed:#?}");
}

fn verdict(world: World) -> Verdict {
    world.result().verdict
}

#[test]
fn a_window_other_than_the_stated_one_is_a_fault_and_so_is_one_other_than_the_specs() {
    for (window, finding) in [
        (Duration::from_mins(1), "scale-down-too-early"),
        (Duration::from_mins(15), "scale-down-missing"),
    ] {
        let stated = World {
            controller: ControllerConfig {
                downscale_stabilization: window,
                ..ControllerConfig::default()
            },
            flags: Flags::Misstated,
            ..assumed()
        };
        assert_eq!(verdict(stated).reasons[0].id, finding);
    }
    let mut in_spec = World {
        decide: |current, wanted| {
            if (current, wanted) == (10, 10) {
                5
            } else {
                wanted
            }
        },
        ..assumed()
    };
    in_spec.spec.behavior = Some(Behavior {
        scale_up: None,
        scale_down: Some(ScalingRules {
            stabilization_window_seconds: Some(300),
            ..ScalingRules::default()
        }),
    });
    assert_eq!(verdict(in_spec).reasons[0].id, "scale-down-too-early");
}

#[test]
fn the_message_names_the_flag_and_its_assumed_value() {
    let mut world = assumed();
    world.controller.downscale_stabilization = Duration::from_mins(1);
    let message = verdict(world).reasons[0].message.clone();
    assert!(
        message.contains("scaled 10 → ")
            && message.contains("another downscale stabilization than the assumed 300 s"),
        "{message}"
    );
}

#[test]
fn a_controller_that_never_scales_up_is_a_fault_whatever_its_flags() {
    let world = World {
        decide: |current, wanted| wanted.min(current),
        wobble: 8,
        ..assumed()
    };
    assert_eq!(verdict(world).reasons[0].id, "scale-up-missing");
}

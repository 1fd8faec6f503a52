//! Deadlines, computed by hand beside each test: 15 s between syncs and samples, a pod starts in 10 s.

use std::time::Duration;

use hpa_check_core::observation::ControllerConfig;
use hpa_check_core::run::budget::Budget;
use hpa_check_core::spec::{
    AutoscalerSpec, Behavior, PolicyKind, ScalingPolicy, ScalingRules, SelectPolicy,
};

use super::scene::spec;

fn rules(window: Option<i32>, pods_a_minute: Option<i32>) -> ScalingRules {
    ScalingRules {
        stabilization_window_seconds: window,
        policies: pods_a_minute.map(|value| {
            vec![ScalingPolicy {
                kind: PolicyKind::Pods,
                value,
                period_seconds: 60,
            }]
        }),
        ..ScalingRules::default()
    }
}

fn up_rules(rules: ScalingRules) -> AutoscalerSpec {
    AutoscalerSpec {
        behavior: Some(Behavior {
            scale_up: Some(rules),
            scale_down: None,
        }),
        ..spec()
    }
}

fn down_rules(rules: ScalingRules) -> AutoscalerSpec {
    AutoscalerSpec {
        behavior: Some(Behavior {
            scale_up: None,
            scale_down: Some(rules),
        }),
        ..spec()
    }
}

/// Seconds.
fn ask(spec: &AutoscalerSpec, ask: impl Fn(&Budget<'_>) -> Duration) -> u64 {
    let controller = ControllerConfig::default();
    let budget = Budget {
        spec,
        controller: &controller,
        resolution: Duration::from_secs(15),
        pod_start: Duration::from_secs(10),
    };
    ask(&budget).as_secs()
}

#[test]
fn a_reaction_takes_a_partial_window_a_whole_one_and_a_sync() {
    assert_eq!(ask(&spec(), |b| b.reaction()), 2 * 15 + 15);
}

#[test]
fn up_takes_a_sync_a_pod_start_and_a_window_per_step() {
    // 3 → 6 → 10: the legacy limit doubles.
    assert_eq!(ask(&spec(), |b| b.up()), 45 + 2 * 15 + 2 * (10 + 15));
}

#[test]
fn with_behavior_the_documented_policies_limit_the_steps() {
    // 3 → 7 → 10: four pods or double the size per 15 s.
    let default = up_rules(ScalingRules::default());
    assert_eq!(ask(&default, |b| b.up()), 45 + 2 * 15 + 2 * (10 + 15));
}

#[test]
fn a_slow_policy_makes_the_way_up_as_long_as_its_steps() {
    // One pod per minute: seven steps, the first at the first sync, the last six minutes later.
    let slow = up_rules(rules(None, Some(1)));
    assert_eq!(ask(&slow, |b| b.up()), 45 + 25 * 15 + 7 * (10 + 15));
}

#[test]
fn a_scale_up_window_is_waited_for_before_the_first_step_and_remembers_the_dip_after_each() {
    // 3 → 7, when three old pods have 3/7 of the load: the window remembers that dip to 5 pods. The dip ends 10
    // + 15 + 120 s after the step; the 11th sync is the first one after that.
    let held = up_rules(rules(Some(120), None));
    assert_eq!(ask(&held, |b| b.up()), 120 + 45 + 11 * 15 + 2 * (10 + 15));
}

#[test]
fn down_takes_the_controller_s_window_and_a_sync_before_and_after() {
    // 10 → 3 in one step: without `behavior` nothing limits it.
    assert_eq!(ask(&spec(), |b| b.down()), 45 + 300 + 2 * 15);
    assert_eq!(ask(&spec(), |b| b.down_window()), 300);
}

#[test]
fn a_scale_down_window_replaces_that_of_the_controller() {
    let quick = down_rules(rules(Some(60), None));
    assert_eq!(ask(&quick, |b| b.down_window()), 60);
    assert_eq!(ask(&quick, |b| b.down()), 45 + 60 + 2 * 15);
}

#[test]
fn a_slow_policy_makes_the_way_down_as_long_as_its_steps() {
    let slow = down_rules(rules(None, Some(1)));
    assert_eq!(ask(&slow, |b| b.down()), 45 + 300 + (25 + 1) * 15);
}

#[test]
fn the_bounds_of_the_spec_count_and_a_missing_minimum_is_one() {
    // 1 → 4 → 8 → 10
    let from_one = AutoscalerSpec {
        min_replicas: None,
        ..spec()
    };
    assert_eq!(ask(&from_one, |b| b.up()), 45 + 3 * 15 + 3 * (10 + 15));
    let equal = AutoscalerSpec {
        min_replicas: Some(10),
        ..spec()
    };
    assert_eq!(ask(&equal, |b| b.up()), 45);
}

#[test]
fn a_disabled_direction_still_has_a_deadline() {
    let never = up_rules(ScalingRules {
        select_policy: Some(SelectPolicy::Disabled),
        ..ScalingRules::default()
    });
    assert!(ask(&never, |b| b.up()) > 24 * 3600);
}

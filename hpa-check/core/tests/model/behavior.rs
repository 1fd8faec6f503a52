//! With `behavior`: windows and policies.

use serde_json::{Value, json};

use crate::case::{Reconcile, ask};

fn pods(value: i32, period: i32) -> Value {
    json!({"type": "Pods", "value": value, "periodSeconds": period})
}

fn percent(value: i32, period: i32) -> Value {
    json!({"type": "Percent", "value": value, "periodSeconds": period})
}

fn rules(select: &str, policies: &[Value]) -> Value {
    json!({"stabilizationWindowSeconds": 0, "selectPolicy": select, "policies": policies})
}

/// 1..1000 pods, with events as (change, seconds ago).
fn limited(
    current: i32,
    desired: i32,
    up: &Value,
    down: &Value,
    ups: &[(i32, i32)],
    downs: &[(i32, i32)],
) -> Value {
    let events = |list: &[(i32, i32)]| {
        list.iter()
            .map(|(c, a)| json!({"replicaChange": c, "agoSeconds": a}))
            .collect::<Vec<_>>()
    };
    ask(
        "convert_with_behavior_rate",
        &json!({
            "currentReplicas": current, "desiredReplicas": desired, "minReplicas": 1, "maxReplicas": 1000,
            "scaleUp": up, "scaleDown": down, "scaleUpEvents": events(ups), "scaleDownEvents": events(downs),
        }),
    )
}

fn up(current: i32, desired: i32, rules: &Value, ups: &[(i32, i32)]) -> Value {
    limited(current, desired, rules, &Value::Null, ups, &[])["replicas"].clone()
}

fn down(current: i32, desired: i32, rules: &Value, downs: &[(i32, i32)]) -> Value {
    limited(current, desired, &Value::Null, rules, &[], downs)["replicas"].clone()
}

#[test]
fn the_default_first_step_from_three_reaches_seven() {
    let decided = Reconcile::of(3, 3, 400)
        .with("hpa/behavior", json!({}))
        .decide();
    assert_eq!(decided.desired(), 7);
    assert_eq!(decided.condition("ScalingLimited"), "True/ScaleUpLimit");
}

#[test]
fn max_takes_the_biggest_change_of_several_policies_and_min_the_smallest() {
    let both = [pods(4, 60), percent(100, 60)];
    assert_eq!(up(10, 500, &rules("Max", &both), &[]), 20);
    assert_eq!(up(10, 500, &rules("Min", &both), &[]), 14);
    assert_eq!(
        down(100, 1, &rules("Max", &[pods(4, 60), percent(10, 60)]), &[]),
        90
    );
    assert_eq!(
        down(100, 1, &rules("Min", &[pods(4, 60), percent(10, 60)]), &[]),
        96
    );
}

#[test]
fn a_disabled_direction_does_not_move() {
    let disabled = rules("Disabled", &[pods(4, 60)]);
    assert_eq!(up(10, 500, &disabled, &[]), 10);
    assert_eq!(down(10, 1, &disabled, &[]), 10);
}

#[test]
fn a_percentage_is_rounded_up_when_growing_and_truncated_when_shrinking() {
    assert_eq!(up(3, 500, &rules("Max", &[percent(50, 60)]), &[]), 5);
    assert_eq!(down(7, 1, &rules("Max", &[percent(50, 60)]), &[]), 3);
}

#[test]
fn changes_within_the_period_reduce_its_allowance() {
    let rule = rules("Max", &[pods(5, 60)]);
    assert_eq!(up(12, 500, &rule, &[(2, 30)]), 15);
    assert_eq!(down(12, 1, &rule, &[(2, 30)]), 9);
}

#[test]
fn a_change_exactly_one_period_ago_is_forgotten() {
    let rule = rules("Max", &[pods(5, 60)]);
    assert_eq!(up(12, 500, &rule, &[(2, 60)]), 17);
    assert_eq!(up(12, 500, &rule, &[(2, 59)]), 15);
}

#[test]
fn changes_in_the_other_direction_move_the_start_of_the_period() {
    let rule = rules("Max", &[percent(100, 60)]);
    // Ten now, after five were removed within the minute: the period began at fifteen.
    assert_eq!(
        limited(10, 500, &rule, &Value::Null, &[], &[(5, 30)])["replicas"],
        30
    );
}

#[test]
fn a_used_up_allowance_never_moves_the_size_the_other_way() {
    let rule = rules("Max", &[pods(2, 60)]);
    assert_eq!(up(12, 500, &rule, &[(8, 30)]), 12);
    assert_eq!(down(12, 1, &rule, &[(8, 30)]), 12);
}

#[test]
fn the_effective_limit_is_named() {
    let rule = rules("Max", &[pods(2, 60)]);
    assert_eq!(
        limited(10, 500, &rule, &rule, &[], &[])["reason"],
        "ScaleUpLimit"
    );
    assert_eq!(
        limited(999, 5000, &rule, &rule, &[], &[])["reason"],
        "TooManyReplicas"
    );
    assert_eq!(
        limited(10, 1, &rule, &rule, &[], &[])["reason"],
        "ScaleDownLimit"
    );
    assert_eq!(
        limited(2, 0, &rule, &rule, &[], &[])["reason"],
        "TooFewReplicas"
    );
    assert_eq!(
        limited(10, 11, &rule, &rule, &[], &[])["reason"],
        "DesiredWithinRange"
    );
}

fn stabilized(current: i32, desired: i32, up: u32, down: u32, history: &[(i32, i32)]) -> Value {
    let history: Vec<Value> = history
        .iter()
        .map(|(r, a)| json!({"replicas": r, "agoSeconds": a}))
        .collect();
    ask(
        "stabilize_with_behaviors",
        &json!({
            "recommendations": history, "currentReplicas": current, "desiredReplicas": desired,
            "scaleUpStabilizationWindowSeconds": up, "scaleDownStabilizationWindowSeconds": down,
        }),
    )["stabilizedReplicas"]
        .clone()
}

#[test]
fn a_window_moves_the_size_only_as_far_as_all_its_recommendations_agree() {
    assert_eq!(stabilized(5, 2, 0, 300, &[(4, 100)]), 4);
    assert_eq!(stabilized(5, 2, 0, 300, &[(9, 100)]), 5);
    assert_eq!(stabilized(5, 10, 300, 0, &[(7, 100)]), 7);
    assert_eq!(stabilized(5, 10, 300, 0, &[(2, 100)]), 5);
    assert_eq!(stabilized(5, 10, 0, 300, &[(7, 100)]), 10);
}

#[test]
fn a_recommendation_exactly_one_window_ago_is_forgotten() {
    assert_eq!(stabilized(5, 2, 0, 300, &[(5, 300)]), 2);
    assert_eq!(stabilized(5, 2, 0, 300, &[(5, 299)]), 5);
}

#[test]
fn unlike_the_legacy_path_the_window_never_raises_above_the_current_size() {
    assert_eq!(stabilized(3, 2, 0, 300, &[(10, 15)]), 3);
}

#[test]
fn a_missing_scale_down_window_is_that_of_the_controller() {
    let history = json!([{"replicas": 9, "agoSeconds": 200}]);
    let sync = |seconds: i32| {
        Reconcile::of(10, 10, 20)
            .with("hpa/behavior", json!({}))
            .with("recommendations", history.clone())
            .with("controller/downscaleStabilizationSeconds", json!(seconds))
            .decide()
    };
    assert_eq!(
        (sync(300).desired(), sync(300).condition("AbleToScale")),
        (9, "True/SucceededRescale".to_owned())
    );
    assert_eq!(sync(100).desired(), 4);
}

#[test]
fn a_held_growth_has_its_own_reason() {
    let decided = Reconcile::of(3, 3, 92)
        .with(
            "hpa/behavior",
            json!({"scaleUp": {"stabilizationWindowSeconds": 60}}),
        )
        .with(
            "recommendations",
            json!([{"replicas": 3, "agoSeconds": 15}]),
        )
        .decide();
    assert_eq!(
        (decided.desired(), decided.condition("AbleToScale")),
        (3, "True/ScaleUpStabilized".to_owned())
    );
}

#[test]
fn a_tolerance_in_the_spec_counts_if_its_gate_is_on() {
    let sync = Reconcile::of(3, 3, 60).with("hpa/behavior", json!({"scaleUp": {"tolerance": 0.3}}));
    assert_eq!(sync.decide().desired(), 3);
    let off = sync.with("featureGates", json!({"HPAConfigurableTolerance": false}));
    assert_eq!(off.decide().desired(), 4);
}

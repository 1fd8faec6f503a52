//! Whole syncs: bounds, several metrics, faults, and their conditions.

use serde_json::{Value, json};

use crate::case::Reconcile;

#[test]
fn a_growth_names_the_metric_that_asked_for_it() {
    let decided = Reconcile::of(3, 3, 92).decide();
    assert_eq!((decided.desired(), decided.scaled()), (6, true));
    assert_eq!(
        decided.reason(),
        "cpu resource utilization (percentage of request) above target"
    );
    assert_eq!(decided.condition("AbleToScale"), "True/SucceededRescale");
    assert_eq!(decided.condition("ScalingActive"), "True/ValidMetricFound");
    assert_eq!(
        decided.condition("ScalingLimited"),
        "False/DesiredWithinRange"
    );
    assert_eq!(decided.0["utilization"], 92);
}

#[test]
fn a_size_outside_the_bounds_is_corrected_without_a_metric() {
    let above = Reconcile::of(12, 12, 50).decide();
    assert_eq!(
        (above.desired(), above.reason()),
        (10, "Current number of replicas above Spec.MaxReplicas")
    );
    assert_eq!(above.condition("ScalingActive"), "");
    assert_eq!(above.0["utilization"], Value::Null);
    let below = Reconcile::of(2, 2, 50).decide();
    assert_eq!(
        (below.desired(), below.reason()),
        (3, "Current number of replicas below Spec.MinReplicas")
    );
}

#[test]
fn a_target_at_zero_is_left_alone() {
    let decided = Reconcile::of(0, 0, 0).decide();
    assert_eq!((decided.desired(), decided.scaled()), (0, false));
    assert_eq!(decided.condition("AbleToScale"), "True/SucceededGetScale");
    assert_eq!(decided.condition("ScalingActive"), "False/ScalingDisabled");
}

#[test]
fn a_missing_minimum_is_one() {
    let decided = Reconcile::of(2, 2, 1)
        .with("hpa/minReplicas", json!(null))
        .decide();
    assert_eq!(decided.desired(), 1);
}

#[test]
fn a_failing_metric_moves_nothing_and_the_condition_says_why() {
    let decided = Reconcile::of(5, 5, 90)
        .with("podMetrics", json!([]))
        .decide();
    assert_eq!((decided.desired(), decided.scaled()), (5, false));
    assert_eq!(
        decided.condition("ScalingActive"),
        "False/FailedGetResourceMetric"
    );
    assert_eq!(decided.condition("ScalingLimited"), "");
    assert!(
        decided
            .error()
            .contains("invalid metrics (1 invalid out of 1)"),
        "{}",
        decided.error()
    );
    assert!(
        decided
            .error()
            .contains("no metrics returned from resource metrics API")
    );
}

fn with_bad_metric(milli: i64) -> Reconcile {
    Reconcile::of(5, 5, milli).with(
        "hpa/metrics",
        json!([{"type": "CheddarCheese"}, {"type": "Resource", "name": "cpu", "averageUtilization": 50}]),
    )
}

#[test]
fn one_working_metric_is_enough_to_grow() {
    let decided = with_bad_metric(90).decide();
    assert_eq!(
        (decided.desired(), decided.condition("ScalingActive")),
        (9, "True/ValidMetricFound".to_owned())
    );
    assert!(!decided.error().is_empty());
}

#[test]
fn one_failing_metric_is_enough_not_to_shrink() {
    let decided = with_bad_metric(10).decide();
    assert_eq!(
        (decided.desired(), decided.condition("ScalingActive")),
        (5, "False/InvalidMetricSourceType".to_owned())
    );
}

#[test]
fn of_several_metrics_the_largest_proposal_wins() {
    let metrics = json!([
        {"type": "Resource", "name": "cpu", "averageUtilization": 90},
        {"type": "Resource", "name": "cpu", "averageValueMilli": 45},
    ]);
    let decided = Reconcile::of(3, 3, 90)
        .with("hpa/metrics", metrics)
        .decide();
    assert_eq!(
        (decided.desired(), decided.reason()),
        (6, "cpu resource above target")
    );
}

#[test]
fn a_container_metric_names_its_container_when_it_fails() {
    let metrics = json!([{"type": "ContainerResource", "name": "cpu", "container": "other", "averageUtilization": 50}]);
    let decided = Reconcile::of(3, 3, 90)
        .with("hpa/metrics", metrics)
        .decide();
    assert_eq!(
        decided.condition("ScalingActive"),
        "False/FailedGetContainerResourceMetric"
    );
    assert!(
        decided
            .error()
            .contains("failed to get other container metric value"),
        "{}",
        decided.error()
    );
}

#[test]
fn a_metric_without_a_target_is_an_error() {
    let decided = Reconcile::of(3, 3, 90)
        .with("hpa/metrics", json!([{"type": "Resource", "name": "cpu"}]))
        .decide();
    assert!(
        decided
            .error()
            .contains("neither an average utilization target"),
        "{}",
        decided.error()
    );
}

#[test]
fn each_fault_has_its_condition() {
    let failing = |fault: Value| Reconcile::of(3, 3, 92).with("fault", fault).decide();
    let no_scale = failing(json!({"getScaleError": "deployments.apps not found"}));
    assert_eq!(
        (no_scale.desired(), no_scale.condition("AbleToScale")),
        (3, "False/FailedGetScale".to_owned())
    );
    let no_list = failing(json!({"podMetricsListError": "boom"}));
    assert_eq!(
        no_list.condition("ScalingActive"),
        "False/FailedGetResourceMetric"
    );
    assert!(
        no_list
            .error()
            .contains("unable to fetch metrics from resource metrics API: boom")
    );
    let no_update = failing(json!({"updateScaleError": "quota"}));
    assert_eq!((no_update.desired(), no_update.scaled()), (3, false));
    assert_eq!(
        no_update.condition("AbleToScale"),
        "False/FailedUpdateScale"
    );
    assert_eq!(
        no_update.condition("ScalingActive"),
        "True/ValidMetricFound"
    );
}

#[test]
fn a_conflict_is_retried_and_leaves_no_trace() {
    let decided = Reconcile::of(3, 3, 92)
        .with("fault", json!({"updateScaleConflictOnce": true}))
        .decide();
    assert_eq!(
        (decided.desired(), decided.scaled(), decided.error()),
        (6, true, "")
    );
}

#[test]
fn a_missing_or_unreadable_selector_stops_scaling() {
    for selector in ["", "cheddar cheese", "a in b", "=x"] {
        let decided = Reconcile::of(3, 3, 92)
            .with("fault", json!({"scaleStatusSelector": selector}))
            .decide();
        assert_eq!(
            decided.condition("ScalingActive"),
            "False/InvalidSelector",
            "{selector:?}"
        );
        assert!(!decided.scaled());
    }
}

#[test]
fn pods_that_match_several_autoscalers_stop_scaling() {
    let overlap = |fault: Value| {
        Reconcile::of(3, 3, 92)
            .with("fault", fault)
            .decide()
            .condition("ScalingActive")
    };
    assert_eq!(
        overlap(json!({"otherHpaSelectors": ["app=fib"]})),
        "False/AmbiguousSelector"
    );
    assert_eq!(
        overlap(json!({"otherHpaSelectors": ["app=other"]})),
        "True/ValidMetricFound"
    );
    let by_extra = json!({"otherHpaSelectors": ["track in (canary, stable)"], "extraPodLabels": {"track": "canary"}});
    assert_eq!(overlap(by_extra), "False/AmbiguousSelector");
}

#[test]
fn conditions_keep_the_order_of_their_first_appearance() {
    let initial = json!([{"type": "ScalingLimited", "status": "True", "reason": "TooFewReplicas"}]);
    let decided = Reconcile::of(3, 3, 92)
        .with("hpa/initialConditions", initial)
        .decide();
    let kinds: Vec<_> = decided.0["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["type"].clone())
        .collect();
    let expected = [
        "ScalingLimited",
        "AbleToScale",
        "ScalingActive",
        "ScaledToZero",
    ];
    assert_eq!(kinds, expected);
}

#[test]
fn each_rescale_reports_whether_it_was_to_zero_from_1_37_on() {
    let scaled_to_zero = |gates: Value, version: &str| {
        Reconcile::of(3, 3, 92)
            .with("featureGates", gates)
            .with("controller/version", json!(version))
            .decide()
            .condition("ScaledToZero")
    };
    assert_eq!(scaled_to_zero(json!({}), "1.37"), "False/NotScaledToZero");
    assert_eq!(scaled_to_zero(json!({}), "1.36"), "");
    assert_eq!(scaled_to_zero(json!({"HPAScaleToZero": false}), "1.37"), "");
    let older = json!({"HPAConfigurableTolerance": false});
    assert_eq!(
        scaled_to_zero(older, "1.37"),
        "",
        "a gate that 1.37 locks is off, so it is older"
    );
}

#[test]
fn a_size_of_zero_is_left_alone_before_1_36_unless_the_minimum_is_zero() {
    let active = |min: i32| {
        Reconcile::of(0, 0, 0)
            .with("hpa/minReplicas", json!(min))
            .with("controller/version", json!("1.35"))
            .decide()
            .condition("ScalingActive")
    };
    assert_eq!(active(1), "False/ScalingDisabled");
    assert_eq!(active(0), "False/FailedGetResourceMetric");
}

#[test]
fn coming_back_from_zero_requires_the_gate_and_the_condition() {
    let asleep = json!([{"type": "ScaledToZero", "status": "True", "reason": "ScaledToZero"}]);
    let sync = |gate: bool| {
        Reconcile::of(0, 0, 0)
            .with("hpa/initialConditions", asleep.clone())
            .with("featureGates", json!({"HPAScaleToZero": gate}))
            .decide()
    };
    assert_eq!(sync(false).condition("ScaledToZero"), "");
    assert_eq!(
        sync(false).condition("ScalingActive"),
        "False/ScalingDisabled"
    );
    assert_ne!(
        sync(true).condition("ScalingActive"),
        "False/ScalingDisabled"
    );
}

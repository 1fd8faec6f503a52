//! Without `behavior`: the legacy path, with its own limits.

use serde_json::json;

use crate::case::Reconcile;

#[test]
fn one_step_up_reaches_at_most_four_or_twice_the_size() {
    let decided = Reconcile::of(3, 3, 400).decide();
    assert_eq!(decided.desired(), 6);
    assert_eq!(decided.condition("ScalingLimited"), "True/ScaleUpLimit");
    let from_one = Reconcile::of(1, 1, 400)
        .with("hpa/minReplicas", json!(1))
        .decide();
    assert_eq!(from_one.desired(), 4);
}

#[test]
fn the_maximum_is_named_when_it_is_the_lower_limit() {
    let decided = Reconcile::of(6, 6, 400).decide();
    assert_eq!(
        (decided.desired(), decided.condition("ScalingLimited")),
        (10, "True/TooManyReplicas".to_owned())
    );
}

#[test]
fn at_rest_at_the_minimum_nothing_happens_and_the_minimum_is_the_limit() {
    let decided = Reconcile::of(3, 3, 1).decide();
    assert!(!decided.scaled());
    assert_eq!(decided.condition("ScalingLimited"), "True/TooFewReplicas");
    assert_eq!(decided.condition("AbleToScale"), "True/ReadyForNewScale");
}

#[test]
fn the_highest_recommendation_of_the_window_wins() {
    let history = json!([{"replicas": 8, "agoSeconds": 299}, {"replicas": 9, "agoSeconds": 301}]);
    let decided = Reconcile::of(10, 10, 20)
        .with("recommendations", history)
        .decide();
    assert_eq!(decided.desired(), 8);
    assert_eq!(decided.condition("AbleToScale"), "True/SucceededRescale");
    let held = Reconcile::of(8, 8, 20)
        .with("recommendations", json!([{"replicas": 8, "agoSeconds": 1}]))
        .decide();
    assert_eq!(
        (held.desired(), held.condition("AbleToScale")),
        (8, "True/ScaleDownStabilized".to_owned())
    );
}

#[test]
fn the_window_can_raise_above_the_current_size() {
    // Something reset the size from 10 to 3: the next sync jumps to the window's highest, as far as one step
    // may.
    let history = json!([{"replicas": 10, "agoSeconds": 15}]);
    let decided = Reconcile::of(3, 3, 20)
        .with("recommendations", history)
        .decide();
    assert_eq!(
        (decided.desired(), decided.reason()),
        (6, "All metrics below target")
    );
}

#[test]
fn a_controller_without_memory_starts_by_remembering_the_current_size() {
    let decided = Reconcile::of(10, 10, 20)
        .with("recommendations", json!(null))
        .decide();
    assert_eq!(decided.desired(), 10);
    assert_eq!(decided.condition("AbleToScale"), "True/ScaleDownStabilized");
}

#[test]
fn the_factor_and_the_smallest_step_are_settings() {
    let decided = Reconcile::of(3, 3, 400)
        .with("controller/scaleUpLimitFactor", json!(8))
        .decide();
    assert_eq!(decided.desired(), 10);
}

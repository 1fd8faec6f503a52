//! Runs that can't tell: never a pass, and never the autoscaler's fault.

use hpa_check_core::verdict::Outcome;

use super::world::{World, assert_passed, healthy, replay};

fn inconclusive(world: &World) -> String {
    let verdict = world.result().verdict;
    assert_eq!(verdict.outcome, Outcome::Inconclusive, "{verdict:#?}");
    assert_eq!(verdict.exit_code, 93);
    verdict.reasons[0].id.clone()
}

#[test]
fn a_load_that_never_asks_for_the_maximum_is_too_weak_and_both_numbers_are_named() {
    let world = World {
        high: 440,
        ..healthy()
    };
    assert_eq!(inconclusive(&world), "load-too-weak");
    let message = &world.result().verdict.reasons[0].message;
    assert!(
        message.contains("495m") && message.contains("100m"),
        "{message}"
    );
}

#[test]
fn a_load_that_does_not_end_leaves_the_scale_down_open() {
    assert_eq!(
        inconclusive(&World {
            after: 640,
            ..healthy()
        }),
        "load-stays-on"
    );
}

#[test]
fn a_blind_watch_leaves_the_bounds_open() {
    let world = World {
        blind: Some((12, 60)),
        generation: false,
        ..healthy()
    };
    assert_eq!(inconclusive(&world), "watch-gap");
}

#[test]
fn a_gap_is_closed_by_the_target_s_generation() {
    let world = World {
        blind: Some((24, 34)),
        ..healthy()
    };
    let result = world.result();
    assert_passed(&result);
    assert!(result.longest_gap_ms >= 9000, "{}", result.longest_gap_ms);
}

#[test]
fn an_interrupted_run_says_so_and_has_its_own_exit_code() {
    let verdict = World {
        interrupt: Some(20),
        ..healthy()
    }
    .result()
    .verdict;
    assert_eq!(verdict.reasons[0].id, "interrupted", "{verdict:#?}");
    assert_eq!(
        (verdict.outcome, verdict.exit_code),
        (Outcome::Inconclusive, 105)
    );
}

#[test]
fn half_a_recording_is_not_a_pass() {
    let world = healthy();
    let (recording, _) = world.run();
    for part in 1..10 {
        let end = recording.len() * part / 10;
        let verdict = replay(&world.expectation, &recording[..end]).verdict;
        assert_eq!(
            verdict.outcome,
            Outcome::Inconclusive,
            "{part}/10: {verdict:#?}"
        );
    }
}

#[test]
fn nothing_seen_is_nothing_proved() {
    let verdict = replay(&healthy().expectation, &[]).verdict;
    assert_eq!(verdict.outcome, Outcome::Inconclusive, "{verdict:#?}");
}

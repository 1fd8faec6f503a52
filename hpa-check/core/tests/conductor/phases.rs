//! Each way a phase can end.

use std::time::Duration;

use hpa_check_core::expectation::{Expectation, ScaleDown};
use hpa_check_core::observation::{Fact, Seen};
use hpa_check_core::run::conductor::LoadSchedule;

use super::scene::Scene;

/// The usual expectation, with a patience of one minute.
fn usual() -> Expectation {
    Expectation::default()
}

fn scene() -> Scene {
    Scene::new(&usual(), LoadSchedule::Adaptive)
}

fn at_rest(scale_down: ScaleDown) -> Scene {
    let expectation = Expectation {
        scale_down,
        ..usual()
    };
    let mut scene = Scene::new(&expectation, LoadSchedule::Adaptive);
    scene.begin();
    scene
}

fn at_the_top(scale_down: ScaleDown) -> Scene {
    let mut scene = at_rest(scale_down);
    scene.target(10, 10);
    assert_eq!(scene.ask(), ["hold"]);
    scene
}

#[test]
fn a_run_moves_to_the_next_phase_as_soon_as_it_has_seen_enough() {
    let mut scene = scene();
    scene.begin();
    scene.wait(30);
    scene.target(10, 9);
    assert_eq!(scene.ask(), Vec::<String>::new());
    scene.target(10, 10);
    assert_eq!(scene.ask(), ["hold"]);
    // The maximum must hold for three syncs.
    assert_eq!(scene.next(), (45, vec!["stop load".into(), "down".into()]));
    scene.wait(300);
    scene.target(3, 3);
    assert_eq!(scene.ask(), ["done", "everything required was observed"]);
    scene.wait(1000);
    assert_eq!(scene.ask(), Vec::<String>::new());
}

#[test]
fn an_autoscaler_or_target_that_is_never_observed_ends_the_preflight_after_the_patience() {
    let mut scene = scene();
    assert_eq!(scene.ask(), ["preflight"]);
    scene.status(3, 3, Some(5));
    let why = "the autoscaler and its target were not both found".to_owned();
    assert_eq!(scene.next(), (60, vec![why]));
}

#[test]
fn a_finding_that_rules_out_a_pass_ends_the_run_before_the_load() {
    let no_api = || {
        Seen::Fact(Fact::MetricsApi {
            registered: false,
            available: false,
            message: "404".into(),
        })
    };
    let why = "a pass is impossible: no resource metrics API is registered";
    let mut preflight = scene();
    assert_eq!(preflight.ask(), ["preflight"]);
    preflight.tell(no_api());
    assert_eq!(preflight.ask(), [why]);

    let mut baseline = scene();
    assert_eq!(baseline.ask(), ["preflight"]);
    baseline.target(3, 2);
    baseline.status(3, 3, None);
    assert_eq!(baseline.ask(), ["baseline"]);
    baseline.tell(no_api());
    assert_eq!(baseline.ask(), [why]);
}

#[test]
fn the_baseline_waits_for_a_utilization_as_long_as_new_pods_take_to_be_measured() {
    let mut scene = scene();
    assert_eq!(scene.ask(), ["preflight"]);
    scene.target(3, 3);
    scene.status(3, 3, None);
    assert_eq!(scene.ask(), ["baseline"]);
    // A reaction of 45 s and a sync, and the patience.
    let why = "the minimum was not ready with a utilization in time (allowed: 120 s)".to_owned();
    assert_eq!(scene.next(), (45 + 15 + 60, vec![why]));
}

#[test]
fn the_baseline_waits_longer_if_replicas_must_come_down_first() {
    let mut scene = scene();
    assert_eq!(scene.ask(), ["preflight"]);
    scene.target(6, 6);
    scene.status(6, 6, Some(5));
    assert_eq!(scene.ask(), ["baseline"]);
    // The whole way down takes 375 s at most.
    let why = "the minimum was not ready with a utilization in time (allowed: 495 s)".to_owned();
    assert_eq!(scene.next(), (375 + 120, vec![why]));
}

#[test]
fn a_maximum_that_is_not_reached_ends_the_way_up_at_its_deadline() {
    let mut scene = at_rest(ScaleDown::Full);
    scene.target(10, 9);
    // 45 s of reaction, two steps of a sync and a window each, and the patience.
    let why = "10 pods were not ready in time (allowed: 165 s)".to_owned();
    assert_eq!(scene.next(), (45 + 2 * 15 + 2 * 15 + 60, vec![why]));
}

#[test]
fn a_load_that_ends_early_ends_the_way_up() {
    let mut scene = at_rest(ScaleDown::Full);
    scene.wait(30);
    scene.load_result();
    assert_eq!(
        scene.ask(),
        ["the load ended before the maximum was reached"]
    );
}

#[test]
fn a_load_that_ends_at_the_maximum_counts_as_its_planned_end() {
    let mut scene = at_the_top(ScaleDown::Full);
    scene.load_result();
    assert_eq!(scene.ask(), ["stop load", "down"]);
}

#[test]
fn a_scale_down_is_waited_for_only_if_one_is_expected() {
    let mut scene = at_the_top(ScaleDown::Skip);
    let (waited, said) = scene.next();
    assert_eq!(waited, 45);
    let all = ["stop load", "done", "everything required was observed"];
    assert_eq!(said, all);
}

#[test]
fn one_step_down_is_enough_if_one_step_is_expected() {
    let mut scene = at_the_top(ScaleDown::OneStep);
    assert_eq!(scene.next().1, ["stop load", "down"]);
    scene.target(9, 10);
    let all = ["done", "everything required was observed"];
    assert_eq!(scene.ask(), all);
}

#[test]
fn the_minimum_is_reached_only_when_exactly_that_many_pods_are_ready() {
    let mut scene = at_the_top(ScaleDown::Full);
    assert_eq!(scene.next().1, ["stop load", "down"]);
    for (spec, ready) in [(3, 10), (3, 4), (3, 2), (4, 3)] {
        scene.target(spec, ready);
        assert_eq!(scene.ask(), Vec::<String>::new(), "{spec} {ready}");
    }
    scene.target(3, 3);
    assert_eq!(scene.ask()[0], "done");
}

#[test]
fn the_last_step_down_waits_for_the_metrics_that_explain_it() {
    let mut scene = at_the_top(ScaleDown::Full);
    assert_eq!(scene.next().1, ["stop load", "down"]);
    scene.wait(300);
    scene.status(10, 3, Some(6));
    scene.target(3, 3);
    assert_eq!(scene.ask(), Vec::<String>::new());
    // Missing metrics are waited for no longer than the next sample takes.
    assert_eq!(scene.next().0, 15);
}

#[test]
fn replicas_that_stay_up_end_the_way_down_at_its_deadline() {
    let mut scene = at_the_top(ScaleDown::Full);
    assert_eq!(scene.next().1, ["stop load", "down"]);
    let why = "the replicas did not come down to 3 in time (allowed: 435 s)".to_owned();
    assert_eq!(scene.next(), (375 + 60, vec![why]));
}

#[test]
fn a_restarted_controller_gets_its_whole_time_again() {
    let restart = || {
        Seen::Fact(Fact::ControllerRestarted {
            holder: "second".into(),
        })
    };
    let mut up = at_rest(ScaleDown::Full);
    up.wait(100);
    up.tell(restart());
    assert_eq!(up.next().0, 165);
    let mut down = at_the_top(ScaleDown::Full);
    assert_eq!(down.next().1, ["stop load", "down"]);
    down.wait(200);
    down.tell(restart());
    assert_eq!(down.next().0, 435);
}

#[test]
fn a_target_that_is_deleted_ends_the_way_down() {
    let mut scene = at_the_top(ScaleDown::Full);
    assert_eq!(scene.next().1, ["stop load", "down"]);
    scene.tell(Seen::TargetGone);
    assert_eq!(scene.ask(), ["the scale target is gone"]);
}

#[test]
fn an_interruption_ends_the_run_in_every_phase() {
    for mut scene in [
        scene(),
        at_rest(ScaleDown::Full),
        at_the_top(ScaleDown::Full),
    ] {
        scene.tell(Seen::Interrupted);
        let said = scene.ask();
        assert!(said[0].starts_with("interrupted at "), "{said:?}");
        assert_eq!(scene.ask(), Vec::<String>::new());
    }
}

fn planned() -> Scene {
    let seconds = Duration::from_secs;
    let pace = LoadSchedule::Planned {
        up: seconds(10),
        down: seconds(100),
        end: seconds(160),
    };
    let mut scene = Scene::new(&usual(), pace);
    scene.begin();
    scene
}

#[test]
fn the_plan_of_the_load_determines_when_the_way_up_and_the_way_down_begin() {
    let mut scene = planned();
    assert_eq!(scene.next(), (10, vec!["up".into()]));
    scene.wait(40);
    scene.target(10, 10);
    assert_eq!(scene.ask(), ["hold"]);
    // The load is not stopped: its plan reduces it.
    assert_eq!(scene.next(), (50, vec!["down".into()]));
}

#[test]
fn a_plan_that_ends_below_the_maximum_ends_the_run() {
    let mut scene = planned();
    assert_eq!(scene.next(), (10, vec!["up".into()]));
    let why = "the load ended, and 10 pods were never ready".to_owned();
    assert_eq!(scene.next(), (90, vec![why]));
}

//! A steady load that is too weak ends the run once that is certain, never on a doubt.

use std::time::Duration;

use hpa_check_core::expectation::Expectation;
use hpa_check_core::observation::{Seen, Watch, WatchState, Watched};
use hpa_check_core::run::conductor::LoadSchedule;
use hpa_check_core::spec::MetricSource;

use super::scene::{Scene, cpu_metric};

/// So long that the deadline never ends one of these runs.
fn patient() -> Expectation {
    Expectation {
        patience: Duration::from_hours(1),
        ..Expectation::default()
    }
}

/// Eight pods are all that 500 users need, observed for one sync. Asking for ten takes more than 9 × 100m × 50
/// % = 450m.
fn settled(each: i64) -> Scene {
    settle(
        Scene::new(&patient(), LoadSchedule::Adaptive).steady(),
        each,
    )
}

fn settle(mut scene: Scene, each: i64) -> Scene {
    scene.begin();
    scene.load(500);
    settle_at_eight(scene, each)
}

fn settle_at_eight(mut scene: Scene, each: i64) -> Scene {
    scene.target(8, 8);
    scene.samples(8, each);
    scene.status(8, 8, Some(i32::try_from(each).unwrap()));
    scene
}

/// Goes on for four minutes with a new sample every 15 s; returns after how many seconds the run ended, and
/// why.
fn go_on(scene: &mut Scene, mut each: impl FnMut(&mut Scene)) -> Option<(i64, String)> {
    for second in 1..=240 {
        scene.wait(1);
        if second % 15 == 0 {
            each(scene);
        }
        if let Some(why) = scene.ask().pop() {
            return Some((second, why));
        }
    }
    None
}

#[test]
fn four_whole_windows_and_four_syncs_without_a_change_are_enough() {
    let mut scene = settled(50);
    let (second, why) = go_on(&mut scene, |scene| scene.samples(8, 50)).unwrap();
    // The first whole window ends after 15 s, and four syncs take 60 s more.
    assert_eq!(second, 75);
    assert_eq!(
        why,
        "the load is too weak: it has been steady for 75 s, used 400m of CPU at most, and 8 pods \
         are enough for it; asking for 10 takes more than 450m"
    );
}

#[test]
fn a_load_that_may_still_change_is_waited_for() {
    let mut scene = settle(Scene::new(&patient(), LoadSchedule::Adaptive), 50);
    assert_eq!(go_on(&mut scene, |scene| scene.samples(8, 50)), None);
}

#[test]
fn a_use_close_to_what_the_maximum_takes_may_still_get_there() {
    // 8 × 50m = 400m is below nine tenths of 450m, 8 × 51m is not.
    let mut near = settled(50);
    assert_eq!(go_on(&mut near, |scene| scene.samples(8, 51)), None);
}

#[test]
fn a_use_that_fluctuates_may_still_rise() {
    let mut scene = settled(50);
    let mut turn = 0;
    let wide = |scene: &mut Scene| {
        turn += 1;
        scene.samples(8, if turn % 2 == 0 { 44 } else { 46 });
    };
    assert_eq!(go_on(&mut scene, wide), None);
}

#[test]
fn a_use_that_was_once_close_to_what_the_maximum_takes_may_get_there_again() {
    let mut scene = Scene::new(&patient(), LoadSchedule::Adaptive).steady();
    scene.begin();
    scene.load(500);
    scene.samples(3, 140);
    scene.wait(15);
    let mut scene = settle_at_eight(scene, 50);
    assert_eq!(go_on(&mut scene, |scene| scene.samples(8, 50)), None);
}

#[test]
fn users_that_are_still_arriving_are_waited_for() {
    let mut scene = settled(50);
    let mut users = 500;
    let more = |scene: &mut Scene| {
        users += 10;
        scene.load(users);
        scene.samples(8, 50);
    };
    assert_eq!(go_on(&mut scene, more), None);
}

#[test]
fn an_unknown_load_is_waited_for() {
    let mut scene = Scene::new(&patient(), LoadSchedule::Adaptive).steady();
    scene.begin();
    scene.target(8, 8);
    scene.samples(8, 50);
    scene.status(8, 8, Some(50));
    assert_eq!(go_on(&mut scene, |scene| scene.samples(8, 50)), None);
}

#[test]
fn a_pod_that_is_about_to_start_or_end_is_waited_for() {
    for (spec, ready) in [(8, 7), (7, 8)] {
        let mut scene = settled(50);
        scene.target(spec, ready);
        assert_eq!(go_on(&mut scene, |scene| scene.samples(ready, 50)), None);
    }
}

#[test]
fn a_decision_for_more_pods_is_waited_for() {
    let mut scene = settled(50);
    scene.status(8, 9, Some(56));
    assert_eq!(go_on(&mut scene, |scene| scene.samples(8, 50)), None);
}

#[test]
fn an_unexplained_decision_leaves_a_doubt() {
    let mut scene = settled(50);
    scene.status(8, 8, Some(31));
    assert_eq!(go_on(&mut scene, |scene| scene.samples(8, 50)), None);
}

#[test]
fn old_incomplete_or_failing_metrics_prove_nothing() {
    let mut old = settled(50);
    assert_eq!(go_on(&mut old, |_| {}), None);
    let mut incomplete = settled(50);
    assert_eq!(go_on(&mut incomplete, |scene| scene.samples(7, 50)), None);
    let mut failing = settled(50);
    let error = || Seen::MetricsUnavailable {
        timed_out: false,
        error: "503".into(),
    };
    let now_and_then = |scene: &mut Scene| {
        scene.samples(8, 50);
        scene.tell(error());
    };
    assert_eq!(go_on(&mut failing, now_and_then), None);
}

#[test]
fn an_object_that_is_not_watched_may_have_changed() {
    for resource in [Watched::Autoscaler, Watched::Target, Watched::Pods] {
        let mut scene = settled(50);
        scene.tell(Seen::Watch(Watch {
            resource,
            state: WatchState::Lost,
            error: None,
            since: None,
        }));
        assert_eq!(go_on(&mut scene, |scene| scene.samples(8, 50)), None);
    }
}

#[test]
fn another_metric_may_still_ask_for_the_maximum() {
    let mut scene = Scene::new(&patient(), LoadSchedule::Adaptive).steady();
    let mut other = cpu_metric();
    other.source = MetricSource::Resource {
        name: "memory".into(),
    };
    scene.spec.metrics.push(other);
    let mut scene = settle(scene, 50);
    assert_eq!(go_on(&mut scene, |scene| scene.samples(8, 50)), None);
}

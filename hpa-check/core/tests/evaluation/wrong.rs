//! Runs in which the autoscaler, its rivals or the service did wrong.

use hpa_check_core::verdict::Outcome;

use super::world::{World, healthy, in_a_cluster};

fn wrong(world: &World) -> String {
    let verdict = world.result().verdict;
    assert_eq!(verdict.outcome, Outcome::Wrong, "{verdict:#?}");
    assert_eq!(verdict.exit_code, 91);
    verdict.reasons[0].id.clone()
}

#[test]
fn a_rival_that_sets_the_replicas_back_is_named() {
    let world = World {
        rival: Some((4, "argocd-controller")),
        ..healthy()
    };
    assert_eq!(wrong(&world), "replicas-moved-by-another");
    let message = &world.result().verdict.reasons[0].message;
    assert!(message.contains("argocd-controller"), "{message}");
}

#[test]
fn a_controller_that_goes_above_the_maximum_has_left_the_bounds() {
    let decide = |_, wanted| if wanted == 10 { 12 } else { wanted };
    assert_eq!(
        wrong(&World {
            decide,
            ..healthy()
        }),
        "left-bounds"
    );
}

#[test]
fn a_controller_that_keeps_the_replicas_though_more_are_wanted_is_named() {
    let decide = |current: i32, wanted: i32| wanted.min(current);
    assert_eq!(
        wrong(&World {
            decide,
            ..healthy()
        }),
        "scale-up-missing"
    );
}

#[test]
fn a_controller_that_does_not_come_down_is_named() {
    let decide = |current: i32, wanted: i32| wanted.max(current);
    let world = World {
        decide,
        ..in_a_cluster()
    };
    let verdict = world.result().verdict;
    assert_eq!(verdict.outcome, Outcome::Wrong, "{verdict:#?}");
    let ids: Vec<&str> = verdict.reasons.iter().map(|r| r.id.as_str()).collect();
    assert!(
        ids.contains(&"decision-unexplained") || ids.contains(&"scale-down-missing"),
        "{ids:?}"
    );
}

#[test]
fn a_controller_that_comes_down_before_the_window_is_over_is_named() {
    let mut world = in_a_cluster();
    world.expectation.patience = std::time::Duration::from_mins(1);
    // It forgets the window as soon as the present metric asks for less than there are.
    world.decide = |current, wanted| {
        if current == 10 && wanted == 10 {
            5
        } else {
            wanted
        }
    };
    let ids: Vec<String> = world
        .result()
        .verdict
        .reasons
        .into_iter()
        .map(|r| r.id)
        .collect();
    assert!(ids.contains(&"scale-down-too-early".to_owned()), "{ids:?}");
}

#[test]
fn a_wrong_answer_of_the_service_is_never_a_pass() {
    let mut world = healthy();
    world.account.wrong = 1;
    assert_eq!(wrong(&world), "wrong-answers");
}

#[test]
fn lost_requests_are_the_service_s_fault() {
    let mut world = healthy();
    world.account.failed = 7;
    assert_eq!(wrong(&world), "failed-requests");
}

#[test]
fn one_hot_pod_among_idle_ones_is_a_load_that_is_not_spread() {
    assert_eq!(
        wrong(&World {
            hot: 96,
            ..healthy()
        }),
        "load-not-spread"
    );
    let verdict = World {
        hot: 20,
        ..healthy()
    }
    .result()
    .verdict;
    assert_eq!(verdict.outcome, Outcome::Pass, "{verdict:#?}");
}

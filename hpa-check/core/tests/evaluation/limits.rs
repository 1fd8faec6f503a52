//! Runs that prove nothing: never a pass, and never the autoscaler's fault.

use std::time::Duration;

use hpa_check_core::observation::Fact;
use hpa_check_core::run::conductor::LoadSchedule;
use hpa_check_core::verdict::Outcome;

use super::environment::saturated;
use super::pairs::{Pair, beside, pair};
use super::world::{Answers, Metrics, World, assert_passed, healthy, ids, replay};

pub(crate) fn pairs() -> Vec<Pair> {
    vec![
        pair("interrupted", |w| w.interrupt = Some(20)),
        pair("load-too-weak", |w| w.high = 440),
        // Unless the target's changes are counted, nothing closes a gap.
        beside(
            World {
                generation: false,
                ..healthy()
            },
            "watch-gap",
            |w| w.blind = Some((12, 60)),
        ),
        beside(
            World {
                stands_still: Some((0, 9)),
                ..healthy()
            },
            "no-syncs-seen",
            |w| w.stands_still = Some((0, 400)),
        ),
        pair("too-little-explained", |w| w.metrics = Metrics::Forbidden),
        pair("metrics-not-read", |w| w.metrics = Metrics::TooSlow),
        beside(on_this_machine(), "port-forward", |w| {
            w.answers = Answers::First;
            w.hot = 96;
        }),
        // An application that does not report which pod answers.
        beside(on_this_machine(), "port-forward", |w| {
            w.answers = Answers::Unnamed;
            w.hot = 96;
        }),
        beside(on_this_machine(), "load-elsewhere", |w| {
            w.answers = Answers::Stranger;
        }),
        pair("load-stays-on", |w| w.after = 640),
        pair("window-too-short", |w| {
            w.pace = LoadSchedule::Planned {
                up: Duration::from_secs(4),
                down: Duration::from_secs(10),
                end: Duration::from_secs(90),
            };
        }),
    ]
}

/// A healthy run whose load enters through the machine that runs the check.
fn on_this_machine() -> World {
    let mut world = World {
        answers: Answers::All,
        ..healthy()
    };
    world.facts.push(Fact::LoadTarget {
        url: "http://127.0.0.1:8080".into(),
        loopback: true,
    });
    world
}

#[test]
fn a_load_that_never_asks_for_the_maximum_is_too_weak_and_both_numbers_are_named() {
    let world = World {
        high: 440,
        ..healthy()
    };
    let message = &world.result().verdict.reasons[0].message;
    assert!(
        message.contains("495m") && message.contains("100m"),
        "{message}"
    );
}

#[test]
fn the_generator_is_not_blamed_for_a_run_that_was_stopped_before_its_load() {
    let world = World {
        interrupt: Some(8),
        ..saturated()
    };
    let verdict = world.result().verdict;
    let ids = ids(&verdict);
    assert_eq!(ids, ["interrupted"]);
}

#[test]
fn a_gap_is_closed_by_the_generation_of_the_target() {
    let world = World {
        blind: Some((24, 34)),
        ..healthy()
    };
    let result = world.result();
    assert_passed(&result);
    assert!(result.longest_gap_ms >= 9000, "{}", result.longest_gap_ms);
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
fn a_run_without_observations_proves_nothing() {
    let verdict = replay(&healthy().expectation, &[]).verdict;
    assert_eq!(verdict.outcome, Outcome::Inconclusive, "{verdict:#?}");
}

/// A proxy or the observer's permissions refuse what the controller may read.
#[test]
fn a_metrics_api_that_answers_the_controller_is_not_unavailable() {
    let reasons = |metrics: Metrics| {
        let world = World {
            metrics,
            high: 300,
            ..healthy()
        };
        let reasons = world.result().verdict.reasons;
        reasons
            .into_iter()
            .map(|r| (r.id, r.outcome))
            .collect::<Vec<_>>()
    };
    let refused = reasons(Metrics::Forbidden);
    assert!(
        refused.iter().all(|(_, o)| *o == Outcome::Inconclusive),
        "{refused:?}"
    );
    let down = reasons(Metrics::Fails(
        "the server is currently unable to handle the request",
    ));
    assert_eq!(down[0].0, "metrics-api-unavailable");
}

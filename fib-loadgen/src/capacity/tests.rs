//! The search finds the capacity of simulated servers, even if its trials are sometimes wrong.

use super::*;
use crate::chance::{self, Purpose};
use crate::report::fixture;
use crate::result::ErrorResult;

const BOUNDS: Bounds = Bounds {
    from: 100.0,
    to: 1e6,
    precision: 0.1,
    most: 40,
};

fn trial(rate: f64, passed: bool) -> Trial {
    Trial {
        rate,
        passed,
        limit: None,
    }
}

/// Searches on a server that passes a rate with this probability.
fn search(bounds: &Bounds, passes: impl Fn(f64) -> f64, seed: u64) -> (Found, usize) {
    let mut trials = Vec::new();
    loop {
        match next(&trials, bounds) {
            Next::Done(found) => return (found, trials.len()),
            Next::Try(rate) => {
                assert!(rate <= bounds.to && trials.len() < 100, "{rate}");
                let luck = chance::unit(seed, Purpose::Sample, trials.len() as u64);
                trials.push(trial(rate, luck < passes(rate)));
            }
        }
    }
}

fn sharp(capacity: f64) -> impl Fn(f64) -> f64 {
    move |rate| if rate <= capacity { 1.0 } else { 0.0 }
}

#[test]
fn a_sharp_capacity_is_found_within_the_precision() {
    for capacity in [7.0, 99.0, 101.0, 1_234.0, 65_000.0] {
        let (found, trials) = search(&BOUNDS, sharp(capacity), 1);
        let Found::Between(low, high) = found else {
            panic!("{capacity}: {found:?}");
        };
        assert!(
            low <= capacity * CELL && high >= capacity / CELL,
            "{capacity}: {low} to {high}"
        );
        assert!(
            high / low <= 1.1 && trials <= 26,
            "{capacity}: {low} to {high} in {trials}"
        );
    }
}

#[test]
fn a_noisy_server_near_its_capacity_is_nearly_always_within_the_range() {
    // Within 5 % of it, a trial passes with a probability that falls from one to nothing.
    let soft = |rate: f64| ((1_050.0 - rate) / 100.0).clamp(0.02, 0.98);
    let hits = (0..100).filter(|seed| {
        let (found, _) = search(&BOUNDS, soft, *seed);
        matches!(found, Found::Between(low, high) if low <= 1_050.0 && high >= 950.0)
    });
    let hits = hits.count();
    assert!(hits >= 90, "{hits}");
}

#[test]
fn the_highest_allowed_rate_and_a_server_that_passes_nothing_are_reported_as_such() {
    let bounds = Bounds {
        to: 1_000.0,
        ..BOUNDS
    };
    assert_eq!(search(&bounds, |_| 1.0, 1).0, Found::AtLeast(1_000.0));
    assert!(matches!(search(&BOUNDS, |_| 0.0, 1).0, Found::Below(rate) if rate < 0.2));
}

#[test]
fn the_limit_on_trials_is_kept() {
    let bounds = Bounds {
        most: 6,
        precision: 0.001,
        ..BOUNDS
    };
    assert_eq!(search(&bounds, sharp(1_234.0), 1).1, 6);
}

#[test]
fn a_trial_passes_if_everything_was_sent_on_time_and_every_rule_is_met() {
    assert!(judge(&fixture::passed(), 400.0, Segments::default()).passed);
    let judged = |change: fn(&mut crate::result::Document), segments: Segments| {
        let mut document = fixture::passed();
        change(&mut document);
        let trial = judge(&document, 400.0, segments);
        assert!(!trial.passed);
        trial.limit.unwrap()
    };
    let none = Segments::default();
    let slow = judged(|document| document.thresholds[0].passed = false, none);
    assert_eq!(slow.who, Bottleneck::Server);
    let full = judged(|document| document.totals.achieved_ratio = Some(0.7), none);
    assert!(
        full.who == Bottleneck::Server && full.why.contains("70.0 %"),
        "{full:?}"
    );
    let own = judged(
        |document| document.generator.verdict = Verdict::Saturated,
        none,
    );
    assert_eq!(own.who, Bottleneck::Generator);
    let loss = Segments {
        sent: 1_000,
        again: 50,
    };
    let lossy = judged(|document| document.thresholds[0].passed = false, loss);
    assert_eq!(lossy.who, Bottleneck::Network);
    let unreachable = judged(
        |document| {
            document.thresholds[0].passed = false;
            let class = "connect.timeout".into();
            document.errors = vec![ErrorResult {
                class,
                count: 500,
                ..ErrorResult::default()
            }];
        },
        none,
    );
    assert_eq!(unreachable.who, Bottleneck::Network);
}

#[test]
fn the_bottleneck_is_the_one_named_by_the_failures_nearest_to_the_capacity() {
    let failed = |rate, who| Trial {
        rate,
        passed: false,
        limit: Some(Limit {
            who,
            why: String::new(),
        }),
    };
    let trials = [
        failed(9_000.0, Bottleneck::Generator),
        failed(1_100.0, Bottleneck::Server),
        trial(1_000.0, true),
        failed(1_200.0, Bottleneck::Server),
        failed(1_300.0, Bottleneck::Generator),
    ];
    assert_eq!(
        limit(&trials).map(|limit| limit.who),
        Some(Bottleneck::Server)
    );
    assert_eq!(limit(&[trial(5.0, true)]), None);
}

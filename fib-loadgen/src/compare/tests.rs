//! A change is distinguished from noise, and noise is not called a change.

use super::*;
use crate::chance::{self, Purpose};
use crate::report::fixture;
use crate::result::{Entry, Series};

/// A run of this many seconds at 200 requests/s, whose seconds vary by up to a fifth around `ms`.
fn run(seconds: u64, ms: f64, seed: u64) -> Document {
    run_varying(0.2, seconds, ms, seed)
}

/// The same with seconds that vary by up to this share.
fn run_varying(share: f64, seconds: u64, ms: f64, seed: u64) -> Document {
    let mut document = fixture::passed();
    document.plan.warmup_ms = 0;
    document.totals.window_s = 0.0;
    document.series = Series::by_the_second();
    for second in 0..seconds {
        let slower = 1.0 - share + 2.0 * share * chance::unit(seed, Purpose::Workload, second);
        let mut response = Histogram::new(2).unwrap();
        for request in 0..200 {
            let tail = if request >= 196 { 5.0 } else { 1.0 };
            let spread = 0.5 + chance::unit(seed, Purpose::Sample, second * 200 + request);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "microseconds"
            )]
            response
                .record((ms * 1e3 * slower * spread * tail) as u64)
                .unwrap();
        }
        document.series.push(&Entry {
            end_ms: (second + 1) * 1_000,
            width_ms: 1_000,
            ok: 200,
            response: Some(response),
            ..Entry::default()
        });
    }
    document
}

fn verdict(comparison: &Comparison, measure: Measure) -> Change {
    let row = comparison.rows.iter().find(|row| row.measure == measure);
    row.unwrap().verdict
}

#[test]
fn two_runs_of_one_server_are_rarely_called_different() {
    let worse = (0..12).filter(|seed| {
        let (a, b) = (run(60, 10.0, 2 * seed), run(60, 10.0, 2 * seed + 1));
        let comparison = compare(&a, &b, 0.05).unwrap();
        assert!(comparison.tells_something() && comparison.notes.is_empty());
        comparison.is_worse()
    });
    assert!(worse.count() <= 1);
}

#[test]
fn a_server_that_is_a_quarter_slower_is_worse_and_the_reverse_is_better() {
    let (fast, slow) = (run(60, 10.0, 1), run(60, 12.5, 2));
    let comparison = compare(&fast, &slow, 0.05).unwrap();
    for measure in [Measure::Percentile(500), Measure::Percentile(990)] {
        assert_eq!(
            verdict(&comparison, measure),
            Change::Worse,
            "{comparison:#?}"
        );
    }
    assert_eq!(verdict(&comparison, Measure::Rate), Change::Same);
    let back = compare(&slow, &fast, 0.05).unwrap();
    assert_eq!(verdict(&back, Measure::Percentile(500)), Change::Better);
    assert!(!back.is_worse());
}

#[test]
fn a_server_that_is_a_tenth_slower_is_worse_with_any_seed() {
    for seed in 0..6 {
        let before = run_varying(0.05, 60, 10.0, 2 * seed);
        let same = run_varying(0.05, 60, 10.0, 2 * seed + 1);
        let slower = run_varying(0.05, 60, 11.0, 2 * seed + 1);
        assert!(
            !compare(&before, &same, 0.05).unwrap().is_worse(),
            "seed {seed}"
        );
        let comparison = compare(&before, &slower, 0.05).unwrap();
        assert!(comparison.is_worse(), "seed {seed}: {comparison:?}");
    }
}

#[test]
fn a_change_within_the_tolerance_is_not_worse() {
    let comparison = compare(&run(60, 10.0, 1), &run(60, 12.5, 2), 0.5).unwrap();
    assert!(!comparison.is_worse(), "{comparison:#?}");
}

#[test]
fn failures_and_a_lost_rate_are_worse() {
    let (before, mut after) = (run(60, 10.0, 1), run(60, 10.0, 2));
    let entries = after.series.entries().unwrap();
    after.series = Series::by_the_second();
    for entry in entries {
        after.series.push(&Entry {
            ok: 160,
            failed: 40,
            ..entry
        });
    }
    let comparison = compare(&before, &after, 0.05).unwrap();
    assert_eq!(verdict(&comparison, Measure::Failures), Change::Worse);
    assert_eq!(verdict(&comparison, Measure::Rate), Change::Worse);
}

#[test]
fn a_short_run_and_one_without_histograms_give_no_conclusion() {
    for short in [run(8, 10.0, 1), fixture::first()] {
        let comparison = compare(&run(60, 10.0, 2), &short, 0.05).unwrap();
        assert!(!comparison.tells_something() && !comparison.notes.is_empty());
    }
}

#[test]
fn a_percentile_with_too_few_requests_beyond_it_is_not_judged() {
    let comparison = compare(&run(20, 10.0, 1), &run(20, 10.0, 2), 0.05).unwrap();
    assert_eq!(
        verdict(&comparison, Measure::Percentile(999)),
        Change::Unknown
    );
    assert_eq!(verdict(&comparison, Measure::Percentile(990)), Change::Same);
}

#[test]
fn runs_with_different_plans_and_a_saturated_generator_are_noted() {
    let (a, mut b) = (run(60, 10.0, 1), run(60, 10.0, 2));
    b.plan.n_spec = "5".to_owned();
    b.generator.verdict = Verdict::Saturated;
    let comparison = compare(&a, &b, 0.05).unwrap();
    assert!(
        comparison.saturated && comparison.notes.len() == 2,
        "{:?}",
        comparison.notes
    );
}

#[test]
fn the_same_two_results_give_the_same_bounds() {
    let (a, b) = (run(30, 10.0, 1), run(30, 11.0, 2));
    assert_eq!(compare(&a, &b, 0.05), compare(&a, &b, 0.05));
}

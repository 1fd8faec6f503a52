//! What counts as a regression and what does not.

use std::time::Duration;

use super::*;
use crate::expectation::Expectation;
use crate::run::evaluator::Evaluator;
use crate::sim::tests::scenario;
use crate::sim::{Bound, Scenario};

const LOAD: &str = "0s:60m 60s:60m 60s:450m 60m:450m 60m:60m";

fn simulated(change: impl Fn(&mut Scenario), bound: Bound) -> Side {
    let mut scenario = scenario(LOAD);
    change(&mut scenario);
    let mut evaluator = Evaluator::new(Expectation::default());
    let summary = scenario.watch(|seen| evaluator.observe(&seen));
    let timeline = evaluator.finish(crate::sim::BEGIN).timeline;
    let simulation = Simulation {
        schema: crate::sim::SCHEMA.to_owned(),
        version: "1".to_owned(),
        command: None,
        kept: bound.is_kept(&summary),
        scenario,
        summary,
        bound,
        search: None,
    };
    Side::of_simulation("x.json", &simulation, timeline)
}

fn plain(change: impl Fn(&mut Scenario)) -> Side {
    simulated(change, Bound::default())
}

fn told(a: &Side, b: &Side) -> Comparison {
    compare(a, b, "1", 0.05)
}

#[test]
fn a_run_compared_with_itself_has_no_regression_and_no_differences() {
    let one = plain(|_| {});
    let same = told(&one, &one);
    assert!(same.is_conclusive() && !same.is_regression(), "{same:?}");
    assert!(same.differences.is_empty() && same.rows.len() >= 6);
    assert!(same.rows.iter().all(|row| row.verdict == Change::Same));
}

#[test]
fn a_higher_target_is_cheaper_but_uses_more_cpu_and_the_report_names_the_setting() {
    let (strict, lax) = (plain(|_| {}), plain(|s| s.spec.set_utilization(80)));
    let found = told(&strict, &lax);
    let verdict = |measure| {
        let row = found.rows.iter().find(|row| row.measure == measure);
        row.map(|row| row.verdict)
    };
    assert_eq!(verdict(Measure::Utilization), Some(Change::Worse));
    assert_eq!(verdict(Measure::RequestedCores), Some(Change::Better));
    assert!(found.is_regression() && found.regressions[0].contains("CPU utilization, p95"));
    let [only] = &found.differences[..] else {
        panic!("{:?}", found.differences)
    };
    assert_eq!(only.setting, "CPU target");
    assert_eq!(
        (only.a.as_deref(), only.b.as_deref()),
        (Some("50 %"), Some("80 %"))
    );
}

#[test]
fn a_change_within_tolerance_or_too_small_to_matter_is_not_a_regression() {
    let (one, other) = (plain(|_| {}), plain(|s| s.spec.set_utilization(80)));
    assert!(!compare(&one, &other, "1", 10.0).is_regression());
    // Starting one second slower is less than a sync period.
    let slower = plain(|s| s.pod.start += Duration::from_secs(1));
    assert!(
        !told(&one, &slower).is_regression(),
        "{:?}",
        told(&one, &slower)
    );
}

#[test]
fn breaking_bounds_is_a_regression_only_if_the_first_kept_them() {
    let bound = |most| Bound {
        p95_utilization: Some(most),
        ..Bound::default()
    };
    let (kept, broken) = (
        simulated(|_| {}, bound(500.0)),
        simulated(|_| {}, bound(1.0)),
    );
    let worse = told(&kept, &broken);
    assert_eq!(
        worse.regressions,
        ["A is SIMULATED, B is SIMULATED: BOUNDS NOT KEPT"]
    );
    assert!(!told(&broken, &kept).is_regression());
}

#[test]
fn a_fault_that_only_the_second_has_is_a_regression_even_if_both_are_wrong() {
    let (mut a, mut b) = (plain(|_| {}), plain(|_| {}));
    (a.standing, b.standing) = (Standing::Bad, Standing::Bad);
    a.faults = vec!["sync-unexplained".to_owned()];
    b.faults = vec!["pods-crash".to_owned(), "sync-unexplained".to_owned()];
    let found = told(&a, &b);
    assert_eq!(found.regressions, ["B has pods-crash, which A lacks"]);
    let fixed = told(&b, &a);
    assert!(!fixed.is_regression());
    assert_eq!(fixed.gone_faults, ["pods-crash"]);
}

#[test]
fn an_inconclusive_run_leads_to_no_conclusion() {
    let (a, mut b) = (plain(|_| {}), plain(|s| s.spec.set_utilization(80)));
    b.standing = Standing::Unknown;
    "INCONCLUSIVE".clone_into(&mut b.outcome);
    let found = told(&a, &b);
    assert!(!found.is_conclusive() && !found.is_regression());
}

#[test]
fn sides_of_different_lengths_are_aligned_at_the_rise_of_the_load() {
    let one = plain(|_| {});
    let mut late = one.timeline.clone();
    late.from -= SignedDuration::from_secs(40);
    let begin = one.timeline.from;
    let (a, b, length) = one_axis(&one.timeline, begin, &late, begin);
    assert_eq!(a, b);
    assert_eq!(a, late.from);
    assert_eq!(length, late.until.duration_since(late.from));
}

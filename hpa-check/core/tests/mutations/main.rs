//! Whatever happens to the watch, a verdict stays the same or becomes inconclusive; it never turns into another
//! definite one. There is one recording of a real control plane for each outcome.

mod mutation;

use std::io::BufReader;

use hpa_check_core::documents::trace::Reader;
use hpa_check_core::expectation::Expectation;
use hpa_check_core::observation::Observation;
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::verdict::Outcome;
use jiff::Timestamp;
use mutation::Mutation;

fn read(recording: &str) -> (Expectation, Vec<Observation>) {
    let mut reader = Reader::new(BufReader::new(recording.as_bytes()))
        .expect("a recording begins with its header");
    let expectation = reader.header().expectation.clone();
    (expectation, reader.by_ref().map(Result::unwrap).collect())
}

/// Judges a recording after the evaluator has seen part of it.
fn judge(mut evaluator: Evaluator, seen: usize, recording: &[Observation]) -> (Outcome, String) {
    for observation in &recording[seen..] {
        evaluator.observe(observation);
    }
    let end = recording.last().map_or(Timestamp::UNIX_EPOCH, |o| o.at);
    let verdict = evaluator.finish(end).verdict;
    let first = &verdict.reasons[0];
    (verdict.outcome, format!("{}: {}", first.id, first.message))
}

/// Every case would take minutes in a debug build, and finds nothing more.
const EVERY: usize = 3;

/// Applies every kind of mutation to every watched observation of a recording.
#[track_caller]
fn stands(recording: &str, outcome: Outcome) {
    let (expectation, recording) = read(recording);
    // The part before a mutation is evaluated once, not once per mutation.
    let mut before = Evaluator::new(expectation);
    let (found, why) = judge(before.clone(), 0, &recording);
    assert_eq!(found, outcome, "{why}");
    let mut turned = Vec::new();
    for (at, observation) in recording.iter().enumerate() {
        let all = Mutation::each_at(at, &observation.seen);
        // Each observation gets every third mutation, and each mutation every third observation.
        for (_, mutation) in all
            .into_iter()
            .enumerate()
            .filter(|(i, _)| (at + i) % EVERY == 0)
        {
            let changed = mutation.of(&recording);
            assert!(
                changed[..at] == recording[..at],
                "{mutation:?} changes what comes before it"
            );
            let (mutated, why) = judge(before.clone(), at, &changed);
            if mutated != outcome && mutated != Outcome::Inconclusive {
                turned.push(format!("{mutation:?} makes it {mutated:?}: {why}"));
            }
        }
        before.observe(observation);
    }
    assert!(
        turned.is_empty(),
        "{} turned:\n{}",
        turned.len(),
        turned.join("\n")
    );
}

macro_rules! stand {
    ($($name:ident, $file:literal, $outcome:ident;)*) => {$(
        #[test]
        fn $name() {
            stands(include_str!(concat!("../recordings/", $file, ".jsonl")), Outcome::$outcome);
        }
    )*};
}

/// On one machine the load and its account are part of the recording.
#[test]
fn a_rehearsal_stands() {
    stands(
        include_str!("../../../tests/recordings/rehearsal.jsonl"),
        Outcome::Pass,
    );
}

stand! {
    a_pass_stands, "healthy", Pass;
    a_pass_without_a_behavior_stands, "no-behavior", Pass;
    two_autoscalers_stand, "two-autoscalers", Wrong;
    a_missing_request_stands, "no-cpu-request", Wrong;
    a_deleted_target_stands, "target-deleted", Wrong;
    a_deleted_autoscaler_stands, "autoscaler-deleted", Wrong;
    a_target_scaled_to_zero_stands, "scaled-to-zero-under-load", Wrong;
    a_conflicting_writer_stands, "conflicting-writer", Wrong;
    flapping_stands, "flapping", Wrong;
    probes_that_fail_under_load_stand, "probes-fail-under-load", Wrong;
    a_load_on_one_pod_stands, "load-not-spread", Wrong;
    a_quota_stands, "quota-of-6", Environment;
    a_missing_image_stands, "image-missing", Environment;
    empty_metrics_stand, "metrics-empty", Environment;
    stale_metrics_stand, "metrics-stale", Environment;
    partial_metrics_stand, "metrics-partial", Environment;
    a_full_node_stands, "unschedulable", Environment;
    a_refused_rescale_stands, "rescale-refused", Environment;
    a_load_too_weak_stands, "load-too-weak", Inconclusive;
    a_load_that_stays_on_stands, "load-stays-on", Inconclusive;
    memory_that_falls_with_the_load_stands, "memory-beside-cpu-falls", Pass;
    memory_that_holds_the_replicas_stands, "memory-holds", Inconclusive;
    cpu_against_an_amount_stands, "cpu-as-amount", Pass;
    an_external_metric_stands, "external-drives", Pass;
    an_external_metric_that_fails_stands, "external-fails", Environment;
    a_metric_of_the_pods_stands, "pods-metric-drives", Pass;
}

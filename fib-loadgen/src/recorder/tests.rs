//! Memory stays small whatever happens in a run and however long it is.

use super::pods::MOST_PODS;
use super::*;
use crate::outcome::Outcome;

/// Histograms with three digits up to an hour have no more counters than this.
const MOST_COUNTERS: usize = 25_000;

fn sample(outcome: &Outcome, micros: u64, number: u64) -> Sample<'_> {
    let time = Duration::from_micros(micros);
    Sample {
        outcome,
        n: u32::try_from(number % 1_000_000_007).ok(),
        checks: &[],
        phase: 0,
        ended: time,
        response: time,
        send_lag: time,
        queued: Duration::ZERO,
        late: false,
    }
}

#[test]
fn memory_does_not_grow_with_the_number_of_requests() {
    let recorder = Recorder::new(1, 1);
    for number in 0..200_000_u64 {
        // All magnitudes up to a day, endless names, and a different text for each class.
        let micros = 1_u64 << (number % 37);
        let outcome = Outcome {
            failure: (number % 3 == 0).then(|| Class::of_status((number % 600) as u16)),
            detail: Some(format!("the {number}th")),
            status: Some((number % 600) as u16),
            pod: format!("pod-{number}").parse().ok(),
            service: Duration::from_micros(micros + number),
            ttfb: Some(Duration::from_micros(micros)),
            ..Outcome::default()
        };
        recorder.record(&sample(&outcome, micros + number, number));
    }
    let all = recorder.merged();
    assert_eq!(all.phases[0].counts.ended(), 200_000);
    assert_eq!(all.pods.len(), MOST_PODS + 1);
    assert_eq!(all.statuses.len(), 600);
    assert!(all.errors.len() <= 5, "{:?}", all.errors.keys());
    let latencies = &all.phases[0].latencies;
    for histogram in [
        &latencies.response,
        &latencies.service,
        &latencies.ttfb,
        &latencies.send_lag,
        &all.own_lag,
    ] {
        assert!(histogram.0.distinct_values() <= MOST_COUNTERS);
    }
}

#[test]
fn taking_the_last_second_empties_it() {
    let recorder = Recorder::new(1, 2);
    let outcome = Outcome::default();
    recorder.record(&sample(&outcome, 5, 1));
    assert_eq!(recorder.take_second().counts.ok, 1);
    assert_eq!(recorder.take_second().counts.ok, 0);
    assert_eq!(recorder.phases()[0].counts.ok, 1);
}

#[test]
fn each_pod_is_counted_under_its_own_name_in_any_order_of_answers() {
    let recorder = Recorder::new(1, 1);
    for pod in ["a", "a", "b", "a", "c", "b", "a"] {
        let outcome = Outcome {
            pod: pod.parse().ok(),
            ..Outcome::default()
        };
        recorder.record(&sample(&outcome, 5, 1));
    }
    let in_the_second = recorder.take_second().pods;
    let in_all = recorder.merged().pods;
    let mut counts: Vec<_> = in_all
        .iter()
        .map(|(n, pod)| (&n[..], pod.requests))
        .collect();
    counts.sort_unstable();
    assert_eq!(counts, [("a", 4), ("b", 2), ("c", 1)]);
    assert!(
        counts
            .iter()
            .all(|(name, count)| in_the_second[*name] == *count)
    );
    assert!(recorder.take_second().pods.is_empty());
}

#[test]
fn a_request_that_failed_or_was_never_sent_counts_with_the_time_it_waited() {
    let recorder = Recorder::new(1, 1);
    let lost = Outcome {
        failure: Some(Class::TimeoutTotal),
        service: Duration::from_secs(2),
        ..Outcome::default()
    };
    (0..50).for_each(|_| recorder.record(&sample(&Outcome::default(), 1_000, 90)));
    (0..25).for_each(|_| recorder.record(&sample(&lost, 2_000_000, 90)));
    (0..25).for_each(|_| recorder.record_unanswered(0, Duration::from_secs(3), false));
    let tally = &recorder.phases()[0];
    let at = |quantile| tally.latencies.response.at(quantile).unwrap();
    assert!(at(0.5) < 1_100, "{}", at(0.5));
    assert!((1_900_000..2_100_000).contains(&at(0.75)), "{}", at(0.75));
    assert!((2_900_000..3_100_000).contains(&at(0.99)), "{}", at(0.99));
    assert_eq!(
        (tally.counts.error_rate(), tally.counts.achieved()),
        (0.5, 0.75)
    );
    assert_eq!(tally.latencies.service.0.len(), 75);
}

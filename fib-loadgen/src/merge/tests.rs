//! The merged result equals what a single generator sending everything would have written.

use super::*;
use crate::chance::{self, Purpose};
use crate::report::fixture;
use crate::result::decode;

fn shard(index: u32, of: u32) -> Document {
    let mut document = fixture::passed();
    document.run.shard = Some(format!("{index}/{of}"));
    document.run.id = format!("run-{index}");
    document
}

fn shards(of: u32) -> Vec<Document> {
    (0..of).map(|index| shard(index, of)).collect()
}

#[test]
fn counts_rates_and_histograms_of_four_shards_add_up() {
    let four = shards(4);
    let merged = merge(&four, false).unwrap();
    let one = &four[0];
    assert_eq!(merged.totals.ok, 4 * one.totals.ok);
    let (ok, rps) = (u32::try_from(merged.totals.ok).unwrap(), merged.totals.rps);
    assert!((rps - f64::from(ok) / one.totals.elapsed_s).abs() < 1e-6);
    assert_eq!(
        merged.latency.response.count,
        4 * one.latency.response.count
    );
    assert_eq!(merged.latency.response.p99, one.latency.response.p99);
    assert_eq!(
        merged.series.ok,
        one.series.ok.iter().map(|ok| 4 * ok).collect::<Vec<_>>()
    );
    assert_eq!(merged.pods[0].requests, 4 * one.pods[0].requests);
    assert_eq!(merged.statuses[&200], 4 * one.statuses[&200]);
    assert_eq!(merged.plan.steps[2].rate, Some(1600.0));
    assert_eq!(
        (merged.run.shard.as_ref(), merged.run.merged.len()),
        (None, 4)
    );
}

#[test]
fn percentiles_come_from_the_sum_and_are_not_averaged() {
    let mut two = shards(2);
    let slow = fixture::times(10, 900);
    let fast = fixture::times(990, 1);
    two[0].latency.response = crate::result::Timing::of(&slow);
    two[1].latency.response = crate::result::Timing::of(&fast);
    let merged = merge(&two, false).unwrap();
    let mut sum = slow;
    sum.add(&fast).unwrap();
    let response = &merged.latency.response;
    let back = decode(response.hdr_b64.as_ref().unwrap()).unwrap();
    assert_eq!(back.len(), 1_000);
    assert_eq!(response.p50, Some(back.value_at_quantile(0.5)));
    assert!(response.p50.unwrap() < 3_000 && response.p999.unwrap() > 800_000);
}

#[test]
fn a_rule_is_judged_on_what_all_shards_saw_together() {
    let mut two = shards(2);
    for document in &mut two {
        let rule = |text: &str| crate::result::ThresholdResult {
            rule: text.to_owned(),
            ..Default::default()
        };
        document.thresholds = vec![rule("requests>=1500"), rule("requests>=1000000")];
        document.exit = crate::result::Exit::default();
    }
    let merged = merge(&two, false).unwrap();
    let passed: Vec<bool> = merged.thresholds.iter().map(|rule| rule.passed).collect();
    assert_eq!((passed, merged.exit.code), (vec![true, false], 99));
}

#[test]
fn a_missing_or_duplicate_shard_is_named() {
    let three = &shards(4)[..3];
    assert!(merge(three, false).unwrap_err().contains("3/4"));
    let partial = merge(three, true).unwrap();
    assert!(
        partial
            .warnings
            .iter()
            .any(|warning| warning.contains("3/4"))
    );
    let doubled = [shard(0, 2), shard(0, 2)];
    assert!(merge(&doubled, false).unwrap_err().contains("twice"));
    assert!(merge(&[], false).is_err());
    let alone = fixture::passed();
    let doubled = merge(&[alone.clone(), alone], false).unwrap_err();
    assert!(doubled.contains("twice"), "{doubled}");
}

#[test]
fn results_of_other_runs_are_refused() {
    let with = |change: fn(&mut Document)| {
        let mut two = shards(2);
        change(&mut two[1]);
        merge(&two, false).unwrap_err()
    };
    assert!(with(|document| document.target.url = "http://other/".to_owned()).contains("target"));
    assert!(with(|document| document.run.seed += 1).contains("seed"));
    let later = with(|document| document.run.started_utc = "2026-11-27T06:00:00.000Z".to_owned());
    assert!(later.contains("one after another"), "{later}");
}

#[test]
fn a_shard_that_started_later_is_merged_at_its_own_time() {
    let mut two = shards(2);
    two[1].run.started_utc = "2026-11-27T04:47:47.259Z".to_owned();
    let merged = merge(&two, false).unwrap();
    let ok = &two[0].series.ok;
    assert_eq!(merged.series.len(), ok.len() + 5);
    assert_eq!(
        (merged.series.ok[4], merged.series.ok[12]),
        (ok[4], ok[12] + ok[7])
    );
    assert_eq!(merged.series.ok.iter().sum::<u64>(), merged.totals.ok);
    assert!(
        merged.warnings[0].contains("5.0 s apart"),
        "{:?}",
        merged.warnings
    );
    let total: u64 = merged.pods.iter().flat_map(|pod| &pod.line.requests).sum();
    let by_pod: u64 = merged.pods.iter().map(|pod| pod.requests).sum();
    assert_eq!(total, by_pod);
}

#[test]
fn a_shard_with_longer_steps_is_merged_step_by_step() {
    let mut two = shards(2);
    let entries = two[1].series.entries().unwrap();
    let mut coarse = crate::result::Series::of_step(2);
    for pair in entries.chunks(2) {
        coarse.push(&pair[0].clone().followed_by(&pair[1]));
    }
    two[1].series = coarse;
    two[1].pods.clear();
    let merged = merge(&two, false).unwrap();
    assert_eq!((merged.series.step_s, merged.series.len()), (2, 20));
    assert_eq!(merged.series.ok.iter().sum::<u64>(), merged.totals.ok);
    assert_eq!(merged.series.users[0], 40);
}

#[test]
fn loads_without_shards_are_merged_as_simultaneous_loads() {
    let mut two = [fixture::passed(), fixture::passed()];
    two[1].run.seed += 1;
    assert_eq!(
        merge(&two, false).unwrap().totals.sent,
        2 * two[0].totals.sent
    );
}

#[test]
fn a_shard_that_finished_earlier_does_not_raise_the_total_rate() {
    let mut two = shards(2);
    for document in &mut two {
        let totals = &mut document.totals;
        (totals.ok, totals.window_s, totals.late, totals.rps) = (1_000, 40.0, Some(0), 25.0);
    }
    // The same requests in half the time, ten of whose answers came too late to count.
    let totals = &mut two[1].totals;
    (totals.window_s, totals.late, totals.rps) = (20.0, Some(10), 49.5);
    let merged = merge(&two, false).unwrap();
    assert_eq!((merged.totals.ok, merged.totals.late), (2_000, Some(10)));
    assert!(
        (merged.totals.rps - 1_990.0 / 40.0).abs() < 1e-6,
        "{}",
        merged.totals.rps
    );
}

#[test]
fn randomly_split_shards_merge_to_the_latencies_of_the_whole_bit_for_bit() {
    for seed in 0..20 {
        let draw = |stream, index| chance::bits(stream, Purpose::Sample, index);
        let of = u32::try_from(draw(seed, 0) % 7 + 1).unwrap();
        let new = || hdrhistogram::Histogram::<u64>::new(3).unwrap();
        let (mut whole, mut parts) = (new(), vec![new(); of as usize]);
        for index in 1..2_000 {
            // From a microsecond to half an hour.
            let micros = 1_u64 << (draw(seed, index) % 31);
            let micros = micros + draw(seed + 100, index) % micros;
            let shard = usize::try_from(draw(seed + 200, index) % u64::from(of)).unwrap();
            whole.record(micros).unwrap();
            parts[shard].record(micros).unwrap();
        }
        let mut all = shards(of);
        for (document, part) in all.iter_mut().zip(&parts) {
            document.latency.response = crate::result::Timing::of(part);
            document.latency.service = crate::result::Timing::of(part);
        }
        let merged = serde_json::to_value(merge(&all, false).unwrap().latency).unwrap();
        let expected = serde_json::to_value(crate::result::Timing::of(&whole)).unwrap();
        assert_eq!(
            (&merged["response"], &merged["service"]),
            (&expected, &expected)
        );
    }
}

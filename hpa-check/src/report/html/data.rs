//! The data of a timeline's readout, small enough for a run of a day: series as flat lists of times and values,
//! times in tenths of a second since the previous one, and no more points than a reader can tell apart. No
//! extreme is lost: of combined values, the lowest and the highest remain.

use std::collections::HashMap;

use hpa_check_core::run::timeline::{LoadPoint, PodSeries, Step, SyncRecord, Timeline};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::report::condense::{extremes, thinned};

/// Seconds of load; beyond this, several are combined.
const MOST_SECONDS: usize = 2_500;
/// Samples of all pods together.
const MOST_SAMPLES: usize = 20_000;
/// Steps of one series.
const MOST_STEPS: usize = 8_000;
/// Syncs with their sentence. Those that changed something come first.
const MOST_SYNCS: usize = 1_500;
/// The most values that remain of a column.
const OF_A_COLUMN: i64 = 4;

/// The data.
pub(in crate::report) fn compact(timeline: &Timeline) -> Value {
    let from = timeline.from;
    let since = |at: Timestamp| tenths(from, at);
    let phases: Vec<Value> = timeline
        .phases
        .iter()
        .map(|p| json!([p.phase, since(p.from), since(p.until)]))
        .collect();
    let column = samples_column(timeline);
    let pods: Vec<Value> = timeline
        .pods
        .iter()
        .filter_map(|pod| self::pod(pod, from, column))
        .collect();
    let (sentences, syncs) = syncs(&timeline.syncs, from);
    json!({
        "length": since(timeline.until),
        "phases": phases,
        "ready": steps(&timeline.ready, from, f64::from),
        "spec": steps(&timeline.spec, from, f64::from),
        "desired": steps(&timeline.desired, from, f64::from),
        "proposed": steps(&timeline.proposed, from, f64::from),
        "utilization": steps(&timeline.utilization, from, |v| v.map_or(-1.0, f64::from)),
        "load": load(&timeline.load, from),
        "pods": pods,
        "sentences": sentences,
        "syncs": syncs,
    })
}

/// How many seconds of load are combined.
pub(super) fn joined_seconds(timeline: &Timeline) -> usize {
    timeline.load.len().div_ceil(MOST_SECONDS).max(1)
}

/// The length in milliseconds of the columns in which samples of a pod are combined; 1 if none are.
pub(super) fn samples_column(timeline: &Timeline) -> i64 {
    let samples: usize = timeline.pods.iter().map(|p| p.cpu_milli.len()).sum();
    if samples <= MOST_SAMPLES {
        return 1;
    }
    let lives = timeline.pods.iter().filter_map(|pod| {
        let (first, last) = (pod.cpu_milli.first()?, pod.cpu_milli.last()?);
        Some(last.at.as_millisecond() - first.at.as_millisecond())
    });
    let most = i64::try_from(MOST_SAMPLES).unwrap_or(i64::MAX);
    (lives.sum::<i64>() * OF_A_COLUMN / most).max(1)
}

/// Whether the readout leaves out syncs.
pub(super) fn leaves_out_syncs(timeline: &Timeline) -> bool {
    timeline.syncs.len() > MOST_SYNCS
}

fn tenths(from: Timestamp, at: Timestamp) -> i64 {
    (at.as_millisecond() - from.as_millisecond()).max(0) / 100
}

/// Each value with the time since the previous one; repeated values are left out.
fn steps<T: Copy + PartialEq + Into<Value>>(
    steps: &[Step<T>],
    from: Timestamp,
    value: impl Fn(T) -> f64,
) -> Value {
    let (Some(first), Some(last)) = (steps.first(), steps.last()) else {
        return Value::Array(Vec::new());
    };
    if steps.len() <= MOST_STEPS {
        return flat(steps, from);
    }
    let length = last.at.as_millisecond() - first.at.as_millisecond();
    let columns = i64::try_from(MOST_STEPS).unwrap_or(i64::MAX) / OF_A_COLUMN;
    flat(&seen(steps, (length / columns).max(1), value), from)
}

/// The first, lowest, highest and last step of each column of this many milliseconds.
fn seen<T: Copy>(steps: &[Step<T>], column: i64, value: impl Fn(T) -> f64) -> Vec<Step<T>> {
    let all = steps.iter().copied();
    extremes(
        all,
        |step| step.at.as_millisecond() / column,
        |step| value(step.value),
    )
}

fn flat<T: Copy + PartialEq + Into<Value>>(steps: &[Step<T>], from: Timestamp) -> Value {
    let (mut flat, mut before, mut last) = (Vec::new(), 0, None);
    for step in steps {
        if last == Some(step.value) {
            continue;
        }
        let at = tenths(from, step.at);
        flat.extend([(at - before).into(), step.value.into()]);
        (before, last) = (at, Some(step.value));
    }
    Value::Array(flat)
}

#[expect(clippy::cast_precision_loss, reason = "percent are far below 2^52")]
fn pod(pod: &PodSeries, from: Timestamp, column: i64) -> Option<Value> {
    let request = pod.request_milli.filter(|r| *r > 0)?;
    let percent: Vec<Step<i64>> = pod
        .cpu_milli
        .iter()
        .map(|s| Step {
            at: s.at,
            value: (s.value * 100 + request / 2) / request,
        })
        .collect();
    let gone = pod.gone_at.map(|at| tenths(from, at));
    let percent = seen(&percent, column, |percent| percent as f64);
    Some(json!([
        tenths(from, pod.first_seen),
        gone,
        flat(&percent, from)
    ]))
}

/// Time since the previous one, requests per second, p99 in microseconds, failed, wrong; if several seconds are
/// combined, also the lowest and the highest rate. Combined seconds have the mean rate, the worst p99 and the
/// last counts.
fn load(points: &[LoadPoint], from: Timestamp) -> Value {
    let stride = points.len().div_ceil(MOST_SECONDS).max(1);
    let (mut flat, mut before) = (Vec::<Value>::new(), 0);
    // An integer is shorter.
    #[expect(clippy::cast_possible_truncation, reason = "rates are far below 2^52")]
    let whole = |rate: f64| Value::from(rate.round() as i64);
    for group in points.chunks(stride) {
        let Some(last) = group.last() else { continue };
        let at = tenths(from, last.at);
        let rates = group.iter().map(|p| p.rps);
        let mean = rates.clone().sum::<f64>() / f64::from(u32::try_from(group.len()).unwrap_or(1));
        let slowest = group.iter().filter_map(|p| p.p99_us).max();
        flat.extend([
            (at - before).into(),
            whole(mean),
            slowest.into(),
            last.failed.into(),
            last.wrong.into(),
        ]);
        if stride > 1 {
            flat.push(whole(rates.clone().fold(f64::MAX, f64::min)));
            flat.push(whole(rates.fold(0.0, f64::max)));
        }
        before = at;
    }
    json!({"joined": stride, "points": flat})
}

/// The distinct sentences, and the syncs: the time since the previous one, and the index of its sentence.
fn syncs(syncs: &[SyncRecord], from: Timestamp) -> (Vec<&str>, Vec<i64>) {
    let telling = |sync: &SyncRecord| sync.current != sync.desired || !sync.explained;
    let (mut sentences, mut known) = (Vec::new(), HashMap::new());
    let (mut flat, mut before) = (Vec::new(), 0);
    for sync in thinned(syncs, MOST_SYNCS, telling) {
        let at = tenths(from, sync.at);
        let number = *known.entry(sync.sentence.as_str()).or_insert_with(|| {
            sentences.push(sync.sentence.as_str());
            sentences.len() - 1
        });
        flat.extend([at - before, i64::try_from(number).unwrap_or_default()]);
        before = at;
    }
    (sentences, flat)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::super::fixture;
    use super::*;

    #[test]
    fn no_spike_of_a_long_run_is_missing_in_the_readout() {
        let mut run = fixture::passed();
        let timeline = &mut run.timeline;
        let second = |s: i64| timeline.from + SignedDuration::from_secs(s);
        let point = timeline.load[30];
        timeline.load = (0..86_400)
            .map(|s| LoadPoint {
                at: second(s),
                rps: if s == 50_000 { 7_654.0 } else { 100.0 },
                p99_us: Some(if s == 60_000 { 987_654 } else { 1_000 }),
                ..point
            })
            .collect();
        timeline.pods[0].cpu_milli = (0..86_400)
            .map(|s| Step {
                at: second(s),
                value: if s == 70_000 { 4_321 } else { 40 + s % 3 },
            })
            .collect();
        timeline.until = second(86_400);
        let data = compact(timeline);
        let text = data["load"].to_string();
        assert!(text.contains("7654") && text.contains("987654"), "{text}");
        assert!(data["pods"][0].to_string().contains("4321"));
        assert!(data.to_string().len() < 300_000);
    }

    #[test]
    fn a_repeated_sentence_is_stored_once() {
        let mut run = fixture::passed();
        let sync = run.timeline.syncs[0].clone();
        run.timeline.syncs = vec![sync; 100];
        let data = compact(&run.timeline);
        assert_eq!(data["sentences"].as_array().unwrap().len(), 1);
        assert_eq!(data["syncs"].as_array().unwrap().len(), 200);
    }

    #[test]
    fn times_are_relative_and_there_is_no_date() {
        let data = compact(&fixture::passed().timeline);
        assert_eq!(data["length"], 1_500);
        assert!(!data.to_string().contains("2026-"), "{data}");
        assert_eq!(
            data["spec"]
                .as_array()
                .unwrap()
                .iter()
                .filter_map(Value::as_i64)
                .collect::<Vec<_>>()[..4],
            [0, 3, 250, 7]
        );
    }
}

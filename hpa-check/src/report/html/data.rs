//! What the readout of a timeline shows, small enough for a run of a day: series as flat lists of times and
//! values, times in tenths of a second since the one before, and no more points than a screen can tell apart.

use hpa_check_core::run::timeline::{LoadPoint, PodSeries, Step, SyncRecord, Timeline};
use jiff::Timestamp;
use serde_json::{Value, json};

/// Seconds of load; of more, several are joined to one.
const MOST_SECONDS: usize = 4_000;
/// Samples of all pods together.
const MOST_SAMPLES: usize = 40_000;
/// Syncs with their sentence. All that changed something are kept.
const MOST_SYNCS: usize = 1_500;

/// The data.
pub(in crate::report) fn compact(timeline: &Timeline) -> Value {
    let from = timeline.from;
    let since = |at: Timestamp| tenths(from, at);
    let phases: Vec<Value> = timeline
        .phases
        .iter()
        .map(|p| json!([p.phase, since(p.from), since(p.until)]))
        .collect();
    let samples: usize = timeline.pods.iter().map(|p| p.cpu_milli.len()).sum();
    let stride = samples.div_ceil(MOST_SAMPLES).max(1);
    let pods: Vec<Value> = timeline
        .pods
        .iter()
        .filter_map(|pod| self::pod(pod, from, stride))
        .collect();
    json!({
        "length": since(timeline.until),
        "phases": phases,
        "ready": steps(&timeline.ready, from),
        "spec": steps(&timeline.spec, from),
        "desired": steps(&timeline.desired, from),
        "proposed": steps(&timeline.proposed, from),
        "utilization": steps(&timeline.utilization, from),
        "load": load(&timeline.load, from),
        "pods": pods,
        "syncs": syncs(&timeline.syncs, from),
    })
}

fn tenths(from: Timestamp, at: Timestamp) -> i64 {
    (at.as_millisecond() - from.as_millisecond()).max(0) / 100
}

/// Each value with the time since the one before; a value that is the same again is left out.
fn steps<T: Copy + PartialEq + Into<Value>>(steps: &[Step<T>], from: Timestamp) -> Value {
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

fn pod(pod: &PodSeries, from: Timestamp, stride: usize) -> Option<Value> {
    let request = pod.request_milli.filter(|r| *r > 0)?;
    let samples = pod.cpu_milli.iter().step_by(stride);
    let percent: Vec<Step<i64>> = samples
        .map(|s| Step {
            at: s.at,
            value: (s.value * 100 + request / 2) / request,
        })
        .collect();
    let gone = pod.gone_at.map(|at| tenths(from, at));
    Some(json!([
        tenths(from, pod.first_seen),
        gone,
        steps(&percent, from)
    ]))
}

/// Time since the one before, requests a second, p99 in microseconds, failed, wrong. Of several seconds: the
/// mean rate, the worst p99 and the last counts.
fn load(points: &[LoadPoint], from: Timestamp) -> Value {
    let stride = points.len().div_ceil(MOST_SECONDS).max(1);
    let (mut flat, mut before) = (Vec::<Value>::new(), 0);
    for group in points.chunks(stride) {
        let Some(last) = group.last() else { continue };
        let at = tenths(from, last.at);
        let rate = group.iter().map(|p| p.rps).sum::<f64>()
            / f64::from(u32::try_from(group.len()).unwrap_or(1));
        let slowest = group.iter().filter_map(|p| p.p99_us).max();
        flat.extend([
            (at - before).into(),
            rate.round().into(),
            slowest.into(),
            last.failed.into(),
            last.wrong.into(),
        ]);
        before = at;
    }
    Value::Array(flat)
}

fn syncs(syncs: &[SyncRecord], from: Timestamp) -> Value {
    let stride = syncs.len().div_ceil(MOST_SYNCS).max(1);
    let kept = syncs.iter().enumerate().filter(|(index, sync)| {
        index % stride == 0 || sync.current != sync.desired || !sync.explained
    });
    kept.map(|(_, sync)| json!([tenths(from, sync.at), sync.sentence]))
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::super::fixture;
    use super::*;

    #[test]
    fn a_day_of_load_ten_pods_and_all_its_syncs_stay_under_a_megabyte() {
        let mut run = fixture::passed();
        let timeline = &mut run.timeline;
        let second = |s: i64| timeline.from + SignedDuration::from_secs(s);
        let (point, sync) = (timeline.load[30], timeline.syncs[1].clone());
        timeline.load = (0..86_400)
            .map(|s| LoadPoint {
                at: second(s),
                ..point
            })
            .collect();
        timeline.syncs = (0..5_760)
            .map(|i| SyncRecord {
                at: second(i * 15),
                ..sync.clone()
            })
            .collect();
        let cpu = |salt: i64| -> Vec<Step<i64>> {
            let step = |i: i64| Step {
                at: second(i * 15),
                value: 40 + (i * 7 + salt) % 31,
            };
            (0..5_760).map(step).collect()
        };
        for (salt, pod) in timeline.pods.iter_mut().enumerate() {
            pod.cpu_milli = cpu(i64::try_from(salt).unwrap());
        }
        timeline.until = second(86_400);
        let bytes = compact(timeline).to_string().len();
        assert!(bytes < 1_000_000, "{bytes}");
    }

    #[test]
    fn times_are_relative_and_no_date_is_in_it() {
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

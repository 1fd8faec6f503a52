//! Documents for the reports' tests.

use std::collections::BTreeMap;

use crate::generator::Verdict;
use crate::result::{
    Document, Entry, ErrorResult, PodLine, PodResult, Series, encode, fairness, notice_rises,
};

/// A document written by the first version of the format.
pub(crate) fn first() -> Document {
    Document::read(include_str!("../../tests/fixtures/first.json")).unwrap()
}

/// A run of forty seconds whose load rose after ten seconds and which gained two pods.
pub(crate) fn passed() -> Document {
    let mut document = first();
    let mut series = Series::by_the_second();
    let mut pods: BTreeMap<&str, PodLine> = BTreeMap::new();
    for second in 0..40_u64 {
        let count = if second < 10 { 40 } else { 400 };
        let slow = if (10..25).contains(&second) { 9 } else { 2 };
        let response = times(count, slow);
        series.push(&Entry {
            end_ms: (second + 1) * 1_000,
            width_ms: 1_000,
            users: 20,
            in_flight: 3,
            offered: Some(if second < 10 { 40.0 } else { 400.0 }),
            ok: count,
            failed: 0,
            bytes: count * 450,
            response: Some(response),
            pods: if second < 25 { 1 } else { 3 },
        });
        let names: &[&str] = if second < 25 {
            &["fib-a"]
        } else {
            &["fib-a", "fib-b", "fib-c"]
        };
        for name in names {
            let share = count / names.len() as u64;
            pods.entry(name)
                .or_default()
                .add(usize::try_from(second).unwrap(), share);
        }
    }
    document.plan.steps = [(0.0, 40.0), (10.0, 40.0), (10.0, 400.0), (40.0, 400.0)]
        .map(|(t_s, rate)| crate::result::Step {
            t_s,
            users: None,
            rate: Some(rate),
        })
        .to_vec();
    document.pods = pods
        .into_iter()
        .map(|(name, line)| pod(name, line))
        .collect();
    notice_rises(&mut document.pods, &document.plan.steps);
    series.fairness = fairness(&document.pods, series.len(), 1);
    series.fairness_window_s = 30;
    document.totals.ok = series.ok.iter().sum();
    document.totals.sent = document.totals.ok;
    document.totals.verified = document.totals.ok;
    document.totals.elapsed_s = 40.0;
    document.generator.verdict = Verdict::Ok;
    document.generator.reasons.clear();
    for (phase, (start, end)) in
        document
            .phases
            .iter_mut()
            .zip([(0.0, 1.0), (1.0, 10.0), (10.0, 25.0), (25.0, 40.0)])
    {
        (phase.start_s, phase.end_s) = (start, end);
    }
    document.phases[0].name = "hold".into();
    document.series = series;
    document
}

/// The same run with violated rules, failures, and text that must be escaped.
pub(crate) fn failed() -> Document {
    let mut document = passed();
    document.totals.failed = 7;
    document.series.failed[12] = 7;
    document.thresholds[0].passed = false;
    document.thresholds[0].observed = "812.0 ms".to_owned();
    document.thresholds.truncate(1);
    document.totals.wrong = 2;
    document.exit.code = 91;
    document.exit.reasons = vec!["wrong-answer".into(), "threshold-failed".into()];
    document.generator.verdict = Verdict::Suspect;
    document.generator.reasons = vec!["its cgroup was throttled in 3 periods".to_owned()];
    document.errors = vec![ErrorResult {
        class: "wrong.value".into(),
        count: 2,
        first_s: 12.5,
        last_s: 12.9,
        example: Some("<b>|\u{1b}[2J</script><script>alert(1)</script>".to_owned()),
    }];
    document.pods[1].name = "</script><script>alert(1)".to_owned();
    document
        .run
        .argv
        .push("<script>alert(1)</script>\u{202e}".to_owned());
    document
}

/// This many times of about this many milliseconds.
pub(crate) fn times(count: u64, ms: u64) -> hdrhistogram::Histogram<u64> {
    let mut response = hdrhistogram::Histogram::new(2).unwrap();
    for number in 0..count {
        response
            .record(ms * 1_000 + number * 17 % (ms * 900))
            .unwrap();
    }
    response
}

fn pod(name: &str, line: PodLine) -> PodResult {
    let first = u32::try_from(line.first).unwrap();
    let requests = line.requests.iter().sum();
    PodResult {
        name: name.to_owned(),
        first_s: f64::from(first) + 0.4,
        last_s: 39.9,
        requests,
        ok: requests,
        p50: Some(2_400),
        p99: Some(9_000),
        hdr_b64: encode(&times(requests, 2)),
        line,
        ..PodResult::default()
    }
}

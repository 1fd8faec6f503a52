//! What each rule means, and that nothing passes for want of samples.

use std::time::Duration;

use super::*;
use crate::recorder::{Counts, Histogram};

fn tally(ok: u64, failed: u64, wrong: u64, ms: impl IntoIterator<Item = u64>) -> Tally {
    let mut tally = Tally {
        counts: Counts {
            ok,
            failed,
            wrong,
            ..Counts::default()
        },
        ..Tally::default()
    };
    for ms in ms {
        tally.latencies.response.record(Duration::from_millis(ms));
    }
    tally
}

fn judge(rule: &str, tally: &Tally) -> Judgement {
    rule.parse::<Threshold>().unwrap().judge(&Evidence {
        tally,
        seconds: 10.0,
    })
}

#[test]
fn percentiles_are_read_from_the_response_time() {
    let tally = tally(100, 0, 0, 1..=100);
    assert!(judge("p99<100ms", &tally).passed);
    assert!(!judge("p99<90ms", &tally).passed);
    assert!(judge("p99.9 <= 101ms", &tally).passed);
    assert!(judge("median>=50ms", &tally).passed);
    assert!(judge("max<0.2s", &tally).passed);
}

#[test]
fn counts_and_rates_are_judged_as_such() {
    let tally = tally(990, 10, 1, [1]);
    assert!(judge("error-rate<=1%", &tally).passed);
    assert!(!judge("error-rate<1%", &tally).passed);
    assert!(judge("rps>=99", &tally).passed);
    assert!(!judge("wrong==0", &tally).passed);
    assert!(judge("failed==10", &tally).passed);
}

#[test]
fn a_rule_without_samples_fails() {
    let nothing = tally(0, 0, 0, []);
    for rule in [
        "p99<1h",
        "mean<1h",
        "rps>=0",
        "error-rate<100%",
        "failed==0",
        "wrong==0",
        "requests>=0",
    ] {
        assert_eq!(
            judge(rule, &nothing),
            Judgement {
                observed: None,
                passed: false
            },
            "{rule}"
        );
    }
    // Failures alone say nothing about wrong answers: there was no answer.
    assert!(!judge("wrong==0", &tally(0, 5, 0, [])).passed);
}

#[test]
fn a_rule_may_be_about_one_phase_or_another_duration() {
    let rule: Threshold = "service.p99{phase=hold-2}<250ms".parse().unwrap();
    assert_eq!(rule.phase.as_deref(), Some("hold-2"));
    let mut tally = tally(1, 0, 0, [500]);
    tally.latencies.service = Histogram::default();
    tally.latencies.service.record(Duration::from_millis(5));
    assert!(
        rule.judge(&Evidence {
            tally: &tally,
            seconds: 1.0
        })
        .passed
    );
}

#[test]
fn what_is_no_rule_is_refused() {
    for rule in [
        "",
        "p99",
        "p99<",
        "<5ms",
        "p99<250",
        "p0<1ms",
        "p101<1ms",
        "speed>1",
        "p99{hold}<1s",
        "wrong=0",
        "service.rps>1",
        "rps>=-1",
    ] {
        assert!(rule.parse::<Threshold>().is_err(), "{rule}");
    }
}

//! The meaning of each rule, and that nothing passes without samples.

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
    // Failures prove nothing about wrong answers: there was no answer.
    assert!(!judge("wrong==0", &tally(0, 5, 0, [])).passed);
}

#[test]
fn a_rule_can_apply_to_one_phase_or_to_another_duration() {
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
fn a_rule_can_end_the_run_once_it_is_violated_and_old_enough() {
    let ends = |rule: &str, seconds: f64, failed: u64| {
        let tally = tally(99, failed, 0, [1]);
        let rule: Threshold = rule.parse().unwrap();
        let tally = &tally;
        rule.ends_the_run(&Evidence { tally, seconds })
    };
    assert!(ends("failed==0 abort", 1.0, 1));
    assert!(!ends("failed==0 abort", 1.0, 0));
    assert!(!ends("failed==0", 1.0, 1));
    assert!(!ends("error-rate<1% abort after 10s", 9.0, 1));
    assert!(ends("error-rate<1% abort after 10s", 10.0, 1));
    let rule: Threshold = "p99{phase=hold}<1s abort after 500ms".parse().unwrap();
    assert_eq!(
        (rule.phase.as_deref(), rule.abort),
        (Some("hold"), Some(Duration::from_millis(500)))
    );
}

#[test]
fn a_rule_without_samples_yet_does_not_end_the_run() {
    let nothing = Tally::default();
    for rule in ["p99<1ms abort", "failed==0 abort", "rps>=1 abort"] {
        let rule: Threshold = rule.parse().unwrap();
        assert!(!rule.ends_the_run(&Evidence {
            tally: &nothing,
            seconds: 60.0
        }));
    }
}

#[test]
fn a_rule_is_judged_on_its_phase_or_on_everything_except_the_warm_up() {
    let phase = |name: &str, start: u64, judged: bool| crate::plan::Phase {
        name: name.to_owned(),
        start: Duration::from_secs(start),
        end: Duration::from_secs(start + 10),
        judged,
    };
    let phases = [
        phase("warm-up", 0, false),
        phase("ramp-up", 10, true),
        phase("hold", 20, true),
    ];
    let tallies = [tally(0, 7, 0, []), tally(5, 1, 0, []), tally(5, 2, 0, [])];
    let seconds = Duration::from_secs;
    let records = Records::new(&phases, &tallies, seconds(10), seconds(25));
    let seen = |rule: &str| {
        let rule: Threshold = rule.parse().unwrap();
        let evidence = records.about(&rule);
        (evidence.tally.counts.failed, evidence.seconds)
    };
    assert_eq!(seen("failed==0"), (3, 15.0));
    assert_eq!(seen("failed{phase=ramp-up}==0"), (1, 10.0));
    assert_eq!(seen("failed{phase=hold}==0"), (2, 5.0));
}

#[test]
fn an_invalid_rule_is_refused() {
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
        "failed==0 abort after",
        "failed==0 abort after 10",
        "failed==0 abort now",
        "abort",
    ] {
        assert!(rule.parse::<Threshold>().is_err(), "{rule}");
    }
}

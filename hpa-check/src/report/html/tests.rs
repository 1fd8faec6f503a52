use hpa_check_core::run::timeline::{LoadPoint, PodSeries, Step, SyncRecord};
use jiff::SignedDuration;

use super::*;
use crate::report::escape::Xml;
use crate::report::{documentation, fixture};

/// The worst day: every second of load and every sample differs from the previous one, every sync scales
/// for a different reason, and each scaling creates new pods.
fn day() -> RunResult {
    let mut run = fixture::passed();
    let timeline = &mut run.timeline;
    let from = timeline.from;
    let second = |s: i64| from + SignedDuration::from_secs(s);
    let noise = |s: i64, of: i64| (s * 7_919 + s / 13 * 104_729) % of;
    let (load, sync, pod) = (
        timeline.load[0],
        timeline.syncs[7].clone(),
        &timeline.pods[0],
    );
    let pods = (0..2_000_i64).map(|n| PodSeries {
        pod: format!("{}{n:04}", pod.pod),
        first_seen: second(n * 43),
        ready_at: Some(second(n * 43 + 5)),
        gone_at: Some(second(n * 43 + 430)),
        cpu_milli: (1..28)
            .map(|i| Step {
                at: second(n * 43 + i * 15),
                value: 10 + noise(n + i, 190),
            })
            .collect(),
        ..pod.clone()
    });
    timeline.pods = pods.collect();
    timeline.load = (0..86_400)
        .map(|s| LoadPoint {
            at: second(s),
            rps: f64::from(i32::try_from(1_000 + noise(s, 997)).unwrap()),
            p99_us: Some(1_000 + noise(s, 98_765).unsigned_abs()),
            ..load
        })
        .collect();
    let series = |salt: i64| -> Vec<Step<i32>> {
        let value = |s: i64| i32::try_from(3 + noise(s + salt, 98)).unwrap();
        (0..5_760)
            .map(|n| Step {
                at: second(n * 15),
                value: value(n),
            })
            .collect()
    };
    (timeline.ready, timeline.spec) = (series(1), series(2));
    (timeline.desired, timeline.proposed) = (series(3), series(4));
    let used = series(5).into_iter().map(|s| Step {
        at: s.at,
        value: Some(s.value),
    });
    timeline.utilization = used.collect();
    timeline.syncs = (0..5_760)
        .map(|n| SyncRecord {
            at: second(n * 15),
            current: 3,
            desired: 4,
            sentence: format!("{} (number {n})", sync.sentence),
            ..sync.clone()
        })
        .collect();
    timeline.phases[3].until = second(86_000);
    timeline.until = second(86_400);
    run
}

#[test]
fn the_page_of_the_worst_day_stays_under_two_megabytes_and_says_what_it_combines() {
    let page = page(&day());
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    for said in [
        "Of every 49 s the picture shows the first, lowest, highest and last value",
        "join 35 seconds of load",
        "All values are in the JSON result",
        "1200 of 5760 are here",
        "Here are the 50 busiest and the 50 idlest",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

/// What a page would load from elsewhere, apart from links to the documentation and within the page.
pub(super) fn loads(page: &str) -> Option<&'static str> {
    let documentation = format!("<a href=\"{}/", documentation::PROJECT);
    drawing::page::loads(page, &[&documentation, "href=\"#"])
}

#[test]
fn the_page_loads_nothing_from_anywhere() {
    for run in [fixture::passed(), fixture::hostile()] {
        assert_eq!(loads(&page(&run)), None);
    }
}

#[test]
fn text_from_outside_is_escaped() {
    let page = page(&fixture::hostile());
    assert_eq!(page.matches("<script").count(), 2, "the page's own two");
    assert_eq!(page.matches("</script>").count(), 2);
    let shown = page.split("<script").next().unwrap();
    assert!(!shown.contains('\u{202e}') && !page.contains("alert(1)<"));
}

#[test]
fn the_findings_come_before_the_timeline_and_are_shown_in_full() {
    let run = fixture::hostile();
    let page = page(&run);
    let place = |text: &str| page.find(text).unwrap();
    assert!(place("id=\"why\"") < place("id=\"timeline\""));
    for reason in &run.verdict.reasons {
        let texts = reason.evidence.iter().chain(&reason.fix);
        for text in texts.chain([&reason.id, &reason.message]) {
            assert!(page.contains(&Xml(text).to_string()), "{text}");
        }
    }
    assert!(
        page.contains("<details open>"),
        "a fault shows its evidence"
    );
}

#[test]
fn every_finding_links_to_its_explanation_and_to_its_moment_on_the_timeline() {
    let mut run = fixture::hostile();
    let shown = |run: &RunResult| page(run);
    run.verdict.reasons[0].at = Some(run.timeline.from + SignedDuration::from_millis(12_300));
    let page = shown(&run);
    assert!(page.contains("About missing-cpu-request</a>"));
    assert!(
        page.contains(
            "· <a class=\"at\" href=\"#timeline\" data-at=\"12300\">At 0:12 on the timeline</a>"
        ),
        "{page}"
    );
    run.verdict.reasons[0].at = None;
    assert!(shown(&run).contains("The whole timeline</a>"));
    run.timeline.syncs.clear();
    run.timeline.load.clear();
    assert!(!shown(&run).contains("href=\"#timeline\""));
}

#[test]
fn the_page_shows_the_evaluated_settings() {
    let page = page(&fixture::passed());
    let settings = &page[page.find("id=\"settings\"").unwrap()..];
    for told in [
        "<dt>Target</dt><dd>Deployment/fib-server</dd>",
        "<dt>Minimum</dt><dd>3</dd>",
        "<dt>CPU request</dt><dd>100m</dd>",
        "<dt>Sync period</dt><dd>3 s</dd>",
        "<dt>hpa-check</dt><dd>0.1.0</dd>",
        "<dt>Command</dt><dd><code>hpa-check rehearse</code></dd>",
    ] {
        assert!(settings.contains(told), "{told}: {settings}");
    }
}

#[test]
fn the_page_has_every_decision_the_load_and_the_pods() {
    let run = fixture::passed();
    let page = page(&run);
    for reason in &run.verdict.reasons {
        assert!(page.contains(&reason.id), "{}", reason.id);
    }
    assert!(page.contains("3 → 7") && page.contains("7 → 10") && page.contains("10 → 3"));
    assert!(page.contains("64\u{a0}310") && page.contains("id=\"pods\""));
}

#[test]
fn a_run_that_ended_before_anything_happened_has_no_empty_sections() {
    let mut run = fixture::hostile();
    run.load = None;
    let nothing = &mut run.timeline;
    nothing.load.clear();
    nothing.pods.clear();
    nothing.syncs.clear();
    nothing.marks.clear();
    let page = page(&run);
    for id in ["timeline", "load", "pods", "decisions", "events"] {
        assert!(!page.contains(&format!("id=\"{id}\"")), "{id}");
    }
    assert!(page.contains("id=\"why\""));
}

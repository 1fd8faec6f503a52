//! One self-contained page: the verdict and its reasons, an interactive timeline, the load, the pods, the
//! decisions. It loads nothing and works offline.

pub(super) mod data;
pub(crate) mod live;
mod load;
mod pods;
pub(super) mod tables;

use std::fmt::Write as _;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::observation::Phase;
use hpa_check_core::settings::of_run;
use hpa_check_core::verdict::{Outcome, Reason};

use super::chart::{self, Format, Picture};
use super::escape::{Xml, script_json};
use super::{documentation, settings, summary, words};

const SCRIPT: &str = include_str!("html/page.js");

/// How far the shown run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// In progress, in this phase; `None` is before the first.
    Going(Option<Phase>),
    /// It has its verdict.
    Over,
}

/// The page.
pub(crate) fn page(result: &RunResult) -> String {
    document(result, Stage::Over, "", "")
}

/// The document: `allowed` extends the content security policy, and `more` follows the page's own script.
fn document(result: &RunResult, stage: Stage, allowed: &str, more: &str) -> String {
    shell(&Shell {
        title: &title(result, stage),
        content: &content(result, stage),
        data: data::compact(&result.timeline),
        allowed,
        more,
    })
}

/// What differs from page to page.
pub(super) struct Shell<'a> {
    /// The browser's title.
    pub(super) title: &'a str,
    /// The body, already escaped.
    pub(super) content: &'a str,
    /// The data of the timeline's readout.
    pub(super) data: serde_json::Value,
    /// Sources allowed in addition to the page's own style and scripts.
    pub(super) allowed: &'a str,
    /// What follows the page's own script.
    pub(super) more: &'a str,
}

/// A whole document.
pub(super) fn shell(shell: &Shell<'_>) -> String {
    let Shell {
        allowed,
        more,
        content,
        ..
    } = shell;
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:{allowed}\">\n\
         <title>{title}</title>\n<style>{chart_style}\n{style}</style>\n</head>\n<body>\n\
         <div id=\"report\">\n{content}</div>\n\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>{SCRIPT}</script>\n{more}</body>\n</html>\n",
        title = Xml(shell.title),
        chart_style = chart::style(),
        style = drawing::PAGE,
        data = script_json(&shell.data.to_string()),
    )
}

fn title(result: &RunResult, stage: Stage) -> String {
    format!("{}: {}", badge(result, stage), summary::subject(result))
}

/// The content of the page.
fn content(result: &RunResult, stage: Stage) -> String {
    let subject = summary::subject(result);
    let source = result.setting.as_ref().map_or("run", |s| s.source.as_str());
    let (class, cause, reasons) = match stage {
        Stage::Over => (
            class(result.verdict.outcome),
            summary::cause(result),
            section(
                "why",
                "Findings",
                &findings(result, &result.verdict.reasons),
            ),
        ),
        Stage::Going(phase) => (
            "running",
            live::doing(phase),
            section("why", "Findings so far", &live::findings(result)),
        ),
    };
    let sections = [
        reasons,
        section(
            "timeline",
            "Timeline",
            &timeline(result, badge(result, stage)),
        ),
        section("load", "Load", &load::account(result)),
        section("pods", "Work of each pod", &pods::spread(&result.timeline)),
        section("decisions", "Decisions", &tables::decisions(result)),
        section("events", "Events", &tables::events(&result.timeline)),
        section("settings", "Settings", &settings::rows(&of_run(result))),
    ];
    format!(
        "<header class=\"{class}\">\n<p class=\"badge\">{badge}</p>\n<h1>{subject}</h1>\n<p class=\"cause\">{cause}</p>\n\
         <p class=\"when\">{source}, {when}, {length}</p>\n</header>\n<main>\n\
         <dl class=\"facts\">{facts}</dl>\n{sections}</main>\n\
         <footer>hpa-check {version}, {schema}</footer>\n",
        badge = badge(result, stage),
        subject = Xml(&subject),
        cause = Xml(cause),
        source = Xml(source),
        when = words::date_and_time(result.timeline.from),
        length = words::length(result.timeline.from, result.timeline.until),
        facts = facts(result),
        sections = sections.concat(),
        version = Xml(&result.version),
        schema = Xml(&result.schema),
    )
}

fn badge(result: &RunResult, stage: Stage) -> &'static str {
    match stage {
        Stage::Over => result.verdict.outcome.badge(),
        Stage::Going(_) => "RUNNING",
    }
}

/// A part of the page under its heading; empty if there is no content.
pub(super) fn section(id: &str, heading: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!(
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>\n{content}</section>\n"
    )
}

pub(super) fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Wrong => "wrong",
        Outcome::Environment => "environment",
        Outcome::Inconclusive => "inconclusive",
    }
}

fn facts(result: &RunResult) -> String {
    pairs(&summary::facts(result))
}

/// Facts as cards.
pub(super) fn pairs(facts: &[(&str, String)]) -> String {
    facts.iter().fold(String::new(), |mut html, (name, value)| {
        // Writing to a String can't fail.
        let _ = write!(html, "<div><dt>{name}</dt><dd>{}</dd></div>", Xml(value));
        html
    })
}

fn findings<'a>(result: &RunResult, reasons: impl IntoIterator<Item = &'a Reason>) -> String {
    reasons.into_iter().fold(String::new(), |mut html, reason| {
        let _ = write!(
            html,
            "<article class=\"{}\"><h3><code>{}</code></h3><p>{} {} {}</p>",
            class(reason.outcome),
            Xml(&reason.id),
            Xml(&reason.message),
            explained(&reason.id),
            moment(result, reason)
        );
        // Evidence for a pass is folded; evidence for a fault is visible at once.
        let open = if reason.outcome == Outcome::Pass {
            ""
        } else {
            " open"
        };
        html += &seen(&reason.evidence, open);
        html += &advice(reason.fix.as_deref());
        html.push_str("</article>\n");
        html
    })
}

/// A link to a finding's place on the timeline, to which its script zooms.
fn moment(result: &RunResult, reason: &Reason) -> String {
    if !has_timeline(result) {
        return String::new();
    }
    let from = result.timeline.from;
    match reason.at {
        Some(at) => format!(
            "· <a class=\"at\" href=\"#timeline\" data-at=\"{}\">At {} on the timeline</a>",
            (at.as_millisecond() - from.as_millisecond()).max(0),
            words::clock(from, at)
        ),
        None => "· <a class=\"at\" href=\"#timeline\">The whole timeline</a>".to_owned(),
    }
}

/// The evidence of a finding, which can be folded; `open` is an attribute or empty.
pub(super) fn seen(evidence: &[String], open: &str) -> String {
    if evidence.is_empty() {
        return String::new();
    }
    let quotes = evidence.iter().fold(String::new(), |mut html, quote| {
        // Writing to a String can't fail.
        let _ = write!(html, "<li>{}</li>", Xml(quote));
        html
    });
    format!("<details{open}><summary>Evidence</summary><ul>{quotes}</ul></details>")
}

/// The advice on a finding, if any.
pub(super) fn advice(fix: Option<&str>) -> String {
    fix.map_or_else(String::new, |fix| {
        format!("<p class=\"fix\"><strong>Do:</strong> {}</p>", Xml(fix))
    })
}

/// A finding's name as a link to its explanation.
pub(super) fn named(finding: &str) -> String {
    documentation::of(finding).map_or_else(
        || Xml(finding).to_string(),
        |page| {
            format!(
                "<a href=\"{}\" rel=\"noreferrer\">{}</a>",
                Xml(&page),
                Xml(finding)
            )
        },
    )
}

/// A link to a finding's explanation. The page itself never loads it.
pub(super) fn explained(finding: &str) -> String {
    documentation::of(finding).map_or_else(String::new, |page| {
        format!(
            "<a href=\"{}\" rel=\"noreferrer\">About {}</a>",
            Xml(&page),
            Xml(finding)
        )
    })
}

/// A run that ended before its first sync has nothing for a picture.
fn has_timeline(result: &RunResult) -> bool {
    !(result.timeline.syncs.is_empty() && result.timeline.load.is_empty())
}

/// The picture in two formats; the style shows the one that fits. Its script shows the values at an instant.
fn timeline(result: &RunResult, badge: &str) -> String {
    if !has_timeline(result) {
        return String::new();
    }
    chart(&Picture::of(result, badge))
}

/// The picture in both formats, with the data for its script.
pub(super) fn chart(picture: &Picture<'_>) -> String {
    let timeline = picture.timeline;
    let length = timeline.until.as_millisecond() - timeline.from.as_millisecond();
    let drawn = |format| chart::inside(picture, format);
    let pictures = format!("{}{}", drawn(Format::Wide), drawn(Format::Narrow));
    framed(&pictures, length.max(0) / 1000) + &joined(picture)
}

/// A note on what a long run's picture and readout combine, and where all data is; empty for a run that is
/// shown completely.
fn joined(picture: &Picture<'_>) -> String {
    let timeline = picture.timeline;
    let column = chart::seconds_in_a_column(timeline);
    let seconds = data::joined_seconds(timeline);
    if column < 5.0 && seconds == 1 {
        return String::new();
    }
    let mut note = format!(
        "Of every {column:.0} s the picture shows the first, lowest, highest and last value, even when zoomed in."
    );
    if seconds > 1 {
        // Writing to a String can't fail.
        let _ = write!(
            note,
            " The values beside the pointer join {seconds} seconds of load: the mean, the lowest and the highest rate, and the worst p99."
        );
    }
    if data::leaves_out_syncs(timeline) {
        note += " Between the syncs that changed something they name some of the others.";
    }
    // The document of a simulation has no timeline.
    if picture.work.is_none() {
        note += " All values are in the JSON result (<code>-o json=FILE</code>).";
    }
    format!("<p class=\"note\">{note}</p>\n")
}

/// Pictures of this many seconds, with the readout that the script fills and the zoom buttons.
pub(super) fn framed(pictures: &str, seconds: i64) -> String {
    format!(
        "<div class=\"stage\">\n<div class=\"chart\" tabindex=\"0\" role=\"slider\" aria-label=\"Instant of the timeline, in seconds\" \
         aria-valuemin=\"0\" aria-valuemax=\"{seconds}\" aria-valuenow=\"0\" aria-describedby=\"how\">{pictures}\
         <div class=\"cross\" hidden></div><div class=\"zone\" hidden></div></div>\n\
         <div class=\"readout\" hidden></div>\n</div>\n\
         <p class=\"zoom\"><button type=\"button\" value=\"in\">Zoom in</button> <button type=\"button\" value=\"out\">Zoom out</button> \
         <button type=\"button\" value=\"all\">All</button> <output></output>\
         <span id=\"how\">Point at the timeline, or use the arrow keys, to read the values. Drag, or press + and −, to zoom; 0 shows all.</span></p>\n"
    )
}

/// A table that can be scrolled by keyboard if it is wider than the screen; empty without rows.
pub(super) fn table(
    heading: &str,
    head: &[&str],
    rows: impl IntoIterator<Item = Vec<String>>,
) -> String {
    let mut body = String::new();
    for cells in rows {
        body.push_str("<tr>");
        for cell in cells {
            // Writing to a String can't fail.
            let _ = write!(body, "<td>{}</td>", Xml(cell));
        }
        body.push_str("</tr>\n");
    }
    if body.is_empty() {
        return body;
    }
    format!(
        "{}<table class=\"cells\"><thead><tr><th>{}</th></tr></thead><tbody>\n{body}</tbody></table></div>\n",
        tables::scroll(heading),
        head.join("</th><th>"),
    )
}

#[cfg(test)]
mod tests {
    use hpa_check_core::run::timeline::{LoadPoint, PodSeries, Step, SyncRecord};
    use jiff::SignedDuration;

    use super::super::fixture;
    use super::*;

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

    /// The page without its links: those to explanations, which only people follow, and those within the page.
    pub(super) fn without_links(page: &str) -> String {
        let link = format!("<a href=\"{}/", documentation::PROJECT);
        page.replace("http://www.w3.org/2000/svg", "")
            .replace(&link, "<a ")
            .replace("href=\"#", "<a ")
    }

    #[test]
    fn the_page_loads_nothing_from_anywhere() {
        for run in [fixture::passed(), fixture::hostile()] {
            let page = page(&run);
            let outside = without_links(&page);
            assert!(!outside.contains("http://") && !outside.contains("https://"));
            for fetch in ["src=", "href=", "@import", "url(", "fetch(", "import("] {
                assert!(!outside.contains(fetch), "{fetch}");
            }
            assert!(page.contains("default-src 'none'"));
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
}

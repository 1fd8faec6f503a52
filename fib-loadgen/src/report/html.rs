//! One self-contained page: the outcome and its causes, an interactive run over time, the distribution of
//! times, the pods, the failures, the settings. It loads nothing and works offline.

mod chart;
mod data;
mod distribution;
mod tables;

use std::fmt::Write as _;

use drawing::escape::Xml;
use drawing::page::{self, Header, Page, section};

use super::{facts, ms, thousands};
use crate::result::Document;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The page.
pub(super) fn page(document: &Document) -> String {
    page::document(&Page {
        title: &format!("{}: {}", facts::badge(document), facts::subject(document)),
        style: &format!("\n{STYLE}"),
        content: &content(document),
        data: &data::of(document).to_string(),
        script: SCRIPT,
        allowed: "",
        more: "",
    })
}

fn content(document: &Document) -> String {
    let sections = [
        section("rules", "Rules", &rules(document)),
        section("time", "Over time", &chart::timeline(document)),
        section(
            "times",
            "Distribution of times",
            &distribution::section(document),
        ),
        section("phases", "Phases", &tables::phases(document)),
        section("pods", "Pods", &tables::pods(document)),
        section("minutes", "Pods by the minute", &tables::minutes(document)),
        section("failures", "Failures", &tables::failures(document)),
        section("by-n", "By the size of n", &tables::by_n(document)),
        section(
            "generator",
            "The generator itself",
            &tables::generator(document),
        ),
        section("settings", "Settings", &tables::settings(document)),
    ];
    let (started, length) = (&document.run.started_utc, facts::length(document));
    let header = Header {
        class: tone(document),
        badge: facts::badge(document),
        subject: &facts::subject(document),
        cause: &facts::cause(document),
        when: &format!("{started}, {length}"),
    };
    let main = headline(document) + &sections.concat();
    let (version, schema) = (&document.run.version, &document.schema);
    header.over(&main, &format!("fib-loadgen {version}, {schema}"))
}

fn tone(document: &Document) -> &'static str {
    match document.exit.code {
        0 if document.run.unfinished => "inconclusive",
        0 => "pass",
        105 => "inconclusive",
        92 => "environment",
        _ => "wrong",
    }
}

/// The numbers that people look for first.
fn headline(document: &Document) -> String {
    let totals = &document.totals;
    let response = &document.latency.response;
    let due = totals
        .offered_rps
        .map_or_else(String::new, |due| format!(" of {due:.0} due"));
    let mut facts = vec![
        (
            "Correct answers per second",
            format!("{:.1}{due}", totals.rps),
        ),
        ("Requests", thousands(totals.sent)),
        ("Failed", thousands(totals.failed)),
        ("Wrong answers", thousands(totals.wrong)),
        ("Response time, median", format!("{} ms", ms(response.p50))),
        ("Response time, p99", format!("{} ms", ms(response.p99))),
        ("Response time, p99.9", format!("{} ms", ms(response.p999))),
        ("Generator", document.generator.verdict.word().to_owned()),
    ];
    for (name, count) in [
        ("Given up", totals.unfinished),
        ("Never sent", totals.unsent),
    ] {
        if count > 0 {
            facts.insert(3, (name, thousands(count)));
        }
    }
    page::facts(&facts)
}

fn rules(document: &Document) -> String {
    document.thresholds.iter().fold(String::new(), |mut html, rule| {
        let (tone, word) = if rule.passed { ("pass", "met") } else { ("wrong", "not met") };
        let ended = if rule.aborted { ", and that ended the run" } else { "" };
        let _ = writeln!(
            html,
            "<article class=\"{tone}\"><h3><code>{}</code></h3><p>{word}: {}{ended}</p></article>",
            Xml(&rule.rule),
            Xml(&rule.observed),
        );
        html
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_page_loads_nothing_from_anywhere() {
        for document in [fixture::passed(), fixture::failed(), fixture::first()] {
            let target = document.target.url.trim_end_matches('/');
            assert_eq!(page::loads(&page(&document), &[target]), None);
        }
    }

    #[test]
    fn text_from_outside_is_escaped() {
        let page = page(&fixture::failed());
        assert_eq!(page.matches("<script").count(), 2, "the page's own two");
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(!page.split("<script").next().unwrap().contains('\u{202e}'));
    }

    #[test]
    fn every_section_is_present_and_no_number_is_nan() {
        let page = page(&fixture::failed());
        for id in [
            "rules",
            "time",
            "times",
            "phases",
            "pods",
            "failures",
            "by-n",
            "generator",
            "settings",
        ] {
            assert!(page.contains(&format!("<h2 id=\"{id}\">")), "{id}");
        }
        assert!(
            !page.contains("NaN") && !page.contains("inf "),
            "a number is not finite"
        );
    }

    #[test]
    fn a_result_without_a_second_of_load_has_no_empty_sections() {
        let mut document = fixture::passed();
        document.series = crate::result::Series::by_the_second();
        document.pods.clear();
        document.phases.clear();
        document.thresholds.clear();
        let page = page(&document);
        for id in ["rules", "time", "pods", "phases", "failures"] {
            assert!(!page.contains(&format!("<h2 id=\"{id}\">")), "{id}");
        }
    }
}

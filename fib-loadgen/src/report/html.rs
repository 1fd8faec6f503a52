//! One self-contained page: the outcome and its causes, an interactive run over time, the distribution of
//! times, the pods, the failures, the settings. It loads nothing and works offline.

mod chart;
mod data;
mod distribution;
mod tables;

use std::fmt::Write as _;

use drawing::escape::{Xml, script_json};

use super::{facts, ms, thousands};
use crate::result::Document;

const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// The page.
pub(super) fn page(document: &Document) -> String {
    let data = data::of(document).to_string();
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:\">\n\
         <title>{badge}: {subject}</title>\n<style>{chart_style}\n{page_style}\n{STYLE}</style>\n</head>\n<body>\n\
         {content}\
         <script type=\"application/json\" id=\"data\">{data}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        badge = facts::badge(document),
        subject = Xml(facts::subject(document)),
        chart_style = drawing::CHART,
        page_style = drawing::PAGE,
        content = content(document),
        data = script_json(&data),
    )
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
    format!(
        "<header class=\"{tone}\">\n<p class=\"badge\">{badge}</p>\n<h1>{subject}</h1>\n<p class=\"cause\">{cause}</p>\n\
         <p class=\"when\">{started}, {length}</p>\n</header>\n<main>\n<dl class=\"facts\">{facts}</dl>\n{sections}</main>\n\
         <footer>fib-loadgen {version}, {schema}</footer>\n",
        tone = tone(document),
        badge = facts::badge(document),
        subject = Xml(facts::subject(document)),
        cause = Xml(facts::cause(document)),
        started = Xml(&document.run.started_utc),
        length = facts::length(document),
        facts = headline(document),
        sections = sections.concat(),
        version = Xml(&document.run.version),
        schema = Xml(&document.schema),
    )
}

/// A part of the page under its heading; empty if there is no content.
fn section(id: &str, heading: &str, content: &str) -> String {
    if content.is_empty() {
        return String::new();
    }
    format!(
        "<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{heading}</h2>\n{content}</section>\n"
    )
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
    facts
        .into_iter()
        .fold(String::new(), |mut html, (name, value)| {
            // Writing to a String can't fail.
            let _ = write!(html, "<div><dt>{name}</dt><dd>{}</dd></div>", Xml(value));
            html
        })
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
            let page = page(&document);
            let outside = page
                .replace("http://www.w3.org/2000/svg", "")
                .replace(document.target.url.trim_end_matches('/'), "");
            assert!(!outside.contains("http://") && !outside.contains("https://"));
            for fetch in ["src=", "href=", "@import", "url(", "fetch(", "import("] {
                assert!(!outside.contains(fetch), "{fetch}");
            }
            assert!(page.contains("default-src 'none'"));
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

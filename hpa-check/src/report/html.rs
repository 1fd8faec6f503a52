//! One self-contained page: the verdict and its reasons, an interactive timeline, the load, the pods, the
//! decisions. It loads nothing and works offline.

pub(super) mod data;
mod findings;
pub(crate) mod live;
mod load;
mod pods;
pub(super) mod tables;
mod timeline;

use std::fmt::Write as _;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::observation::Phase;
use hpa_check_core::settings::of_run;
use hpa_check_core::verdict::Outcome;

use super::escape::{Xml, script_json};
use super::{chart, settings, summary, words};

pub(super) use findings::{advice, explained, named, seen};
pub(super) use tables::table;
pub(super) use timeline::{chart, framed};

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

/// What the content of a page begins with.
pub(super) struct Header<'a> {
    /// The color, by outcome.
    pub(super) class: &'a str,
    pub(super) badge: &'a str,
    pub(super) subject: &'a str,
    /// The conclusion, in a sentence.
    pub(super) cause: &'a str,
    /// Where it comes from and when it was.
    pub(super) when: &'a str,
}

impl Header<'_> {
    /// The content: this, then `main`, and last what wrote it.
    pub(super) fn over(&self, main: &str, version: &str, schema: &str) -> String {
        format!(
            "<header class=\"{}\">\n<p class=\"badge\">{}</p>\n<h1>{}</h1>\n<p class=\"cause\">{}</p>\n\
             <p class=\"when\">{}</p>\n</header>\n<main>\n{main}</main>\n\
             <footer>hpa-check {}, {}</footer>\n",
            self.class,
            self.badge,
            Xml(self.subject),
            Xml(self.cause),
            Xml(self.when),
            Xml(version),
            Xml(schema),
        )
    }
}

fn title(result: &RunResult, stage: Stage) -> String {
    format!("{}: {}", badge(result, stage), summary::subject(result))
}

/// The content of the page.
fn content(result: &RunResult, stage: Stage) -> String {
    let source = result.setting.as_ref().map_or("run", |s| s.source.as_str());
    let (class, cause, reasons) = match stage {
        Stage::Over => (
            class(result.verdict.outcome),
            summary::cause(result),
            section(
                "why",
                "Findings",
                &findings::articles(result, &result.verdict.reasons),
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
            &timeline::of(result, badge(result, stage)),
        ),
        section("load", "Load", &load::account(result)),
        section("pods", "Work of each pod", &pods::spread(&result.timeline)),
        section("decisions", "Decisions", &tables::decisions(result)),
        section("events", "Events", &tables::events(&result.timeline)),
        section("settings", "Settings", &settings::rows(&of_run(result))),
    ];
    let (from, until) = (result.timeline.from, result.timeline.until);
    let (when, length) = (words::date_and_time(from), words::length(from, until));
    let header = Header {
        class,
        badge: badge(result, stage),
        subject: &summary::subject(result),
        cause,
        when: &format!("{source}, {when}, {length}"),
    };
    let main = pairs(&summary::facts(result)) + &sections.concat();
    header.over(&main, &result.version, &result.schema)
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

/// Facts as cards.
pub(super) fn pairs(facts: &[(&str, String)]) -> String {
    let cards = facts.iter().fold(String::new(), |mut html, (name, value)| {
        // Writing to a String can't fail.
        let _ = write!(html, "<div><dt>{name}</dt><dd>{}</dd></div>", Xml(value));
        html
    });
    format!("<dl class=\"facts\">{cards}</dl>\n")
}

#[cfg(test)]
mod tests;

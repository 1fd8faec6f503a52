//! One self-contained page: the verdict and its reasons, an interactive timeline, the load, the pods, the
//! decisions. It loads nothing and works offline.

pub(super) mod data;
mod findings;
pub(crate) mod live;
mod load;
mod pods;
pub(super) mod tables;
mod timeline;

use drawing::page::{self, Header, Page, section};
use hpa_check_core::documents::result::RunResult;
use hpa_check_core::observation::Phase;
use hpa_check_core::settings::of_run;
use hpa_check_core::verdict::Outcome;

use super::{settings, summary, words};

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
    drawing::page::document(&Page {
        title: shell.title,
        style: "",
        content: &format!("<div id=\"report\">\n{}</div>\n", shell.content),
        data: &shell.data.to_string(),
        script: SCRIPT,
        allowed: shell.allowed,
        more: shell.more,
    })
}

/// Who wrote a document.
pub(super) fn writer(version: &str, schema: &str) -> String {
    format!("hpa-check {version}, {schema}")
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
    let main = page::facts(&summary::facts(result)) + &sections.concat();
    header.over(&main, &writer(&result.version, &result.schema))
}

fn badge(result: &RunResult, stage: Stage) -> &'static str {
    match stage {
        Stage::Over => result.verdict.outcome.badge(),
        Stage::Going(_) => "RUNNING",
    }
}

pub(super) fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Wrong => "wrong",
        Outcome::Environment => "environment",
        Outcome::Inconclusive => "inconclusive",
    }
}

#[cfg(test)]
mod tests;

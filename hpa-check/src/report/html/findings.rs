//! Findings with their evidence, advice and links.

use std::fmt::Write as _;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::verdict::{Outcome, Reason};

use super::{class, timeline};
use crate::report::escape::Xml;
use crate::report::{documentation, words};

/// A finding each.
pub(super) fn articles<'a>(
    result: &RunResult,
    reasons: impl IntoIterator<Item = &'a Reason>,
) -> String {
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
    if !timeline::is_shown(result) {
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
pub(in crate::report) fn seen(evidence: &[String], open: &str) -> String {
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
pub(in crate::report) fn advice(fix: Option<&str>) -> String {
    fix.map_or_else(String::new, |fix| {
        format!("<p class=\"fix\"><strong>Do:</strong> {}</p>", Xml(fix))
    })
}

/// A finding's name as a link to its explanation.
pub(in crate::report) fn named(finding: &str) -> String {
    let linked = |page: String| link(&page, &Xml(finding).to_string());
    documentation::of(finding).map_or_else(|| Xml(finding).to_string(), linked)
}

/// A link to a finding's explanation; empty if there is none.
pub(in crate::report) fn explained(finding: &str) -> String {
    let linked = |page: String| link(&page, &format!("About {}", Xml(finding)));
    documentation::of(finding).map_or_else(String::new, linked)
}

/// A link that only a reader follows: the page itself never loads it. The text is already escaped.
fn link(page: &str, text: &str) -> String {
    format!("<a href=\"{}\" rel=\"noreferrer\">{text}</a>", Xml(page))
}

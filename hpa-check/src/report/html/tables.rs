//! The decisions and the events, a row each.

use std::fmt::Write as _;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::run::timeline::Timeline;

use crate::report::escape::Xml;
use crate::report::{summary, words};

/// Begins a table that is wider than a narrow screen; it takes the focus, so that the arrow keys move it.
pub(in crate::report) fn scroll(heading: &str) -> String {
    format!("<div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-labelledby=\"{heading}\">")
}

/// The decisions that changed something or are not explained.
pub(super) fn decisions(result: &RunResult) -> String {
    let all = &result.timeline.syncs;
    if all.is_empty() {
        return String::new();
    }
    let mut rows = String::new();
    for sync in summary::decisions(all) {
        let (class, agrees) = match (sync.explained, sync.model) {
            (true, _) => ("yes", "agrees".to_owned()),
            (false, Some(model)) => ("no", format!("says {model}")),
            (false, None) => ("no", "can't tell".to_owned()),
        };
        // Writing to a String can't fail.
        let _ = writeln!(
            rows,
            "<tr><td>{}</td><td>{} → {}</td><td>{}</td><td class=\"{class}\">{agrees}</td></tr>",
            words::clock(result.timeline.from, sync.at),
            sync.current,
            sync.desired,
            Xml(&sync.sentence),
        );
    }
    let (observed, explained) = (result.syncs.observed, result.syncs.explained);
    let note = format!(
        "<p class=\"note\">{observed} syncs were seen, and the model follows {explained} of them. Shown are those that \
         changed the replicas and those that are not explained.</p>\n"
    );
    if rows.is_empty() {
        return note;
    }
    format!(
        "{note}{}<table class=\"times\"><thead><tr><th>Time</th><th>Replicas</th><th>Because</th><th>Model</th></tr></thead><tbody>\n{rows}</tbody></table></div>\n",
        scroll("decisions"),
    )
}

/// What the cluster itself told.
pub(super) fn events(timeline: &Timeline) -> String {
    if timeline.marks.is_empty() {
        return String::new();
    }
    let mut html = scroll("events");
    html.push_str(
        "<table class=\"times\"><thead><tr><th>Time</th><th>Kind</th><th>What</th></tr></thead><tbody>\n",
    );
    for mark in &timeline.marks {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td class=\"{}\">{}</td><td>{}</td></tr>",
            words::clock(timeline.from, mark.at),
            if mark.kind == "Normal" { "" } else { "no" },
            Xml(&mark.kind),
            Xml(&mark.text),
        );
    }
    html.push_str("</tbody></table></div>\n");
    html
}

//! The verdict as Markdown, for a pull request or a step summary.

use std::fmt::Write as _;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::run::timeline::Timeline;
use hpa_check_core::settings::of_run;
use hpa_check_core::verdict::Reason;

use super::escape::Markdown;
use super::{documentation, settings, summary, words};

/// A heading, the reasons, the facts, the decisions and the settings.
pub(crate) fn summary(result: &RunResult) -> String {
    let mut text = format!(
        "## {}: {}\n\n{} Exit code {}.\n\n",
        result.verdict.outcome.badge(),
        Markdown(summary::subject(result)),
        summary::meaning(result.verdict.outcome),
        result.verdict.exit_code,
    );
    let begin = result.timeline.from;
    // Writing to a String can't fail.
    for reason in &result.verdict.reasons {
        let _ = writeln!(
            text,
            "- **{}**{}: {}",
            documentation::link(&reason.id),
            reason
                .at
                .map_or_else(String::new, |at| format!(" at {}", words::clock(begin, at))),
            Markdown(&reason.message)
        );
        details(&mut text, reason);
    }
    text + &facts(summary::facts(result))
        + &decisions(&result.timeline)
        + &settings::table(&of_run(result))
}

/// The evidence of a finding and the advice on it, below its message.
pub(super) fn details(text: &mut String, reason: &Reason) {
    // Writing to a String can't fail.
    for evidence in &reason.evidence {
        let _ = writeln!(text, "  - seen: {}", Markdown(evidence));
    }
    if let Some(fix) = &reason.fix {
        let _ = writeln!(text, "  - do: {}", Markdown(fix));
    }
}

/// A table of facts by their names.
pub(super) fn facts(facts: impl IntoIterator<Item = (&'static str, String)>) -> String {
    let mut text = "\n| | |\n| --- | --- |\n".to_owned();
    for (name, value) in facts {
        // Writing to a String can't fail.
        let _ = writeln!(text, "| {name} | {} |", Markdown(value));
    }
    text
}

/// A table of the decisions that changed something or are not explained; empty if there are none.
pub(super) fn decisions(timeline: &Timeline) -> String {
    let mut text = String::new();
    for (index, sync) in summary::decisions(&timeline.syncs).enumerate() {
        if index == 0 {
            text.push_str("\n| time | decision | because |\n| --- | --- | --- |\n");
        }
        let _ = writeln!(
            text,
            "| {} | {} → {} | {} |",
            words::clock(timeline.from, sync.at),
            sync.current,
            sync.desired,
            Markdown(&sync.sentence),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::super::fixture;
    use super::*;

    #[test]
    fn every_decision_that_changed_something_has_a_row() {
        let text = summary(&fixture::passed());
        assert!(text.starts_with("## PASS"), "{text}");
        assert!(text.contains("3 → 7") && text.contains("10 → 3"), "{text}");
    }

    #[test]
    fn every_reason_has_its_evidence_and_advice() {
        let mut run = fixture::hostile();
        let at = run.timeline.from + SignedDuration::from_millis(12_300);
        let reason = &mut run.verdict.reasons[0];
        reason.at = Some(at);
        reason.message = "no request at 12.3 s".to_owned();
        reason.evidence = vec!["pod a: none".to_owned()];
        reason.fix = Some("set one".to_owned());
        let text = summary(&run);
        let told = ")** at 0:12: no request at 12.3 s\n  - seen: pod a: none\n  - do: set one\n";
        assert!(
            text.contains("- **[missing-cpu-request](http") && text.contains(told),
            "{text}"
        );
        assert!(text.contains("| Command | "), "{text}");
        assert!(text.contains("Exit code 91."), "{text}");
    }

    #[test]
    fn a_run_without_decisions_has_no_empty_table() {
        let mut run = fixture::passed();
        run.timeline.syncs.clear();
        assert!(!summary(&run).contains("| time |"));
    }

    #[test]
    fn text_from_outside_is_escaped() {
        assert!(!summary(&fixture::hostile()).contains("<script"));
    }
}

//! The verdict as Markdown, for a pull request or a step summary.

use std::fmt::Write as _;

use hpa_check_core::documents::result::RunResult;

use super::escape::Markdown;
use super::{summary, words};

/// A heading, the reasons, the facts and the decisions.
pub(crate) fn summary(result: &RunResult) -> String {
    let mut text = format!(
        "## {}: {}\n\n{} Exit code {}.\n\n",
        summary::badge(result.verdict.outcome),
        Markdown(summary::subject(result)),
        summary::meaning(result.verdict.outcome),
        result.verdict.exit_code,
    );
    // Writing to a String can't fail.
    for reason in &result.verdict.reasons {
        let _ = writeln!(
            text,
            "- **{}**: {}",
            Markdown(&reason.id),
            Markdown(&reason.message)
        );
        for evidence in &reason.evidence {
            let _ = writeln!(text, "  - seen: {}", Markdown(evidence));
        }
        if let Some(fix) = &reason.fix {
            let _ = writeln!(text, "  - do: {}", Markdown(fix));
        }
    }
    text.push_str("\n| | |\n| --- | --- |\n");
    for (name, value) in summary::facts(result) {
        let _ = writeln!(text, "| {name} | {} |", Markdown(value));
    }
    for (index, sync) in summary::decisions(&result.timeline.syncs).enumerate() {
        if index == 0 {
            text.push_str("\n| time | decision | because |\n| --- | --- | --- |\n");
        }
        let _ = writeln!(
            text,
            "| {} | {} → {} | {} |",
            words::clock(result.timeline.from, sync.at),
            sync.current,
            sync.desired,
            Markdown(&sync.sentence),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn every_decision_that_changed_something_has_a_row() {
        let text = summary(&fixture::passed());
        assert!(text.starts_with("## PASS"), "{text}");
        assert!(text.contains("3 → 7") && text.contains("10 → 3"), "{text}");
    }

    #[test]
    fn every_reason_is_told_with_what_was_seen_and_what_to_do() {
        let mut run = fixture::hostile();
        let reason = &mut run.verdict.reasons[0];
        reason.message = "no request".to_owned();
        reason.evidence = vec!["pod a: none".to_owned()];
        reason.fix = Some("set one".to_owned());
        let text = summary(&run);
        let told =
            "- **missing-cpu-request**: no request\n  - seen: pod a: none\n  - do: set one\n";
        assert!(text.contains(told), "{text}");
        assert!(text.contains("Exit code 91."), "{text}");
    }

    #[test]
    fn a_run_without_decisions_has_no_empty_table() {
        let mut run = fixture::passed();
        run.timeline.syncs.clear();
        assert!(!summary(&run).contains("| time |"));
    }

    #[test]
    fn text_from_the_world_stays_text() {
        assert!(!summary(&fixture::hostile()).contains("<script"));
    }
}

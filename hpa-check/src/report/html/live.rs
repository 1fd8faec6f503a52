//! The same page while the run goes on: it says what is being done instead of a verdict, and is kept new
//! by a stream of states.

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::observation::Phase;
use hpa_check_core::verdict::Outcome;
use serde_json::json;

pub(crate) use super::Stage;
use super::{content, document, title};

const SCRIPT: &str = include_str!("live.js");

/// The page with what keeps it new; as good as a report by itself once the run is over.
pub(crate) fn page(result: &RunResult, stage: Stage) -> String {
    let script = format!("<script>{SCRIPT}</script>\n");
    document(result, stage, "; connect-src 'self'", &script)
}

/// A state as the page takes it: JSON in one line.
pub(crate) fn state(result: &RunResult, stage: Stage) -> String {
    json!({
        "title": title(result, stage),
        "content": content(result, stage),
        "data": super::data::compact(&result.timeline),
    })
    .to_string()
}

/// What the run is doing.
pub(super) fn doing(phase: Option<Phase>) -> &'static str {
    match phase {
        None => "Nothing has been seen yet.",
        Some(Phase::Preflight) => "Looking at what is there, before anything is loaded.",
        Some(Phase::Baseline) => "Waiting until the minimum is at rest.",
        Some(Phase::Up) => "Under load, waiting for the maximum.",
        Some(Phase::Hold) => "At the maximum, watching whether it holds.",
        Some(Phase::Down) => "The load is down; watching the way back.",
        Some(Phase::Done) => "All has been seen; the reports are being written.",
    }
}

/// The faults that show by now. What is not proved yet is not a finding while the run goes on.
pub(super) fn findings(result: &RunResult) -> String {
    let fault = |outcome| matches!(outcome, Outcome::Wrong | Outcome::Environment);
    let reasons = &result.verdict.reasons;
    let faults = super::findings(result, reasons.iter().filter(|r| fault(r.outcome)));
    if faults.is_empty() {
        return "<p class=\"note\">None.</p>\n".to_owned();
    }
    format!(
        "<p class=\"note\">What the verdict would rest on if the run ended now; the rest of it may still explain some.</p>\n{faults}"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::super::fixture;
    use super::*;

    #[test]
    fn a_run_that_goes_on_has_no_verdict_and_says_what_it_does() {
        let page = page(&fixture::passed(), Stage::Going(Some(Phase::Up)));
        assert!(page.contains("RUNNING") && page.contains("waiting for the maximum"));
        assert!(
            !page.contains("PASS"),
            "neither as a badge nor on the picture"
        );
    }

    #[test]
    fn what_is_not_proved_yet_is_no_finding_and_a_fault_is() {
        let mut run = fixture::hostile();
        let shown = |run: &RunResult| content(run, Stage::Going(Some(Phase::Up)));
        run.verdict.reasons[0].outcome = Outcome::Environment;
        assert!(shown(&run).contains("What the verdict would rest on"));
        for reason in &mut run.verdict.reasons {
            reason.outcome = Outcome::Inconclusive;
        }
        let content = shown(&run);
        assert!(content.contains("None.") && !content.contains("<article"));
    }

    #[test]
    fn the_last_state_is_the_report_s_own() {
        let run = fixture::passed();
        let state: Value = serde_json::from_str(&state(&run, Stage::Over)).unwrap();
        let report = super::super::page(&run);
        assert!(report.contains(state["content"].as_str().unwrap()));
        assert_eq!(state["data"], super::super::data::compact(&run.timeline));
    }

    #[test]
    fn a_state_is_one_line_whatever_the_world_says() {
        let state = state(&fixture::hostile(), Stage::Over);
        assert!(!state.contains(['\n', '\r']));
    }

    #[test]
    fn the_page_may_ask_its_own_server_and_no_other() {
        let page = page(&fixture::passed(), Stage::Over);
        assert!(page.contains("default-src 'none'") && page.contains("connect-src 'self'"));
        let outside = super::super::tests::without_links(&page);
        assert!(!outside.contains("http://") && !outside.contains("https://"));
    }
}

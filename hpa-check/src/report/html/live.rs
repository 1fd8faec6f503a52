//! The same page during the run: it shows the current activity instead of a verdict, and a stream of states
//! updates it.

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::observation::Phase;
use hpa_check_core::verdict::Outcome;
use serde_json::json;

pub(crate) use super::Stage;
use super::{content, document, title};

const SCRIPT: &str = include_str!("live.js");

/// The page with its update script; once the run is over it is the same as a report.
pub(crate) fn page(result: &RunResult, stage: Stage) -> String {
    let script = format!("<script>{SCRIPT}</script>\n");
    document(result, stage, "; connect-src 'self'", &script)
}

/// A state for the page: JSON on one line.
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
        None => "Nothing has been observed yet.",
        Some(Phase::Preflight) => "Checking the setup before any load.",
        Some(Phase::Baseline) => "Waiting for the minimum to be ready and idle.",
        Some(Phase::Up) => "Under load, waiting for the maximum.",
        Some(Phase::Hold) => "At the maximum, watching whether it holds.",
        Some(Phase::Down) => "The load is over; watching the scale-down.",
        Some(Phase::Done) => "Everything was observed; writing the reports.",
    }
}

/// The faults found so far. During the run, missing proof is not a finding.
pub(super) fn findings(result: &RunResult) -> String {
    let fault = |outcome| matches!(outcome, Outcome::Wrong | Outcome::Environment);
    let reasons = &result.verdict.reasons;
    let faults = super::findings::articles(result, reasons.iter().filter(|r| fault(r.outcome)));
    if faults.is_empty() {
        return "<p class=\"note\">None.</p>\n".to_owned();
    }
    format!(
        "<p class=\"note\">The reasons for the verdict if the run ended now; later observations may change them.</p>\n{faults}"
    )
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::super::fixture;
    use super::*;

    #[test]
    fn a_run_in_progress_has_no_verdict_and_shows_its_activity() {
        let page = page(&fixture::passed(), Stage::Going(Some(Phase::Up)));
        assert!(page.contains("RUNNING") && page.contains("waiting for the maximum"));
        assert!(
            !page.contains("PASS"),
            "neither as a badge nor on the picture"
        );
    }

    #[test]
    fn missing_proof_is_not_a_finding_during_the_run_but_a_fault_is() {
        let mut run = fixture::hostile();
        let shown = |run: &RunResult| content(run, Stage::Going(Some(Phase::Up)));
        run.verdict.reasons[0].outcome = Outcome::Environment;
        assert!(shown(&run).contains("The reasons for the verdict if the run ended now"));
        for reason in &mut run.verdict.reasons {
            reason.outcome = Outcome::Inconclusive;
        }
        let content = shown(&run);
        assert!(content.contains("None.") && !content.contains("<article"));
    }

    #[test]
    fn the_last_state_is_the_same_as_the_report() {
        let run = fixture::passed();
        let state: Value = serde_json::from_str(&state(&run, Stage::Over)).unwrap();
        let report = super::super::page(&run);
        assert!(report.contains(state["content"].as_str().unwrap()));
        assert_eq!(state["data"], super::super::data::compact(&run.timeline));
    }

    #[test]
    fn a_state_is_one_line_whatever_text_is_in_it() {
        let state = state(&fixture::hostile(), Stage::Over);
        assert!(!state.contains(['\n', '\r']));
    }

    #[test]
    fn the_page_may_connect_to_its_own_server_and_no_other() {
        let page = page(&fixture::passed(), Stage::Over);
        assert!(page.contains("connect-src 'self'"));
        assert_eq!(super::super::tests::loads(&page), None);
    }
}

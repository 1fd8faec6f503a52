//! From findings to a verdict.

use crate::findings::Finding;
use crate::rules::RANKED;
use crate::rules::rule::{Find, Rule, Weight};
use crate::rules::run_only::proofs::proofs;
use crate::rules::run_only::run::RunView;
use crate::verdict::{Outcome, Reason, Verdict};

/// The exit code of a run that was interrupted.
const INTERRUPTED: u8 = 105;

/// What a run can find, by precedence; a pass finds none of these.
pub fn findings_of_a_run() -> impl Iterator<Item = &'static Finding> {
    RANKED.iter().map(|rule| rule.finding)
}

/// What makes a pass impossible whatever happens next, if anything does.
pub(crate) fn blocker(run: &RunView<'_>) -> Option<Reason> {
    let mut blockers = RANKED.iter().filter(|rule| rule.weight == Weight::Blocker);
    blockers.find_map(|rule| reason(rule, run))
}

/// The verdict on a run: the outcome of the finding that takes precedence, or a pass with what was
/// proved.
pub(crate) fn run(run: &RunView<'_>) -> Verdict {
    let mut reasons: Vec<Reason> = Vec::new();
    for rule in RANKED.iter() {
        if rule.weight != Weight::Symptom || reasons.is_empty() {
            reasons.extend(reason(rule, run));
        }
    }
    let outcome = reasons.first().map_or(Outcome::Pass, |r| r.outcome);
    if reasons.is_empty() {
        reasons = proofs(run);
    }
    let interrupted = run.state.interrupted_at.is_some();
    Verdict {
        outcome,
        exit_code: if interrupted {
            INTERRUPTED
        } else {
            outcome.exit_code()
        },
        reasons,
    }
}

fn reason(rule: &Rule, run: &RunView<'_>) -> Option<Reason> {
    let Find::Run(find) = rule.find;
    find(run).map(|evidence| rule.finding.reason(evidence))
}

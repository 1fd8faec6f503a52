//! From findings to a verdict.

use crate::findings::catalog::{self, SUPERSEDES};
use crate::findings::{Evidence, Finding};
use crate::keda::ScaledObject;
use crate::rules::RANKED;
use crate::rules::rule::{Find, Rule, Weight};
use crate::rules::run_only::proofs::proofs;
use crate::rules::run_only::run::RunView;
use crate::rules::snapshot_only::keda;
use crate::rules::snapshot_only::look::SnapshotView;
use crate::verdict::{Outcome, Reason, Verdict};

/// The exit code of a run that was interrupted.
const INTERRUPTED: u8 = 105;

/// The findings that a run can have, by precedence. A run that passes has none of them.
pub fn findings_of_a_run() -> impl Iterator<Item = &'static Finding> {
    let of_a_run = |rule: &&&Rule| !matches!(rule.find, Find::Snapshot(_));
    RANKED.iter().filter(of_a_run).map(|rule| rule.finding)
}

/// The findings that a snapshot can have, by precedence.
pub fn findings_of_a_snapshot() -> impl Iterator<Item = &'static Finding> {
    let of_a_snapshot = |rule: &&&Rule| !matches!(rule.find, Find::Run(_));
    RANKED.iter().filter(of_a_snapshot).map(|rule| rule.finding)
}

/// The weight of the finding with this name; `None` if there is none. A finding with the outcome `pass` is a
/// note.
pub fn weight(id: &str) -> Option<Weight> {
    let rule = RANKED.iter().find(|rule| rule.finding.id == id)?;
    Some(if rule.finding.outcome == Outcome::Pass {
        Weight::Note
    } else {
        rule.weight
    })
}

/// The finding, if any, that makes a pass impossible whatever happens next.
pub(crate) fn blocker(run: &RunView<'_>) -> Option<Reason> {
    let mut blockers = RANKED.iter().filter(|rule| rule.weight == Weight::Blocker);
    blockers.find_map(|rule| Some(rule.finding.reason(rule.ask_run(run)?)))
}

/// The verdict on a run: the outcome of the finding with the highest precedence, or a pass with what was
/// proved.
pub(crate) fn run(run: &RunView<'_>) -> Verdict {
    let mut reasons = reasons(|rule| rule.ask_run(run));
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

/// The findings for one autoscaler of a snapshot, by precedence.
pub(crate) fn snapshot(look: &SnapshotView<'_>) -> Vec<Reason> {
    // A snapshot has no timeline to place anything on.
    reasons(|rule| Some(rule.ask_snapshot(look)?.at(None)))
}

/// The note about a KEDA pause, if there is no autoscaler to judge.
pub(crate) fn pause(object: &ScaledObject) -> Option<Reason> {
    let at = keda::paused_at(object).map(|e| catalog::PAUSED_AT_REPLICAS.reason(e));
    at.or_else(|| keda::paused(object).map(|e| catalog::PAUSED.reason(e)))
}

/// All findings, by precedence. Symptoms are evaluated only if no cause was found.
fn reasons(ask: impl Fn(&Rule) -> Option<Evidence>) -> Vec<Reason> {
    let mut found: Vec<(&Finding, Reason)> = Vec::new();
    for rule in RANKED.iter() {
        let explained = found.iter().any(|(f, _)| f.outcome != Outcome::Pass);
        let superseded = found.iter().any(|(f, _)| supersedes(f, rule.finding));
        if superseded || (rule.weight == Weight::Symptom && explained) {
            continue;
        }
        if let Some(evidence) = ask(rule) {
            found.push((rule.finding, rule.finding.reason(evidence)));
        }
    }
    found.into_iter().map(|(_, reason)| reason).collect()
}

fn supersedes(found: &Finding, other: &Finding) -> bool {
    let mut all = SUPERSEDES.iter().filter(|(more, _)| *more == found);
    all.any(|(_, less)| *less == other)
}

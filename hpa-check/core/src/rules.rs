//! The rules that judge a run, ranked: what explains the rest comes first, so a fault of the set-up
//! stands before its symptoms.

use jiff::Timestamp;

use crate::expectation::Expectation;
use crate::findings::Finding;
use crate::run::state::RunState;
use crate::verdict::{Outcome, Reason, Verdict};

mod case;
mod decisions;
mod load;
mod metrics;
mod pass;
mod path;
mod pods;
mod resources;
mod spec;
mod spread;
mod target;
mod watching;

pub(crate) use pass::PROOFS;
pub(crate) use watching::longest_gap_ms;

/// The exit code of a run that was told to stop.
const INTERRUPTED: u8 = 105;

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case<'a> {
    /// What is asserted.
    pub(crate) expectation: &'a Expectation,
    /// All that was seen.
    pub(crate) state: &'a RunState,
    /// The last instant.
    pub(crate) until: Timestamp,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// One sentence with the numbers.
    pub(crate) message: String,
    /// What shows it, quoted.
    pub(crate) evidence: Vec<String>,
}

impl Found {
    pub(crate) fn new(
        message: impl Into<String>,
        evidence: impl IntoIterator<Item = String>,
    ) -> Self {
        /// More of the same convinces nobody.
        const MOST: usize = 6;
        Self {
            message: message.into(),
            evidence: evidence.into_iter().take(MOST).collect(),
        }
    }
}

/// When a rule is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Proves, before any load, that a pass is impossible; and is asked at the end too.
    Blocker,
    /// Asked at the end.
    Cause,
    /// Asked at the end, if nothing that would explain it was found.
    Symptom,
}

/// One rule.
pub(crate) struct Rule {
    /// What it finds.
    pub(crate) finding: Finding,
    /// When it is asked.
    pub(crate) weight: Weight,
    /// The judgement.
    pub(crate) find: fn(&Case<'_>) -> Option<Found>,
}

/// All rules, the weightiest first.
pub(crate) const RANKED: &[Rule] = &[
    target::AUTOSCALER_GONE,
    target::TARGET_NOT_FOUND,
    target::SCALING_DISABLED,
    spec::NO_CPU_METRIC,
    resources::MISSING_CPU_REQUEST,
    spec::BOUNDS_LEAVE_NO_ROOM,
    spec::BOUNDS_DIFFER,
    spec::TARGET_DIFFERS,
    spec::SCALE_UP_DISABLED,
    spec::SCALE_DOWN_DISABLED,
    resources::LIMIT_CAPS_UTILIZATION,
    target::AMBIGUOUS_SELECTOR,
    target::INVALID_SELECTOR,
    target::FOREIGN_PODS,
    metrics::NO_METRICS_API,
    resources::CPU_REQUEST_TOO_HIGH,
    pods::QUOTA_EXCEEDED,
    resources::CAPACITY_TOO_SMALL,
    path::MOVED_BY_ANOTHER,
    pods::IMAGE_MISSING,
    pods::UNSCHEDULABLE,
    pods::PODS_CRASH,
    pods::PODS_NOT_READY,
    metrics::METRICS_API_UNAVAILABLE,
    metrics::METRICS_INCOMPLETE,
    metrics::METRICS_STALE,
    target::RESCALE_FAILED,
    load::WRONG_ANSWERS,
    spread::NOT_SPREAD,
    path::LEFT_BOUNDS,
    path::MINIMUM_NOT_HELD,
    decisions::SCALE_DOWN_TOO_EARLY,
    decisions::SCALE_UP_MISSING,
    decisions::UNEXPLAINED,
    path::FLAPPING,
    load::GENERATOR_SATURATED,
    load::FAILED_REQUESTS,
    watching::INTERRUPTED,
    load::TOO_WEAK,
    watching::WATCH_GAP,
    watching::NO_SYNCS_SEEN,
    decisions::TOO_LITTLE_EXPLAINED,
    load::STAYS_ON,
    decisions::SCALE_UP_TOO_LATE,
    decisions::SCALE_DOWN_MISSING,
    watching::WINDOW_TOO_SHORT,
];

/// What makes a pass impossible whatever happens next, if anything does.
pub(crate) fn blocker(case: &Case<'_>) -> Option<Reason> {
    RANKED
        .iter()
        .filter(|rule| rule.weight == Weight::Blocker)
        .find_map(|rule| rule.reason(case))
}

/// The verdict: the weightiest reason's outcome, or a pass with what was proved.
pub(crate) fn judge(case: &Case<'_>) -> Verdict {
    let mut reasons: Vec<Reason> = Vec::new();
    for rule in RANKED {
        if rule.weight != Weight::Symptom || reasons.is_empty() {
            reasons.extend(rule.reason(case));
        }
    }
    let outcome = reasons.first().map_or(Outcome::Pass, |r| r.outcome);
    if reasons.is_empty() {
        reasons = pass::proofs(case);
    }
    let interrupted = case.state.interrupted_at.is_some();
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

impl Rule {
    fn reason(&self, case: &Case<'_>) -> Option<Reason> {
        (self.find)(case).map(|found| reason(&self.finding, found))
    }
}

pub(crate) fn reason(finding: &Finding, found: Found) -> Reason {
    Reason {
        id: finding.id.to_owned(),
        message: found.message,
        evidence: found.evidence,
        fix: (!finding.fix.is_empty()).then(|| finding.fix.to_owned()),
        outcome: finding.outcome,
    }
}

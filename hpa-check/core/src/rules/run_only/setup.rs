//! What keeps a run's autoscaler from scaling, of what only a run checks.

use super::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::rules::rule::{Rule, Weight};
use crate::rules::shared::bounds::{absent, pinned};
use crate::rules::shared::wiring::{NO_SCALE, says_not_found, target_name};
use crate::rules::view::{TargetLookup, View, quoted};

pub(crate) const RULES: &[Rule] = &[
    Rule::run(&catalog::AUTOSCALER_GONE, Weight::Blocker, autoscaler_gone),
    Rule::run(
        &catalog::CPU_REQUEST_TOO_HIGH,
        Weight::Blocker,
        cpu_request_too_high,
    ),
    Rule::run(&catalog::NOTHING_TO_SCALE, Weight::Blocker, |run| {
        pinned(run)
    }),
    Rule::run(&catalog::NO_SUCH_METRIC, Weight::Blocker, no_such_metric),
    Rule::run(&catalog::SCALE_UNREADABLE, Weight::Cause, unreadable),
];

fn autoscaler_gone(run: &RunView<'_>) -> Option<Evidence> {
    let gone = run.state.autoscaler_gone;
    let gone = gone.filter(|_| run.state.autoscaler.is_none())?;
    let message = "the autoscaler was deleted during the run";
    let quote = format!("deleted {}", run.clock(gone));
    Some(Evidence::new(message, [quote]).at(gone))
}

fn cpu_request_too_high(run: &RunView<'_>) -> Option<Evidence> {
    let (total, how) = run.usable()?;
    let max = run.expectation.max_replicas;
    let (needed, request) = (run.use_enough_for(max - 1)?, run.request()?);
    (total <= needed).then(|| {
        Evidence::new(
            format!(
                "asking for {max} pods takes more than {needed} of CPU use at a request of \
                 {request} each, and there are only {total}"
            ),
            [
                format!("capacity: {how}"),
                format!("pods: CPU request {request}"),
            ],
        )
    })
}

/// Only an expectation asserts metrics by name.
fn no_such_metric(run: &RunView<'_>) -> Option<Evidence> {
    absent(run, |asserted| !asserted.is_cpu())
}

/// In a snapshot, the condition may be older than the target.
fn unreadable(run: &RunView<'_>) -> Option<Evidence> {
    let view: &dyn View = run;
    let (reason, says) = view.standing_refusal("AbleToScale")?;
    let known = says_not_found(says) || says.contains(NO_SCALE);
    let there = matches!(view.scaled(), TargetLookup::Read(_));
    (reason == "FailedGetScale" && there && !known && !view.is_complete()).then(|| {
        Evidence::new(
            format!(
                "the controller can't read the scale of{}",
                target_name(view)
            ),
            [quoted(reason, says)],
        )
    })
}

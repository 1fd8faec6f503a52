//! Blockers that only a run checks.

use crate::findings::{Evidence, catalog};
use crate::rules::rule::{Find, Rule, Weight};
use crate::rules::shared::bounds::pinned;

pub(crate) const RULES: &[Rule] = &[AUTOSCALER_GONE, CPU_REQUEST_TOO_HIGH, NOTHING_TO_SCALE];

const NOTHING_TO_SCALE: Rule = Rule {
    finding: &catalog::NOTHING_TO_SCALE,
    weight: Weight::Blocker,
    find: Find::Run(|run| pinned(run)),
};

const AUTOSCALER_GONE: Rule = Rule {
    finding: &catalog::AUTOSCALER_GONE,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        let gone = run.state.autoscaler_gone;
        let gone = gone.filter(|_| run.state.autoscaler.is_none())?;
        let message = "the autoscaler was deleted during the run";
        let quote = format!("deleted {}", run.clock(gone));
        Some(Evidence::new(message, [quote]).at(gone))
    }),
};

const CPU_REQUEST_TOO_HIGH: Rule = Rule {
    finding: &catalog::CPU_REQUEST_TOO_HIGH,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
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
    }),
};

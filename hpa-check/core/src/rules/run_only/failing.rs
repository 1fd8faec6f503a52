//! Metrics that the controller can't compute, for longer than a new pod or one poll of an adapter explains.

use jiff::Timestamp;

use super::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::model::after;
use crate::observation::AutoscalerStatus;
use crate::rules::rule::{Find, Rule, Weight};

pub(crate) const RULES: &[Rule] = &[METRIC_FAILED];

const METRIC_FAILED: Rule = Rule {
    finding: &catalog::METRIC_FAILED,
    weight: Weight::Cause,
    find: Find::Run(metric_failed),
};

/// What the controller says of a metric that it could not compute.
const FAILURES: [&str; 6] = [
    "FailedGetResourceMetric",
    "FailedGetContainerResourceMetric",
    "FailedGetPodsMetric",
    "FailedGetObjectMetric",
    "FailedGetExternalMetric",
    "InvalidMetricSourceType",
];

fn metric_failed(run: &RunView<'_>) -> Option<Evidence> {
    let refusal = run.state.refusal("ScalingActive");
    let (reason, message) = refusal.filter(|(reason, _)| FAILURES.contains(reason))?;
    if run.complete() || !lasts(run) {
        return None;
    }
    let spec = run.spec()?;
    let current = run.state.status().map_or(&[][..], |s| &s.current_metrics);
    let failed = spec.metrics.iter().zip(current);
    let failed = failed.filter(|(_, current)| current.is_empty());
    let failed: Vec<String> = failed.map(|(m, _)| m.source.to_string()).collect();
    let which = match failed.as_slice() {
        [] => "a metric".to_owned(),
        names => names.join(" and "),
    };
    let blocks = if spec.metrics.len() > failed.len().max(1) {
        "which blocks every step down"
    } else {
        "so the autoscaler does nothing"
    };
    Some(Evidence::new(
        format!("the controller can't compute {which}, {blocks}"),
        [format!("condition ScalingActive {reason}: {message}")],
    ))
}

fn lasts(run: &RunView<'_>) -> bool {
    let failing = |status: &&(Timestamp, AutoscalerStatus)| {
        let mut all = status.1.conditions.iter();
        all.any(|c| c.kind == "ScalingActive" && c.status == "False")
    };
    let row = run.state.statuses.iter().rev().take_while(failing);
    let allowed = run.budget(|b| b.reaction() + b.controller.sync_period);
    row.last()
        .is_some_and(|(since, _)| after(*since, allowed) <= run.until)
}

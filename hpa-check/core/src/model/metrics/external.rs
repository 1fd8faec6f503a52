//! `External`: a metric from outside the cluster. `computeStatusForExternalMetric` in `horizontal.go`.

use super::{Failure, read, usage_in};
use crate::model::MetricError;
use crate::model::proposal::{self, Proposal, ProposalInput};
use crate::observation::MetricAnswer;
use crate::quantity::Quantity;
use crate::spec::{LabelSelector, MetricIdentifier, MetricSource, MetricTarget};

/// The proposal: the sum of the values against a total (`GetExternalMetricReplicas`), or against an amount per
/// pod, for the pods that the target's status counts (`GetExternalPerPodMetricReplicas`).
pub(super) fn propose(
    scene: ProposalInput<'_>,
    source: &MetricSource,
    metric: &MetricIdentifier,
    target: MetricTarget,
) -> Result<Proposal, Failure> {
    let name = &metric.name;
    let fail = |cause: MetricError, error: MetricError| Failure {
        reason: "FailedGetExternalMetric",
        error: error.within(format!("failed to get {name} external metric value")),
        cause,
    };
    let gates = scene.gates;
    let (proposal, from_status) = match target {
        MetricTarget::AverageValue(target) => {
            let (usage, from_status) = value(scene, source, metric, |values| {
                sum_for_average(values, gates.caps_averages)
            })
            .map_err(|cause| {
                let error = cause
                    .clone()
                    .within(format!("failed to get {name} external metric"));
                fail(cause, error)
            })?;
            let caps = gates.caps_averages;
            (
                proposal::by_share(scene, usage, target.milli(), caps),
                from_status,
            )
        }
        MetricTarget::Value(target) => {
            let wrapped = |cause: MetricError| {
                let error = cause
                    .clone()
                    .within(format!("failed to get external metric {name}"));
                fail(cause, error)
            };
            let (usage, from_status) = value(scene, source, metric, |values| {
                sum_for_total(values, gates.caps_totals)
            })
            .map_err(wrapped)?;
            let proposal = proposal::by_total(scene, usage, target.milli()).map_err(wrapped)?;
            (proposal, from_status)
        }
        MetricTarget::Utilization(_) | MetricTarget::Missing => {
            let cause = MetricError::new(
                "invalid external metric source: neither a value target nor an average value target was set",
            );
            return Err(fail(cause.clone(), cause));
        }
    };
    Ok(Proposal {
        from_status,
        ..proposal
    })
}

/// `GetExternalMetric` in `metrics/client.go`; also returns whether the value comes from the status.
fn value(
    scene: ProposalInput<'_>,
    source: &MetricSource,
    metric: &MetricIdentifier,
    add: impl Fn(&[Quantity]) -> i64,
) -> Result<(i64, bool), MetricError> {
    let answered = |answer: &MetricAnswer| match answer {
        MetricAnswer::Values(values) if values.is_empty() => Some(Err(MetricError::new(
            "no metrics returned from external metrics API",
        ))),
        MetricAnswer::Values(values) => Some(Ok(add(values))),
        _ => None,
    };
    let answer = read(scene, source, "external", answered, |current| {
        usage_in(current, scene.observed)
    });
    let selector = LabelSelector::as_go_prints(metric.selector.as_ref());
    let (namespace, name) = (scene.namespace, &metric.name);
    answer.map_err(|e| {
        e.within(format!(
            "unable to get external metric {namespace}/{name}/{selector}"
        ))
    })
}

/// The sum of the values as `GetExternalPerPodMetricReplicas` computes it. With `caps`, a negative sum, which
/// it takes for an overflow, becomes the largest number.
fn sum_for_average(values: &[Quantity], caps: bool) -> i64 {
    let mut sum = 0_i64;
    for value in values {
        sum = sum.wrapping_add(value.milli());
        if caps && sum < 0 {
            return i64::MAX;
        }
    }
    sum
}

/// The sum of the values as `GetExternalMetricReplicas` computes it. With `caps`, an overflow becomes the
/// largest number.
fn sum_for_total(values: &[Quantity], caps: bool) -> i64 {
    let mut sum = 0_i64;
    for value in values {
        let value = value.milli();
        if caps && value > 0 && sum > i64::MAX - value {
            return i64::MAX;
        }
        sum = sum.wrapping_add(value);
    }
    sum
}

/// The controller's name for the metric.
pub(super) fn name(metric: &MetricIdentifier) -> String {
    let selector = LabelSelector::as_go_prints(metric.selector.as_ref());
    format!("external metric {}({selector})", metric.name)
}

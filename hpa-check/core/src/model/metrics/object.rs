//! `Object`: a custom metric of one object. `computeStatusForObjectMetric` in `horizontal.go`.

use super::{Failure, read, usage_in};
use crate::model::MetricError;
use crate::model::proposal::{self, Proposal, ProposalInput};
use crate::observation::MetricAnswer;
use crate::spec::{LabelSelector, MetricIdentifier, MetricSource, MetricTarget, TargetRef};

/// The proposal: the value against a total (`GetObjectMetricReplicas`), or against an amount per pod, for the
/// pods that the target's status counts (`GetObjectPerPodMetricReplicas`).
pub(super) fn propose(
    scene: ProposalInput<'_>,
    source: &MetricSource,
    object: &TargetRef,
    target: MetricTarget,
) -> Result<Proposal, Failure> {
    let fail = |cause: MetricError, error: MetricError| Failure {
        reason: "FailedGetObjectMetric",
        error: error.within("failed to get object metric value"),
        cause,
    };
    let name = source.name();
    let value = || value(scene, source).map_err(|e| unreadable(scene, name, object, &e));
    let (proposal, from_status) = match target {
        MetricTarget::Value(target) => {
            let alone = |cause: MetricError| fail(cause.clone(), cause);
            let (usage, from_status) = value().map_err(alone)?;
            let proposal = proposal::by_total(scene, usage, target.milli()).map_err(alone)?;
            (proposal, from_status)
        }
        MetricTarget::AverageValue(target) => {
            let (usage, from_status) = value().map_err(|cause| {
                let error = cause
                    .clone()
                    .within(format!("failed to get {name} object metric"));
                fail(cause, error)
            })?;
            (
                proposal::by_share(scene, usage, target.milli(), false),
                from_status,
            )
        }
        MetricTarget::Utilization(_) | MetricTarget::Missing => {
            let cause = MetricError::new(
                "invalid object metric source: neither a value target nor an average value target was set",
            );
            return Err(fail(cause.clone(), cause));
        }
    };
    Ok(Proposal {
        from_status,
        ..proposal
    })
}

/// `GetObjectMetric` in `metrics/client.go`; also returns whether the value comes from the status.
fn value(scene: ProposalInput<'_>, source: &MetricSource) -> Result<(i64, bool), MetricError> {
    let answered = |answer: &MetricAnswer| match answer {
        MetricAnswer::Values(values) => Some(Ok(values.first()?.milli())),
        _ => None,
    };
    read(scene, source, "custom", answered, |current| {
        usage_in(current, scene.observed)
    })
}

fn unreadable(
    scene: ProposalInput<'_>,
    name: &str,
    object: &TargetRef,
    error: &MetricError,
) -> MetricError {
    let (kind, namespace, object) = (&object.kind, scene.namespace, &object.name);
    MetricError::new(if scene.gates.names_object_first {
        format!("unable to get metric {name} on {kind} {namespace}/{object}: {error}")
    } else {
        format!("unable to get metric {name}: {kind} on {namespace} {object}/{error}")
    })
}

/// The controller's name for the metric. For an average it says `external`.
pub(super) fn name(metric: &MetricIdentifier, object: &TargetRef, target: MetricTarget) -> String {
    let name = &metric.name;
    match target {
        MetricTarget::AverageValue(_) => {
            let selector = LabelSelector::as_go_prints(metric.selector.as_ref());
            format!("external metric {name}({selector})")
        }
        _ => format!("{} metric {name}", object.kind),
    }
}

//! `Pods`: a custom metric with one value per pod. `computeStatusForPodsMetric` in `horizontal.go` and
//! `GetMetricReplicas` in `replica_calculator.go`.

use super::{Failure, read};
use crate::model::pods::{ModelPod, Use, UseByPod};
use crate::model::proposal::{self, Proposal, ProposalInput};
use crate::model::{MetricError, ZERO_TIME};
use crate::observation::MetricAnswer;
use crate::quantity::Quantity;
use crate::spec::{MetricSource, MetricTarget};

/// The proposal: the pods' average against the target. Missing and pending pods are treated as for a resource,
/// but readiness does not matter.
pub(super) fn propose(
    scene: ProposalInput<'_>,
    source: &MetricSource,
    target: MetricTarget,
) -> Result<Proposal, Failure> {
    let fail = |cause: MetricError| Failure {
        reason: "FailedGetPodsMetric",
        error: cause.clone().within("failed to get pods metric value"),
        cause,
    };
    let MetricTarget::AverageValue(target) = target else {
        return Err(fail(MetricError::new(
            "the metric has no average value for a target",
        )));
    };
    let name = source.name();
    let (used, from_status) = values(scene, source)
        .map_err(|e| fail(e.within(format!("unable to get metric {name}"))))?;
    let counted = proposal::counted(scene, used, None).map_err(fail)?;
    let proposal = proposal::by_average(scene, counted, target.milli()).map_err(fail)?;
    Ok(Proposal {
        from_status,
        ..proposal
    })
}

/// `GetRawMetric` in `metrics/client.go`; also returns whether the values come from the status.
fn values<'a>(
    scene: ProposalInput<'a>,
    source: &MetricSource,
) -> Result<(UseByPod<'a>, bool), MetricError> {
    let answered = |answer: &'a MetricAnswer| match answer {
        MetricAnswer::Pods(values) if values.is_empty() => Some(Err(MetricError::new(
            "no metrics returned from custom metrics API",
        ))),
        MetricAnswer::Pods(values) => {
            let values = values.iter().map(|v| (v.pod.as_str(), of(v.value)));
            Some(Ok(values.collect()))
        }
        _ => None,
    };
    read(scene, source, "custom", answered, |current| {
        let average = current.average_value?;
        // The status does not show which pods lack a value, so the average is used for every pod that can have
        // one.
        let has_value = |pod: &&ModelPod| !pod.deleting && pod.phase == "Running";
        let pods = scene.pods.iter().filter(has_value);
        Some(pods.map(|p| (p.name.as_str(), of(average))).collect())
    })
}

/// The time and the window of a custom metric do not matter.
fn of(value: Quantity) -> Use {
    Use {
        milli: value.milli(),
        timestamp: ZERO_TIME,
        window: std::time::Duration::ZERO,
    }
}

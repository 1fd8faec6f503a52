//! `Resource` and `ContainerResource`: the pods' use of CPU or memory, in percent of the request or as an
//! amount. `computeStatusForResourceMetricGeneric` in `horizontal.go`.

use super::Failure;
use crate::model::proposal::{self, Proposal, ProposalInput};
use crate::model::{MetricError, pods, requests};
use crate::spec::MetricTarget;

/// The proposal for all containers together, or for the named one.
pub(super) fn propose(
    scene: ProposalInput<'_>,
    resource: &str,
    container: Option<&str>,
    target: MetricTarget,
) -> Result<Proposal, Failure> {
    let outcome = match target {
        MetricTarget::AverageValue(target) => average(scene, resource, container, target.milli())
            .map_err(|e| e.within(format!("failed to get {resource} usage"))),
        MetricTarget::Utilization(target) => utilization(scene, resource, container, target)
            .map_err(|e| e.within(format!("failed to get {resource} utilization"))),
        MetricTarget::Value(_) | MetricTarget::Missing => Err(MetricError::new(
            "invalid resource metric source: neither an average utilization \
             target nor an average value (usage) target was set",
        )),
    };
    outcome.map_err(|cause| match container {
        None => Failure {
            reason: "FailedGetResourceMetric",
            error: cause
                .clone()
                .within(format!("failed to get {resource} resource metric value")),
            cause,
        },
        Some(container) => Failure {
            reason: "FailedGetContainerResourceMetric",
            error: cause
                .clone()
                .within(format!("failed to get {container} container metric value")),
            cause,
        },
    })
}

/// `GetResourceReplicas`: groups the pods before it reads the requests.
pub(crate) fn utilization(
    scene: ProposalInput<'_>,
    resource: &str,
    container: Option<&str>,
    target: i32,
) -> Result<Proposal, MetricError> {
    let used = used(scene, resource, container)?;
    let counted = proposal::counted(scene, used, Some(resource))?;
    let requests = requests::requests_by_pod(scene.pods, container, resource, scene.gates)?;
    proposal::by_utilization(scene, counted, &requests, target)
}

/// `GetRawResourceReplicas`. Requests do not matter.
fn average(
    scene: ProposalInput<'_>,
    resource: &str,
    container: Option<&str>,
    target: i64,
) -> Result<Proposal, MetricError> {
    let used = used(scene, resource, container)?;
    let counted = proposal::counted(scene, used, Some(resource))?;
    proposal::by_average(scene, counted, target)
}

/// `GetResourceMetric` in `metrics/client.go`.
fn used<'a>(
    scene: ProposalInput<'a>,
    resource: &str,
    container: Option<&str>,
) -> Result<pods::UseByPod<'a>, MetricError> {
    let answer = scene.readings.resources;
    let samples = match answer {
        Ok([]) => Err(MetricError::new(
            "no metrics returned from resource metrics API",
        )),
        Ok(samples) => pods::use_by_pod(samples, resource, container, scene.namespace, scene.gates),
        Err(e) => Err(MetricError::new(format!(
            "unable to fetch metrics from resource metrics API: {e}"
        ))),
    };
    samples.map_err(|e| e.within(format!("unable to get metrics for resource {resource}")))
}

/// The controller's name for the metric.
pub(super) fn name(resource: &str, container: Option<&str>, target: MetricTarget) -> String {
    let what = match (target, container) {
        (MetricTarget::AverageValue(_), _) => " resource",
        (_, Some(_)) => " container resource utilization (percentage of request)",
        (_, None) => " resource utilization (percentage of request)",
    };
    [resource, what].concat()
}

//! From the spec's metrics to one proposal, the largest: `computeReplicasForMetrics` and
//! `computeReplicasForMetric` in `horizontal.go`.

mod external;
mod object;
mod pods;
pub(crate) mod resource;

use super::conditions::SCALING_ACTIVE;
use super::decision::{Decision, FallibleStep};
use super::proposal::{Proposal, ProposalInput};
use super::reconcile::{Controller, ScaleSubresource, Sync};
use super::{MetricError, counted};
use crate::observation::MetricAnswer;
use crate::spec::{CurrentMetric, MetricSource, MetricSpec};

/// Stands in for an API's error if the API was not read.
const NOT_READ: &str = "not seen by this tool";

/// Why a metric gave no proposal.
struct Failure {
    /// The condition's reason.
    reason: &'static str,
    /// The end of the condition's message.
    cause: MetricError,
    /// The error in the event and of the sync.
    error: MetricError,
}

impl Controller {
    /// The largest proposal and its metric's name. A failed metric is skipped, unless all fail or the others
    /// would scale down: then there is no proposal.
    pub(super) fn propose(
        &self,
        sync: &Sync<'_>,
        scale: ScaleSubresource<'_>,
        decision: &mut Decision,
    ) -> Option<(i32, String)> {
        if let Err(unusable) = scale.selector.check(sync.shares_pods) {
            decision.set(SCALING_ACTIVE, false, unusable.reason, unusable.message);
            decision.fail(FallibleStep::ComputeMetrics, unusable.error);
            return None;
        }
        let (mut replicas, mut name) = (0, String::new());
        let mut failures = Vec::new();
        decision.metrics.reserve_exact(sync.spec.metrics.len());
        for spec in &sync.spec.metrics {
            let outcome = match self.metric(sync, scale, spec) {
                Ok(proposal) => {
                    if is_larger(proposal.replicas, replicas) {
                        replicas = proposal.replicas;
                        name = metric_name(spec);
                    }
                    Ok(proposal)
                }
                Err(failure) => {
                    let error = failure.error.clone();
                    failures.push(failure);
                    Err(error)
                }
            };
            decision.metrics.push((spec.clone(), outcome));
        }
        decision.utilization = decision.cpu_proposal().and_then(|p| p.utilization);
        if let Some(first) = failures.first() {
            let (failed, all) = (failures.len(), sync.spec.metrics.len());
            let error = format!(
                "invalid metrics ({failed} invalid out of {all}), first error is: {}",
                first.error
            );
            if failed >= all || replicas < scale.replicas {
                let cause = &first.cause;
                let message = format!("the HPA was unable to compute the replica count: {cause}");
                decision.set(SCALING_ACTIVE, false, first.reason, message);
                decision.fail(FallibleStep::ComputeMetrics, error);
                return None;
            }
            decision.fail(FallibleStep::ComputeSomeMetric, error);
        }
        let message = [
            "the HPA was able to successfully calculate a replica count from ",
            &name,
        ]
        .concat();
        decision.set(SCALING_ACTIVE, true, "ValidMetricFound", message);
        Some((replicas, name))
    }

    fn metric(
        &self,
        sync: &Sync<'_>,
        scale: ScaleSubresource<'_>,
        spec: &MetricSpec,
    ) -> Result<Proposal, Failure> {
        let scene = ProposalInput {
            now: sync.now,
            namespace: sync.namespace,
            settings: &self.settings,
            gates: self.gates,
            pods: sync.pods,
            readings: sync.metrics,
            current: scale.replicas,
            observed: scale.observed,
            tolerances: counted::tolerances(sync.spec, &self.settings, self.gates),
        };
        let (source, target) = (&spec.source, spec.target);
        match source {
            MetricSource::Resource { name } => resource::propose(scene, name, None, target),
            MetricSource::ContainerResource { name, container } => {
                resource::propose(scene, name, Some(container), target)
            }
            MetricSource::Pods(_) => pods::propose(scene, source, target),
            MetricSource::Object { object, .. } => object::propose(scene, source, object, target),
            MetricSource::External(metric) => external::propose(scene, source, metric, target),
            MetricSource::Unknown { kind } => {
                let cause = MetricError::new(format!("unknown metric source type {kind:?}"));
                Err(Failure {
                    reason: "InvalidMetricSourceType",
                    error: cause.clone(),
                    cause,
                })
            }
        }
    }
}

/// Whether a proposal replaces the largest so far, which is 0 at first.
pub(crate) fn is_larger(proposal: i32, so_far: i32) -> bool {
    so_far == 0 || proposal > so_far
}

/// Reads a custom or external metric from what this API answered, or from the status if that is all there is; also
/// returns whether it was the status. `None` stands for an answer of another kind.
fn read<'a, T>(
    scene: ProposalInput<'a>,
    source: &MetricSource,
    api: &str,
    answered: impl FnOnce(&'a MetricAnswer) -> Option<Result<T, MetricError>>,
    shown: impl FnOnce(&CurrentMetric) -> Option<T>,
) -> Result<(T, bool), MetricError> {
    let mut all = scene.readings.others.iter();
    let answer = all.find(|reading| reading.metric == *source);
    let error = match answer.map(|reading| &reading.answer) {
        Some(MetricAnswer::Error(error)) => error.as_str(),
        Some(MetricAnswer::Status(current)) => match shown(current) {
            Some(value) => return Ok((value, true)),
            None => NOT_READ,
        },
        Some(answer) => match answered(answer) {
            Some(value) => return Ok((value?, false)),
            None => NOT_READ,
        },
        None => NOT_READ,
    };
    let error = format!("unable to fetch metrics from {api} metrics API: {error}");
    Err(MetricError::new(error))
}

/// The value that the controller read, as far as its status shows: a total exactly, an average rounded up to a
/// thousandth per pod.
fn usage_in(current: &CurrentMetric, observed: i32) -> Option<i64> {
    let total = current.value.map(|v| v.milli());
    let average = current.average_value.map(|v| v.milli());
    total.or_else(|| average?.checked_mul(i64::from(observed)))
}

/// The controller's name for a metric in its messages.
fn metric_name(spec: &MetricSpec) -> String {
    match &spec.source {
        MetricSource::Resource { name } => resource::name(name, None, spec.target),
        MetricSource::ContainerResource { name, container } => {
            resource::name(name, Some(container), spec.target)
        }
        MetricSource::Pods(metric) => format!("pods metric {}", metric.name),
        MetricSource::Object { metric, object } => object::name(metric, object, spec.target),
        MetricSource::External(metric) => external::name(metric),
        MetricSource::Unknown { .. } => String::new(),
    }
}

//! From the metrics of the spec to one proposal, the largest: `computeReplicasForMetrics` and
//! `computeReplicasForMetric` in `horizontal.go`.

use super::conditions::{self, SCALING_ACTIVE};
use super::proposal::{self, Ask, Proposal, Scene};
use super::reconcile::{Controller, Decision, Scale, Step, Sync};
use super::{Tolerances, selector};
use crate::spec::MetricSpec;

/// Why a metric gave no proposal.
struct Failure {
    /// The reason of the condition.
    reason: &'static str,
    /// What the condition's message ends with.
    cause: String,
    /// What the event and the sync's error say.
    error: String,
}

impl Controller {
    /// The largest proposal of the metrics, and the metric's name. A metric that fails is passed
    /// over, unless all of them do or the others would shrink the target: then there is none.
    pub(super) fn propose(
        &self,
        sync: &Sync<'_>,
        scale: Scale<'_>,
        decision: &mut Decision,
    ) -> Option<(i32, String)> {
        let pods = sync.pods.iter().map(|pod| &pod.extra_labels);
        if let Err(unusable) = selector::check(scale.selector, pods, sync.other_selectors) {
            let conditions = &mut decision.conditions;
            let (reason, message) = (unusable.reason, unusable.message);
            conditions::set(conditions, SCALING_ACTIVE, false, reason, message);
            decision.fail(Step::ComputeMetrics, unusable.error);
            return None;
        }
        let (mut replicas, mut name) = (0, String::new());
        let mut failures = Vec::new();
        for spec in &sync.spec.metrics {
            let outcome = match self.metric(sync, scale.replicas, spec) {
                Ok(proposal) => {
                    if replicas == 0 || proposal.replicas > replicas {
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
                let conditions = &mut decision.conditions;
                conditions::set(conditions, SCALING_ACTIVE, false, first.reason, message);
                decision.fail(Step::ComputeMetrics, error);
                return None;
            }
            decision.fail(Step::ComputeSomeMetric, error);
        }
        let message =
            format!("the HPA was able to successfully calculate a replica count from {name}");
        let conditions = &mut decision.conditions;
        conditions::set(
            conditions,
            SCALING_ACTIVE,
            true,
            "ValidMetricFound",
            message,
        );
        Some((replicas, name))
    }

    fn metric(
        &self,
        sync: &Sync<'_>,
        current: i32,
        spec: &MetricSpec,
    ) -> Result<Proposal, Failure> {
        let name = &spec.name;
        let container = match spec.kind.as_str() {
            "Resource" => None,
            "ContainerResource" => Some(spec.container.as_deref().unwrap_or_default()),
            _ => return Err(other_kind(spec, sync.other_metrics_error)),
        };
        let scene = Scene {
            now: sync.now,
            settings: &self.settings,
            gates: self.gates,
            pods: sync.pods,
            metrics: sync.metrics,
        };
        let ask = Ask {
            current,
            resource: name,
            container,
            tolerances: Tolerances::of(sync.spec, self.settings.tolerance, self.gates),
        };
        let outcome = match (spec.average_value_milli, spec.average_utilization) {
            (Some(target), _) => proposal::value_replicas(scene, ask, target)
                .map_err(|e| format!("failed to get {name} usage: {e}")),
            (None, Some(target)) => proposal::utilization_replicas(scene, ask, target)
                .map_err(|e| format!("failed to get {name} utilization: {e}")),
            (None, None) => Err(
                "invalid resource metric source: neither an average utilization \
                 target nor an average value (usage) target was set"
                    .to_owned(),
            ),
        };
        outcome.map_err(|cause| match container {
            None => Failure {
                reason: "FailedGetResourceMetric",
                error: format!("failed to get {name} resource metric value: {cause}"),
                cause,
            },
            Some(container) => Failure {
                reason: "FailedGetContainerResourceMetric",
                error: format!("failed to get {container} container metric value: {cause}"),
                cause,
            },
        })
    }
}

/// A kind of metric that is not about the pods' resources. Their values are not modelled, only
/// what follows from having none.
fn other_kind(spec: &MetricSpec, error: &str) -> Failure {
    let name = &spec.name;
    let (reason, cause, what) = match spec.kind.as_str() {
        "Object" => (
            "FailedGetObjectMetric",
            format!("unable to get metric {name}: {error}"),
            "object metric".to_owned(),
        ),
        "Pods" => (
            "FailedGetPodsMetric",
            format!(
                "unable to get metric {name}: unable to fetch metrics from custom metrics API: {error}"
            ),
            "pods metric".to_owned(),
        ),
        "External" => (
            "FailedGetExternalMetric",
            format!(
                "failed to get external metric {name}: unable to get external metric {name}: {error}"
            ),
            format!("{name} external metric"),
        ),
        kind => {
            let cause = format!("unknown metric source type {kind:?}");
            return Failure {
                reason: "InvalidMetricSourceType",
                error: cause.clone(),
                cause,
            };
        }
    };
    Failure {
        reason,
        error: format!("failed to get {what} value: {cause}"),
        cause,
    }
}

/// How the controller names a metric in its sentences.
fn metric_name(spec: &MetricSpec) -> String {
    let name = &spec.name;
    match (spec.average_value_milli, spec.kind.as_str()) {
        (Some(_), _) => format!("{name} resource"),
        (None, "ContainerResource") => {
            format!("{name} container resource utilization (percentage of request)")
        }
        (None, _) => format!("{name} resource utilization (percentage of request)"),
    }
}

//! Reduces an autoscaler to what can be simulated: with only the pods' CPU known, its CPU metrics.

use super::autoscaler::{DEFAULT_CPU_TARGET, Manifest};
use super::origin::Origin;
use super::workload::WorkloadManifest;
use crate::spec::{AutoscalerSpec, MetricSource, MetricSpec, MetricTarget};
use crate::units::Millicores;

/// An autoscaler on the CPU of pods, and what is known about them.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulable {
    /// The spec: its metrics are the pods' CPU in percent of the request, and its minimum is at least 1.
    pub spec: AutoscalerSpec,
    /// A pod's CPU request, if it is known; for a target in CPU per pod, it can be any, and is that amount.
    pub request: Option<Millicores>,
    /// A pod's CPU limit, if the input gives it.
    pub limit: Option<Millicores>,
    /// The autoscaler as in the input.
    pub origin: Origin,
    /// The target, if the input contains it.
    pub workload: Option<WorkloadManifest>,
    /// What was filled in, left out or replaced, one sentence each.
    pub notes: Vec<String>,
}

/// What is known about a pod's CPU request beside the input.
#[derive(Debug, Clone, Copy, Default)]
pub struct PodRequest {
    /// Replaces that of the input.
    pub given: Option<Millicores>,
    /// Counts if the input has none.
    pub otherwise: Option<Millicores>,
}

impl Manifest {
    /// Drops what can't be simulated, with a note for each.
    pub fn on_cpu(self, own: PodRequest) -> Simulable {
        let Self {
            name,
            namespace,
            mut spec,
            metrics,
            workload,
            mut notes,
        } = self;
        let origin = Origin {
            name,
            namespace,
            metrics,
        };
        let (cpu, others): (Vec<_>, Vec<_>) =
            spec.metrics.into_iter().partition(MetricSpec::is_cpu);
        notes.extend(others.iter().map(|metric| {
            format!(
                "its metric \"{}\" is left out: its values are unknown here",
                metric.source
            )
        }));
        let container = cpu.iter().find_map(|metric| metric.source.container());
        let amount = |of: fn(&WorkloadManifest, Option<&str>) -> Option<Millicores>| {
            workload
                .as_ref()
                .and_then(|workload| of(workload, container))
        };
        let limit = amount(WorkloadManifest::cpu_limit);
        let request = own.given.or(amount(WorkloadManifest::cpu_request));
        let request = request.or(own.otherwise).or(cpu.iter().find_map(per_pod));
        let measured = cpu.iter().any(|metric| metric.utilization().is_some());
        let assumed = measured && own.given.is_none();
        if let Some(workload) = workload.as_ref().filter(|_| assumed) {
            let lacking = workload.without_cpu_request(container);
            if !lacking.is_empty() {
                notes.push(format!(
                    "{} has no CPU request on {}, so on a cluster the autoscaler does nothing",
                    workload.name,
                    lacking.join(", ")
                ));
            }
        }
        let mut metrics: Vec<MetricSpec> = cpu
            .iter()
            .map(|metric| on_the_pod(metric, request, &mut notes))
            .collect();
        if metrics.is_empty() {
            notes.push(format!(
                "it has no CPU metric, so a target of {DEFAULT_CPU_TARGET} % CPU replaces its metrics; its bounds and behavior are kept"
            ));
            metrics.push(MetricSpec::cpu_utilization(DEFAULT_CPU_TARGET));
        }
        spec.metrics = metrics;
        if spec.min_replicas == Some(0) {
            notes.push(
                "its minimum of 0 is raised to 1: CPU can't call for the first pod".to_owned(),
            );
            spec.min_replicas = Some(1);
        }
        Simulable {
            spec,
            request,
            limit,
            origin,
            workload,
            notes,
        }
    }
}

/// The target of a metric that asks for an amount of CPU per pod.
fn per_pod(metric: &MetricSpec) -> Option<Millicores> {
    match metric.target {
        MetricTarget::AverageValue(amount) => Some(Millicores(amount.milli())),
        _ => None,
    }
}

/// The simulated pod has one container, so a container's CPU is the pod's. An amount per pod is the same
/// arithmetic as a percentage of its request.
fn on_the_pod(
    metric: &MetricSpec,
    request: Option<Millicores>,
    notes: &mut Vec<String>,
) -> MetricSpec {
    if let Some(container) = metric.source.container() {
        notes.push(format!(
            "the CPU of container {container} is taken as the pod's"
        ));
    }
    let target = match metric.target {
        MetricTarget::AverageValue(amount) => {
            let request = request.unwrap_or(Millicores(amount.milli()));
            let percent = (amount.milli().saturating_mul(100) / request.0.max(1)).max(1);
            notes.push(format!(
                "its CPU target of {amount} per pod is treated as {percent} % of the request of {request}"
            ));
            MetricTarget::Utilization(i32::try_from(percent).unwrap_or(i32::MAX))
        }
        other => other,
    };
    MetricSpec {
        source: MetricSource::Resource {
            name: "cpu".to_owned(),
        },
        target,
    }
}

//! What the controller counts of a pod for a metric: its request, its use and its tolerance. For code that
//! judges an autoscaler without running a whole sync.

use super::{MetricError, Tolerances, VersionGates};
use super::{pods, requests};
use crate::observation::{ControllerConfig, Pod, PodSample};
use crate::spec::{AutoscalerSpec, MetricSource, ScalingRules};

/// A pod's request in thousandths of the resource's unit: pod-level requests and overhead if the version reads
/// them, else the sum of the counted containers. The error is the controller's own. Metrics that are not
/// resources count no requests.
pub fn request(pod: &Pod, source: &MetricSource, gates: VersionGates) -> Result<i64, MetricError> {
    match source.resource() {
        Some((resource, container)) => requests::request_of(pod.into(), container, resource, gates),
        None => Ok(0),
    }
}

/// What a pod takes of a resource from its node and from a quota, in thousandths of its unit: the whole pod's requests, or
/// the startup peak of its init containers if that is higher, plus the overhead. `PodRequests` in
/// `component-helpers/resource`. `None` if it requests nothing.
pub fn whole_request(pod: &Pod, resource: &str) -> Option<i64> {
    requests::pod_request(pod.into(), resource)
}

/// A pod's use by its sample, in thousandths of the resource's unit; `None` if the sample lacks a counted
/// container, which makes it a pod without a sample.
pub fn used(sample: &PodSample, source: &MetricSource) -> Option<i64> {
    let (resource, container) = source.resource()?;
    pods::use_of(&sample.containers, resource, container)
}

/// The tolerance in force: the spec's own if the version honors it, else the controller's. `tolerancesForHpa`
/// in `horizontal.go`.
pub fn tolerances(
    spec: &AutoscalerSpec,
    settings: &ControllerConfig,
    gates: VersionGates,
) -> Tolerances {
    let behavior = spec
        .behavior
        .as_ref()
        .filter(|_| gates.configurable_tolerance);
    let of = |rules: Option<&ScalingRules>| {
        rules
            .and_then(|r| r.tolerance)
            .unwrap_or(settings.tolerance)
    };
    Tolerances {
        scale_up: of(behavior.and_then(|b| b.scale_up.as_ref())),
        scale_down: of(behavior.and_then(|b| b.scale_down.as_ref())),
        by_distance: !gates.tolerance_band,
    }
}

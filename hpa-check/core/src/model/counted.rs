//! What counts of a pod for a metric, by the controller's own rules: its request, its use, and the band in
//! which nothing happens. For everybody who judges an autoscaler without running a whole sync.

use super::pods::{self, ContainerUse};
use super::{MetricError, Tolerances, VersionGates};
use crate::observation::{ControllerConfig, Pod, PodSample};
use crate::spec::{AutoscalerSpec, MetricSource, ScalingRules};

/// What a pod asks for, in thousandths of the resource's unit: pod-level requests and overhead where the
/// version reads them, else the sum of the counted containers. The error is the controller's own. A
/// metric that is not of a resource counts no requests.
pub fn request(pod: &Pod, source: &MetricSource, gates: VersionGates) -> Result<i64, MetricError> {
    match source.resource() {
        Some((resource, container)) => pods::request_of(pod.into(), container, resource, gates),
        None => Ok(0),
    }
}

/// What a sample says a pod used, in thousandths of the resource's unit; `None` if a counted container is
/// missing from it, which makes the whole pod one without a sample.
pub fn used(sample: &PodSample, source: &MetricSource) -> Option<i64> {
    let (resource, container) = source.resource()?;
    let containers: Vec<ContainerUse> = sample.containers.iter().map(Into::into).collect();
    pods::use_of(&containers, resource, container)
}

/// The tolerance in force: the spec's own where the version honors it, else the controller's.
/// `tolerancesForHpa` in `horizontal.go`.
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

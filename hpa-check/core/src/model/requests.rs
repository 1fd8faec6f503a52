//! A pod's request for a metric: `calculateRequests` in `replica_calculator.go`, and `PodRequests` in
//! `component-helpers/resource`.

use super::by_pod::ByPod;
use super::pods::ModelPod;
use super::{MetricError, VersionGates};
use crate::observation;
use crate::spec::{Amounts, ContainerResources, InitContainer, PodResources};

/// Requests by pod name, for the pods of every group: `calculateRequests`. One container without a request
/// fails all.
pub fn requests_by_pod<'a>(
    pods: &'a [ModelPod],
    container: Option<&str>,
    resource: &str,
    gates: VersionGates,
) -> Result<ByPod<'a, i64>, MetricError> {
    let mut requests = Vec::with_capacity(pods.len());
    for pod in pods {
        let request = request_of(pod.into(), container, resource, gates)?;
        requests.push((pod.name.as_str(), request));
    }
    Ok(requests.into())
}

/// The parts of a pod that its request is computed from.
#[derive(Debug, Clone, Copy)]
pub struct Requesting<'a> {
    name: &'a str,
    containers: &'a [ContainerResources],
    init_containers: &'a [InitContainer],
    resources: Option<&'a PodResources>,
    overhead: Amounts,
}

impl<'a> From<&'a ModelPod> for Requesting<'a> {
    fn from(pod: &'a ModelPod) -> Self {
        Self {
            name: &pod.name,
            containers: &pod.containers,
            init_containers: &pod.init_containers,
            resources: pod.resources.as_ref(),
            overhead: pod.overhead,
        }
    }
}

impl<'a> From<&'a observation::Pod> for Requesting<'a> {
    fn from(pod: &'a observation::Pod) -> Self {
        Self {
            name: &pod.name,
            containers: &pod.containers,
            init_containers: &pod.init_containers,
            resources: pod.resources.as_ref(),
            overhead: pod.overhead,
        }
    }
}

/// A pod's request for a metric: pod-level requests plus overhead if the pod has them and the version reads
/// them, else the sum of the containers.
pub fn request_of(
    pod: Requesting<'_>,
    container: Option<&str>,
    resource: &str,
    gates: VersionGates,
) -> Result<i64, MetricError> {
    match (pod.resources, container) {
        (Some(shared), None) if gates.pod_level_requests && sets_requests(shared) => {
            pod_level_request(pod, resource)
        }
        _ => containers_request(pod, container, resource, gates),
    }
}

/// `IsPodLevelRequestsSet` in `component-helpers/resource`.
fn sets_requests(shared: &PodResources) -> bool {
    shared.huge_pages || !shared.requests.is_empty()
}

/// `calculatePodLevelRequests`: `PodRequests` with the pod's own requests in place of its containers', plus the
/// overhead.
fn pod_level_request(pod: Requesting<'_>, resource: &str) -> Result<i64, MetricError> {
    pod_request(pod, resource).ok_or_else(|| {
        MetricError::new(format!(
            "missing pod-level request for {resource} in Pod {}",
            pod.name
        ))
    })
}

/// `PodRequests` in `component-helpers/resource`.
pub(super) fn pod_request(pod: Requesting<'_>, resource: &str) -> Option<i64> {
    let own = pod
        .resources
        .and_then(|shared| shared.requests.milli(resource));
    let request = own.or_else(|| aggregate(pod, resource));
    match (request, pod.overhead.milli(resource)) {
        (None, None) => None,
        (request, overhead) => Some(request.unwrap_or(0).wrapping_add(overhead.unwrap_or(0))),
    }
}

/// `AggregateContainerRequests`: the sum of the containers, or the startup peak if that is higher.
fn aggregate(pod: Requesting<'_>, resource: &str) -> Option<i64> {
    let request = |c: &ContainerResources| c.requests().milli(resource);
    let add = |sum: Option<i64>, more: Option<i64>| match (sum, more) {
        (Some(sum), Some(more)) => Some(sum.wrapping_add(more)),
        (one, other) => one.or(other),
    };
    let running = pod.containers.iter().map(request).fold(None, add);
    let (mut sidecars, mut starting) = (None, None);
    for init in pod.init_containers {
        let at_once = add(sidecars, request(&init.resources));
        if init.sidecar {
            sidecars = at_once;
        }
        starting = starting.max(at_once);
    }
    running.max(starting)
}

/// `calculatePodRequestsFromContainers`.
fn containers_request(
    pod: Requesting<'_>,
    container: Option<&str>,
    resource: &str,
    gates: VersionGates,
) -> Result<i64, MetricError> {
    let mut sum = 0_i64;
    for c in pod.containers {
        if container.is_none_or(|name| name == c.name) {
            let Some(request) = c.requests().milli(resource) else {
                return Err(MetricError::new(format!(
                    "missing request for {resource} in container {} of Pod {}",
                    c.name, pod.name
                )));
            };
            sum = sum.wrapping_add(request);
        }
        if container == Some(c.name.as_str()) {
            return Ok(sum);
        }
    }
    match container {
        Some(name) if gates.container_must_exist => Err(MetricError::new(format!(
            "container {name} not found in Pod {}",
            pod.name
        ))),
        _ => Ok(sum),
    }
}

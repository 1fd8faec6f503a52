//! What a manifest reveals about the pods of an autoscaler's target: requests, limits, and how soon they can be
//! ready.

use std::time::Duration;

use serde_json::Value;

use super::amounts::amounts;
use super::limit_range::ContainerDefaults;
use super::named;
use crate::model::VersionGates;
use crate::model::pods::ModelPod;
use crate::model::requests::request_of;
use crate::nulls::list;
use crate::spec::{Amounts, ContainerResources, InitContainer, PodResources};
use crate::units::Millicores;

/// A Deployment, a StatefulSet or another object with a pod template.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct WorkloadManifest {
    /// Its name, such as `Deployment/shop`.
    pub name: String,
    /// Its regular containers.
    pub containers: Vec<ContainerResources>,
    /// Its init containers, including sidecars.
    pub init_containers: Vec<InitContainer>,
    /// Pod-level requests and limits.
    pub resources: Option<PodResources>,
    /// `spec.replicas`, if given.
    pub replicas: Option<i32>,
    /// The earliest that a pod can be ready after its containers start, by its startup and readiness probes.
    pub ready_after: Duration,
}

/// Whether an object has a pod template.
pub(super) fn is_workload(object: &Value) -> bool {
    object["spec"]["template"]["spec"]["containers"].is_array()
        && object["kind"] != "Job"
        && object["kind"] != "DaemonSet"
}

impl WorkloadManifest {
    /// Reads an object with a pod template, or with a reference to the one of another object, as a Rollout may have.
    /// The error is the end of a sentence that begins with the input's name.
    pub(super) fn read(
        object: &Value,
        others: &[&Value],
        defaults: &ContainerDefaults,
    ) -> Result<Self, String> {
        let name = named(object);
        let reference = &object["spec"]["workloadRef"];
        let referenced = others.iter().find(|other| {
            reference["kind"].is_string()
                && other["kind"] == reference["kind"]
                && other["metadata"]["name"] == reference["name"]
        });
        let holder = referenced.copied().unwrap_or(object);
        let pod = &holder["spec"]["template"]["spec"];
        let filled = |value| container(value).map(|one| defaults.fill(one));
        let wrong = |what: String| format!("has {name} with {what}");
        let containers = list(&pod["containers"]);
        let init = list(&pod["initContainers"]);
        Ok(Self {
            containers: containers
                .iter()
                .map(filled)
                .collect::<Result<_, _>>()
                .map_err(wrong)?,
            init_containers: init
                .iter()
                .map(|value| {
                    Ok(InitContainer {
                        resources: filled(value)?,
                        sidecar: value["restartPolicy"] == "Always",
                    })
                })
                .collect::<Result<_, _>>()
                .map_err(wrong)?,
            resources: pod_level_resources(&pod["resources"]).map_err(wrong)?,
            replicas: object["spec"]["replicas"]
                .as_i64()
                .and_then(|n| i32::try_from(n).ok()),
            ready_after: containers.iter().map(ready_after).max().unwrap_or_default(),
            name,
        })
    }

    /// The CPU request of a pod, or of one of its containers, added up as the controller does; `None` if one is
    /// missing.
    pub fn cpu_request(&self, container: Option<&str>) -> Option<Millicores> {
        let sidecars = self.init_containers.iter().filter(|c| c.sidecar);
        let sidecars = sidecars.map(|c| c.resources.clone());
        let pod = ModelPod {
            name: self.name.clone(),
            phase: String::new(),
            deleting: false,
            start: None,
            ready: None,
            containers: self.containers.iter().cloned().chain(sidecars).collect(),
            init_containers: self.init_containers.clone(),
            resources: self.resources.clone(),
            overhead: Amounts::default(),
        };
        let request = request_of((&pod).into(), container, "cpu", VersionGates::default());
        request.ok().filter(|request| *request > 0).map(Millicores)
    }

    /// The containers that count for the utilization of a pod, or of one of its containers, and have no CPU request,
    /// without which the controller computes nothing.
    pub fn without_cpu_request(&self, container: Option<&str>) -> Vec<&str> {
        let shared = self.resources.as_ref().and_then(|r| r.requests.cpu);
        if container.is_none() && shared.is_some() {
            return Vec::new();
        }
        let sidecars = self.init_containers.iter().filter(|c| c.sidecar);
        let all = self.containers.iter().chain(sidecars.map(|c| &c.resources));
        let counted = all.filter(|c| container.is_none_or(|name| name == c.name));
        let lacking = counted.filter(|c| c.cpu_request.is_none());
        lacking.map(|c| c.name.as_str()).collect()
    }

    /// The CPU limit of a pod, or of one of its containers; `None` if a container has none.
    pub fn cpu_limit(&self, container: Option<&str>) -> Option<Millicores> {
        let shared = self.resources.as_ref().and_then(|r| r.limits.cpu);
        let counted = self
            .containers
            .iter()
            .filter(|c| container.is_none_or(|name| name == c.name));
        let own: Option<i64> = counted.map(|c| c.cpu_limit.map(|limit| limit.0)).sum();
        match (own.filter(|sum| *sum > 0).map(Millicores), shared) {
            (Some(own), Some(shared)) => Some(own.min(shared)),
            (own, shared) => own.or(shared),
        }
    }
}

fn container(value: &Value) -> Result<ContainerResources, String> {
    let resources = &value["resources"];
    // The API server fills in a missing request from the limit.
    let limits = amounts(&resources["limits"])?;
    let requests = amounts(&resources["requests"])?;
    let name = value["name"].as_str().unwrap_or_default().to_owned();
    for resource in ["cpu", "memory"] {
        let (request, limit) = (requests.milli(resource), limits.milli(resource));
        if request
            .zip(limit)
            .is_some_and(|(request, limit)| request > limit)
        {
            let (request, limit) = (
                &resources["requests"][resource],
                &resources["limits"][resource],
            );
            return Err(format!(
                "a {resource} request of {request} in container {name}: expected at most its limit of {limit}"
            ));
        }
    }
    Ok(ContainerResources {
        name,
        cpu_request: requests.cpu.or(limits.cpu),
        cpu_limit: limits.cpu,
        memory_request: requests.memory.or(limits.memory),
        memory_limit: limits.memory,
    })
}

fn pod_level_resources(value: &Value) -> Result<Option<PodResources>, String> {
    if !value.is_object() {
        return Ok(None);
    }
    let huge = value["requests"].as_object().is_some_and(|requests| {
        requests
            .keys()
            .any(|resource| resource.starts_with("hugepages-"))
    });
    Ok(Some(PodResources {
        requests: amounts(&value["requests"])?,
        limits: amounts(&value["limits"])?,
        huge_pages: huge,
    }))
}

/// The first probe runs after its delay. Readiness is probed once the startup probe has succeeded, and takes
/// `successThreshold` successes.
fn ready_after(container: &Value) -> Duration {
    let seconds = |probe: &Value, key: &str, default: u64| probe[key].as_u64().unwrap_or(default);
    let (startup, readiness) = (&container["startupProbe"], &container["readinessProbe"]);
    let first = seconds(startup, "initialDelaySeconds", 0).max(seconds(
        readiness,
        "initialDelaySeconds",
        0,
    ));
    let more = seconds(readiness, "successThreshold", 1).saturating_sub(1);
    let period = seconds(readiness, "periodSeconds", 10);
    Duration::from_secs(first.saturating_add(more.saturating_mul(period)))
}

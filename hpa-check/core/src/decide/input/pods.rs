//! Pods and their samples, as a case gives them.

use serde::Deserialize;

use super::{instant, span};
use crate::model::pods::{self, ModelPod};
use crate::observation::{ContainerSample, PodSample};
use crate::quantity::Quantity;
use crate::spec::{Amounts, ContainerResources, InitContainer, PodResources};
use crate::units::{Bytes, Millicores};

/// A number of bytes in thousandths, the unit the controller computes in.
fn bytes(milli: i64) -> Bytes {
    Bytes(Quantity::from_milli(milli))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::decide) struct PodInput {
    name: String,
    #[serde(default)]
    phase: String,
    #[serde(default)]
    deleting: bool,
    start_ago_seconds: Option<f64>,
    ready_condition: Option<ReadyCondition>,
    #[serde(default)]
    pub(super) containers: Vec<Container>,
    #[serde(default)]
    init_containers: Vec<Container>,
    resources: Option<Requests>,
    overhead: Option<Requests>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadyCondition {
    status: String,
    last_transition_ago_seconds: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container {
    name: String,
    pub(super) cpu_request_milli: Option<i64>,
    pub(super) memory_request_milli: Option<i64>,
    /// Whether an init container is a sidecar (`restartPolicy: Always`).
    #[serde(default)]
    sidecar: bool,
}

impl Container {
    fn into_model(self) -> ContainerResources {
        ContainerResources {
            memory_request: self.memory_request_milli.map(bytes),
            ..ContainerResources::cpu(self.name, self.cpu_request_milli.map(Millicores), None)
        }
    }
}

/// A pod's own requests, or its overhead.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Requests {
    cpu_milli: Option<i64>,
    memory_milli: Option<i64>,
    #[serde(default)]
    huge_pages: bool,
}

impl Requests {
    fn amounts(&self) -> Amounts {
        Amounts {
            cpu: self.cpu_milli.map(Millicores),
            memory: self.memory_milli.map(bytes),
        }
    }
}

impl PodInput {
    pub(in crate::decide) fn into_model(self) -> ModelPod {
        let mut containers: Vec<_> = self
            .containers
            .into_iter()
            .map(Container::into_model)
            .collect();
        let init_containers: Vec<_> = self
            .init_containers
            .into_iter()
            .map(|c| InitContainer {
                sidecar: c.sidecar,
                resources: c.into_model(),
            })
            .collect();
        let sidecars = init_containers.iter().filter(|c| c.sidecar);
        containers.extend(sidecars.map(|c| c.resources.clone()));
        ModelPod {
            name: self.name,
            phase: self.phase,
            deleting: self.deleting,
            start: Some(instant(self.start_ago_seconds)),
            ready: self.ready_condition.map(|r| pods::ReadyCondition {
                status: r.status,
                last_transition: instant(r.last_transition_ago_seconds),
            }),
            containers,
            init_containers,
            resources: self.resources.as_ref().map(|shared| PodResources {
                requests: shared.amounts(),
                huge_pages: shared.huge_pages,
                ..PodResources::default()
            }),
            overhead: self
                .overhead
                .as_ref()
                .map(Requests::amounts)
                .unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::decide) struct PodMetricInput {
    pod: String,
    timestamp_ago_seconds: Option<f64>,
    #[serde(default)]
    window_seconds: f64,
    #[serde(default)]
    pub(super) containers: Vec<ContainerUse>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ContainerUse {
    name: String,
    pub(super) cpu_usage_milli: Option<i64>,
    pub(super) memory_usage_milli: Option<i64>,
}

impl PodMetricInput {
    pub(in crate::decide) fn into_model(self) -> PodSample {
        PodSample {
            pod: self.pod,
            timestamp: instant(self.timestamp_ago_seconds),
            window: span(self.window_seconds),
            containers: self
                .containers
                .into_iter()
                .map(|c| ContainerSample {
                    name: c.name,
                    cpu: c.cpu_usage_milli.map(Millicores),
                    memory: c.memory_usage_milli.map(bytes),
                })
                .collect(),
        }
    }
}

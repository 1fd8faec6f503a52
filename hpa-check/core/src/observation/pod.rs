//! Pods.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::quantity::Quantity;
use crate::quota::QuotaClass;
use crate::spec::{Amounts, ContainerResources, InitContainer, PodResources};
use crate::units::Millicores;

/// A pod.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    /// Its name.
    pub name: String,
    /// Changes when a pod is created again under the same name.
    pub uid: String,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// Whether it has a deletion timestamp.
    pub deleting: bool,
    /// `status.startTime`: server time at which the kubelet accepted it.
    pub started: Option<Timestamp>,
    /// The `Ready` condition.
    pub ready: Option<Ready>,
    /// The regular containers and the sidecars.
    pub containers: Vec<ContainerResources>,
    /// The init containers in order, including sidecars.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub init_containers: Vec<InitContainer>,
    /// Pod-level requests and limits (`spec.resources`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<PodResources>,
    /// Resources that the pod takes on top of its containers (`spec.overhead`).
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub overhead: Amounts,
    /// Requests of its containers together for resources other than CPU and memory, such as `nvidia.com/gpu`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub other_requests: BTreeMap<String, Quantity>,
    /// The properties that quota scopes select by.
    #[serde(default, skip_serializing_if = "QuotaClass::is_ordinary")]
    pub quota_class: QuotaClass,
    /// A pending in-place resize: the running containers differ from the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<Resize>,
    /// Why a container waits, such as `ImagePullBackOff` or `CrashLoopBackOff`.
    #[serde(default)]
    pub waiting: Option<String>,
    /// The scheduler's message if the pod is unschedulable.
    #[serde(default)]
    pub unschedulable: Option<String>,
    /// How it came to be as it is.
    #[serde(default, skip_serializing_if = "Life::is_unknown")]
    pub life: Box<Life>,
    /// The owning ReplicaSet or other controller, as `Kind/name`.
    #[serde(default)]
    pub owner: Option<String>,
    /// Restarts of all its containers together.
    #[serde(default)]
    pub restarts: i32,
}

/// What a pod's start and end depend on, as far as it was recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Life {
    /// Server time at which it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// The node on which lower-priority pods are making room for it (`status.nominatedNodeName`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nominated_node: Option<String>,
    /// The time that its probes allow for a start, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_allowance: Option<Duration>,
    /// Why its `Ready` condition is not true. The kubelet gives a reason; the node lifecycle controller gives
    /// an empty one when it gives up on the node.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unready_reason: Option<String>,
    /// When one of its containers last ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<Timestamp>,
    /// Why it is removed from its node, from its condition `DisruptionTarget`: an eviction, a preemption, a taint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disruption: Option<Disruption>,
}

/// A pod's condition `DisruptionTarget`, if it is true.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disruption {
    /// The reason, such as `EvictionByEvictionAPI`.
    pub reason: String,
    /// The message.
    pub message: String,
}

impl Life {
    /// Whether nothing about it was recorded.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl Pod {
    /// Whether its containers have ended for good.
    pub fn has_ended(&self) -> bool {
        matches!(self.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Whether it is unready because its containers are. Otherwise its node does not respond, or a readiness gate is closed.
    pub fn fails_by_itself(&self) -> bool {
        let reason = self.life.unready_reason.as_deref();
        reason.is_none_or(|reason| reason == "ContainersNotReady")
    }

    /// Whether its `Ready` condition is true.
    pub fn is_ready(&self) -> bool {
        self.ready.as_ref().is_some_and(|r| r.status == "True")
    }

    /// What a pending resize asks for and what still runs, with the kubelet's reason.
    pub fn resize_quote(&self) -> Option<String> {
        let resize = self.resize.as_ref()?;
        let mut parts = Vec::new();
        for runs in &resize.running {
            let mut containers = self.containers.iter();
            let wants = containers.find(|c| c.name == runs.name)?;
            let text = |cpu: Option<Millicores>| {
                cpu.map_or_else(|| "none".to_owned(), |cpu| cpu.to_string())
            };
            if wants.cpu_request != runs.cpu_request {
                let (wants, runs_with) = (text(wants.cpu_request), text(runs.cpu_request));
                parts.push(format!(
                    "{}: CPU request {wants}, runs with {runs_with}",
                    runs.name
                ));
            }
            if wants.memory_request != runs.memory_request {
                parts.push(format!(
                    "{}: its memory request differs from the running one",
                    runs.name
                ));
            }
        }
        if !resize.reason.is_empty() || !resize.message.is_empty() {
            // A pending one is deferred or infeasible; only one in progress has any other reason.
            let pending = matches!(resize.reason.as_str(), "Deferred" | "Infeasible");
            let condition = if pending {
                "PodResizePending"
            } else {
                "PodResizeInProgress"
            };
            let (reason, message) = (&resize.reason, &resize.message);
            parts.push(format!("{condition} {reason}: {message}"));
        }
        (!parts.is_empty()).then(|| format!("pod {}: {}", self.name, parts.join("; ")))
    }

    /// The CPU limit of all its containers together; `None` if one has no limit.
    pub fn cpu_limit(&self) -> Option<Millicores> {
        let limits = self.containers.iter().map(|c| c.cpu_limit.map(|l| l.0));
        limits.sum::<Option<i64>>().map(Millicores)
    }
}

/// An in-place resize that was requested but has not happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resize {
    /// The reason of `PodResizePending` or `PodResizeInProgress`, such as `Infeasible`; may be empty.
    pub reason: String,
    /// The message of the condition.
    pub message: String,
    /// The requests that the containers run with, if they differ from the spec.
    pub running: Vec<ContainerResources>,
}

/// A pod's `Ready` condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// `True`, `False` or `Unknown`; the controller treats the last two differently.
    pub status: String,
    /// Server time of the last transition.
    pub since: Option<Timestamp>,
}

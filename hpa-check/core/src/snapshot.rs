//! A snapshot of a cluster: what the API shows at one point in time, limited to what the rules read.
//! Nothing here comes from a watch.

pub(crate) mod index;
pub mod room;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::deployer::{AppliedManifest, Deployer, Tool};
use crate::keda::ScaledObject;
use crate::metrics_server::MetricsServer;
use crate::observation::{
    Autoscaler, Condition, ControllerConfig, FieldManager, Pod, PodSample, ScaleTarget,
};
pub use crate::quota::Quota;
pub use room::{Placement, Room};

/// What the user asserts about every autoscaler; nothing by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assertions {
    /// The autoscaler to diagnose, if not all.
    pub autoscaler: Option<String>,
    /// The lower bound, in pods.
    pub min_replicas: Option<i32>,
    /// The upper bound, in pods.
    pub max_replicas: Option<i32>,
    /// The CPU target, in percent of the request.
    pub cpu_target_percent: Option<i32>,
}

/// The whole cluster at one point in time.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterSnapshot {
    /// Server time of the snapshot.
    pub at: Timestamp,
    /// Kubernetes version as `1.36`, when known.
    pub kubernetes: Option<String>,
    /// The controller's settings, given or assumed.
    pub controller: ControllerConfig,
    /// How often the metrics server takes a sample, given or assumed.
    pub metrics_resolution: Duration,
    /// Whether there is a resource metrics API.
    pub metrics_api: MetricsApi,
    /// Objects of tools that apply manifests and so may set replicas.
    pub deployers: Vec<Deployer>,
    /// Tools whose objects could not be read, and why.
    pub deployers_unread: Vec<(Tool, String)>,
    /// The servers of the metrics APIs, as far as they may be read.
    pub metrics_servers: Vec<MetricsServer>,
    /// Nodes that Karpenter is provisioning.
    pub node_claims: Vec<NodeClaim>,
    /// CPU of the nodes, if nothing adds nodes.
    pub room: Option<Room>,
    /// The namespaces that have autoscalers.
    pub namespaces: BTreeMap<String, Namespace>,
    /// What could not be read.
    pub unseen: Vec<Unseen>,
}

/// The state of `metrics.k8s.io`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricsApi {
    /// Could not be read.
    Unknown,
    /// Not registered.
    Absent {
        /// The API server's message.
        message: String,
    },
    /// Registered, but its `APIService` is not available.
    Unavailable {
        /// Reason and message of the `APIService`'s condition.
        message: String,
        /// When that began, if known.
        since: Option<Timestamp>,
    },
    /// Registered and available.
    Served,
}

/// A `NodeClaim` of Karpenter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeClaim {
    /// Its name.
    pub name: String,
    /// `Launched`, `Registered`, `Initialized` and more.
    pub conditions: Vec<Condition>,
}

/// One namespace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Namespace {
    /// Its autoscalers.
    pub autoscalers: Vec<Scaler>,
    /// Its pods; `None` if they may not be read.
    pub pods: Option<Vec<PodSnapshot>>,
    /// The metrics API's answer, or its error; `None` if it was not called.
    pub samples: Option<Result<Vec<PodSample>, String>>,
    /// The owners of pods' owners: `ReplicaSet/cart-6d` is owned by `Deployment/cart`.
    pub owners: BTreeMap<String, String>,
    /// Limits of its quotas.
    pub quotas: Vec<Quota>,
    /// `PodDisruptionBudgets`.
    pub budgets: Vec<DisruptionBudget>,
    /// `VerticalPodAutoscalers`.
    pub vpas: Vec<Vpa>,
    /// The `ScaledObjects` of KEDA.
    pub scaled_objects: Vec<ScaledObject>,
    /// Events about autoscalers, and about pods that could not be created or are not ready.
    pub events: Vec<EventSnapshot>,
}

/// One autoscaler with its target.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaler {
    /// Its name.
    pub name: String,
    /// Its creation time.
    pub created: Option<Timestamp>,
    /// Its owner, as `Kind/name`, from its owner reference or KEDA's label.
    pub owner: Option<String>,
    /// The team that owns it: the value of its owner label.
    pub team: Option<String>,
    /// When its condition `ScalingActive` last changed.
    pub inactive_since: Option<Timestamp>,
    /// When its condition `AbleToScale` last changed.
    pub unable_since: Option<Timestamp>,
    /// The findings to ignore, as written in its annotation.
    pub ignore: Option<String>,
    /// The object.
    pub object: Autoscaler,
    /// Its target.
    pub target: TargetLook,
}

/// The result of reading a target.
#[derive(Debug, Clone, PartialEq)]
pub enum TargetLook {
    /// It was read.
    Read(Box<Workload>),
    /// There is no such object.
    Absent {
        /// The API server's message.
        message: String,
    },
    /// The object exists, but has no `/scale` subresource.
    NotScalable {
        /// The API server's message.
        message: String,
    },
    /// It may not be read, or the API server did not answer.
    Unread,
}

/// A scalable object.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// Its creation time.
    pub created: Option<Timestamp>,
    /// Its replicas, selector and conditions.
    pub object: ScaleTarget,
    /// Whether its rollout is paused.
    pub paused: bool,
    /// The container names in its pod template; empty without a known template.
    pub template: Vec<String>,
    /// What its metadata reveals about the manifests applied to it.
    pub manifest: AppliedManifest,
    /// Who owns `spec.replicas`, from `managedFields`.
    pub owners_of_replicas: Vec<FieldOwner>,
}

/// An owner of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOwner {
    /// The manager and the time of its last write.
    pub writer: FieldManager,
    /// Whether it uses server-side apply, so each apply sets the field again.
    pub applies: bool,
    /// Whether it writes through `/scale`.
    pub through_scale: bool,
}

/// A pod, with facts that an observation leaves out.
#[derive(Debug, Clone, PartialEq)]
pub struct PodSnapshot {
    /// The pod.
    pub pod: Pod,
    /// Its labels, which pods of one ReplicaSet share.
    pub labels: Arc<BTreeMap<String, String>>,
    /// Whether any container has a readiness or startup probe.
    pub probed: bool,
    /// The node it was placed on.
    pub node: Option<String>,
    /// Which nodes it may use, which pods of one ReplicaSet share.
    pub placement: Arc<Placement>,
}

/// A `PodDisruptionBudget`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisruptionBudget {
    /// Its name.
    pub name: String,
    /// Its selector as text; an empty one selects every pod.
    pub selector: String,
    /// `minAvailable`, a number or a percentage.
    pub min_available: Option<String>,
    /// `maxUnavailable`, a number or a percentage.
    pub max_unavailable: Option<String>,
}

/// A `VerticalPodAutoscaler`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vpa {
    /// Its name.
    pub name: String,
    /// What it resizes, as `Kind/name`.
    pub target: String,
    /// Its update mode; `Off` and `Initial` don't touch running pods.
    pub mode: String,
    /// Which resources of which containers it controls.
    pub controls: Vec<VpaControl>,
}

/// One container policy of a `VerticalPodAutoscaler`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpaControl {
    /// The container; `*` means all without a policy of their own.
    pub container: String,
    /// The resources whose requests it changes, such as `cpu`; none if the mode is `Off`.
    pub resources: Vec<String>,
}

impl Vpa {
    /// Whether it changes the requests of a resource, for one container or for any.
    pub fn controls(&self, resource: &str, container: Option<&str>) -> bool {
        let changes = |c: &VpaControl| c.resources.iter().any(|r| r == resource);
        match container {
            None => self.controls.iter().any(changes),
            Some(name) => {
                let mut own = self.controls.iter().filter(|c| c.container == name);
                let mut rest = self.controls.iter().filter(|c| c.container == "*");
                own.next().or_else(|| rest.next()).is_some_and(changes)
            }
        }
    }

    /// Whether it changes running pods.
    pub fn is_active(&self) -> bool {
        !matches!(self.mode.as_str(), "Off" | "Initial")
    }
}

/// An event, with its count and first and last occurrence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSnapshot {
    /// The object it is about, as `Kind/name`.
    pub about: String,
    /// The reason, such as `SuccessfulRescale`.
    pub reason: String,
    /// The message.
    pub message: String,
    /// How often it occurred.
    pub count: i32,
    /// First occurrence.
    pub first: Option<Timestamp>,
    /// Last occurrence.
    pub last: Option<Timestamp>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unseen {
    /// The missing RBAC rule, as `verb resource.group`, or the request that failed.
    pub rule: String,
    /// The API server's message.
    pub error: String,
    /// What can't be determined without it.
    pub consequence: String,
    /// Whether it is so important that finding no fault proves nothing.
    pub essential: bool,
}

impl Scaler {
    /// The target, if it could be read.
    pub fn workload(&self) -> Option<&Workload> {
        match &self.target {
            TargetLook::Read(workload) => Some(workload),
            TargetLook::Absent { .. } | TargetLook::NotScalable { .. } | TargetLook::Unread => None,
        }
    }
}

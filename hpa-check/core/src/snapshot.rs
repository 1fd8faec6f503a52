//! A snapshot of a cluster: what the API shows at one look, as far as a rule asks for it. Nothing here
//! was watched.

pub(crate) mod index;

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
use crate::units::Millicores;

/// What the user asserts of every autoscaler that is diagnosed; nothing, by default.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assertions {
    /// The one autoscaler to diagnose, if not all.
    pub autoscaler: Option<String>,
    /// The lower bound, in pods.
    pub min_replicas: Option<i32>,
    /// The upper bound, in pods.
    pub max_replicas: Option<i32>,
    /// The CPU target, in percent of the request.
    pub cpu_target_percent: Option<i32>,
}

/// Everything at one look.
#[derive(Debug, Clone, PartialEq)]
pub struct ClusterSnapshot {
    /// When, by the server's clock.
    pub at: Timestamp,
    /// Kubernetes version as `1.36`, when known.
    pub kubernetes: Option<String>,
    /// The controller's settings, given or assumed.
    pub controller: ControllerConfig,
    /// How often the metrics server makes a new sample, given or assumed.
    pub metrics_resolution: Duration,
    /// Whether there is a resource metrics API.
    pub metrics_api: MetricsApi,
    /// The objects of tools that apply manifests which set replicas.
    pub deployers: Vec<Deployer>,
    /// Tools whose objects could not be read, and why.
    pub deployers_unread: Vec<(Tool, String)>,
    /// Who serves the APIs of metrics, as far as that may be asked.
    pub metrics_servers: Vec<MetricsServer>,
    /// Nodes that Karpenter is making.
    pub node_claims: Vec<NodeClaim>,
    /// CPU of the nodes, where these are all the nodes there will be.
    pub room: Option<Room>,
    /// The namespaces that have autoscalers.
    pub namespaces: BTreeMap<String, Namespace>,
    /// What could not be read.
    pub unseen: Vec<Unseen>,
}

/// The state of `metrics.k8s.io`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetricsApi {
    /// Could not be asked.
    Unknown,
    /// Nobody registered it.
    Absent {
        /// What the API server says.
        message: String,
    },
    /// Registered, and its `APIService` is not available.
    Unavailable {
        /// Reason and message of the `APIService`'s condition.
        message: String,
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

/// CPU of nodes that do not multiply by themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Allocatable on all nodes that take pods.
    pub allocatable: Millicores,
    /// What all living pods request of it.
    pub requested: Millicores,
}

/// One namespace.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Namespace {
    /// Its autoscalers.
    pub autoscalers: Vec<Scaler>,
    /// Its pods; `None` when they may not be read.
    pub pods: Option<Vec<PodSnapshot>>,
    /// The metrics API's answer, or its error; `None` when it was not asked.
    pub samples: Option<Result<Vec<PodSample>, String>>,
    /// Who owns the owners of pods: `ReplicaSet/cart-6d` is owned by `Deployment/cart`.
    pub owners: BTreeMap<String, String>,
    /// Bounds that quotas set.
    pub quotas: Vec<Quota>,
    /// `PodDisruptionBudgets`.
    pub budgets: Vec<DisruptionBudget>,
    /// `VerticalPodAutoscalers`.
    pub vpas: Vec<Vpa>,
    /// The `ScaledObjects` of KEDA.
    pub scaled_objects: Vec<ScaledObject>,
    /// Events about autoscalers, and about pods that could not be made or are not ready.
    pub events: Vec<EventSnapshot>,
}

/// One autoscaler with what it scales.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaler {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Its controller, as `Kind/name`, by its owner reference or by KEDA's label.
    pub owner: Option<String>,
    /// Who looks after it: the value of its owner label.
    pub team: Option<String>,
    /// Since when its condition `ScalingActive` has been what it is.
    pub inactive_since: Option<Timestamp>,
    /// The findings that its annotation says to ignore, as written.
    pub ignore: Option<String>,
    /// The object.
    pub object: Autoscaler,
    /// Its target.
    pub target: TargetLook,
}

/// What became of looking for a target.
#[derive(Debug, Clone, PartialEq)]
pub enum TargetLook {
    /// Here it is.
    Read(Box<Workload>),
    /// There is no such object.
    Absent {
        /// What the API server says.
        message: String,
    },
    /// The object is there, and the API server has no scale of it.
    NotScalable {
        /// What the API server says.
        message: String,
    },
    /// It may not be read, or the API server did not answer.
    Unread,
}

/// An object that is scaled.
#[derive(Debug, Clone, PartialEq)]
pub struct Workload {
    /// When it was made.
    pub created: Option<Timestamp>,
    /// Its size, its selector, its conditions.
    pub object: ScaleTarget,
    /// Whether its rollout is held.
    pub paused: bool,
    /// The names of the containers in its template; empty when it has no template that is known.
    pub template: Vec<String>,
    /// What it tells of the manifests that are applied to it.
    pub manifest: AppliedManifest,
    /// Who owns `spec.replicas`, from `managedFields`.
    pub owners_of_replicas: Vec<FieldOwner>,
}

/// An owner of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldOwner {
    /// The manager and the time of its last write.
    pub writer: FieldManager,
    /// Whether it applies (server-side), so that each apply sets the field again.
    pub applies: bool,
    /// Whether it writes through `/scale`.
    pub through_scale: bool,
}

/// A pod with what an observation of a run leaves out.
#[derive(Debug, Clone, PartialEq)]
pub struct PodSnapshot {
    /// The pod.
    pub pod: Pod,
    /// Its labels, which pods of one ReplicaSet share.
    pub labels: Arc<BTreeMap<String, String>>,
    /// Whether any container has a readiness or startup probe.
    pub probed: bool,
}

/// A `PodDisruptionBudget`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DisruptionBudget {
    /// Its name.
    pub name: String,
    /// Its selector as text.
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
    /// Its update mode; `Off` and `Initial` leave running pods alone.
    pub mode: String,
    /// What it controls, of which containers.
    pub controls: Vec<VpaControl>,
}

/// One container policy of a `VerticalPodAutoscaler`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VpaControl {
    /// The container; `*` stands for those that have no policy of their own.
    pub container: String,
    /// The resources whose requests are changed, such as `cpu`; none where the mode is `Off`.
    pub resources: Vec<String>,
}

impl Vpa {
    /// Whether it changes the requests of a resource: of one container, or of any.
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

/// An event, and over which time it was seen how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventSnapshot {
    /// The object it is about, as `Kind/name`.
    pub about: String,
    /// One word, such as `SuccessfulRescale`.
    pub reason: String,
    /// The sentence.
    pub message: String,
    /// How often.
    pub count: i32,
    /// First seen.
    pub first: Option<Timestamp>,
    /// Last seen.
    pub last: Option<Timestamp>,
}

/// Something that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unseen {
    /// The RBAC rule that is missing, as `verb resource.group`, or what was asked for.
    pub rule: String,
    /// The API server's sentence.
    pub error: String,
    /// What can't be told without it.
    pub consequence: String,
    /// Whether so much hangs on it that finding nothing wrong proves nothing.
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

//! What was seen, and when: the vocabulary shared by the sources (a live cluster, the rehearsal,
//! a recording, a simulation) and everything that judges.
//!
//! An observation holds the complete new state of one object, never a delta, so losing or repeating
//! one affects only its own instant. Times come from the observer's clock unless a field says that
//! they are server time.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::condition::Condition;
use crate::keda::ScaledObject;
use crate::metrics_server::MetricsServer;
use crate::quantity::Quantity;
use crate::quota::{Quota, QuotaClass};
use crate::spec::{
    Amounts, AutoscalerSpec, ContainerResources, CurrentMetric, InitContainer, MetricSource,
    PodResources,
};
use crate::units::{Bytes, Millicores};

/// One thing seen at one instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// When the observer saw it, by its own clock.
    pub at: Timestamp,
    /// What it saw.
    #[serde(flatten)]
    pub seen: Seen,
}

/// What can be seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "kebab-case")]
pub enum Seen {
    /// What is known before watching starts: the place, the version and the controller's settings.
    #[serde(rename = "setting")]
    RunContext(RunContext),
    /// The complete autoscaler.
    Autoscaler(Autoscaler),
    /// The autoscaler was deleted.
    AutoscalerGone,
    /// The complete scale target, such as a Deployment.
    Target(ScaleTarget),
    /// The scale target was deleted.
    TargetGone,
    /// One complete pod that matches the target's selector.
    Pod(Pod),
    /// A pod was deleted.
    PodGone {
        /// Its name.
        name: String,
    },
    /// One answer of the metrics API for the target's pods.
    PodMetrics {
        /// One sample per pod. A pod without a sample counts as missing.
        samples: Vec<PodSample>,
    },
    /// One answer of the custom or the external metrics API.
    Metric(MetricReading),
    /// The metrics API did not answer, or answered with an error.
    MetricsUnavailable {
        /// The error, as the API or the transport gave it.
        error: String,
        /// Whether the observer gave up waiting, which proves nothing about the API itself.
        #[serde(default)]
        timed_out: bool,
    },
    /// An event about the autoscaler, its target or its pods.
    Event(Event),
    /// One second of load, reported by the generator while it runs.
    Load(LoadSecond),
    /// The final result of the load.
    LoadResult(LoadResult),
    /// The run enters a phase.
    Phase {
        /// The phase.
        phase: Phase,
    },
    /// A fact about the environment, from a query rather than a watch.
    Fact(Fact),
    /// A watch became current or was lost.
    Watch(Watch),
    /// The run was interrupted.
    Interrupted,
}

/// Where the observations come from, and the controller's settings there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunContext {
    /// `cluster`, `rehearsal` or `simulation`. For display only; no rule reads it.
    pub source: String,
    /// The namespace, or empty outside a cluster.
    pub namespace: String,
    /// The autoscaler's name.
    pub autoscaler: String,
    /// Kubernetes version as `1.36`, when known.
    pub kubernetes: Option<String>,
    /// The controller's settings, given or assumed.
    pub controller: ControllerConfig,
    /// The window of a metrics sample, and how often the metrics server takes one.
    #[schemars(with = "u64")]
    #[serde(rename = "metrics_resolution_ms", with = "crate::millis")]
    pub metrics_resolution: Duration,
}

/// The flags of kube-controller-manager that affect autoscaling, with the controller's defaults
/// (`pkg/controller/podautoscaler/config/v1alpha1/defaults.go`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ControllerConfig {
    /// `--horizontal-pod-autoscaler-sync-period`.
    #[schemars(with = "u64")]
    #[serde(rename = "sync_period_ms", with = "crate::millis")]
    pub sync_period: Duration,
    /// `--horizontal-pod-autoscaler-tolerance`, a fraction.
    pub tolerance: f64,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`.
    #[schemars(with = "u64")]
    #[serde(rename = "downscale_stabilization_ms", with = "crate::millis")]
    pub downscale_stabilization: Duration,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`.
    #[schemars(with = "u64")]
    #[serde(rename = "cpu_initialization_period_ms", with = "crate::millis")]
    pub cpu_initialization_period: Duration,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`.
    #[schemars(with = "u64")]
    #[serde(rename = "initial_readiness_delay_ms", with = "crate::millis")]
    pub initial_readiness_delay: Duration,
    /// Without `behavior`: the largest factor of one step up. A constant of the controller.
    #[serde(skip, default = "scale_up_limit_factor")]
    pub scale_up_limit_factor: f64,
    /// Without `behavior`: a step up may always reach this many replicas. A constant of the controller.
    #[serde(skip, default = "scale_up_limit_minimum")]
    pub scale_up_limit_minimum: f64,
}

/// `scaleUpLimitFactor` in `horizontal.go`.
const fn scale_up_limit_factor() -> f64 {
    2.0
}

/// `scaleUpLimitMinimum` in `horizontal.go`.
const fn scale_up_limit_minimum() -> f64 {
    4.0
}

impl Default for ControllerConfig {
    fn default() -> Self {
        Self {
            sync_period: Duration::from_secs(15),
            tolerance: 0.1,
            downscale_stabilization: Duration::from_mins(5),
            cpu_initialization_period: Duration::from_mins(5),
            initial_readiness_delay: Duration::from_secs(30),
            scale_up_limit_factor: scale_up_limit_factor(),
            scale_up_limit_minimum: scale_up_limit_minimum(),
        }
    }
}

/// A HorizontalPodAutoscaler, spec and status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Autoscaler {
    /// Changes when the object is deleted and created again under the same name.
    pub uid: String,
    /// Its spec.
    pub spec: AutoscalerSpec,
    /// Its status; `None` before the first sync.
    pub status: Option<AutoscalerStatus>,
    /// Server time of the last status write, from `managedFields`, if known.
    #[serde(default)]
    pub status_written: Option<Timestamp>,
}

/// What the controller wrote in its last sync that changed anything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AutoscalerStatus {
    /// The target's `spec.replicas` when the sync began, which is not a count of pods.
    pub current_replicas: Option<i32>,
    /// What the sync decided.
    pub desired_replicas: i32,
    /// Utilization of the CPU metric in percent; `None` when the metric failed or was not computed.
    pub cpu_utilization: Option<i32>,
    /// Each metric's value, in the order of the spec; an empty entry failed. The list is empty if no
    /// metric was computed, and in traces of the first versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub current_metrics: Vec<CurrentMetric>,
    /// The conditions, in the controller's order.
    pub conditions: Vec<Condition>,
    /// Server time of the last scaling, whole seconds.
    pub last_scale: Option<Timestamp>,
}

impl AutoscalerStatus {
    /// Whether any metric was computed.
    pub fn is_measured(&self) -> bool {
        let computed = |metric: &CurrentMetric| !metric.is_empty();
        self.cpu_utilization.is_some() || self.current_metrics.iter().any(computed)
    }
}

/// The object that the autoscaler scales.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScaleTarget {
    /// Changes when the object is created again.
    pub uid: String,
    /// Grows by one with each change of the spec, including `spec.replicas`.
    pub generation: Option<i64>,
    /// `spec.replicas`.
    pub spec_replicas: i32,
    /// `status.replicas`.
    pub replicas: i32,
    /// `status.readyReplicas`, the number that assertions check.
    pub ready_replicas: i32,
    /// Whether the kind counts its ready pods. If it does not, they are counted from the observed pods.
    #[serde(default = "yes")]
    pub counts_ready: bool,
    /// `status.updatedReplicas`, less than `replicas` during a rollout.
    pub updated_replicas: i32,
    /// The selector the autoscaler uses, as text.
    pub selector: String,
    /// Conditions such as `ReplicaFailure` and `Progressing`.
    pub conditions: Vec<Condition>,
    /// Who wrote `spec.replicas` last and when, from `managedFields`.
    #[serde(default)]
    pub replicas_writer: Option<FieldManager>,
    /// A digest of the spec without `replicas`, which changes with a rollout or a pause. Only compare
    /// digests from the same recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_digest: Option<String>,
}

const fn yes() -> bool {
    true
}

/// The field manager name of the autoscaler's controller.
pub const CONTROLLER: &str = "kube-controller-manager";

/// A field manager and the time of its last write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldManager {
    /// The manager's name, such as `kube-controller-manager` or `argocd-controller`.
    pub manager: String,
    /// Server time, whole seconds.
    pub at: Option<Timestamp>,
}

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
}

impl Life {
    /// Whether nothing about it was recorded.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl Pod {
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
            parts.push(format!(
                "PodResizePending {}: {}",
                resize.reason, resize.message
            ));
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

/// The resource usage of one pod over one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodSample {
    /// The pod's name.
    pub pod: String,
    /// Server time at the window's end.
    pub timestamp: Timestamp,
    /// The window's length.
    #[serde(rename = "window_ms", with = "crate::millis")]
    pub window: Duration,
    /// Usage by container name.
    pub containers: Vec<ContainerSample>,
}

/// The resource usage of one container. `None` is a value that the sample lacks; the controller then
/// ignores the whole pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerSample {
    /// The container's name.
    pub name: String,
    /// Rounded up to a whole millicore, as the controller reads it.
    pub cpu: Option<Millicores>,
    /// In bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<Bytes>,
}

impl PodSample {
    /// The CPU of those containers that have a CPU value.
    pub fn cpu(&self) -> Millicores {
        self.containers.iter().filter_map(|c| c.cpu).sum()
    }
}

impl ContainerSample {
    /// A sample that has only CPU.
    pub fn of_cpu(name: impl Into<String>, cpu: Millicores) -> Self {
        Self {
            name: name.into(),
            cpu: Some(cpu),
            memory: None,
        }
    }

    /// Its usage.
    pub fn used(&self) -> Amounts {
        Amounts {
            cpu: self.cpu,
            memory: self.memory,
        }
    }
}

/// A custom or external metric at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricReading {
    /// The metric.
    pub metric: MetricSource,
    /// Its values, or why it has none.
    pub answer: MetricAnswer,
}

/// The values of a custom or external metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricAnswer {
    /// One value per pod.
    Pods(Vec<PodValue>),
    /// The values that the labels select, which are summed. An object has one value.
    Values(Vec<Quantity>),
    /// The controller's own value from the status, if the API may not be read.
    Status(CurrentMetric),
    /// The API's error.
    Error(String),
}

/// One pod's value of a custom metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodValue {
    /// The pod's name.
    pub pod: String,
    /// The value.
    pub value: Quantity,
}

/// A Kubernetes Event. Events are lossy, so a missing one proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The object it is about, as `Kind/name`.
    pub about: String,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The reason, such as `SuccessfulRescale`.
    pub reason: String,
    /// The message.
    pub message: String,
    /// How often it occurred.
    pub count: i32,
}

/// One second of load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadSecond {
    /// Active users.
    pub users: u64,
    /// Planned requests per second; `None` in a closed model.
    pub offered_rps: Option<f64>,
    /// Answered requests per second.
    pub rps: f64,
    /// Failed requests since the run began.
    pub failed: u64,
    /// Wrong answers since the run began.
    pub wrong: u64,
    /// Verified answers since the run began.
    pub verified: u64,
    /// Median response time in this second, in microseconds.
    pub p50_us: Option<u64>,
    /// 99th percentile response time in this second, in microseconds.
    pub p99_us: Option<u64>,
    /// Answers by pod in this second.
    #[serde(default)]
    pub pods: std::collections::BTreeMap<String, u64>,
}

/// The load generator's final result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoadResult {
    /// Requests sent.
    pub requests: u64,
    /// Requests that got no successful answer.
    pub failed: u64,
    /// Answers with a wrong number.
    pub wrong: u64,
    /// Verified answers.
    pub verified: u64,
    /// Whether the generator itself was the bottleneck.
    pub generator: GeneratorVerdict,
    /// Why, if it was.
    #[serde(default)]
    pub generator_reasons: Vec<String>,
    /// The generator's exit code.
    pub exit_code: i32,
    /// The user's load command, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The last lines of its output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// The load generator's verdict on itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratorVerdict {
    /// It sent every request on time.
    #[default]
    Ok,
    /// It was the bottleneck.
    Saturated,
    /// It may have been the bottleneck, or this version does not know its verdict.
    #[serde(other)]
    Suspect,
}

impl fmt::Display for GeneratorVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Suspect => "suspect",
            Self::Saturated => "saturated",
        })
    }
}

/// The phases of a run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Checks the setup, without load.
    Preflight,
    /// Idle, at the minimum.
    Baseline,
    /// Under load; replicas should rise.
    Up,
    /// Under load; replicas should stay where they are.
    Hold,
    /// Little or no load; replicas should fall.
    Down,
    /// The run is over.
    Done,
}

/// A fact about the environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// Whether a resource metrics API is registered and available.
    MetricsApi {
        /// Whether it is registered.
        registered: bool,
        /// Whether its `APIService` is available.
        available: bool,
        /// The API server's message about it.
        message: String,
    },
    /// The server behind a metrics API.
    MetricsServer(MetricsServer),
    /// The total CPU that the environment can give to the target's pods.
    CpuCapacity {
        /// In total.
        total: Millicores,
        /// How it was found, for use as evidence.
        how: String,
    },
    /// The most CPU that the load can make the target's pods use, if known beforehand.
    LoadLimit {
        /// In total.
        total: Millicores,
        /// How it is known, for use as evidence.
        how: String,
    },
    /// A quota that limits the pods of the namespace.
    Quota(Quota),
    /// Another autoscaler in the namespace.
    OtherAutoscaler {
        /// Its name.
        name: String,
        /// What it scales, as `Kind/name`.
        target: String,
    },
    /// The `ScaledObject` of KEDA that the autoscaler belongs to.
    ScaledObject(ScaledObject),
    /// That `ScaledObject` was deleted.
    ScaledObjectGone {
        /// Its name.
        name: String,
    },
    /// The controller restarted, or another instance took over: its history is lost.
    ControllerRestarted {
        /// The new holder of the lease.
        holder: String,
    },
    /// The target exists, but has no `/scale` subresource.
    NotScalable {
        /// Its kind.
        kind: String,
        /// The API server's message.
        message: String,
    },
    /// Where the load goes.
    LoadTarget {
        /// The URL.
        url: String,
        /// Whether the host is this machine.
        loopback: bool,
    },
    /// A proxy buffers watch responses until the watch ends, so everything is polled.
    WatchHeldBack {
        /// What can't be determined because of it.
        consequence: String,
    },
    /// Something that the tool may not read.
    Forbidden {
        /// The missing RBAC rule, as `verb resource.group`.
        rule: String,
        /// What can't be determined without it.
        consequence: String,
    },
}

/// What a run watches.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Watched {
    /// The autoscaler.
    Autoscaler,
    /// The scale target.
    Target,
    /// The target's pods.
    Pods,
    /// Events about any of the above.
    Events,
    /// The controller's lease.
    Controller,
}

impl Watched {
    /// Its name in messages and documents.
    pub fn name(self) -> &'static str {
        match self {
            Self::Autoscaler => "autoscaler",
            Self::Target => "target",
            Self::Pods => "pods",
            Self::Events => "events",
            Self::Controller => "controller",
        }
    }
}

/// A change in the state of a watch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// What is watched.
    pub resource: Watched,
    /// The new state.
    pub state: WatchState,
    /// The error, if there was one.
    #[serde(default)]
    pub error: Option<String>,
    /// For `Lost`: everything up to this instant is known, if that is earlier than the observation.
    /// A dead connection is noticed only some time after it died.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

/// The state of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WatchState {
    /// Up to date: from a list, an event or a bookmark.
    Current,
    /// The stream broke; changes go unseen until it is `Current` again.
    Lost,
}

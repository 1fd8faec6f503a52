//! What was seen, and when: the one vocabulary between the sources (a live cluster, the rehearsal,
//! a recording, a simulation) and everything that judges.
//!
//! An observation states the whole new state of one object, never a difference, so a lost or a
//! repeated one does no harm beyond its own instant. Times are the observer's own clock, except
//! where a field says that it is the server's.

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
    /// What is known before anything is watched: where, what version, what is asserted.
    #[serde(rename = "setting")]
    RunContext(RunContext),
    /// The autoscaler, whole.
    Autoscaler(Autoscaler),
    /// The autoscaler is gone.
    AutoscalerGone,
    /// The scale target (a Deployment or its like), whole.
    Target(ScaleTarget),
    /// The scale target is gone.
    TargetGone,
    /// One pod that the target's selector matches, whole.
    Pod(Pod),
    /// A pod that is no longer there.
    PodGone {
        /// Its name.
        name: String,
    },
    /// One answer of the metrics API for the target's pods.
    PodMetrics {
        /// A sample a pod; a pod without one is missing.
        samples: Vec<PodSample>,
    },
    /// One answer of the custom or the external metrics API.
    Metric(MetricReading),
    /// The metrics API did not answer, or answered with an error.
    MetricsUnavailable {
        /// The error, as the API or the transport gave it.
        error: String,
        /// Whether the observer stopped waiting, so that nothing is known of the API itself.
        #[serde(default)]
        timed_out: bool,
    },
    /// An event about the autoscaler, its target or its pods.
    Event(Event),
    /// One second of load, as the generator tells it while it runs.
    Load(LoadSecond),
    /// The load's final account.
    LoadResult(LoadResult),
    /// The run enters a phase.
    Phase {
        /// Which one.
        phase: Phase,
    },
    /// A fact about the environment, found by asking rather than watching.
    Fact(Fact),
    /// The state of the watching itself changed.
    Watch(Watch),
    /// The run was told to stop before its end.
    Interrupted,
}

/// What kind of world the observations come from, and the controller's settings in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunContext {
    /// `cluster`, `rehearsal` or `simulation`; for people, no rule asks for it.
    pub source: String,
    /// The namespace, or empty outside a cluster.
    pub namespace: String,
    /// The autoscaler's name.
    pub autoscaler: String,
    /// Kubernetes version as `1.36`, when known.
    pub kubernetes: Option<String>,
    /// The controller's settings, given or assumed.
    pub controller: ControllerConfig,
    /// How the metrics come: how long a sample's window is and how often a new one is made.
    #[schemars(with = "u64")]
    #[serde(rename = "metrics_resolution_ms", with = "crate::millis")]
    pub metrics_resolution: Duration,
}

/// kube-controller-manager's flags that steer an autoscaler. Defaults: the controller's own
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
    /// Changes when the object is deleted and made again under the same name.
    pub uid: String,
    /// What it was told to do.
    pub spec: AutoscalerSpec,
    /// What its controller last wrote; `None` before the first sync.
    pub status: Option<AutoscalerStatus>,
    /// Server time of the last status write, from `managedFields`, when it can be told.
    #[serde(default)]
    pub status_written: Option<Timestamp>,
}

/// What the controller wrote in its last sync that changed anything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct AutoscalerStatus {
    /// The target's `spec.replicas` when the sync began; not a count of pods.
    pub current_replicas: Option<i32>,
    /// What the sync decided.
    pub desired_replicas: i32,
    /// Utilization of the CPU metric in percent; `None` when the metric failed or was not computed.
    pub cpu_utilization: Option<i32>,
    /// Each metric's value, in the spec's order; an empty one has failed. The whole list is empty when no
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

/// The object whose replicas are scaled.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ScaleTarget {
    /// Changes when the object is made anew.
    pub uid: String,
    /// Rises by one with each change of the spec, so also with each change of `spec.replicas`.
    pub generation: Option<i64>,
    /// `spec.replicas`.
    pub spec_replicas: i32,
    /// `status.replicas`.
    pub replicas: i32,
    /// `status.readyReplicas`: the number an assertion is about.
    pub ready_replicas: i32,
    /// Whether the kind counts its ready pods. Where it does not, they are counted from the pods seen.
    #[serde(default = "yes")]
    pub counts_ready: bool,
    /// `status.updatedReplicas`, less than `replicas` while a rollout is on.
    pub updated_replicas: i32,
    /// The selector the autoscaler uses, as text.
    pub selector: String,
    /// Conditions such as `ReplicaFailure` and `Progressing`.
    pub conditions: Vec<Condition>,
    /// Who wrote `spec.replicas` last and when, from `managedFields`.
    #[serde(default)]
    pub replicas_writer: Option<FieldManager>,
    /// A digest of the spec without `replicas`: another one after a rollout or a pause, for example. Only
    /// digests of one recording can be compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec_digest: Option<String>,
}

const fn yes() -> bool {
    true
}

/// The name under which the autoscaler's controller writes.
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
    /// Changes when a pod of the same name is made anew.
    pub uid: String,
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    pub phase: String,
    /// Whether a deletion was asked for.
    pub deleting: bool,
    /// Server time at which the kubelet took it.
    pub started: Option<Timestamp>,
    /// The `Ready` condition.
    pub ready: Option<Ready>,
    /// The regular containers and the sidecars.
    pub containers: Vec<ContainerResources>,
    /// The init containers in their order, the sidecars among them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub init_containers: Vec<InitContainer>,
    /// Requests and limits that all containers share (`spec.resources`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<PodResources>,
    /// What running the pod takes beside its containers (`spec.overhead`).
    #[serde(default, skip_serializing_if = "Amounts::is_empty")]
    pub overhead: Amounts,
    /// What the scopes of quotas ask for.
    #[serde(default, skip_serializing_if = "QuotaClass::is_ordinary")]
    pub quota_class: QuotaClass,
    /// A resize that is not done: what runs differs from the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resize: Option<Resize>,
    /// Why a container waits, such as `ImagePullBackOff` or `CrashLoopBackOff`.
    #[serde(default)]
    pub waiting: Option<String>,
    /// The scheduler's message when the pod fits nowhere.
    #[serde(default)]
    pub unschedulable: Option<String>,
    /// How it came to be as it is.
    #[serde(default, skip_serializing_if = "Life::is_unknown")]
    pub life: Box<Life>,
    /// The owning ReplicaSet or other controller, as `Kind/name`.
    #[serde(default)]
    pub owner: Option<String>,
    /// How often its containers have been restarted, summed.
    #[serde(default)]
    pub restarts: i32,
}

/// What a pod's start and its end depend on, as far as it was recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Life {
    /// Server time at which it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<Timestamp>,
    /// The node on which pods of a lower priority are making room for it (`status.nominatedNodeName`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nominated_node: Option<String>,
    /// How long its probes let a start take, at least.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_allowance: Option<Duration>,
    /// Why its `Ready` condition is not true: the kubelet gives a reason, and the node lifecycle controller, which
    /// gives up on the node, gives an empty one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unready_reason: Option<String>,
    /// When one of its containers ended last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<Timestamp>,
}

impl Life {
    /// Whether nothing of it was recorded.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

impl Pod {
    /// Whether its `Ready` condition is true.
    pub fn is_ready(&self) -> bool {
        self.ready.as_ref().is_some_and(|r| r.status == "True")
    }

    /// What a resize that is not done wants and what runs meanwhile, with the kubelet's reason.
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
                    "{}: another memory request than it runs with",
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

    /// The CPU that all its containers may use together; `None` if one has no limit.
    pub fn cpu_limit(&self) -> Option<Millicores> {
        let limits = self.containers.iter().map(|c| c.cpu_limit.map(|l| l.0));
        limits.sum::<Option<i64>>().map(Millicores)
    }
}

/// A resize in place that has been asked for and not been done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resize {
    /// The reason of `PodResizePending` or `PodResizeInProgress`, such as `Infeasible`; empty without one.
    pub reason: String,
    /// The message of the condition.
    pub message: String,
    /// The requests that the containers run with, where they differ from the spec's.
    pub running: Vec<ContainerResources>,
}

/// A pod's `Ready` condition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// `True`, `False` or `Unknown`; the controller tells the last two apart.
    pub status: String,
    /// Server time of the last change of status.
    pub since: Option<Timestamp>,
}

/// What one pod used over one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PodSample {
    /// The pod's name.
    pub pod: String,
    /// Server time at the window's end.
    pub timestamp: Timestamp,
    /// The window's length.
    #[serde(rename = "window_ms", with = "crate::millis")]
    pub window: Duration,
    /// Use by container name.
    pub containers: Vec<ContainerSample>,
}

/// What one container used. An amount that the sample lacks is `None`; the controller then leaves
/// the whole pod out.
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
    /// The CPU of the containers that have some in the sample.
    pub fn cpu(&self) -> Millicores {
        self.containers.iter().filter_map(|c| c.cpu).sum()
    }
}

impl ContainerSample {
    /// A sample of CPU alone.
    pub fn of_cpu(name: impl Into<String>, cpu: Millicores) -> Self {
        Self {
            name: name.into(),
            cpu: Some(cpu),
            memory: None,
        }
    }

    /// What it used.
    pub fn used(&self) -> Amounts {
        Amounts {
            cpu: self.cpu,
            memory: self.memory,
        }
    }
}

/// What is known of a custom or external metric at one instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricReading {
    /// The metric.
    pub metric: MetricSource,
    /// Its values, or why there are none.
    pub answer: MetricAnswer,
}

/// The values of a custom or external metric.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MetricAnswer {
    /// A value for each pod.
    Pods(Vec<PodValue>),
    /// The values that the labels select; they add up. An object has one.
    Values(Vec<Quantity>),
    /// What the controller itself wrote in the status, where the API may not be asked.
    Status(CurrentMetric),
    /// The API's error.
    Error(String),
}

/// The value of a custom metric of one pod.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodValue {
    /// The pod's name.
    pub pod: String,
    /// The value.
    pub value: Quantity,
}

/// An event of the API server. Events are lossy: one that is missing proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The object it is about, as `Kind/name`.
    pub about: String,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// One word, such as `SuccessfulRescale`.
    pub reason: String,
    /// The sentence.
    pub message: String,
    /// How often it has been seen.
    pub count: i32,
}

/// One second of load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadSecond {
    /// Users at work.
    pub users: u64,
    /// Requests a second that the plan asked for; `None` in a closed model.
    pub offered_rps: Option<f64>,
    /// Requests a second that were answered.
    pub rps: f64,
    /// Failed so far in the run.
    pub failed: u64,
    /// Wrong so far in the run.
    pub wrong: u64,
    /// Proved right so far in the run.
    pub verified: u64,
    /// Median response time of this second, in microseconds.
    pub p50_us: Option<u64>,
    /// 99th percentile of the response time of this second, in microseconds.
    pub p99_us: Option<u64>,
    /// Answers by pod in this second.
    #[serde(default)]
    pub pods: std::collections::BTreeMap<String, u64>,
}

/// What the load generator says at its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoadResult {
    /// Requests sent.
    pub requests: u64,
    /// Requests without a good answer.
    pub failed: u64,
    /// Answers that were not the number asked for.
    pub wrong: u64,
    /// Answers that were proved right.
    pub verified: u64,
    /// Whether the generator was itself the limit.
    pub generator: GeneratorVerdict,
    /// Why, when it was.
    #[serde(default)]
    pub generator_reasons: Vec<String>,
    /// The generator's exit code.
    pub exit_code: i32,
    /// The user's own command that loaded, where one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The last lines that it printed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// What the load generator says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratorVerdict {
    /// It sent what it was to send, when it was to send it.
    #[default]
    Ok,
    /// It was the limit.
    Saturated,
    /// It may have been the limit, or says a word that this version does not know.
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

/// The parts of a run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Looking at the set-up; nothing is loaded.
    Preflight,
    /// At rest, at the minimum.
    Baseline,
    /// Load is on; replicas should rise.
    Up,
    /// Load is on; replicas should stay where they are.
    Hold,
    /// Load is off or low; replicas should fall.
    Down,
    /// Over.
    Done,
}

/// Something about the environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// Whether a resource metrics API is registered and available.
    MetricsApi {
        /// Registered at all.
        registered: bool,
        /// Reported available.
        available: bool,
        /// What the API server says about it.
        message: String,
    },
    /// Who serves an API of metrics.
    MetricsServer(MetricsServer),
    /// All CPU that the environment can give to the target's pods.
    CpuCapacity {
        /// In total.
        total: Millicores,
        /// How it was found, for the evidence.
        how: String,
    },
    /// The most CPU that the load can make the target's pods use, where it is known beforehand.
    LoadLimit {
        /// In total.
        total: Millicores,
        /// How it is known, for the evidence.
        how: String,
    },
    /// A quota that bounds the pods of the namespace.
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
    /// The controller was started anew, or another instance took over: what it remembered is lost.
    ControllerRestarted {
        /// Who it is now, as its lease says.
        holder: String,
    },
    /// The target is there, and the API server has no scale of it.
    NotScalable {
        /// Its kind.
        kind: String,
        /// The API server's own words.
        message: String,
    },
    /// Where the load goes.
    LoadTarget {
        /// The URL.
        url: String,
        /// Whether its host is this machine.
        loopback: bool,
    },
    /// A proxy on the way holds back what is watched until the watch ends, so everything is polled.
    WatchHeldBack {
        /// What can't be told because of it.
        consequence: String,
    },
    /// Something that may not be read; the tool goes on without it.
    Forbidden {
        /// The RBAC rule that is missing, as `verb resource.group`.
        rule: String,
        /// What can't be told without it.
        consequence: String,
    },
}

/// What a run keeps up with.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Watched {
    /// The autoscaler.
    Autoscaler,
    /// The object that it scales.
    Target,
    /// The target's pods.
    Pods,
    /// Events about any of these.
    Events,
    /// The lease of the controller.
    Controller,
}

impl Watched {
    /// As messages and documents name it.
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

/// The state of watching.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// What is watched.
    pub resource: Watched,
    /// What became of it.
    pub state: WatchState,
    /// The error, if there was one.
    #[serde(default)]
    pub error: Option<String>,
    /// For `Lost`: the last instant up to which all is known, when that is earlier than the
    /// observation. A dead connection is only noticed some time after it died.
    #[serde(default)]
    pub since: Option<Timestamp>,
}

/// What became of a watch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WatchState {
    /// All is known up to now: a list was read, or the server said so by an event or a bookmark.
    Current,
    /// The stream broke; what happens now is not seen until it is `Current` again.
    Lost,
}

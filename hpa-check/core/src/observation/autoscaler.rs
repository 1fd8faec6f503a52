//! The autoscaler and its scale target.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::spec::{AutoscalerSpec, CurrentMetric};

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
    /// The field manager that wrote it: the controller, under whatever name it runs. k3s runs it as `k3s`, and microk8s as
    /// `kubelite`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_writer: Option<String>,
}

impl Autoscaler {
    /// Whether a field manager is the autoscaler's controller.
    pub fn is_controller(&self, manager: &str) -> bool {
        is_controller(manager, self.status_writer.as_deref())
    }
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

impl ScaleTarget {
    /// Who changed the replicas from an earlier state to this one, if that is known. For custom resources the API server
    /// does not record writes through `/scale`, so an entry that is no newer is of an earlier write. Writes through
    /// `/scale` that it does record have no time.
    pub fn changed_by(&self, earlier: &Self) -> Option<&FieldManager> {
        let writer = self.replicas_writer.as_ref();
        let newer =
            |w: &&FieldManager| w.at.is_none() || self.replicas_writer != earlier.replicas_writer;
        writer.filter(newer)
    }
}

const fn yes() -> bool {
    true
}

/// The programs that contain the controller, after which its field manager is named: k3s, `MicroK8s` and `MicroShift`
/// run it in their own.
const CONTROLLERS: [&str; 4] = ["kube-controller-manager", "k3s", "kubelite", "microshift"];

/// Whether a field manager is the autoscaler's controller, which also wrote the status, if its writer is known.
pub fn is_controller(manager: &str, status_writer: Option<&str>) -> bool {
    CONTROLLERS.contains(&manager) || status_writer == Some(manager)
}

/// A field manager and the time of its last write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldManager {
    /// The manager's name, such as `kube-controller-manager` or `argocd-controller`.
    pub manager: String,
    /// Server time, whole seconds.
    pub at: Option<Timestamp>,
}

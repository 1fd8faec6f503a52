//! The rules' view of an autoscaler. The state of a run and a snapshot of a cluster both implement
//! [`View`], so each finding is evaluated in one place.

mod derived;
mod parts;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

pub(crate) use derived::quoted;
pub(crate) use parts::{
    Asserted, ConflictingWrites, EventView, MetricsView, OwnPods, PodView, QuotaView,
    ReadinessLoss, SizeView, Swings, TargetLookup, UseView, Writer,
};

use crate::keda::ScaledObject;
use crate::metrics_server::MetricsServer;
use crate::model::VersionGates;
use crate::observation::{AutoscalerStatus, ControllerConfig, PodSample};
use crate::snapshot::NodeClaim;
use crate::spec::AutoscalerSpec;
use crate::units::Millicores;

/// An autoscaler with its scale target, pods and their usage, as seen by a run or a snapshot.
pub(crate) trait View {
    /// The instant to judge.
    fn now(&self) -> Timestamp;
    /// The current spec; `None` if the autoscaler does not exist.
    fn spec(&self) -> Option<&AutoscalerSpec>;
    /// The latest status.
    fn status(&self) -> Option<&AutoscalerStatus>;
    /// The field manager that wrote it, if that is known.
    fn status_writer(&self) -> Option<&str>;
    /// The scale target.
    fn scaled(&self) -> TargetLookup<'_>;
    /// Since when the scale target is known to exist.
    fn target_since(&self) -> Option<Timestamp>;
    /// The pods that its selector matches; `None` if they may not be read.
    fn pods(&self) -> Option<Vec<PodView<'_>>>;
    /// The latest answer of the metrics API.
    fn metrics(&self) -> MetricsView<'_>;
    /// A pod's samples in earlier answers, as far back as a new pod may lack one.
    fn earlier_samples(&self, pod: &str) -> Vec<&PodSample>;
    /// How long the status has had no value for a metric although the autoscaler works, if that was followed.
    fn valueless_for(&self) -> Option<Duration> {
        None
    }
    /// The controller's flags.
    fn controller(&self) -> &ControllerConfig;
    /// Time between two samples of a pod.
    fn metrics_resolution(&self) -> Duration;
    /// The window of earlier samples, if there were any.
    fn known_window(&self) -> Option<Duration> {
        None
    }
    /// The feature gates of this version of Kubernetes.
    fn gates(&self) -> VersionGates;
    /// What is asserted.
    fn asserted(&self) -> Asserted<'_>;

    /// The servers of the metrics APIs, as far as they are known.
    fn metrics_servers(&self) -> Vec<&MetricsServer>;
    /// Nodes that Karpenter is provisioning, if they were read.
    fn node_claims(&self) -> &[NodeClaim] {
        &[]
    }
    /// The time in which too few pods were ready, not counting normal startup.
    fn deficit(&self) -> Option<(Timestamp, Timestamp)>;

    /// Quotas of the namespace.
    fn quotas(&self) -> Vec<QuotaView<'_>>;
    /// All CPU available to the scale target's pods, and how that is known.
    fn capacity(&self) -> Option<(Millicores, String)>;
    /// Whether events are read. If not, the lack of one proves nothing.
    fn events_are_seen(&self) -> bool;
    /// Events about the scale target and its pods.
    fn events(&self) -> Vec<EventView<'_>>;
    /// Pods of the scale target that were removed from their nodes, from their condition `DisruptionTarget`, as events.
    fn disruptions(&self) -> Vec<EventView<'_>> {
        Vec::new()
    }
    /// Another autoscaler with the same scale target.
    fn other_autoscaler(&self) -> Option<&str>;
    /// The `ScaledObject` that the autoscaler belongs to, if it is KEDA's.
    fn scaled_object(&self) -> Option<&ScaledObject>;
    /// Other autoscalers that count one of these pods, each with one such pod.
    fn shared_pods(&self) -> &[(&str, &str)] {
        &[]
    }
    /// The owner of a pod's owner, if it was read: `ReplicaSet/cart-6d` belongs to `Deployment/cart`.
    fn owners(&self) -> Option<&BTreeMap<String, String>> {
        None
    }
    /// Whether the scale target's rollout is paused.
    fn rollout_is_paused(&self) -> bool {
        false
    }

    /// Whether the controller's conditions are as recent as everything else. In a snapshot they may be
    /// older than the objects.
    fn is_watched(&self) -> bool;
    /// The same autoscaler in an earlier snapshot, if there is one. A run is one view of all the time.
    fn earlier(&self) -> Option<&dyn View> {
        None
    }
    /// How long the controller's condition of that type has been false, if that was watched.
    fn refused_for(&self, _kind: &str) -> Option<Duration> {
        None
    }
    /// Whether the maximum number of pods was ready at once.
    fn reached_max(&self) -> bool;
    /// Whether everything that was asserted has been observed to work, so the present state did not
    /// prevent it.
    fn is_complete(&self) -> bool;
    /// Whether the scale target lacks ready pods, so the state of a single pod is meaningful.
    fn lacks_ready_pods(&self) -> bool;
    /// Whether the pods are the same as when the metrics API answered.
    fn pods_match_metrics(&self) -> bool;

    /// Writes of the replicas by others than the controller.
    fn conflicting_writes(&self) -> Option<ConflictingWrites>;
    /// The replica counts that must be within bounds.
    fn sizes(&self) -> Vec<SizeView>;
    /// How often the replicas rose and fell.
    fn swings(&self) -> Swings;
    /// How long the controller has written nothing, and what it had written before.
    fn silence(&self) -> Option<(Duration, &'static str)>;
    /// The CPU usage under load, and how many in a row must agree.
    fn uses_under_load(&self) -> (Vec<UseView<'_>>, usize);
    /// Pods that stopped being ready, if that affected the service.
    fn readiness_losses(&self) -> Vec<ReadinessLoss<'_>>;
    /// An instant, for quotes.
    fn clock(&self, at: Timestamp) -> String;
}

//! The rules' view of an autoscaler. The state of a run and a snapshot of a cluster both implement
//! [`View`], so each finding is evaluated in one place.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::expectation::AssertedMetric;
use crate::keda::{Pause, ScaledObject};
use crate::metrics_server::MetricsServer;
use crate::model::{Tolerances, VersionGates, after, counted};
use crate::observation::{
    AutoscalerStatus, CONTROLLER, ControllerConfig, Pod, PodSample, ScaleTarget,
};
use crate::quota::Quota;
use crate::snapshot::{MetricsApi, NodeClaim};
use crate::spec::{AutoscalerSpec, MetricSpec, MetricTarget};
use crate::units::Millicores;

/// What is asserted about the autoscaler; `None` means not asserted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asserted<'a> {
    /// The lower bound in pods.
    pub(crate) min_replicas: Option<i32>,
    /// The upper bound in pods.
    pub(crate) max_replicas: Option<i32>,
    /// The CPU target in percent of the request.
    pub(crate) cpu_target_percent: Option<i32>,
    /// Whether a CPU metric is required.
    pub(crate) has_cpu: bool,
    /// Required metrics, by name.
    pub(crate) metrics: &'a [AssertedMetric],
    /// Whether a scale-down must be possible.
    pub(crate) scale_down: bool,
    /// The longest wait for anything without a deadline of its own.
    pub(crate) patience: Option<Duration>,
}

/// The result of looking up the scale target.
#[derive(Debug, Clone)]
pub(crate) enum TargetLookup<'a> {
    /// It was read.
    Read(&'a ScaleTarget),
    /// It does not exist.
    Absent {
        /// What happened to it: `can't be found` or `was deleted`.
        how: &'static str,
        /// A quote that proves it.
        quote: String,
        /// When a run saw it happen.
        at: Option<Timestamp>,
    },
    /// It exists, but its kind has no `/scale` subresource.
    NotScalable {
        /// The API server's message.
        message: String,
    },
    /// Unknown, because it was not read.
    Unread,
}

/// A pod that the scale target's selector matches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PodView<'a> {
    /// Its state.
    pub(crate) pod: &'a Pod,
    /// Its sample in the latest answer of the metrics API.
    pub(crate) sample: Option<&'a PodSample>,
    /// When it last became ready or not ready.
    pub(crate) since: Option<Timestamp>,
}

impl<'a> PodView<'a> {
    /// The pod's name.
    pub(crate) fn name(&self) -> &'a str {
        &self.pod.name
    }

    /// Whether it is neither terminating nor finished.
    pub(crate) fn is_living(&self) -> bool {
        !self.pod.deleting && !matches!(self.pod.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Whether it is ready, and neither terminating nor finished.
    pub(crate) fn is_ready(&self) -> bool {
        self.is_living() && self.pod.is_ready()
    }

    /// The status of its `Ready` condition, for quotes.
    pub(crate) fn readiness(&self) -> String {
        let Some(ready) = &self.pod.ready else {
            return "unknown".to_owned();
        };
        let since = ready.since.map(|since| format!(" since {since:.0}"));
        let reason = self.pod.life.unready_reason.as_deref();
        let reason = reason.filter(|r| !r.is_empty()).map(|r| format!(" ({r})"));
        let (since, reason) = (since.unwrap_or_default(), reason.unwrap_or_default());
        format!("{}{since}{reason}", ready.status)
    }

    /// When it was created, or first observed.
    pub(crate) fn made(&self) -> Option<Timestamp> {
        self.pod.life.created.or(self.pod.started).or(self.since)
    }
}

/// The latest answer of the metrics API.
#[derive(Debug, Clone)]
pub(crate) struct MetricsView<'a> {
    /// Whether the API exists.
    pub(crate) api: MetricsApi,
    /// Whether it answered, or its error; `None` if it was not called.
    pub(crate) answer: Option<Result<(), &'a str>>,
    /// When it answered.
    pub(crate) at: Timestamp,
    /// How long it has returned only errors; `None` in a snapshot, which can't tell.
    pub(crate) failing_for: Option<Duration>,
    /// Whether any answer had a sample for one of the pods.
    pub(crate) ever_sampled: bool,
    /// When the newest sample was first seen. Node clocks may differ, so the sample's own timestamp is not enough.
    pub(crate) newest_since: Option<Timestamp>,
    /// Stale samples matter only from then on.
    pub(crate) needed_from: Timestamp,
}

/// One limit of a `ResourceQuota`.
#[derive(Debug, Clone)]
pub(crate) struct QuotaView<'a> {
    /// The limit, and the pods that it counts.
    pub(crate) quota: &'a Quota,
    /// How much of its use is the scale target's own.
    pub(crate) own: OwnPods<'a>,
}

/// The scale target's pods when the quota's use was read, including terminating ones: quotas count them until
/// they are gone.
#[derive(Debug, Clone)]
pub(crate) enum OwnPods<'a> {
    /// These.
    These(Vec<&'a Pod>),
    /// This many; `None` if unknown.
    Count(Option<i32>),
}

impl OwnPods<'_> {
    /// The number of pods, at least.
    pub(crate) fn count(&self) -> i64 {
        match self {
            Self::These(pods) => i64::try_from(pods.len()).unwrap_or(i64::MAX),
            Self::Count(count) => count.map_or(0, i64::from),
        }
    }
}

/// An event about the scale target or its pods.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventView<'a> {
    /// The object it is about, as `Kind/name`.
    pub(crate) about: &'a str,
    /// The reason.
    pub(crate) reason: &'a str,
    /// The message.
    pub(crate) message: &'a str,
    /// The last occurrence, if known.
    pub(crate) at: Option<Timestamp>,
}

impl EventView<'_> {
    /// As a quote.
    pub(crate) fn quote(&self) -> String {
        format!("event {} of {}: {}", self.reason, self.about, self.message)
    }
}

/// Writes of `spec.replicas` by others than the controller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConflictingWrites {
    /// The writer's field manager; `None` if only the controller's reactions to it were observed.
    pub(crate) writer: Option<String>,
    /// The evidence for them.
    pub(crate) times: usize,
    /// The first one that a run observed.
    pub(crate) at: Option<Timestamp>,
    /// The evidence for them.
    pub(crate) quotes: Vec<String>,
}

/// A replica count that the scale target kept long enough to be judged.
#[derive(Debug, Clone)]
pub(crate) struct SizeView {
    /// `spec.replicas`, each time it was read.
    pub(crate) replicas: Vec<i32>,
    /// The spec's bounds at that time.
    pub(crate) bounds: (i32, i32),
    /// When.
    pub(crate) at: Timestamp,
}

/// How often the replicas rose and fell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Swings {
    /// Rises.
    pub(crate) ups: usize,
    /// Falls.
    pub(crate) downs: usize,
    /// The time they took, if the load is unknown. The load of a run explains one rise and one fall.
    pub(crate) within: Option<Duration>,
    /// The first change of direction that a run observed.
    pub(crate) at: Option<Timestamp>,
    /// The evidence for them.
    pub(crate) quotes: Vec<String>,
}

/// The CPU usage of pods under load at one instant.
#[derive(Debug, Clone)]
pub(crate) struct UseView<'a> {
    /// When.
    pub(crate) at: Timestamp,
    /// Name, counted usage and counted request in millicores of each pod that has been ready long enough
    /// to get its share of the load.
    pub(crate) pods: Vec<(&'a str, i64, i64)>,
}

/// A pod that stopped being ready.
#[derive(Debug, Clone)]
pub(crate) struct ReadinessLoss<'a> {
    /// The pod's name.
    pub(crate) pod: &'a str,
    /// The evidence for it.
    pub(crate) quote: String,
    /// When it stopped.
    pub(crate) at: Timestamp,
    /// The busiest pod at that time, and its usage in percent of its request.
    pub(crate) busiest: Option<(&'a str, i64)>,
}

/// An autoscaler with its scale target, pods and their usage, as seen by a run or a snapshot.
pub(crate) trait View {
    /// The instant to judge.
    fn now(&self) -> Timestamp;
    /// The current spec; `None` if the autoscaler does not exist.
    fn spec(&self) -> Option<&AutoscalerSpec>;
    /// The latest status.
    fn status(&self) -> Option<&AutoscalerStatus>;
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

/// A pod may take this long to become ready, or the user's patience if that is shorter.
const START: Duration = Duration::from_mins(2);

/// The default of `spec.progressDeadlineSeconds`, after which a Deployment itself calls a rollout stuck.
const PROGRESS_DEADLINE: Duration = Duration::from_mins(10);

/// The field manager of KEDA's operator, which scales targets to zero and back.
const KEDA: &str = "keda";

impl dyn View + '_ {
    /// Whether a field manager writes the replicas on the autoscaler's behalf.
    pub(crate) fn is_own_writer(&self, manager: &str) -> bool {
        let keda = manager == KEDA || manager == "keda-operator";
        manager == CONTROLLER || (keda && self.scaled_object().is_some())
    }

    /// The part of scaling that is paused on purpose, and the annotation that pauses it.
    pub(crate) fn pause(&self) -> Option<(Pause, String)> {
        self.scaled_object()?.pause()
    }

    /// The scale target, if it was read.
    pub(crate) fn target(&self) -> Option<&ScaleTarget> {
        match self.scaled() {
            TargetLookup::Read(target) => Some(target),
            TargetLookup::Absent { .. }
            | TargetLookup::NotScalable { .. }
            | TargetLookup::Unread => None,
        }
    }

    /// The scale target as `Kind/name`.
    pub(crate) fn reference(&self) -> String {
        self.spec().map_or_else(
            || "the scale target".to_owned(),
            |spec| {
                let reference = &spec.scale_target_ref;
                format!("{}/{}", reference.kind, reference.name)
            },
        )
    }

    /// Reason and message of a condition that is `False`.
    pub(crate) fn refusal(&self, kind: &str) -> Option<(&str, &str)> {
        let mut all = self.status()?.conditions.iter();
        let condition = all.find(|c| c.kind == kind && c.status == "False")?;
        Some((&condition.reason, &condition.message))
    }

    /// The same, if the controller has had two syncs to withdraw it. A single sync may fail because another writer came
    /// first, a webhook was slow or an API server restarted.
    pub(crate) fn standing_refusal(&self, kind: &str) -> Option<(&str, &str)> {
        let syncs = self.controller().sync_period * 2;
        let stands = self.refused_for(kind).is_none_or(|span| span >= syncs);
        self.refusal(kind).filter(|_| stands)
    }

    /// The same condition, as a quote.
    pub(crate) fn quoted_refusal(&self, kind: &str) -> Option<String> {
        let (reason, message) = self.refusal(kind)?;
        Some(quoted(reason, message))
    }

    /// Whether a condition has this reason.
    pub(crate) fn says(&self, reason: &str) -> bool {
        let mut all = self.status().into_iter().flat_map(|s| &s.conditions);
        all.any(|c| c.reason == reason)
    }

    /// The server of this metrics API.
    pub(crate) fn server_of(&self, group: &str) -> Option<&MetricsServer> {
        let all = self.metrics_servers();
        all.into_iter().find(|server| server.group == group)
    }

    /// The asserted maximum, or else the spec's.
    pub(crate) fn max_replicas(&self) -> Option<i32> {
        let own = self.spec().map(|spec| spec.max_replicas);
        self.asserted().max_replicas.or(own)
    }

    /// The CPU metric with a target in percent of the request.
    pub(crate) fn cpu(&self) -> Option<&MetricSpec> {
        let mut metrics = self.spec()?.metrics.iter();
        metrics.find(|m| m.is_cpu() && m.utilization().is_some())
    }

    /// Whether it is the only metric, so nothing else can add pods.
    pub(crate) fn only_cpu(&self) -> bool {
        let metrics = self.spec().map_or(&[][..], |spec| &spec.metrics);
        matches!(metrics, [metric] if metric.is_cpu())
    }

    /// Its target in percent.
    pub(crate) fn target_percent(&self) -> Option<i64> {
        self.cpu()?.utilization().map(i64::from)
    }

    /// Whether a container counts for it.
    pub(crate) fn counts(&self, container: &str) -> bool {
        let counted = self.cpu().and_then(|m| m.source.container());
        counted.is_none_or(|name| name == container)
    }

    /// Whether any metric averages over the pods' own values, so that a pod without one matters.
    pub(crate) fn averages_pods(&self) -> bool {
        let metrics = self.spec().map_or(&[][..], |spec| &spec.metrics);
        metrics.iter().any(|m| !m.source.is_object_or_external())
    }

    /// Whether the number of pods matters for any metric: an external amount per pod is divided only by the
    /// target (`GetExternalPerPodMetricReplicas`).
    pub(crate) fn counts_pods(&self) -> bool {
        let metrics = self.spec().map_or(&[][..], |spec| &spec.metrics);
        let per_pod = |m: &MetricSpec| matches!(m.target, MetricTarget::AverageValue(_));
        let mut metrics = metrics.iter();
        self.averages_pods() || metrics.any(|m| !per_pod(m))
    }

    /// Whether any metric comes from the resource metrics API.
    pub(crate) fn needs_resource_metrics(&self) -> bool {
        // Until the spec is known, the assertion is used in its place.
        let asserted = self.asserted().cpu_target_percent.is_some();
        let of_resource = |m: &MetricSpec| m.resource().is_some();
        self.spec()
            .map_or(asserted, |s| s.metrics.iter().any(of_resource))
    }

    /// The CPU request of a pod in millicores, as the metric counts it; `None` if it can't.
    pub(crate) fn request(&self, pod: &Pod) -> Option<i64> {
        let request = counted::request(pod, &self.cpu()?.source, self.gates());
        request.ok().filter(|request| *request > 0)
    }

    /// The CPU usage of a sample in millicores, as the metric counts it; `None` if a counted value is missing.
    pub(crate) fn used(&self, sample: &PodSample) -> Option<i64> {
        counted::used(sample, &self.cpu()?.source)
    }

    /// The pods that are neither terminating nor finished.
    pub(crate) fn living(&self) -> Vec<PodView<'_>> {
        let pods = self.pods().unwrap_or_default();
        pods.into_iter().filter(PodView::is_living).collect()
    }

    /// The CPU that a pod takes from a node and from a quota. Pods of another template, and those with a boost for
    /// their start, may take more, so the smallest counts.
    pub(crate) fn whole_request(&self) -> Option<Millicores> {
        let requests = self.living().iter().map(|p| whole_request(p.pod)).collect();
        let requests: Option<Vec<Millicores>> = requests;
        requests?.into_iter().min()
    }

    /// The controller's tolerances.
    pub(crate) fn tolerances(&self) -> Option<Tolerances> {
        let controller = self.controller();
        Some(counted::tolerances(self.spec()?, controller, self.gates()))
    }

    /// The usage above which the metric adds pods, in percent of the request.
    pub(crate) fn fires_above(&self) -> Option<f64> {
        let target = f64::from(self.cpu()?.utilization()?);
        Some(target * (1.0 + self.tolerances()?.scale_up))
    }

    /// How long a pod may take to become ready.
    pub(crate) fn start_patience(&self) -> Duration {
        let asserted = self.asserted().patience.unwrap_or(START);
        START.min(asserted)
    }

    /// How long this pod may take to become ready: longer than usual if its probes allow it, if others took
    /// longer, or while its containers are still being created: on a new node that includes pulling the image.
    pub(crate) fn start_patience_of(&self, pod: &PodView<'_>) -> Duration {
        let own = pod.pod.life.start_allowance.unwrap_or_default();
        let created = pod.pod.phase != "Pending";
        let pull = if created {
            Duration::ZERO
        } else {
            PROGRESS_DEADLINE
        };
        self.start_patience()
            .max(self.others_start())
            .max(own)
            .max(pull)
    }

    /// How long starts take here: twice the longest observed, at most a Deployment's default deadline. A
    /// snapshot of pods that were never ready shows nothing.
    fn others_start(&self) -> Duration {
        let living = self.living();
        let ready = living.iter().filter(|p| p.is_ready());
        let took = ready.filter_map(|p| {
            let took = p
                .since?
                .duration_since(p.pod.life.created.or(p.pod.started)?);
            Duration::try_from(took).ok()
        });
        match took.max() {
            Some(took) => (took * 2).min(PROGRESS_DEADLINE),
            None if self.is_watched() => Duration::ZERO,
            None => PROGRESS_DEADLINE,
        }
    }

    /// How long a new pod may lack a sample: two windows until there is a complete one, and as long again until
    /// it is read.
    pub(crate) fn warm_up(&self) -> Duration {
        self.sample_period() * 4 + self.controller().sync_period
    }

    /// The time between two samples of a pod, taken from the samples. A snapshot without samples uses metrics-server's
    /// default.
    fn sample_period(&self) -> Duration {
        const OWN_DEFAULT: Duration = Duration::from_mins(1);
        let pods = self.pods().unwrap_or_default();
        let windows = pods.iter().filter_map(|p| p.sample).map(|s| s.window);
        let unknown = || (!self.is_watched()).then_some(OWN_DEFAULT);
        let window = windows.max().or_else(unknown).unwrap_or_default();
        window.max(self.metrics_resolution())
    }

    /// Whether something has lasted for `span` or longer.
    pub(crate) fn longer(&self, since: Option<Timestamp>, span: Duration) -> bool {
        since.is_some_and(|since| after(since, span) <= self.now())
    }
}

/// A condition, as a quote.
pub(crate) fn quoted(reason: &str, message: &str) -> String {
    format!("condition {reason}: {message}")
}

/// The CPU that a pod takes from a node and from a quota; `None` if it requests none.
pub(crate) fn whole_request(pod: &Pod) -> Option<Millicores> {
    counted::whole_request(pod, "cpu").map(Millicores)
}

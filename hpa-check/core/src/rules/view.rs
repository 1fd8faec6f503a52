//! An autoscaler as the rules see it. The state of a run and a snapshot of a cluster both implement
//! [`View`], so that each finding is evaluated in one place.

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
use crate::spec::{AutoscalerSpec, MetricSource, MetricSpec, MetricTarget};
use crate::units::Millicores;

/// What is asserted of the autoscaler; each `None` where nothing is.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Asserted<'a> {
    /// The lower bound in pods.
    pub(crate) min_replicas: Option<i32>,
    /// The upper bound in pods.
    pub(crate) max_replicas: Option<i32>,
    /// The CPU target in percent of the request.
    pub(crate) cpu_target_percent: Option<i32>,
    /// Whether it has to have a CPU metric.
    pub(crate) has_cpu: bool,
    /// Metrics that it has to have, by name.
    pub(crate) metrics: &'a [AssertedMetric],
    /// Whether a scale-down has to be possible.
    pub(crate) scale_down: bool,
    /// The longest wait for anything that has no deadline of its own.
    pub(crate) patience: Option<Duration>,
}

/// What became of looking for the scale target.
#[derive(Debug, Clone)]
pub(crate) enum Scaled<'a> {
    /// It was read.
    Read(&'a ScaleTarget),
    /// It is not there.
    Absent {
        /// What became of it: `can't be found` or `was deleted`.
        how: &'static str,
        /// What shows that.
        quote: String,
    },
    /// It is there, and its kind has no scale.
    NotScalable {
        /// The API server's words.
        message: String,
    },
    /// It was not read, so nobody knows.
    Unread,
}

/// A pod that the scale target's selector matches.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PodView<'a> {
    /// Its state.
    pub(crate) pod: &'a Pod,
    /// Its sample in the newest answer of the metrics API.
    pub(crate) sample: Option<&'a PodSample>,
    /// Since when it has been ready, or not ready.
    pub(crate) since: Option<Timestamp>,
}

impl<'a> PodView<'a> {
    /// The pod's name.
    pub(crate) fn name(&self) -> &'a str {
        &self.pod.name
    }

    /// Whether it is neither being deleted nor finished.
    pub(crate) fn is_living(&self) -> bool {
        !self.pod.deleting && !matches!(self.pod.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Whether it is living and ready.
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

    /// Whether the kubelet says that containers are not ready. Otherwise it is a readiness gate or the node.
    pub(crate) fn fails_by_itself(&self) -> bool {
        let reason = self.pod.life.unready_reason.as_deref();
        reason.is_none_or(|reason| reason == "ContainersNotReady")
    }

    /// When it was made, or was seen to be there.
    pub(crate) fn made(&self) -> Option<Timestamp> {
        self.pod.life.created.or(self.pod.started).or(self.since)
    }
}

/// What the metrics API said last.
#[derive(Debug, Clone)]
pub(crate) struct MetricsView<'a> {
    /// Whether there is one.
    pub(crate) api: MetricsApi,
    /// Whether it answered, or its error; `None` when it was not asked.
    pub(crate) answer: Option<Result<(), &'a str>>,
    /// When it answered.
    pub(crate) at: Timestamp,
    /// For how long there has been nothing but errors; `None` where one look can't tell.
    pub(crate) failing_for: Option<Duration>,
    /// Whether any answer had a sample of one of the pods.
    pub(crate) ever_sampled: bool,
    /// From when on stale samples matter.
    pub(crate) needed_from: Timestamp,
}

/// One limit of a `ResourceQuota`.
#[derive(Debug, Clone)]
pub(crate) struct QuotaView<'a> {
    /// The limit, and which pods it counts.
    pub(crate) quota: &'a Quota,
    /// What of its use is the scale target's own.
    pub(crate) own: OwnPods<'a>,
}

/// The scale target's pods when a quota's use was read. Pods that are being deleted are among them: quotas count
/// them until they are gone.
#[derive(Debug, Clone)]
pub(crate) enum OwnPods<'a> {
    /// These.
    These(Vec<&'a Pod>),
    /// So many; `None` where that is not known.
    Count(Option<i32>),
}

impl OwnPods<'_> {
    /// How many there are at least.
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
    /// One word.
    pub(crate) reason: &'a str,
    /// The sentence.
    pub(crate) message: &'a str,
    /// When it was last seen, if that is known.
    pub(crate) at: Option<Timestamp>,
}

impl EventView<'_> {
    /// As a quote.
    pub(crate) fn quote(&self) -> String {
        format!("event {} of {}: {}", self.reason, self.about, self.message)
    }
}

/// Writes of `spec.replicas` that are not the controller's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ConflictingWrites {
    /// The writer's field manager; `None` where only the controller's answers to it were seen.
    pub(crate) writer: Option<String>,
    /// How often.
    pub(crate) times: usize,
    /// What shows them.
    pub(crate) quotes: Vec<String>,
}

/// A size that the scale target had for long enough to be judged.
#[derive(Debug, Clone)]
pub(crate) struct SizeView {
    /// `spec.replicas`, each time it was looked at.
    pub(crate) replicas: Vec<i32>,
    /// The spec's bounds at that time.
    pub(crate) bounds: (i32, i32),
    /// When, for quotes.
    pub(crate) clock: String,
}

/// How often the replicas went up and down.
#[derive(Debug, Clone, Default)]
pub(crate) struct Swings {
    /// Ways up.
    pub(crate) ups: usize,
    /// Ways down.
    pub(crate) downs: usize,
    /// Within what time, where the load is not known; the load of a run explains one way up and down.
    pub(crate) within: Option<Duration>,
    /// What shows them.
    pub(crate) quotes: Vec<String>,
}

/// The CPU use of pods under load at one instant.
#[derive(Debug, Clone)]
pub(crate) struct UseView<'a> {
    /// When, for quotes.
    pub(crate) clock: String,
    /// Name, counted use and counted request in millicores, of each pod that has been ready for long
    /// enough to have its share.
    pub(crate) pods: Vec<(&'a str, i64, i64)>,
}

/// A pod that was ready, and was not any more.
#[derive(Debug, Clone)]
pub(crate) struct ReadinessLoss<'a> {
    /// The pod's name.
    pub(crate) pod: &'a str,
    /// What shows it.
    pub(crate) quote: String,
    /// The busiest pod meanwhile, and its use in percent of its request.
    pub(crate) busiest: Option<(&'a str, i64)>,
}

/// An autoscaler, its scale target, its pods and their use, as one tool saw them.
pub(crate) trait View {
    /// The instant that is judged.
    fn now(&self) -> Timestamp;
    /// The spec in force; `None` when the autoscaler is not there.
    fn spec(&self) -> Option<&AutoscalerSpec>;
    /// What the controller last wrote.
    fn status(&self) -> Option<&AutoscalerStatus>;
    /// The scale target.
    fn scaled(&self) -> Scaled<'_>;
    /// The pods that its selector matches; `None` when they may not be read.
    fn pods(&self) -> Option<Vec<PodView<'_>>>;
    /// What the metrics API said.
    fn metrics(&self) -> MetricsView<'_>;
    /// The controller's flags.
    fn controller(&self) -> &ControllerConfig;
    /// Time between two samples of a pod.
    fn metrics_resolution(&self) -> Duration;
    /// What differs in this version of Kubernetes.
    fn gates(&self) -> VersionGates;
    /// What is asserted.
    fn asserted(&self) -> Asserted<'_>;

    /// Who serves the APIs of metrics, as far as it is known.
    fn metrics_servers(&self) -> Vec<&MetricsServer>;
    /// Nodes that Karpenter is making, where they were read.
    fn node_claims(&self) -> &[NodeClaim] {
        &[]
    }
    /// The stretch in which too few pods were ready for something else than a start to have kept them.
    fn deficit(&self) -> Option<(Timestamp, Timestamp)>;

    /// Quotas of the namespace.
    fn quotas(&self) -> Vec<QuotaView<'_>>;
    /// All CPU there is for the scale target's pods, and how that is known.
    fn capacity(&self) -> Option<(Millicores, String)>;
    /// Whether events are read; otherwise that there is none proves nothing.
    fn events_are_seen(&self) -> bool;
    /// Events about the scale target and its pods.
    fn events(&self) -> Vec<EventView<'_>>;
    /// Another autoscaler of the same scale target.
    fn other_autoscaler(&self) -> Option<&str>;
    /// The `ScaledObject` that the autoscaler belongs to, if it is KEDA's.
    fn scaled_object(&self) -> Option<&ScaledObject>;
    /// Other autoscalers that count one of these pods, each with such a pod.
    fn shared_pods(&self) -> &[(&str, &str)] {
        &[]
    }
    /// Who owns the owners of pods, where that was read: `ReplicaSet/cart-6d` belongs to `Deployment/cart`.
    fn owners(&self) -> Option<&BTreeMap<String, String>> {
        None
    }
    /// Whether somebody paused the scale target's rollout.
    fn rollout_is_paused(&self) -> bool {
        false
    }

    /// Whether the controller's conditions are as new as all else. At one look they may be older than
    /// the objects.
    fn is_watched(&self) -> bool;
    /// For how long the controller has refused something by a condition of that kind, where that was watched.
    fn refused_for(&self, _kind: &str) -> Option<Duration> {
        None
    }
    /// Whether as many pods as the maximum were ready at once.
    fn reached_max(&self) -> bool;
    /// Whether all that was asserted has been seen to work, so that what is so now did not keep it
    /// from working.
    fn is_complete(&self) -> bool;
    /// Whether the scale target lacks ready pods, so that what a single pod looks like can be believed.
    fn lacks_ready_pods(&self) -> bool;
    /// Whether the pods that are seen are those there were when the metrics API answered.
    fn pods_match_metrics(&self) -> bool;

    /// Writes of the replicas that are not the controller's.
    fn conflicting_writes(&self) -> Option<ConflictingWrites>;
    /// The sizes that the bounds have to hold for.
    fn sizes(&self) -> Vec<SizeView>;
    /// How often the replicas went up and down.
    fn swings(&self) -> Swings;
    /// For how long the controller has been seen to write nothing, and what it had written before.
    fn silence(&self) -> Option<(Duration, &'static str)>;
    /// The CPU use under load, and how many of these in a row have to show the same.
    fn uses_under_load(&self) -> (Vec<UseView<'_>>, usize);
    /// Pods that were ready and stopped being so, where that cost the service something.
    fn readiness_losses(&self) -> Vec<ReadinessLoss<'_>>;
    /// An instant, for quotes.
    fn clock(&self, at: Timestamp) -> String;
}

/// A pod may take this long to become ready, or as long as the user waits for anything if that is less.
const START: Duration = Duration::from_mins(2);

/// The default of `spec.progressDeadlineSeconds`, after which a Deployment itself calls a rollout stuck.
const PROGRESS_DEADLINE: Duration = Duration::from_mins(10);

/// The name under which KEDA's operator writes: it moves its targets from zero and back.
const KEDA: &str = "keda";

impl dyn View + '_ {
    /// Whether a field manager writes the replicas on the autoscaler's behalf.
    pub(crate) fn is_own_writer(&self, manager: &str) -> bool {
        let keda = manager == KEDA || manager == "keda-operator";
        manager == CONTROLLER || (keda && self.scaled_object().is_some())
    }

    /// What of the scaling is paused on purpose, and the annotation that says so.
    pub(crate) fn pause(&self) -> Option<(Pause, String)> {
        self.scaled_object()?.pause()
    }

    /// The scale target, if it was read.
    pub(crate) fn target(&self) -> Option<&ScaleTarget> {
        match self.scaled() {
            Scaled::Read(target) => Some(target),
            Scaled::Absent { .. } | Scaled::NotScalable { .. } | Scaled::Unread => None,
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

    /// The same, as a quote.
    pub(crate) fn quoted_refusal(&self, kind: &str) -> Option<String> {
        let (reason, message) = self.refusal(kind)?;
        Some(quoted(reason, message))
    }

    /// Whether a condition has this reason.
    pub(crate) fn says(&self, reason: &str) -> bool {
        let mut all = self.status().into_iter().flat_map(|s| &s.conditions);
        all.any(|c| c.reason == reason)
    }

    /// Who serves this API of metrics.
    pub(crate) fn server_of(&self, group: &str) -> Option<&MetricsServer> {
        let all = self.metrics_servers();
        all.into_iter().find(|server| server.group == group)
    }

    /// The upper bound: the asserted one, or the spec's.
    pub(crate) fn max_replicas(&self) -> Option<i32> {
        let own = self.spec().map(|spec| spec.max_replicas);
        self.asserted().max_replicas.or(own)
    }

    /// The CPU metric with a target in percent of the request.
    pub(crate) fn cpu(&self) -> Option<&MetricSpec> {
        let mut metrics = self.spec()?.metrics.iter();
        metrics.find(|m| m.is_cpu() && m.utilization().is_some())
    }

    /// Whether it is the only metric, so that nothing else can ask for pods.
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

    /// Whether any metric is an average over the pods' own values, so that a pod without one weighs.
    pub(crate) fn averages_pods(&self) -> bool {
        let metrics = self.spec().map_or(&[][..], |spec| &spec.metrics);
        metrics.iter().any(|m| !m.source.is_object_or_external())
    }

    /// Whether the number of pods counts for any metric: an external amount per pod is divided by nothing but the
    /// target (`GetExternalPerPodMetricReplicas`).
    pub(crate) fn counts_pods(&self) -> bool {
        let metrics = self.spec().map_or(&[][..], |spec| &spec.metrics);
        let per_pod = |m: &MetricSpec| matches!(m.target, MetricTarget::AverageValue(_));
        let mut metrics = metrics.iter();
        self.averages_pods() || metrics.any(|m| !per_pod(m))
    }

    /// Whether any metric comes from the resource metrics API.
    pub(crate) fn needs_resource_metrics(&self) -> bool {
        // While the spec is not known, the assertion is.
        let asserted = self.asserted().cpu_target_percent.is_some();
        let of_resource = |m: &MetricSpec| m.resource().is_some();
        self.spec()
            .map_or(asserted, |s| s.metrics.iter().any(of_resource))
    }

    /// The CPU request of a pod in millicores as the metric counts it, if it can.
    pub(crate) fn request(&self, pod: &Pod) -> Option<i64> {
        let request = counted::request(pod, &self.cpu()?.source, self.gates());
        request.ok().filter(|request| *request > 0)
    }

    /// The CPU use of a sample in millicores as the metric counts it, if nothing that counts is missing.
    pub(crate) fn used(&self, sample: &PodSample) -> Option<i64> {
        counted::used(sample, &self.cpu()?.source)
    }

    /// The pods that are neither being deleted nor finished.
    pub(crate) fn living(&self) -> Vec<PodView<'_>> {
        let pods = self.pods().unwrap_or_default();
        pods.into_iter().filter(PodView::is_living).collect()
    }

    /// The CPU that a pod takes from a node and from a quota, of several pods the most.
    pub(crate) fn whole_request(&self) -> Option<Millicores> {
        let requests = self.living().iter().map(|p| whole_request(p.pod)).collect();
        let requests: Option<Vec<Millicores>> = requests;
        requests?.into_iter().max()
    }

    /// The bands around the target in which nothing happens, as the controller has them.
    pub(crate) fn tolerances(&self) -> Option<Tolerances> {
        let controller = self.controller();
        Some(counted::tolerances(self.spec()?, controller, self.gates()))
    }

    /// Use above which the metric asks for more, in percent of the request.
    pub(crate) fn fires_above(&self) -> Option<f64> {
        let target = f64::from(self.cpu()?.utilization()?);
        Some(target * (1.0 + self.tolerances()?.scale_up))
    }

    /// How long a pod may take to become ready.
    pub(crate) fn start_patience(&self) -> Duration {
        let asserted = self.asserted().patience.unwrap_or(START);
        START.min(asserted)
    }

    /// How long this pod may take to become ready: longer than usual where its probes say so, or where others took
    /// longer.
    pub(crate) fn start_patience_of(&self, pod: &PodView<'_>) -> Duration {
        let own = pod.pod.life.start_allowance.unwrap_or_default();
        self.start_patience().max(self.others_start()).max(own)
    }

    /// How long starts take here: twice the longest that was seen, and up to a Deployment's own default deadline. One
    /// look at pods of which none was ever ready tells nothing.
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

    /// How long a new pod may be without a sample: two windows until there is a whole one, and the
    /// same again until it is read.
    pub(crate) fn warm_up(&self) -> Duration {
        self.metrics_resolution() * 4 + self.controller().sync_period
    }

    /// Whether something has been so for `span` or longer.
    pub(crate) fn longer(&self, since: Option<Timestamp>, span: Duration) -> bool {
        since.is_some_and(|since| after(since, span) <= self.now())
    }
}

/// A condition, as a quote.
pub(crate) fn quoted(reason: &str, message: &str) -> String {
    format!("condition {reason}: {message}")
}

/// The CPU that a pod takes from a node and from a quota; `None` if one of its containers requests none.
pub(crate) fn whole_request(pod: &Pod) -> Option<Millicores> {
    let cpu = MetricSource::Resource {
        name: "cpu".to_owned(),
    };
    let request = counted::request(pod, &cpu, VersionGates::default());
    request.ok().map(Millicores)
}

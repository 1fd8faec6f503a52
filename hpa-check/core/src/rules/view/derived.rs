//! What follows from a [`View`], no matter whose it is.

use std::time::Duration;

use jiff::Timestamp;

use super::{PodView, TargetLookup, View};
use crate::keda::Pause;
use crate::metrics_server::MetricsServer;
use crate::model::{Tolerances, after, counted};
use crate::observation::{Pod, PodSample, ScaleTarget, is_controller};
use crate::spec::{MetricSpec, MetricTarget};
use crate::units::Millicores;

/// A pod may take this long to become ready, or the user's patience if that is shorter.
const START: Duration = Duration::from_mins(2);

/// The default of `spec.progressDeadlineSeconds`, after which a Deployment itself calls a rollout stuck.
const PROGRESS_DEADLINE: Duration = Duration::from_mins(10);

/// The metrics server's resolution that is assumed if none is stated.
const ASSUMED_RESOLUTION: Duration = Duration::from_secs(15);

/// The default of metrics-server's `--metric-resolution`.
const OWN_RESOLUTION: Duration = Duration::from_mins(1);

/// The field manager of KEDA's operator, which scales targets to zero and back.
const KEDA: &str = "keda";

impl dyn View + '_ {
    /// Whether a field manager writes the replicas on the autoscaler's behalf.
    pub(crate) fn is_own_writer(&self, manager: &str) -> bool {
        let keda = manager == KEDA || manager == "keda-operator";
        is_controller(manager, self.status_writer()) || (keda && self.scaled_object().is_some())
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
        self.refusal_lasting(kind, self.controller().sync_period * 2)
    }

    /// The same, if it has lasted this long, or for an unknown time.
    pub(crate) fn refusal_lasting(&self, kind: &str, span: Duration) -> Option<(&str, &str)> {
        let lasts = self.refused_for(kind).is_none_or(|since| since >= span);
        self.refusal(kind).filter(|_| lasts)
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

    /// The same for its first sample ever, if no samples show how often they are taken: at metrics-server's own default
    /// resolution, unless the user stated another than the assumed one.
    pub(crate) fn first_warm_up(&self) -> Duration {
        let assumed = self.metrics_resolution() == ASSUMED_RESOLUTION;
        let period = if assumed && self.window().is_none() {
            OWN_RESOLUTION
        } else {
            Duration::ZERO
        };
        self.warm_up()
            .max(period * 4 + self.controller().sync_period)
    }

    /// The time between two samples of a pod, taken from the samples. A snapshot without samples uses metrics-server's
    /// default.
    fn sample_period(&self) -> Duration {
        let unknown = || (!self.is_watched()).then_some(OWN_RESOLUTION);
        let window = self.window().or_else(unknown).unwrap_or_default();
        window.max(self.metrics_resolution())
    }

    /// The longest window of the newest samples.
    fn window(&self) -> Option<Duration> {
        let pods = self.pods().unwrap_or_default();
        let windows = pods.iter().filter_map(|p| p.sample).map(|s| s.window);
        windows.max().or_else(|| self.known_window())
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
fn whole_request(pod: &Pod) -> Option<Millicores> {
    counted::whole_request(pod, "cpu").map(Millicores)
}

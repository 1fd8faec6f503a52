//! One autoscaler with all that belongs to it, and the questions that checks ask of it.

use std::time::Duration;

use jiff::Timestamp;

use super::examination::Asked;
use super::facts::{ClusterFacts, Namespace, PodFacts, Scaler, Workload};
use super::index::Index;
use crate::model::proposal::Readings;
use crate::model::reconcile::{Controller, Decision, Scale, Sync};
use crate::model::{VersionGates, after, counted, pods};
use crate::observation::{AutoscalerStatus, PodSample, Target};
use crate::spec::{AutoscalerSpec, MetricSpec};

/// One autoscaler under examination.
pub(super) struct Patient<'a> {
    pub(super) facts: &'a ClusterFacts,
    pub(super) namespace: &'a str,
    pub(super) space: &'a Namespace,
    pub(super) scaler: &'a Scaler,
    pub(super) asked: &'a Asked,
    /// The pods that its target's selector matches.
    pub(super) pods: Vec<&'a PodFacts>,
    /// Other autoscalers that count one of these pods, each with such a pod.
    pub(super) rivals: Vec<(&'a str, &'a str)>,
    /// What the controller decides now, by the model, without its memory.
    pub(super) decision: Option<Decision>,
    /// The same autoscaler at the earlier look.
    pub(super) before: Option<Before<'a>>,
    index: &'a Index<'a>,
}

/// What the earlier look saw.
pub(super) struct Before<'a> {
    pub(super) scaler: &'a Scaler,
    samples: &'a [PodSample],
}

impl<'a> Patient<'a> {
    pub(super) fn new(
        facts: &'a ClusterFacts,
        namespace: &'a str,
        space: &'a Namespace,
        scaler: &'a Scaler,
        index: &'a Index<'a>,
        before: Option<(&'a ClusterFacts, &'a Namespace)>,
        asked: &'a Asked,
    ) -> Self {
        let selector = scaler.workload().map_or("", |w| &w.object.selector);
        let pods = index.select(selector);
        let before = before.and_then(|(_, earlier)| {
            let mut all = earlier.autoscalers.iter();
            Some(Before {
                scaler: all.find(|s| s.object.uid == scaler.object.uid)?,
                samples: earlier.samples.as_ref()?.as_deref().ok()?,
            })
        });
        let mut patient = Self {
            facts,
            namespace,
            space,
            scaler,
            asked,
            rivals: index.rivals(selector, &scaler.name),
            pods,
            decision: None,
            before,
            index,
        };
        patient.decision = patient.decide();
        patient
    }

    /// One sync of a controller that has just started, on what was seen.
    fn decide(&self) -> Option<Decision> {
        let workload = self.workload()?;
        self.space.pods.as_ref()?;
        let samples = self.space.samples.as_ref()?;
        let model_pods: Vec<pods::Pod> = self.pods.iter().map(|p| (&p.pod).into()).collect();
        let own: Vec<pods::PodMetric> = self.samples().map(|(_, s)| s.into()).collect();
        let metrics = match samples {
            Ok(_) => Ok(own.as_slice()),
            Err(error) => Err(error.as_str()),
        };
        let settings = self.facts.controller.clone();
        Some(Controller::new(settings, self.gates()).sync(Sync {
            now: self.facts.at,
            namespace: self.namespace,
            spec: self.spec(),
            scale: Ok(Scale {
                replicas: workload.object.spec_replicas,
                observed: workload.object.replicas,
                selector: &workload.object.selector,
            }),
            pods: &model_pods,
            metrics: Readings::of_resources(metrics),
            other_selectors: &[],
            update_error: None,
            conditions: &[],
            desired_before: 0,
        }))
    }

    pub(super) fn spec(&self) -> &'a AutoscalerSpec {
        &self.scaler.object.spec
    }

    pub(super) fn status(&self) -> Option<&'a AutoscalerStatus> {
        self.scaler.object.status.as_ref()
    }

    pub(super) fn workload(&self) -> Option<&'a Workload> {
        self.scaler.workload()
    }

    pub(super) fn target(&self) -> Option<&'a Target> {
        self.workload().map(|w| &w.object)
    }

    /// The target as `Kind/name`.
    pub(super) fn reference(&self) -> String {
        let reference = &self.spec().scale_target_ref;
        format!("{}/{}", reference.kind, reference.name)
    }

    /// The version's rules of the controller.
    pub(super) fn gates(&self) -> VersionGates {
        let version = self.facts.kubernetes.as_deref();
        version.map_or_else(VersionGates::default, VersionGates::of_version)
    }

    /// Reason and message of a condition that says no.
    pub(super) fn refusal(&self, kind: &str) -> Option<(&'a str, &'a str)> {
        let mut all = self.status()?.conditions.iter();
        let condition = all.find(|c| c.kind == kind && c.status == "False")?;
        Some((&condition.reason, &condition.message))
    }

    /// Whether a condition has this reason.
    pub(super) fn says(&self, reason: &str) -> bool {
        let conditions = self.status().map(|s| s.conditions.as_slice());
        conditions
            .unwrap_or_default()
            .iter()
            .any(|c| c.reason == reason)
    }

    /// The CPU metric with a target in percent of the request.
    pub(super) fn cpu(&self) -> Option<&'a MetricSpec> {
        let mut metrics = self.spec().metrics.iter();
        metrics.find(|m| m.is_cpu() && m.utilization().is_some())
    }

    /// Its target in percent.
    pub(super) fn target_percent(&self) -> Option<i64> {
        self.cpu()?.utilization().map(i64::from)
    }

    /// Whether any metric comes from the resource metrics API.
    pub(super) fn needs_resource_metrics(&self) -> bool {
        let mut metrics = self.spec().metrics.iter();
        metrics.any(|m| m.resource().is_some())
    }

    /// The one container that counts, if the metric names one.
    pub(super) fn container(&self) -> Option<&'a str> {
        self.cpu()?.source.container()
    }

    /// Whether a container counts for the metric.
    pub(super) fn counts(&self, container: &str) -> bool {
        self.container().is_none_or(|name| name == container)
    }

    /// The pods that are neither going nor gone.
    pub(super) fn living(&self) -> impl Iterator<Item = &'a PodFacts> {
        self.pods
            .iter()
            .copied()
            .filter(|p| !p.pod.deleting && !matches!(p.pod.phase.as_str(), "Succeeded" | "Failed"))
    }

    /// The living pods that are ready.
    pub(super) fn ready(&self) -> impl Iterator<Item = &'a PodFacts> {
        self.living().filter(|p| is_ready(p))
    }

    /// The pods that have a sample, with it.
    pub(super) fn samples(&self) -> impl Iterator<Item = (&'a PodFacts, &'a PodSample)> {
        let of = |p: &'a PodFacts| Some((p, *self.index.samples.get(p.pod.name.as_str())?));
        self.pods.iter().copied().filter_map(of)
    }

    /// Whether the metrics API answered for the namespace.
    pub(super) fn measured(&self) -> bool {
        matches!(self.space.samples, Some(Ok(_)))
    }

    /// A pod's sample at the earlier look.
    pub(super) fn sample_before(&self, pod: &str) -> Option<&'a PodSample> {
        let mut all = self.before.as_ref()?.samples.iter();
        all.find(|s| s.pod == pod)
    }

    /// The CPU request of a pod in millicores as the controller counts it, if it can.
    pub(super) fn request(&self, pod: &PodFacts) -> Option<i64> {
        let sum = counted::request(&pod.pod, &self.cpu()?.source, self.gates()).ok()?;
        (sum > 0).then_some(sum)
    }

    /// The counted CPU use of a sample in millicores.
    pub(super) fn used(&self, sample: &PodSample) -> i64 {
        let counted = sample.containers.iter().filter(|c| self.counts(&c.name));
        counted.filter_map(|c| c.cpu).map(|cpu| cpu.0).sum()
    }

    /// Use above which the metric asks for more, in percent of the request.
    pub(super) fn fires_above(&self) -> Option<f64> {
        let target = f64::from(self.cpu()?.utilization()?);
        let band = counted::tolerances(self.spec(), &self.facts.controller, self.gates());
        Some(target * (1.0 + band.scale_up))
    }

    /// Whether something has been so for longer than `span`.
    pub(super) fn longer(&self, since: Option<Timestamp>, span: Duration) -> bool {
        since.is_some_and(|since| after(since, span) <= self.facts.at)
    }

    /// Whole seconds since.
    pub(super) fn seconds(&self, since: Timestamp) -> i64 {
        self.facts.at.duration_since(since).as_secs()
    }

    /// How long a new pod may be without a sample: the metrics server needs two, and the first may
    /// just have been missed.
    pub(super) fn warm_up(&self) -> Duration {
        self.facts.metrics_resolution * 2 + Duration::from_secs(30)
    }
}

/// Whether a pod's `Ready` condition is true.
pub(super) fn is_ready(pod: &PodFacts) -> bool {
    let ready = pod.pod.ready.as_ref();
    ready.is_some_and(|r| r.status == "True")
}

/// Since when the `Ready` condition is what it is.
pub(super) fn ready_since(pod: &PodFacts) -> Option<Timestamp> {
    pod.pod.ready.as_ref()?.since
}

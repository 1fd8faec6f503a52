//! One autoscaler of a snapshot, as its rules see it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;

use crate::keda::ScaledObject;
use crate::model::decision::Decision;
use crate::model::normalize::FullBehavior;
use crate::model::proposal::Readings;
use crate::model::reconcile::{Controller, ScaleSubresource, Sync};
use crate::model::selector::TargetSelector;
use crate::model::{before, pods};
use crate::observation::{Condition, MetricAnswer, MetricReading, PodSample};
use crate::rules::view::{PodView, UseView, View};
use crate::snapshot::index::Index;
use crate::snapshot::{
    self, ClusterSnapshot, EventSnapshot, Namespace, PodSnapshot, Scaler, Workload,
};
use crate::spec::ContainerResources;

/// The kubelet's messages for a probe that timed out.
const TIMED_OUT: [&str; 3] = ["context deadline exceeded", "Client.Timeout", "timed out"];

/// One autoscaler and everything that belongs to it.
pub(crate) struct SnapshotView<'a> {
    pub(crate) scaler: &'a Scaler,
    /// The model's decision now, without the controller's memory.
    pub(crate) decision: Option<Decision>,
    pub(super) cluster: &'a ClusterSnapshot,
    pub(super) namespace: &'a str,
    pub(super) space: &'a Namespace,
    /// The pods that its target's selector matches.
    pub(super) matched: Vec<&'a PodSnapshot>,
    pub(super) asserted: &'a snapshot::Assertions,
    pub(super) shared: Vec<(&'a str, &'a str)>,
    /// The same autoscaler in the earlier snapshot.
    pub(super) before: Option<Box<SnapshotView<'a>>>,
    /// KEDA's object, if the autoscaler belongs to one.
    pub(super) scaled_object: Option<ScaledObject>,
    index: &'a Index<'a>,
}

/// The `ScaledObject` that an autoscaler belongs to. If those are unreadable, its owner reference still names
/// it.
fn scaled_object(space: &Namespace, scaler: &Scaler) -> Option<ScaledObject> {
    let name = scaler.owner.as_deref()?.strip_prefix("ScaledObject/")?;
    let mut all = space.scaled_objects.iter();
    let read = all.find(|object| object.name == name).cloned();
    Some(read.unwrap_or_else(|| ScaledObject::unread(name)))
}

/// A namespace of a snapshot, with its index.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) cluster: &'a ClusterSnapshot,
    pub(crate) namespace: &'a str,
    pub(crate) space: &'a Namespace,
    pub(crate) index: &'a Index<'a>,
}

impl<'a> SnapshotView<'a> {
    pub(crate) fn new(
        place: Place<'a>,
        earlier: Option<Place<'a>>,
        scaler: &'a Scaler,
        asserted: &'a snapshot::Assertions,
    ) -> Self {
        let Place {
            cluster,
            namespace,
            space,
            index,
        } = place;
        let selector = scaler.workload().map_or("", |w| &w.object.selector);
        let before = earlier.and_then(|earlier| {
            let mut all = earlier.space.autoscalers.iter();
            let same = all.find(|s| s.object.uid == scaler.object.uid)?;
            Some(Box::new(Self::new(earlier, None, same, asserted)))
        });
        let mut view = Self {
            scaler,
            decision: None,
            cluster,
            namespace,
            space,
            matched: index.select(selector),
            asserted,
            shared: match scaler.workload() {
                Some(w) if w.object.spec_replicas > 0 => index.shared(selector, &scaler.name),
                _ => Vec::new(),
            },
            before,
            scaled_object: scaled_object(space, scaler),
            index,
        };
        view.decision = view.decide();
        view
    }

    /// One sync of a controller that has just started, with the snapshot as input. What a metric of a type that only a
    /// newer version knows asks for is unknown.
    fn decide(&self) -> Option<Decision> {
        let mut metrics = self.scaler.object.spec.metrics.iter();
        let known = metrics.all(|metric| metric.source.is_known());
        let workload = self.workload().filter(|_| known)?;
        let pods: Vec<pods::ModelPod> = self.pods()?.iter().map(|p| p.pod.into()).collect();
        let samples = self.pods()?.into_iter().filter_map(|p| p.sample);
        let own: Vec<PodSample> = samples.cloned().collect();
        let metrics = match self.space.samples.as_ref()? {
            Ok(_) => Ok(own.as_slice()),
            Err(error) => Err(error.as_str()),
        };
        let settings = self.cluster.controller.clone();
        let selector = TargetSelector::new(workload.object.selector.as_str());
        let others = self.told();
        Some(Controller::new(settings, self.gates()).sync(Sync {
            now: self.cluster.at,
            namespace: self.namespace,
            spec: &self.scaler.object.spec,
            scale: Ok(ScaleSubresource {
                replicas: workload.object.spec_replicas,
                observed: workload.object.replicas,
                selector: &selector,
            }),
            pods: &pods,
            metrics: Readings {
                resources: metrics,
                others: &others,
            },
            shares_pods: false,
            update_error: None,
            conditions: &[],
            desired_before: 0,
        }))
    }

    /// The custom and external metrics. A snapshot does not ask their APIs, so the status has their values.
    fn told(&self) -> Vec<MetricReading> {
        let status = self.scaler.object.status.as_ref();
        let current = status.map_or(&[][..], |s| &s.current_metrics);
        let metrics = self.scaler.object.spec.metrics.iter().zip(current);
        let others = metrics.filter(|(metric, _)| metric.resource().is_none());
        let told = others.map(|(metric, current)| MetricReading {
            metric: metric.source.clone(),
            answer: if current.is_empty() {
                MetricAnswer::Error("the autoscaler's status has no value".to_owned())
            } else {
                MetricAnswer::Status(*current)
            },
        });
        told.collect()
    }

    /// What the metrics ask for, and the result. A snapshot knows no earlier recommendations, only the
    /// controller's condition that one delays a scale-down.
    pub(crate) fn explanation(&self) -> Option<String> {
        let decision = self.decision.as_ref()?;
        let (spec, current) = (&self.scaler.object.spec, decision.current);
        let mut text = decision.proposal();
        let (min, max) = (spec.effective_min(), spec.max_replicas);
        let Some(proposed) = decision.proposed.filter(|p| *p != current) else {
            let _ = write!(text, "; stays at {current}");
            return Some(text);
        };
        // A maximum below the minimum wins, as in the controller.
        let wanted = proposed.max(min).min(max);
        let bound = if proposed < min {
            "; the minimum makes it "
        } else if proposed > max {
            "; the maximum makes it "
        } else {
            ""
        };
        if !bound.is_empty() {
            let _ = write!(text, "{bound}{wanted}");
        }
        let _ = if wanted == current {
            write!(text, "; stays at {current}")
        } else if wanted > current {
            write!(text, "; should go up from {current}")
        } else if self.stabilization().is_some() {
            write!(text, "; held at {current} by earlier recommendations")
        } else {
            let seconds = self.down_window().as_secs();
            write!(
                text,
                "; goes down from {current} once nothing has asked for more for {seconds} s"
            )
        };
        Some(text)
    }

    /// The controller's condition that an earlier recommendation delays a scale-down.
    pub(super) fn stabilization(&self) -> Option<&'a Condition> {
        let status = self.scaler.object.status.as_ref()?;
        let mut conditions = status.conditions.iter();
        conditions.find(|c| c.reason == "ScaleDownStabilized")
    }

    /// The scale-down stabilization window.
    pub(super) fn down_window(&self) -> Duration {
        let settings = &self.cluster.controller;
        match &self.scaler.object.spec.behavior {
            Some(behavior) => FullBehavior::of(behavior, settings).down.window,
            None => settings.downscale_stabilization,
        }
    }

    /// The snapshot as a [`View`].
    pub(super) fn view(&self) -> &dyn View {
        self
    }

    /// The scale target, if it was read.
    pub(super) fn workload(&self) -> Option<&'a Workload> {
        self.scaler.workload()
    }

    /// Whole seconds since.
    pub(super) fn seconds(&self, since: Timestamp) -> i64 {
        self.cluster.at.duration_since(since).as_secs()
    }

    /// The autoscaler's own scalings, as far as events show them.
    pub(super) fn rescales(&self) -> impl Iterator<Item = &'a EventSnapshot> {
        let about = format!("HorizontalPodAutoscaler/{}", self.scaler.name);
        let events = self.space.events.iter();
        events.filter(move |e| e.about == about && e.reason == "SuccessfulRescale")
    }

    /// Whether one of the pod's containers has a readiness or startup probe.
    pub(super) fn is_probed(&self, name: &str) -> bool {
        let mut pods = self.matched.iter();
        pods.any(|p| p.probed && p.pod.name == name)
    }

    /// The pods that its selector matches and that have not finished, including terminating ones: they still
    /// take up room on a node and in a quota.
    pub(super) fn unfinished(&self) -> impl Iterator<Item = &'a PodSnapshot> {
        let pods = self.matched.iter().copied();
        pods.filter(|p| !p.pod.has_ended())
    }

    /// The kubelet's event that a pod's readiness probe timed out, at about that time or later.
    pub(super) fn timed_out_probe(&self, pod: &str, since: Timestamp) -> Option<&'a EventSnapshot> {
        let from = before(since, Duration::from_mins(1));
        let mut events = self.space.events.iter();
        events.find(|e| {
            let about = e.about.strip_prefix("Pod/") == Some(pod) && e.reason == "Unhealthy";
            let readiness = e.message.starts_with("Readiness probe failed");
            let late = TIMED_OUT.iter().any(|words| e.message.contains(words));
            about && readiness && late && e.last.is_some_and(|last| last >= from)
        })
    }

    /// The labels of one living pod.
    pub(super) fn labels(&self) -> Option<&'a BTreeMap<String, String>> {
        let mut pods = self.matched.iter();
        Some(&pods.find(|p| self.seen(p).is_living())?.labels)
    }

    /// The requests of one living pod's containers.
    pub(crate) fn requests(&self) -> Vec<ContainerResources> {
        let mut pods = self.matched.iter();
        let living = pods.find(|pod| self.seen(pod).is_living());
        living.map_or_else(Vec::new, |pod| pod.pod.containers.clone())
    }

    /// A pod as rules see it.
    pub(super) fn seen(&self, pod: &'a PodSnapshot) -> PodView<'a> {
        let since = pod.pod.ready.as_ref().and_then(|r| r.since);
        let sample = self.index.samples.get(pod.pod.name.as_str()).copied();
        PodView {
            pod: &pod.pod,
            sample,
            since: since.or_else(|| pod.pod.started.filter(|_| !pod.pod.is_ready())),
        }
    }

    /// A pod's sample in the earlier snapshot.
    pub(super) fn earlier_sample(&self, pod: &str) -> Option<&'a PodSample> {
        self.before.as_ref()?.index.samples.get(pod).copied()
    }

    /// Since when the newest sample is known: since the earlier snapshot if that one has it too. Node clocks may
    /// be wrong, so the sample's own time proves nothing.
    pub(super) fn newest_since(&self) -> Timestamp {
        let now = self.matched.iter().filter_map(|p| self.seen(p).sample);
        let newest = now.map(|s| s.timestamp).max();
        let earlier = self
            .matched
            .iter()
            .filter_map(|p| self.earlier_sample(&p.pod.name));
        let same = newest.is_some() && newest <= earlier.map(|s| s.timestamp).max();
        let before = self.before.as_ref().filter(|_| same);
        before.map_or(self.cluster.at, |b| b.cluster.at)
    }

    /// The use of the pods that should get a share of the load, by the samples that `which` selects.
    pub(super) fn uses(
        &self,
        which: impl Fn(&'a PodSample) -> Option<&'a PodSample>,
    ) -> Option<UseView<'a>> {
        let settle = self.cluster.metrics_resolution * 3;
        let view = self.view();
        let mut pods = Vec::new();
        for pod in self.matched.iter().map(|p| self.seen(p)) {
            if let Some(sample) = pod.sample
                && pod.is_ready()
                && view.longer(pod.since, settle)
            {
                let used = view.used(which(sample)?)?;
                pods.push((pod.name(), used, view.request(pod.pod)?));
            }
        }
        let at = self.cluster.at;
        Some(UseView { at, pods })
    }
}

//! A snapshot's view for the rules that it shares with a run.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::look::SnapshotView;
use super::writers;
use crate::keda::ScaledObject;
use crate::metrics_server::MetricsServer;
use crate::model::{VersionGates, after};
use crate::observation::{AutoscalerStatus, ControllerConfig, PodSample};
use crate::rules::view::{
    Asserted, ConflictingWrites, EventView, MetricsView, OwnPods, PodView, QuotaView,
    ReadinessLoss, SizeView, Swings, TargetLookup, UseView, View,
};
use crate::snapshot::{self, EventSnapshot, NodeClaim, PodSnapshot, Scaler, TargetLook};
use crate::spec::{AutoscalerSpec, CurrentMetric};
use crate::units::Millicores;

/// A `Ready` condition that turned false this long after the start was true before.
const HAD_BEEN_READY: Duration = Duration::from_secs(10);

impl<'a> View for SnapshotView<'a> {
    fn now(&self) -> Timestamp {
        self.cluster.at
    }

    fn spec(&self) -> Option<&AutoscalerSpec> {
        Some(&self.scaler.object.spec)
    }

    fn status(&self) -> Option<&AutoscalerStatus> {
        self.scaler.object.status.as_ref()
    }

    fn status_writer(&self) -> Option<&str> {
        self.scaler.object.status_writer.as_deref()
    }

    fn scaled(&self) -> TargetLookup<'_> {
        match &self.scaler.target {
            TargetLook::Read(workload) => TargetLookup::Read(&workload.object),
            TargetLook::Absent { message } => TargetLookup::Absent {
                how: "can't be found",
                quote: format!("{}: {message}", self.view().reference()),
                at: None,
            },
            TargetLook::NotScalable { message } => TargetLookup::NotScalable {
                message: message.clone(),
            },
            TargetLook::Unread => TargetLookup::Unread,
        }
    }

    fn target_since(&self) -> Option<Timestamp> {
        self.workload()?.created
    }

    fn pods(&self) -> Option<Vec<PodView<'_>>> {
        self.space.pods.as_ref()?;
        Some(self.matched.iter().map(|p| self.seen(p)).collect())
    }

    fn metrics(&self) -> MetricsView<'_> {
        let answer = self.space.samples.as_ref();
        let served = self.cluster.metrics_api != snapshot::MetricsApi::Unknown;
        MetricsView {
            api: self.cluster.metrics_api.clone(),
            answer: answer
                .filter(|_| served)
                .map(|a| a.as_ref().map(|_| ()).map_err(String::as_str)),
            at: self.cluster.at,
            failing_for: None,
            ever_sampled: self.matched.iter().any(|p| self.seen(p).sample.is_some()),
            newest_since: Some(self.newest_since()),
            needed_from: Timestamp::MIN,
        }
    }

    fn controller(&self) -> &ControllerConfig {
        &self.cluster.controller
    }

    fn metrics_resolution(&self) -> Duration {
        self.cluster.metrics_resolution
    }

    fn gates(&self) -> VersionGates {
        VersionGates::of_version(self.cluster.kubernetes.as_deref())
    }

    fn asserted(&self) -> Asserted<'_> {
        Asserted {
            min_replicas: self.asserted.min_replicas,
            max_replicas: self.asserted.max_replicas,
            cpu_target_percent: self.asserted.cpu_target_percent,
            has_cpu: self.asserted.cpu_target_percent.is_some(),
            metrics: &[],
            scale_down: self.asserted.min_replicas.is_some(),
            patience: None,
        }
    }

    fn metrics_servers(&self) -> Vec<&MetricsServer> {
        self.cluster.metrics_servers.iter().collect()
    }

    fn node_claims(&self) -> &[NodeClaim] {
        &self.cluster.node_claims
    }

    /// One snapshot does not show since when.
    fn deficit(&self) -> Option<(Timestamp, Timestamp)> {
        let target = self.view().target()?;
        // Replacements that are starting make up for what was lost.
        let view = self.view();
        let living = view.living();
        let starting = living.iter().filter(|p| {
            let waits = p.pod.waiting.is_some() || p.pod.unschedulable.is_some();
            !p.is_ready() && !waits && !view.longer(p.made(), view.start_patience_of(p))
        });
        let coming = i32::try_from(starting.count()).unwrap_or(i32::MAX);
        let lacks = target.ready_replicas.saturating_add(coming) < target.spec_replicas;
        lacks.then_some((self.cluster.at, self.cluster.at))
    }

    fn quotas(&self) -> Vec<QuotaView<'_>> {
        let quotas = self.space.quotas.iter().map(|quota| QuotaView {
            quota,
            own: OwnPods::These(self.unfinished().map(|p| &p.pod).collect()),
        });
        quotas.collect()
    }

    fn capacity(&self) -> Option<(Millicores, String)> {
        let pods: Vec<&PodSnapshot> = self.unfinished().collect();
        Some(self.cluster.room.as_ref()?.of(&pods))
    }

    fn events_are_seen(&self) -> bool {
        let mut unseen = self.cluster.unseen.iter();
        !unseen.any(|unseen| unseen.rule == "list events")
    }

    fn events(&self) -> Vec<EventView<'_>> {
        let events = self.space.events.iter().map(|e| EventView {
            about: &e.about,
            reason: &e.reason,
            message: &e.message,
            at: e.last,
        });
        events.collect()
    }

    fn other_autoscaler(&self) -> Option<&str> {
        let target = |s: &'a Scaler| {
            let reference = &s.object.spec.scale_target_ref;
            let (kind, name) = (reference.kind.as_str(), reference.name.as_str());
            (reference.group(), kind, name)
        };
        let (name, own) = (&self.scaler.name, target(self.scaler));
        let mut all = self.space.autoscalers.iter();
        let other = all.find(|other| other.name != *name && target(other) == own)?;
        Some(&other.name)
    }

    fn scaled_object(&self) -> Option<&ScaledObject> {
        self.scaled_object.as_ref()
    }

    fn shared_pods(&self) -> &[(&str, &str)] {
        &self.shared
    }

    fn owners(&self) -> Option<&BTreeMap<String, String>> {
        Some(&self.space.owners)
    }

    fn rollout_is_paused(&self) -> bool {
        self.workload().is_some_and(|w| w.paused)
    }

    fn is_watched(&self) -> bool {
        false
    }

    fn earlier(&self) -> Option<&dyn View> {
        let before = self.before.as_deref()?;
        Some(before)
    }

    /// The condition has its own timestamp.
    fn refused_for(&self, kind: &str) -> Option<Duration> {
        let since = match kind {
            "ScalingActive" => self.scaler.inactive_since,
            "AbleToScale" => self.scaler.unable_since,
            _ => None,
        };
        let span = self.cluster.at.duration_since(since?);
        Some(Duration::try_from(span).unwrap_or_default())
    }

    fn reached_max(&self) -> bool {
        false
    }

    fn is_complete(&self) -> bool {
        false
    }

    fn lacks_ready_pods(&self) -> bool {
        true
    }

    fn pods_match_metrics(&self) -> bool {
        true
    }

    fn conflicting_writes(&self) -> Option<ConflictingWrites> {
        writers::conflicting(self)
    }

    /// The controller corrects the replicas at its next sync, so one snapshot proves nothing, and neither do two
    /// between which it need not have synced. Someone may change the bounds in between.
    fn sizes(&self) -> Vec<SizeView> {
        let syncs = self.cluster.controller.sync_period * 2;
        let earlier = self.before.as_deref();
        let earlier = earlier.filter(|b| after(b.cluster.at, syncs) <= self.cluster.at);
        let size = |before: &SnapshotView<'_>| {
            let (was, is) = (&before.scaler.object.spec, &self.scaler.object.spec);
            Some(SizeView {
                replicas: vec![
                    before.scaler.workload()?.object.spec_replicas,
                    self.workload()?.object.spec_replicas,
                ],
                bounds: (
                    was.effective_min().min(is.effective_min()),
                    was.max_replicas.max(is.max_replicas),
                ),
                at: self.cluster.at,
            })
        };
        earlier.and_then(size).into_iter().collect()
    }

    /// Events are lossy, so this count can only be too low.
    fn swings(&self) -> Swings {
        let events: Vec<&EventSnapshot> = self.rescales().collect();
        let count = |text: &str| {
            let matching = events.iter().filter(|e| e.message.contains(text));
            let times = matching.map(|e| usize::try_from(e.count.max(1)).unwrap_or(usize::MAX));
            times.sum()
        };
        let first = events.iter().filter_map(|e| e.first).min();
        let last = events.iter().filter_map(|e| e.last).max();
        let within = first
            .zip(last)
            .map(|(first, last)| last.duration_since(first));
        let within = within.and_then(|span| Duration::try_from(span).ok());
        Swings {
            ups: count("above target"),
            downs: count("below target"),
            within: Some(within.unwrap_or(Duration::MAX)),
            at: first,
            quotes: events
                .iter()
                .map(|e| format!("event SuccessfulRescale {}×: {}", e.count, e.message))
                .collect(),
        }
    }

    fn silence(&self) -> Option<(Duration, &'static str)> {
        let age = self.cluster.at.duration_since(self.scaler.created?);
        let age = Duration::try_from(age).ok()?;
        self.status().is_none().then_some((age, "empty"))
    }

    /// One sample may show a moment, so a second one must agree.
    fn uses_under_load(&self) -> (Vec<UseView<'_>>, usize) {
        let earlier = self.uses(|now| {
            self.earlier_sample(&now.pod)
                .filter(|s| s.timestamp < now.timestamp)
        });
        let now = self.uses(Some);
        (earlier.into_iter().chain(now).collect(), 2)
    }

    fn earlier_samples(&self, pod: &str) -> Vec<&PodSample> {
        self.earlier_sample(pod).into_iter().collect()
    }

    /// A metric that failed in the earlier snapshot too.
    fn valueless_for(&self) -> Option<Duration> {
        let fails = |scaler: &Scaler, place: usize| {
            let status = scaler.object.status.as_ref();
            status.is_some_and(|s| {
                s.current_metrics
                    .get(place)
                    .is_some_and(CurrentMetric::is_empty)
            })
        };
        let metrics = self.scaler.object.spec.metrics.iter().enumerate();
        let known = metrics.filter(|(_, metric)| metric.source.is_known());
        let failing = known.filter(|(place, _)| fails(self.scaler, *place));
        let failing: Vec<usize> = failing.map(|(place, _)| place).collect();
        failing.first()?;
        let before = self.before.as_ref();
        let before = before.filter(|b| failing.iter().any(|place| fails(b.scaler, *place)));
        let since = before.map_or(self.cluster.at, |b| b.cluster.at);
        Duration::try_from(self.cluster.at.duration_since(since)).ok()
    }

    fn readiness_losses(&self) -> Vec<ReadinessLoss<'_>> {
        let view = self.view();
        let busy = self.matched.iter().filter_map(|p| {
            let (pod, request) = (self.seen(p), view.request(&p.pod)?);
            Some((pod.name(), view.used(pod.sample?)? * 100 / request))
        });
        let busiest = busy.max_by_key(|(_, percent)| *percent);
        let lost = |p: &'a PodSnapshot| {
            let (pod, started) = (self.seen(p), p.pod.started?);
            let since = p.pod.ready.as_ref()?.since?;
            let was_ready = after(started, HAD_BEEN_READY) < since;
            let quiet = p.pod.waiting.is_none() && p.pod.restarts == 0;
            let runs = pod.is_living() && p.pod.phase == "Running";
            let lost = !pod.is_ready() && runs && was_ready && quiet && p.pod.fails_by_itself();
            // An autoscaler aims for busy pods; only the kubelet knows how the probe ended.
            let timed_out = self.timed_out_probe(pod.name(), since).filter(|_| lost)?;
            Some(ReadinessLoss {
                pod: pod.name(),
                quote: format!(
                    "Ready {}, started {started:.0}; event {}: {}",
                    pod.readiness(),
                    timed_out.reason,
                    timed_out.message
                ),
                at: since,
                busiest,
            })
        };
        self.matched.iter().copied().filter_map(lost).collect()
    }

    fn clock(&self, at: Timestamp) -> String {
        format!("at {at:.0}")
    }
}

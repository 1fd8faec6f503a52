//! A run's view for the rules that it shares with a snapshot.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::path;
use super::run::RunView;
use crate::expectation::{AssertedMetric, ScaleDown};
use crate::keda::ScaledObject;
use crate::metrics_server::MetricsServer;
use crate::model::{VersionGates, after, before};
use crate::observation::{
    AutoscalerStatus, ControllerConfig, Disruption, Fact, Phase, PodSample, Watched,
};
use crate::rules::view::{
    Asserted, ConflictingWrites, EventView, MetricsView, OwnPods, PodView, QuotaView,
    ReadinessLoss, SizeView, Swings, TargetLookup, UseView, View,
};
use crate::run::state::{PodRecord, Poll, ReadinessLost};
use crate::snapshot::MetricsApi;
use crate::spec::AutoscalerSpec;
use crate::units::Millicores;

/// Consecutive answers of the metrics API that must show an uneven load.
const LOOKS: usize = 3;

impl<'a> View for RunView<'a> {
    fn now(&self) -> Timestamp {
        self.until
    }

    fn spec(&self) -> Option<&AutoscalerSpec> {
        self.state.spec()
    }

    fn status(&self) -> Option<&AutoscalerStatus> {
        self.state.status()
    }

    fn status_writer(&self) -> Option<&str> {
        self.state.autoscaler.as_ref()?.status_writer.as_deref()
    }

    fn scaled(&self) -> TargetLookup<'_> {
        match (&self.state.target, self.state.target_gone) {
            (Some(target), _) => TargetLookup::Read(target),
            (None, Some(gone)) => TargetLookup::Absent {
                how: "was deleted",
                quote: format!("deleted {}", self.clock(gone)),
                at: Some(gone),
            },
            (None, None) => self.not_scalable().unwrap_or(TargetLookup::Unread),
        }
    }

    fn target_since(&self) -> Option<Timestamp> {
        let uid = &self.state.target.as_ref()?.uid;
        let mut all = self.state.targets.iter();
        Some(all.find(|(_, target)| target.uid == *uid)?.0)
    }

    fn pods(&self) -> Option<Vec<PodView<'_>>> {
        let answer = self.state.polls.last().and_then(|p| p.answer.as_ref().ok());
        let samples = answer.into_iter().flatten();
        let samples: BTreeMap<_, _> = samples.map(|s| (s.pod.as_str(), s)).collect();
        let there = self.state.pods.values().filter(|p| p.gone_at.is_none());
        let pods = there.map(|record| {
            let changed = record.pod.ready.as_ref().and_then(|r| r.since);
            let unready = changed.map_or(record.first_seen, |at| at.max(record.first_seen));
            let ready = record.pod.is_ready();
            PodView {
                pod: &record.pod,
                sample: samples.get(record.pod.name.as_str()).copied(),
                since: if ready {
                    ready_since(record)
                } else {
                    Some(unready)
                },
            }
        });
        Some(pods.collect())
    }

    fn metrics(&self) -> MetricsView<'_> {
        let polls = &self.state.polls;
        // A request that timed out proves nothing about the API.
        let newest = polls.last().filter(|_| self.state.unread_since.is_none());
        let newest = newest.map(|p| p.answer.as_ref());
        let good = polls.iter().rposition(|p| p.answer.is_ok());
        let bad_since = polls.get(good.map_or(0, |good| good + 1)).map(|p| p.at);
        let failing = bad_since.map(|since| self.until.duration_since(since));
        let failing = failing.and_then(|span| Duration::try_from(span).ok());
        let sampled = |p: &Poll| p.answer.as_ref().is_ok_and(|samples| !samples.is_empty());
        MetricsView {
            api: self.metrics_api(newest.is_some_and(|answer| answer.is_ok())),
            answer: newest.map(|answer| answer.map(|_| ()).map_err(String::as_str)),
            at: self.state.last_answer.unwrap_or(self.until),
            failing_for: Some(failing.unwrap_or_default()),
            ever_sampled: polls.iter().any(sampled),
            newest_since: newest_since(polls),
            needed_from: self.state.entered(Phase::Up).unwrap_or(Timestamp::MAX),
        }
    }

    fn earlier_samples(&self, pod: &str) -> Vec<&PodSample> {
        let from = before(self.until, (self as &dyn View).warm_up());
        let polls = self.state.polls.iter().rev().skip(1);
        let recent = polls.take_while(|poll| poll.at >= from);
        let samples = recent.filter_map(|poll| poll.answer.as_ref().ok());
        samples
            .filter_map(|all| all.iter().find(|s| s.pod == pod))
            .collect()
    }

    fn controller(&self) -> &ControllerConfig {
        self.state.controller()
    }

    fn metrics_resolution(&self) -> Duration {
        self.state.metrics_resolution()
    }

    fn known_window(&self) -> Option<Duration> {
        self.state.sample_window()
    }

    fn gates(&self) -> VersionGates {
        self.state.gates()
    }

    fn asserted(&self) -> Asserted<'_> {
        let mut named = self.expectation.metrics.iter();
        let by_name = named.any(AssertedMetric::is_cpu);
        let (expected, own) = (self.expectation, self.expectation.own);
        let target_asserted = !by_name && !own.cpu_target_percent;
        Asserted {
            min_replicas: (!own.min_replicas).then_some(expected.min_replicas),
            max_replicas: (!own.max_replicas).then_some(expected.max_replicas),
            // A CPU metric that is asserted by name has its own asserted target.
            cpu_target_percent: target_asserted.then_some(expected.cpu_target_percent),
            has_cpu: by_name,
            metrics: &self.expectation.metrics,
            scale_down: self.expectation.scale_down != ScaleDown::Skip,
            patience: Some(self.expectation.patience),
        }
    }

    fn metrics_servers(&self) -> Vec<&MetricsServer> {
        let facts = self.state.facts.iter();
        let servers = facts.filter_map(|fact| match fact {
            Fact::MetricsServer(server) => Some(server),
            _ => None,
        });
        servers.collect()
    }

    fn deficit(&self) -> Option<(Timestamp, Timestamp)> {
        let dip = path::longest_dip(self)?;
        Some((dip.begin, dip.end))
    }

    /// Quotas are read once, at the start, so they go with the first observed replicas.
    fn quotas(&self) -> Vec<QuotaView<'_>> {
        let pods = self.state.targets.first().map(|(_, first)| first.replicas);
        let facts = self.state.facts.iter();
        facts.filter_map(|fact| quota(fact, pods)).collect()
    }

    fn capacity(&self) -> Option<(Millicores, String)> {
        let (total, how) = RunView::capacity(self)?;
        Some((total, how.to_owned()))
    }

    fn events_are_seen(&self) -> bool {
        let forbidden =
            |fact: &Fact| matches!(fact, Fact::Forbidden { rule, .. } if rule == "list events");
        !self.state.facts.iter().any(forbidden)
            && !self.state.gaps().any(|gap| gap.resource == Watched::Events)
    }

    fn events(&self) -> Vec<EventView<'_>> {
        let events = self.state.events.iter().map(|(at, event)| EventView {
            about: &event.about,
            reason: &event.reason,
            message: &event.message,
            at: Some(*at),
        });
        events.collect()
    }

    fn disruptions(&self) -> Vec<EventView<'_>> {
        let disrupted = self.state.disrupted.iter();
        let as_event = |(at, pod, why): &'a (Timestamp, String, Disruption)| EventView {
            about: pod,
            reason: &why.reason,
            message: &why.message,
            at: Some(*at),
        };
        disrupted.map(as_event).collect()
    }

    fn other_autoscaler(&self) -> Option<&str> {
        self.state.spec()?;
        let own = (self as &dyn View).reference();
        self.state.facts.iter().find_map(|fact| match fact {
            Fact::OtherAutoscaler { name, target } => (*target == own).then_some(name.as_str()),
            _ => None,
        })
    }

    fn scaled_object(&self) -> Option<&ScaledObject> {
        self.state.facts.iter().rev().find_map(|fact| match fact {
            Fact::ScaledObject(object) => Some(object),
            _ => None,
        })
    }

    fn is_watched(&self) -> bool {
        true
    }

    fn reached_max(&self) -> bool {
        RunView::reached_max(self)
    }

    fn refused_for(&self, kind: &str) -> Option<Duration> {
        let refuses = |status: &AutoscalerStatus| {
            let mut conditions = status.conditions.iter();
            conditions.any(|c| c.kind == kind && c.status == "False")
        };
        let statuses = self.state.statuses.iter().rev();
        // A value written before a gap in the watch may have been reverted during the gap.
        let gaps = self
            .state
            .gaps()
            .filter(|gap| gap.resource == Watched::Autoscaler);
        let watched_since = gaps.map(|gap| gap.until).max();
        let known = |at: Timestamp| watched_since.is_none_or(|since| at >= since);
        let since = statuses
            .take_while(|(at, status)| refuses(status) && known(*at))
            .last();
        let span = since.map(|(at, _)| self.until.duration_since(*at));
        Some(
            span.and_then(|span| Duration::try_from(span).ok())
                .unwrap_or_default(),
        )
    }

    fn is_complete(&self) -> bool {
        self.complete()
    }

    /// The last update of a pod or of the target may have been lost, so the two must agree. Surge pods of a
    /// rollout count too.
    fn lacks_ready_pods(&self) -> bool {
        let target = self.state.target.as_ref();
        target.is_some_and(|t| t.ready_replicas < t.spec_replicas.max(t.replicas))
            && self.state.pods_add_up()
    }

    /// Pods that are assumed to be ready may be gone already.
    fn pods_match_metrics(&self) -> bool {
        let asked = self.state.last_answer;
        asked.is_some_and(|at| !self.gaps_at(at).any(|gap| gap.resource == Watched::Pods))
            && self.state.pods_add_up()
    }

    fn conflicting_writes(&self) -> Option<ConflictingWrites> {
        path::conflicting_writes(self)
    }

    fn sizes(&self) -> Vec<SizeView> {
        path::sizes(self)
    }

    fn swings(&self) -> Swings {
        path::swings(self)
    }

    fn silence(&self) -> Option<(Duration, &'static str)> {
        let timeline = self.state.timeline.as_ref()?;
        let before = match self.state.autoscaler.as_ref()?.status {
            Some(_) => "as it was when the watch began",
            None => "none",
        };
        let watched = Duration::try_from(self.until.duration_since(timeline.from)).ok()?;
        timeline.syncs.is_empty().then_some((watched, before))
    }

    fn uses_under_load(&self) -> (Vec<UseView<'_>>, usize) {
        let uses = self.state.polls.iter().filter_map(|poll| self.use_at(poll));
        (uses.collect(), LOOKS)
    }

    fn readiness_losses(&self) -> Vec<ReadinessLoss<'_>> {
        let losses = self.state.readiness_lost.iter();
        // An unresponsive node and a readiness gate are not a failing probe.
        let losses = losses.filter(|lost| lost.by_itself);
        let costly = losses.filter(|lost| self.was_costly(lost));
        let loss = |lost: &'a ReadinessLost| ReadinessLoss {
            pod: &lost.pod,
            quote: match lost.until {
                Some(until) => format!(
                    "not ready {} until {}",
                    self.clock(lost.at),
                    self.clock(until)
                ),
                None => format!("became unready {}", self.clock(lost.at)),
            },
            at: lost.at,
            busiest: self.busiest(lost),
        };
        costly.map(loss).collect()
    }

    fn clock(&self, at: Timestamp) -> String {
        RunView::clock(self, at)
    }
}

/// Since when a ready pod has been ready. What was ready before the run has been so for longer.
fn ready_since(record: &PodRecord) -> Option<Timestamp> {
    let observed = record.ready_at?;
    let before = observed == record.first_seen;
    let own = record.pod.ready.as_ref().and_then(|ready| ready.since);
    Some(
        own.filter(|_| before)
            .map_or(observed, |own| own.min(observed)),
    )
}

/// When the newest sample was first observed.
fn newest_since(polls: &[Poll]) -> Option<Timestamp> {
    let newest = |poll: &Poll| {
        let samples = poll.answer.as_ref().ok()?;
        samples.iter().map(|s| s.timestamp).max()
    };
    let last = polls.iter().rev().find_map(newest)?;
    let same = |poll: &&Poll| newest(poll).is_none_or(|at| at == last);
    let mut same = polls.iter().rev().take_while(same);
    let first = same.by_ref().filter(|poll| newest(poll).is_some()).last()?;
    Some(first.at)
}

fn quota(fact: &Fact, pods: Option<i32>) -> Option<QuotaView<'_>> {
    match fact {
        Fact::Quota(quota) => Some(QuotaView {
            quota,
            own: OwnPods::Count(pods),
        }),
        _ => None,
    }
}

impl<'a> RunView<'a> {
    /// The API server's message about a target whose kind has no scale.
    fn not_scalable(&self) -> Option<TargetLookup<'a>> {
        self.state.facts.iter().find_map(|fact| match fact {
            Fact::NotScalable { message, .. } => Some(TargetLookup::NotScalable {
                message: message.clone(),
            }),
            _ => None,
        })
    }

    /// What is known about the metrics API. An answer is newer than the query at the start.
    fn metrics_api(&self, answers: bool) -> MetricsApi {
        let fact = self.state.facts.iter().rev().find_map(|fact| match fact {
            Fact::MetricsApi {
                registered,
                available,
                message,
            } => Some((*registered, *available, message.clone())),
            _ => None,
        });
        match fact {
            None => MetricsApi::Unknown,
            Some((false, _, message)) => MetricsApi::Absent { message },
            Some((_, false, message)) if !answers => MetricsApi::Unavailable {
                message,
                since: None,
            },
            Some(_) => MetricsApi::Served,
        }
    }

    /// The CPU use in one answer of the metrics API, if it came under load.
    fn use_at(&self, poll: &'a Poll) -> Option<UseView<'a>> {
        let samples = poll.answer.as_ref().ok()?;
        let (resolution, view): (_, &dyn View) = (View::metrics_resolution(self), self);
        let up = self.state.entered(Phase::Up)?;
        let down = self.state.entered(Phase::Down);
        if after(up, resolution * 2) > poll.at || down.is_some_and(|down| poll.at >= down) {
            return None;
        }
        let settled = |sample: &'a PodSample| {
            let record = self.state.pods.get(&sample.pod)?;
            let there = record.gone_at.is_none_or(|gone| gone > poll.at);
            let old = after(record.ready_at?, resolution * 3) <= poll.at;
            let (used, request) = (view.used(sample)?, view.request(&record.pod)?);
            (there && old).then_some((sample.pod.as_str(), used, request))
        };
        Some(UseView {
            at: poll.at,
            pods: samples.iter().filter_map(settled).collect(),
        })
    }

    /// Whether a pod's loss of readiness kept the ready pods below the minimum for long, or still blocks the
    /// end of the run.
    fn was_costly(&self, lost: &ReadinessLost) -> bool {
        let in_dip = path::longest_dip(self).is_some_and(|dip| dip.overlaps(lost));
        let record = self.state.pods.get(&lost.pod);
        let unready = record.is_some_and(|r| r.lives() && !r.pod.is_ready());
        let sync = View::controller(self).sync_period;
        let lasts = lost.until.is_none() && unready && after(lost.at, sync) <= self.until;
        in_dip || (lasts && !self.complete() && self.lacks_ready_pods())
    }

    /// The busiest pod while another was not ready, from the samples of that time.
    fn busiest(&self, lost: &ReadinessLost) -> Option<(&'a str, i64)> {
        let view: &dyn View = self;
        let end = lost
            .until
            .map_or(self.until, |at| after(at, View::metrics_resolution(self)));
        let meanwhile = self
            .state
            .polls
            .iter()
            .filter(|p| lost.at <= p.at && p.at <= end);
        let samples = meanwhile.filter_map(|p| p.answer.as_ref().ok()).flatten();
        let uses = samples.filter_map(|sample| {
            let record = self.state.pods.get(&sample.pod)?;
            let percent = view.used(sample)? * 100 / view.request(&record.pod)?;
            Some((sample.pod.as_str(), percent))
        });
        uses.max_by_key(|(_, percent)| *percent)
    }
}

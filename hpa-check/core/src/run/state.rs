//! The run as far as it has gone: what is known now, and what came before. The live screen, the
//! conductor and the rules all read this one view; nobody but the evaluator writes it.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::timeline::{Gap, ProposalStep, Step, SyncRecord, Timeline};
use crate::model::{VersionGates, counted};
use crate::observation::{
    Autoscaler, AutoscalerStatus, Event, Fact, LoadResult, LoadSecond, MetricReading, Phase, Pod,
    PodSample, RunContext, ScaleTarget, Watched,
};
use crate::spec::{AutoscalerSpec, MetricSource};
use crate::units::Millicores;
use crate::verdict::Reason;

/// A pod, with what its last state does not tell.
#[derive(Debug, Clone, PartialEq)]
pub struct PodRecord {
    /// Its last state.
    pub pod: Pod,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it first became ready.
    pub ready_at: Option<Timestamp>,
    /// When it was gone.
    pub gone_at: Option<Timestamp>,
    /// Its CPU use in the newest sample, in millicores, all containers together.
    pub cpu_milli: Option<i64>,
    /// Its CPU request in millicores, as the controller counts it.
    pub(super) request_milli: Option<i64>,
    /// Its place in the timeline's pods.
    pub(super) series: usize,
}

impl PodRecord {
    /// Whether it is there and not being ended.
    pub fn lives(&self) -> bool {
        self.gone_at.is_none() && !self.pod.deleting
    }

    /// Whether it is there, not being ended, and ready.
    pub fn is_ready(&self) -> bool {
        self.lives() && self.pod.is_ready()
    }

    /// Its CPU request in millicores as the controller counts it; `None` if a container has none.
    pub fn request_milli(&self) -> Option<i64> {
        self.request_milli
    }
}

/// A pod that was ready and stopped being so, without being restarted or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadinessLost {
    /// The pod's name.
    pub(crate) pod: String,
    /// When it was first seen unready.
    pub(crate) at: Timestamp,
    /// When it was ready again.
    pub(crate) until: Option<Timestamp>,
}

/// One answer of the metrics API, or its error.
#[derive(Debug, Clone, PartialEq)]
pub struct Poll {
    /// When it was seen.
    pub at: Timestamp,
    /// A sample a pod.
    pub answer: Result<Vec<PodSample>, String>,
}

/// How often a pod answered the load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    /// In all.
    pub(crate) all: u64,
    /// While more than one pod was ready.
    pub(crate) beside_others: u64,
}

/// The run as far as it has gone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    /// Every series up to now; `None` before the first observation.
    pub timeline: Option<Timeline>,
    /// What is known before anything is watched.
    pub setting: Option<RunContext>,
    /// The phase, and since when.
    pub phase: Option<Step<Phase>>,
    /// The autoscaler as last seen; `None` when it is gone.
    pub autoscaler: Option<Autoscaler>,
    /// When the autoscaler was last deleted.
    pub autoscaler_gone: Option<Timestamp>,
    /// The target as last seen; `None` when it is gone.
    pub target: Option<ScaleTarget>,
    /// When the target was last deleted.
    pub target_gone: Option<Timestamp>,
    /// Each pod by name, those that are gone too.
    pub pods: BTreeMap<String, PodRecord>,
    /// The metrics API's answers, one for each new state of the samples.
    pub polls: Vec<Poll>,
    /// The newest second of load.
    pub load: Option<LoadSecond>,
    /// Since when the load has been what it is: as many users, and as many requests asked for.
    pub load_since: Option<Timestamp>,
    /// The load's final account.
    pub load_result: Option<LoadResult>,
    /// The facts about the environment, in the order found.
    pub facts: Vec<Fact>,
    /// When the controller's memory last began anew under the run's eyes.
    pub controller_restarted_at: Option<Timestamp>,
    /// The events, in the order seen.
    pub events: Vec<(Timestamp, Event)>,
    /// Every state of the target.
    pub targets: Vec<(Timestamp, ScaleTarget)>,
    /// Every state of the autoscaler's status.
    pub statuses: Vec<(Timestamp, AutoscalerStatus)>,
    /// Ready pods, by the higher of two counts; see [`RunState::ready`].
    pub ready_steps: Vec<Step<i32>>,
    /// When the minimum was first ready and a utilization known: the baseline.
    pub baseline_at: Option<Timestamp>,
    /// The most pods that were ready at once.
    pub most_ready: i32,
    /// When the run was told to stop.
    pub interrupted_at: Option<Timestamp>,
    /// What makes a pass impossible whatever happens next, once it is known.
    pub blocker: Option<Reason>,
    /// When a pod was found ready anew that had not been seen unready since it was ready before.
    pub(crate) ready_anew: Vec<Timestamp>,
    /// The pods that were ready and stopped being so, in the order seen.
    pub(crate) readiness_lost: Vec<ReadinessLost>,
    /// Since when the pods that are seen ready are not as many as the target counts.
    pub(crate) counts_differ_since: Option<Timestamp>,
    /// The newest answers of the custom and external metrics APIs, and until when each was seen.
    pub(crate) custom: Vec<(Timestamp, MetricReading)>,
    /// When the metrics API last answered, with samples that were new or not.
    pub(crate) last_answer: Option<Timestamp>,
    /// Since when every request for samples was given up before its answer.
    pub(crate) unread_since: Option<Timestamp>,
    /// Answers to the load by the pod that gave them.
    pub(crate) answered: BTreeMap<String, Answered>,
    pub(super) lost: BTreeMap<Watched, (Timestamp, Option<String>)>,
}

impl RunState {
    /// The spec in force, if the autoscaler is there.
    pub fn spec(&self) -> Option<&AutoscalerSpec> {
        self.autoscaler.as_ref().map(|a| &a.spec)
    }

    /// What the controller last wrote.
    pub fn status(&self) -> Option<&AutoscalerStatus> {
        self.autoscaler.as_ref()?.status.as_ref()
    }

    /// The utilization the controller last reported, in percent.
    pub fn utilization(&self) -> Option<i32> {
        self.status()?.cpu_utilization
    }

    /// Ready pods now, counted in two ways. A lost update makes either too low, so the higher counts; one
    /// that is not seen now is not asked.
    pub fn ready(&self) -> i32 {
        let counted = self.ready_pods();
        let reported = self.target.as_ref().map_or(0, |t| t.ready_replicas);
        match (
            self.lost.contains_key(&Watched::Pods),
            self.lost.contains_key(&Watched::Target),
        ) {
            (true, false) => reported,
            (false, true) => counted,
            _ => reported.max(counted),
        }
    }

    /// The pods that are ready, each seen by itself.
    pub(crate) fn ready_pods(&self) -> i32 {
        let counted = self.pods.values().filter(|p| p.is_ready()).count();
        i32::try_from(counted).unwrap_or(i32::MAX)
    }

    /// Whether as many pods are seen ready as the target counts.
    pub(crate) fn counts_agree(&self) -> bool {
        let reported = self.target.as_ref().map(|t| t.ready_replicas);
        reported.is_none_or(|reported| reported == self.ready_pods())
    }

    /// Whether the pods seen are those that the target counts, living and ready: two witnesses of each.
    pub(crate) fn pods_add_up(&self) -> bool {
        let over = |phase: &str| phase == "Succeeded" || phase == "Failed";
        let pods = self.pods.values();
        let living = pods.filter(|p| p.lives() && !over(&p.pod.phase)).count();
        self.target.as_ref().is_some_and(|target| {
            i32::try_from(living) == Ok(target.replicas)
                && self.ready_pods() == target.ready_replicas
        })
    }

    /// The rules of the cluster's version; the newest where that is not known.
    pub fn gates(&self) -> VersionGates {
        let version = self.setting.as_ref().and_then(|s| s.kubernetes.as_deref());
        version.map_or_else(VersionGates::default, VersionGates::of_version)
    }

    /// The CPU request of a pod in millicores, as the controller counts it for the CPU metric.
    pub(super) fn cpu_request(&self, pod: &Pod) -> Option<i64> {
        let whole_pod = MetricSource::Resource {
            name: "cpu".to_owned(),
        };
        let metrics = self.spec().map_or(&[][..], |s| &s.metrics);
        let source = metrics.iter().find(|m| m.is_cpu()).map(|m| &m.source);
        counted::request(pod, source.unwrap_or(&whole_pod), self.gates()).ok()
    }

    /// The CPU request of a pod, if all living pods have one; of several the highest.
    pub fn request(&self) -> Option<Millicores> {
        let living = self.pods.values().filter(|p| p.lives());
        let requests: Option<Vec<i64>> = living.map(PodRecord::request_milli).collect();
        requests?.into_iter().max().map(Millicores)
    }

    /// The reason of a condition that is `False` now, with its message.
    pub fn refusal(&self, kind: &str) -> Option<(&str, &str)> {
        let conditions = &self.status()?.conditions;
        let condition = conditions.iter().find(|c| c.kind == kind)?;
        (condition.status == "False").then_some((&condition.reason, &condition.message))
    }

    /// Whether anything that decisions hang on is not seen now.
    pub(crate) fn is_blind(&self) -> bool {
        let needed = [Watched::Autoscaler, Watched::Target, Watched::Pods];
        needed
            .iter()
            .any(|resource| self.lost.contains_key(resource))
    }

    /// From when on the controller has had the time to do what began then: a restart costs it what it
    /// remembered, and so a whole window of stabilization.
    pub(crate) fn at_work_since(&self, begin: Timestamp) -> Timestamp {
        let restarted = self.controller_restarted_at;
        restarted.map_or(begin, |restarted| restarted.max(begin))
    }

    /// When a phase was first entered.
    pub fn entered(&self, phase: Phase) -> Option<Timestamp> {
        let phases = &self.timeline.as_ref()?.phases;
        phases.iter().find(|p| p.phase == phase).map(|p| p.from)
    }

    /// What the metrics alone asked for at each sync, as far as it is known.
    pub(crate) fn proposals(&self) -> &[ProposalStep] {
        self.timeline.as_ref().map_or(&[], |t| &t.proposals)
    }

    /// The syncs that were seen.
    pub(crate) fn syncs(&self) -> &[SyncRecord] {
        self.timeline.as_ref().map_or(&[], |t| &t.syncs)
    }

    /// The stretches in which something was not seen.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.timeline.iter().flat_map(|t| &t.gaps)
    }

    /// The stretches in which the target or the autoscaler was not seen.
    pub(crate) fn gaps_of_the_object(&self) -> impl Iterator<Item = &Gap> {
        let object = |g: &&Gap| matches!(g.resource, Watched::Target | Watched::Autoscaler);
        self.gaps().filter(object)
    }

    /// The longest time for which the target or the autoscaler was not seen, in milliseconds.
    pub(crate) fn longest_gap_ms(&self) -> u64 {
        let lengths = self.gaps_of_the_object().map(Gap::length);
        u64::try_from(lengths.max().unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
    }

    /// The last instant seen.
    pub fn until(&self) -> Option<Timestamp> {
        self.timeline.as_ref().map(|t| t.until)
    }

    /// The run's beginning state: as many ready pods as the minimum, no more wanted, a utilization known.
    pub(crate) fn at_rest(&self) -> bool {
        let (Some(spec), Some(target)) = (self.spec(), &self.target) else {
            return false;
        };
        let min = spec.effective_min();
        target.spec_replicas == min
            && self.ready() == min
            // The target's own count comes first; what follows needs the pods themselves.
            && self.ready_pods() == min
            && self.status().is_some_and(|s| s.desired_replicas == min)
            && self.status().is_some_and(AutoscalerStatus::is_measured)
    }
}

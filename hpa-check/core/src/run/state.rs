//! The state of a run: what is known now, and what came before. The live screen, the conductor and the
//! rules read it; only the evaluator writes it.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use jiff::Timestamp;

use super::timeline::{Gap, ProposalStep, Step, SyncRecord, Timeline};
use crate::model::{VersionGates, counted};
use crate::observation::{
    Autoscaler, AutoscalerStatus, ControllerConfig, Disruption, Event, Fact, LoadResult,
    LoadSecond, MetricReading, Phase, Pod, PodSample, RunContext, ScaleTarget, Watched,
};
use crate::spec::{AutoscalerSpec, MetricSource};
use crate::units::Millicores;
use crate::verdict::Reason;

static DEFAULTS: LazyLock<ControllerConfig> = LazyLock::new(ControllerConfig::default);

/// A pod, with facts that its last state does not show.
#[derive(Debug, Clone, PartialEq)]
pub struct PodRecord {
    /// Its last state.
    pub pod: Pod,
    /// When it was first observed.
    pub first_seen: Timestamp,
    /// When it first became ready.
    pub ready_at: Option<Timestamp>,
    /// When it was deleted.
    pub gone_at: Option<Timestamp>,
    /// Its CPU usage in the latest sample, in millicores, summed over all containers.
    pub cpu_milli: Option<i64>,
    /// Its CPU request in millicores, as counted by the controller.
    pub(super) request_milli: Option<i64>,
    /// Its index in the timeline's pods.
    pub(super) series: usize,
}

impl PodRecord {
    /// Whether it exists and is not terminating.
    pub fn lives(&self) -> bool {
        self.gone_at.is_none() && !self.pod.deleting
    }

    /// Whether it exists, is ready and is not terminating.
    pub fn is_ready(&self) -> bool {
        self.lives() && self.pod.is_ready()
    }

    /// Its CPU request in millicores as the controller counts it; `None` if a container has none.
    pub fn request_milli(&self) -> Option<i64> {
        self.request_milli
    }
}

/// A pod that stopped being ready without being restarted or deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReadinessLost {
    /// The pod's name.
    pub(crate) pod: String,
    /// When it was first observed unready.
    pub(crate) at: Timestamp,
    /// When it was ready again.
    pub(crate) until: Option<Timestamp>,
    /// Whether its containers were unready. Otherwise its node or a readiness gate was.
    pub(crate) by_itself: bool,
}

/// One answer of the metrics API, or its error.
#[derive(Debug, Clone, PartialEq)]
pub struct Poll {
    /// When it was seen.
    pub at: Timestamp,
    /// One sample per pod.
    pub answer: Result<Vec<PodSample>, String>,
}

/// How many requests a pod answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    /// In total.
    pub(crate) all: u64,
    /// While more than one pod was ready.
    pub(crate) beside_others: u64,
}

/// The state of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunState {
    /// All series up to now; `None` before the first observation.
    pub timeline: Option<Timeline>,
    /// What is known before watching starts.
    pub setting: Option<RunContext>,
    /// The phase, and since when.
    pub phase: Option<Step<Phase>>,
    /// The latest autoscaler; `None` if it was deleted.
    pub autoscaler: Option<Autoscaler>,
    /// When the autoscaler was last deleted.
    pub autoscaler_gone: Option<Timestamp>,
    /// The latest target; `None` if it was deleted.
    pub target: Option<ScaleTarget>,
    /// When the target was last deleted.
    pub target_gone: Option<Timestamp>,
    /// All pods by name, including deleted ones.
    pub pods: BTreeMap<String, PodRecord>,
    /// The metrics API's answers, one for each change of the samples.
    pub polls: Vec<Poll>,
    /// The latest second of load.
    pub load: Option<LoadSecond>,
    /// When the load last changed: its users or its planned rate.
    pub load_since: Option<Timestamp>,
    /// The final result of the load.
    pub load_result: Option<LoadResult>,
    /// The facts about the environment, in the order found.
    pub facts: Vec<Fact>,
    /// When the controller last lost its history during the run.
    pub controller_restarted_at: Option<Timestamp>,
    /// The events, in the order seen.
    pub events: Vec<(Timestamp, Event)>,
    /// Every state of the target.
    pub targets: Vec<(Timestamp, ScaleTarget)>,
    /// Every state of the autoscaler's status.
    pub statuses: Vec<(Timestamp, AutoscalerStatus)>,
    /// Ready pods, by the higher of two counts; see [`RunState::ready`].
    pub ready_steps: Vec<Step<i32>>,
    /// When the baseline was reached: the minimum was ready and a utilization was known.
    pub baseline_at: Option<Timestamp>,
    /// The largest number of pods ready at once.
    pub most_ready: i32,
    /// When the run was interrupted.
    pub interrupted_at: Option<Timestamp>,
    /// What makes a pass impossible whatever happens next, if anything does.
    pub blocker: Option<Reason>,
    /// When a pod turned out to have become ready again without having been observed unready.
    pub(crate) ready_anew: Vec<Timestamp>,
    /// The pods that stopped being ready, in order of observation.
    pub(crate) readiness_lost: Vec<ReadinessLost>,
    /// The pods that were removed from their nodes, and when that was first observed.
    pub(crate) disrupted: Vec<(Timestamp, String, Disruption)>,
    /// When the observed ready pods began to differ in number from the target's own count.
    pub(crate) counts_differ_since: Option<Timestamp>,
    /// The latest answers of the custom and external metrics APIs, and until when each held.
    pub(crate) custom: Vec<(Timestamp, MetricReading)>,
    /// When the metrics API last answered, with new samples or not.
    pub(crate) last_answer: Option<Timestamp>,
    /// When requests for samples began to time out, if all since then have.
    pub(crate) unread_since: Option<Timestamp>,
    /// Answers to the load, by pod.
    pub(crate) answered: BTreeMap<String, Answered>,
    pub(super) lost: BTreeMap<Watched, (Timestamp, Option<String>)>,
}

impl RunState {
    /// The current spec, if the autoscaler exists.
    pub fn spec(&self) -> Option<&AutoscalerSpec> {
        self.autoscaler.as_ref().map(|a| &a.spec)
    }

    /// The latest status.
    pub fn status(&self) -> Option<&AutoscalerStatus> {
        self.autoscaler.as_ref()?.status.as_ref()
    }

    /// The utilization the controller last reported, in percent.
    pub fn utilization(&self) -> Option<i32> {
        self.status()?.cpu_utilization
    }

    /// Ready pods now, from two counts. A lost update makes either too low, so the higher one wins. A count
    /// that is not being watched now is ignored.
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

    /// The pods that were observed ready one by one.
    pub(crate) fn ready_pods(&self) -> i32 {
        let counted = self.pods.values().filter(|p| p.is_ready()).count();
        i32::try_from(counted).unwrap_or(i32::MAX)
    }

    /// Whether the observed ready pods equal the target's own count.
    pub(crate) fn counts_agree(&self) -> bool {
        let reported = self.target.as_ref().map(|t| t.ready_replicas);
        reported.is_none_or(|reported| reported == self.ready_pods())
    }

    /// Whether the observed pods agree with the target's own counts of replicas and ready replicas.
    pub(crate) fn pods_add_up(&self) -> bool {
        let pods = self.pods.values();
        let living = pods.filter(|p| p.lives() && !p.pod.has_ended()).count();
        self.target.as_ref().is_some_and(|target| {
            i32::try_from(living) == Ok(target.replicas)
                && self.ready_pods() == target.ready_replicas
        })
    }

    /// The gates of the cluster's version, or of the newest if the version is unknown.
    pub fn gates(&self) -> VersionGates {
        let version = self.setting.as_ref().and_then(|s| s.kubernetes.as_deref());
        VersionGates::of_version(version)
    }

    /// How the controller is set; its defaults as long as that is unknown.
    pub(crate) fn controller(&self) -> &ControllerConfig {
        let setting = self.setting.as_ref();
        setting.map_or(&DEFAULTS, |s| &s.controller)
    }

    /// How often the metrics server samples.
    pub(crate) fn metrics_resolution(&self) -> Duration {
        let setting = self.setting.as_ref();
        setting.map_or(DEFAULTS.sync_period, |s| s.metrics_resolution)
    }

    /// The longest window of the newest samples.
    pub(crate) fn sample_window(&self) -> Option<Duration> {
        let answers = self
            .polls
            .iter()
            .rev()
            .filter_map(|p| p.answer.as_ref().ok());
        let newest = answers.into_iter().find(|samples| !samples.is_empty())?;
        newest.iter().map(|sample| sample.window).max()
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

    /// The largest CPU request of any running pod, if all of them have one.
    pub fn request(&self) -> Option<Millicores> {
        let living = self.pods.values().filter(|p| p.lives());
        let requests: Option<Vec<i64>> = living.map(PodRecord::request_milli).collect();
        requests?.into_iter().max().map(Millicores)
    }

    /// Whether anything that decisions depend on is not being watched now.
    pub(crate) fn is_blind(&self) -> bool {
        let needed = [Watched::Autoscaler, Watched::Target, Watched::Pods];
        needed
            .iter()
            .any(|resource| self.lost.contains_key(resource))
    }

    /// The later of `begin` and the controller's last restart. A restart loses the controller's history, so
    /// deadlines, including a whole stabilization window, start again there.
    pub(crate) fn at_work_since(&self, begin: Timestamp) -> Timestamp {
        let restarted = self.controller_restarted_at;
        restarted.map_or(begin, |restarted| restarted.max(begin))
    }

    /// When a phase first began.
    pub fn entered(&self, phase: Phase) -> Option<Timestamp> {
        let phases = &self.timeline.as_ref()?.phases;
        phases.iter().find(|p| p.phase == phase).map(|p| p.from)
    }

    /// What the metrics alone proposed at each sync, as far as it is known.
    pub(crate) fn proposals(&self) -> &[ProposalStep] {
        self.timeline.as_ref().map_or(&[], |t| &t.proposals)
    }

    /// The observed syncs.
    pub(crate) fn syncs(&self) -> &[SyncRecord] {
        self.timeline.as_ref().map_or(&[], |t| &t.syncs)
    }

    /// The gaps in which something was not watched.
    pub(crate) fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.timeline.iter().flat_map(|t| &t.gaps)
    }

    /// The gaps in which the target or the autoscaler was not watched.
    pub(crate) fn gaps_of_the_object(&self) -> impl Iterator<Item = &Gap> {
        let object = |g: &&Gap| matches!(g.resource, Watched::Target | Watched::Autoscaler);
        self.gaps().filter(object)
    }

    /// The longest gap of the target or the autoscaler, in milliseconds.
    pub(crate) fn longest_gap_ms(&self) -> u64 {
        let lengths = self.gaps_of_the_object().map(Gap::length);
        u64::try_from(lengths.max().unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
    }

    /// The last observed instant.
    pub fn until(&self) -> Option<Timestamp> {
        self.timeline.as_ref().map(|t| t.until)
    }

    /// Whether the baseline holds: the minimum is ready, no more pods are wanted, and a utilization is known.
    pub(crate) fn at_rest(&self) -> bool {
        let (Some(spec), Some(target)) = (self.spec(), &self.target) else {
            return false;
        };
        let min = spec.effective_min();
        target.spec_replicas == min
            && self.ready() == min
// The target's own count is cheap; the checks below need the pods.
            && self.ready_pods() == min
            && self.status().is_some_and(|s| s.desired_replicas == min)
            && self.status().is_some_and(AutoscalerStatus::is_measured)
    }
}

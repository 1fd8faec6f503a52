//! Why the controller decided as it did: each sync that shows in the autoscaler's status is run
//! again by the model, on the pods and metrics that were seen around it.
//!
//! The controller reads pods and metrics at an instant nobody sees. So each answer of the metrics API
//! and each state of the pods that may have held then is a candidate, those seen shortly after the
//! sync too: polls come seconds apart. The nearest comes first. A sync is explained when a candidate
//! gives the same utilization and the same replicas.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::pods::{Pod as ModelPod, PodMetric};
use crate::model::reconcile::{Controller, Decision};
use crate::model::{VersionGates, after, before};
use crate::observation::{
    Autoscaler, AutoscalerStatus, ControllerConfig, Fact, Observation, Pod, Seen,
};
use crate::run::state::RunState;
use crate::run::timeline::SyncRecord;

mod candidates;
mod knowledge;
mod memory;

use candidates::Best;
use knowledge::Knowledge;

/// Candidates of each kind; more make a coincidence likelier than a cause.
const MOST: usize = 8;

/// A status write's server time has whole seconds; the observer's own is finer when this near.
const NEAR: Duration = Duration::from_secs(2);

type Metrics = Result<Vec<PodMetric>, String>;

/// What held from one instant to another, as far as was seen. The newest stands first in its list.
#[derive(Debug, Clone)]
struct Held<T> {
    from: Timestamp,
    until: Timestamp,
    what: T,
}

/// Explains syncs as they are seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Explainer {
    /// The controller's memory, as far as it can be known.
    controller: Option<Controller>,
    pods: BTreeMap<String, ModelPod>,
    snapshots: VecDeque<Held<Vec<ModelPod>>>,
    polls: VecDeque<Held<Metrics>>,
    last: Option<Autoscaler>,
    pending: Option<Pending>,
}

/// A sync with its explanation.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Explained {
    /// Whether this takes the place of what was said of the newest sync before.
    pub(crate) again: bool,
    /// The sync.
    pub(crate) record: SyncRecord,
    /// What the metrics alone asked for, when it is explained.
    pub(crate) proposed: Option<i32>,
}

/// The newest sync, as long as what is seen later may still explain it.
#[derive(Debug, Clone)]
struct Pending {
    /// The controller's memory before it.
    before: Option<Controller>,
    at: Timestamp,
    seen_at: Timestamp,
    object: Autoscaler,
    status: AutoscalerStatus,
    previous: AutoscalerStatus,
}

impl Explainer {
    /// Takes in what was seen, after the timeline has; gives what can be said of a sync now.
    pub(crate) fn observe(
        &mut self,
        observation: &Observation,
        state: &RunState,
    ) -> Option<Explained> {
        let at = observation.at;
        match &observation.seen {
            Seen::Pod(pod) => self.pod(at, pod),
            Seen::PodGone { name } => {
                self.pods.remove(name);
                self.snapshot(at);
            }
            Seen::PodMetrics { samples } => {
                self.poll(at, Ok(samples.iter().map(PodMetric::from).collect()));
            }
            Seen::MetricsUnavailable { error } => self.poll(at, Err(error.clone())),
            Seen::Fact(Fact::ControllerRestarted { .. }) => {
                self.controller = None;
                return None;
            }
            Seen::Autoscaler(autoscaler) => return self.autoscaler(at, autoscaler, state),
            Seen::Target(_) => {}
            _ => return None,
        }
        self.retry(at, state)
    }

    fn pod(&mut self, at: Timestamp, pod: &Pod) {
        let model = ModelPod::from(pod);
        if self.pods.get(&pod.name) != Some(&model) {
            self.pods.insert(pod.name.clone(), model);
            self.snapshot(at);
        }
    }

    fn snapshot(&mut self, at: Timestamp) {
        // A watch tells of each change, so a state holds until the next.
        if let Some(last) = self.snapshots.front_mut() {
            last.until = at;
        }
        self.snapshots.push_front(Held {
            from: at,
            until: Timestamp::MAX,
            what: self.pods.values().cloned().collect(),
        });
        self.snapshots.truncate(MOST);
    }

    fn poll(&mut self, at: Timestamp, answer: Metrics) {
        match self.polls.front_mut() {
            Some(last) if last.what == answer => last.until = at,
            _ => {
                self.polls.push_front(Held {
                    from: at,
                    until: at,
                    what: answer,
                });
                self.polls.truncate(MOST);
            }
        }
    }

    fn autoscaler(
        &mut self,
        at: Timestamp,
        object: &Autoscaler,
        state: &RunState,
    ) -> Option<Explained> {
        let remade = self.last.as_ref().is_some_and(|l| l.uid != object.uid);
        if remade {
            self.controller = None;
            self.last = None;
        }
        let previous = self.last.replace(object.clone());
        let status = object.status.clone()?;
        let written = |a: &Autoscaler| (a.status_written, a.status.clone());
        if previous.as_ref().map(&written) == Some(written(object)) {
            return None;
        }
        let Some(previous) = previous.and_then(|p| p.status) else {
            // What the first status tells was decided before anybody watched.
            let fresh = object.status_written.is_some_and(|w| w >= before(at, NEAR));
            if !fresh || state.targets.is_empty() {
                return None;
            }
            return self.sync(at, object, status, AutoscalerStatus::default(), state);
        };
        self.sync(at, object, status, previous, state)
    }

    fn sync(
        &mut self,
        seen_at: Timestamp,
        object: &Autoscaler,
        status: AutoscalerStatus,
        previous: AutoscalerStatus,
        state: &RunState,
    ) -> Option<Explained> {
        let written = object.status_written.unwrap_or(seen_at);
        let near = written <= seen_at && seen_at < after(written, NEAR);
        let at = if near { seen_at } else { written };
        if let Some(controller) = &mut self.controller {
            memory::repeat(controller, at, sync_period(state));
        }
        self.pending = Some(Pending {
            before: self.controller.clone(),
            at,
            seen_at,
            object: object.clone(),
            status,
            previous,
        });
        self.settle(state, false)
    }

    /// Tries the pending sync again on what has been seen since.
    fn retry(&mut self, now: Timestamp, state: &RunState) -> Option<Explained> {
        let pending = self.pending.as_ref()?;
        let period = state.setting.as_ref().map_or(Duration::from_secs(15), |s| {
            s.controller.sync_period.max(s.metrics_resolution)
        });
        if now > after(pending.seen_at, period) {
            return None;
        }
        self.settle(state, true)
    }

    fn settle(&mut self, state: &RunState, again: bool) -> Option<Explained> {
        let pending = self.pending.take()?;
        let status = &pending.status;
        let mut record = SyncRecord {
            at: pending.seen_at,
            current: status.current_replicas.unwrap_or_default(),
            desired: status.desired_replicas,
            model: None,
            utilization: status.cpu_utilization,
            model_utilization: None,
            explained: false,
            sentence: String::new(),
        };
        let mut proposed = None;
        let start = pending.before.clone().unwrap_or_else(|| fresh(state));
        let memory = match candidates::best(&pending, &start, self, state) {
            Best::Agrees(controller, decision) => {
                record.model = Some(decision.desired);
                record.model_utilization = decision.utilization;
                record.explained = true;
                record.sentence = decision.explain();
                proposed = decision.proposed;
                controller
            }
            other => {
                if let Some(why) = pending.refusal() {
                    record.explained = true;
                    record.sentence = format!("decided nothing: {why}");
                    memory::after_refusal(start, &pending)
                } else {
                    self.leave_open(&mut record, &pending, other, state);
                    memory::after_unexplained(start, &pending)
                }
            }
        };
        self.controller = Some(memory);
        self.pending = (!record.explained).then_some(pending);
        Some(Explained {
            again,
            record,
            proposed,
        })
    }

    /// Says of an unexplained sync what the model makes of it, if the two can be compared at all.
    fn leave_open(&self, record: &mut SyncRecord, pending: &Pending, best: Best, state: &RunState) {
        let knowledge = Knowledge::of(state, &self.polls, pending.at);
        let decision = match best {
            Best::SameUtilization(decision) | Best::Newest(decision) if knowledge.is_enough() => {
                decision
            }
            _ => {
                let lack = knowledge.lack();
                record.sentence = format!("too little was seen to explain it: {lack}");
                return;
            }
        };
        // On other metrics than the controller read, the model's word is no measure.
        let comparable = candidates::shows_the_same(&decision, &pending.status)
            && !held_by_the_unseen(pending, &decision);
        record.model_utilization = decision.utilization;
        record.model = comparable.then_some(decision.desired);
        record.sentence = format!("not explained; the model says: {}", decision.explain());
    }
}

/// A controller that has just started, with the settings given.
fn fresh(state: &RunState) -> Controller {
    let setting = state.setting.as_ref();
    let version = setting.and_then(|s| s.kubernetes.as_deref());
    Controller::new(
        setting.map_or_else(ControllerConfig::default, |s| s.controller.clone()),
        version.map_or_else(VersionGates::default, VersionGates::of_version),
    )
}

fn sync_period(state: &RunState) -> Duration {
    let setting = state.setting.as_ref();
    setting.map_or(Duration::from_secs(15), |s| s.controller.sync_period)
}

impl Pending {
    /// Why the controller says it could not decide, if it left all as it was.
    fn refusal(&self) -> Option<&str> {
        let refused = |kind: &str| {
            let mut all = self.status.conditions.iter();
            all.find(|c| c.kind == kind && c.status == "False")
                .map(|c| c.message.as_str())
        };
        let unchanged = self.status.desired_replicas == self.previous.desired_replicas;
        refused("AbleToScale")
            .or_else(|| refused("ScalingActive"))
            .filter(|_| unchanged)
    }
}

/// Whether earlier recommendations or scalings that nobody saw can make the difference: the metric
/// is the same, and the controller itself says that its memory held it back. Without `behavior` it
/// remembers recommendations only, and these only ever hold a scale-down.
fn held_by_the_unseen(pending: &Pending, decision: &Decision) -> bool {
    let says = |reason: &str| pending.status.conditions.iter().any(|c| c.reason == reason);
    let higher = pending.status.desired_replicas > decision.desired;
    let policies = pending.object.spec.behavior.is_some();
    decision.utilization == pending.status.cpu_utilization
        && if higher {
            says("ScaleDownStabilized") || (policies && says("ScaleDownLimit"))
        } else {
            policies && (says("ScaleUpStabilized") || says("ScaleUpLimit"))
        }
}

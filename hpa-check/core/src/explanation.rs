//! Why the controller decided as it did: each sync that shows in the autoscaler's status is run
//! again by the model, on the pods and metrics that were seen around it.
//!
//! The controller reads pods and metrics at an instant nobody sees. So each recent answer of the
//! metrics API and each recent state of the pods is a candidate, those seen shortly after the sync
//! too: polls come seconds apart. A sync is explained when a candidate gives the same utilization
//! and the same replicas.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::normalize::{Recommendation, ScaleEvent};
use crate::model::pods::{Pod as ModelPod, PodMetric};
use crate::model::reconcile::{Autoscaler as Controller, Decision, Scale, Sync};
use crate::model::{Rules, Settings, after, before};
use crate::observation::{Autoscaler, AutoscalerStatus, Observation, Pod, Seen};
use crate::timeline::{SyncRecord, TimelineSoFar};

mod knowledge;

use knowledge::Knowledge;

/// Candidates of each kind; more make a coincidence likelier than a cause.
const MOST: usize = 8;

/// A status write's server time has whole seconds; the observer's own is finer when this near.
const NEAR: Duration = Duration::from_secs(2);

type Metrics = Result<Vec<PodMetric>, String>;

/// Explains syncs as they are seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Explainer {
    controller: Option<Controller>,
    pods: BTreeMap<String, ModelPod>,
    snapshots: VecDeque<(Timestamp, Vec<ModelPod>)>,
    polls: VecDeque<(Timestamp, Metrics)>,
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
        state: &TimelineSoFar,
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
        self.snapshots
            .push_front((at, self.pods.values().cloned().collect()));
        self.snapshots.truncate(MOST);
    }

    fn poll(&mut self, at: Timestamp, answer: Metrics) {
        if self.polls.front().is_none_or(|(_, last)| *last != answer) {
            self.polls.push_front((at, answer));
            self.polls.truncate(MOST);
        }
    }

    fn autoscaler(
        &mut self,
        at: Timestamp,
        object: &Autoscaler,
        state: &TimelineSoFar,
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
        state: &TimelineSoFar,
    ) -> Option<Explained> {
        let written = object.status_written.unwrap_or(seen_at);
        let near = written <= seen_at && seen_at < after(written, NEAR);
        let at = if near { seen_at } else { written };
        self.repeat_until(at, state);
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

    /// Syncs that decide the same again leave no trace in the status, but in the controller's memory.
    fn repeat_until(&mut self, at: Timestamp, state: &TimelineSoFar) {
        let period = state
            .setting
            .as_ref()
            .map_or(Duration::from_secs(15), |s| s.controller.sync_period)
            .max(Duration::from_millis(100));
        let history = self
            .controller
            .as_mut()
            .and_then(|c| c.recommendations.as_mut());
        // Expired records are overwritten in place, so the newest may stand anywhere.
        let newest = |h: &Vec<Recommendation>| h.iter().max_by_key(|r| r.at).copied();
        let Some((history, last)) = history.and_then(|h| newest(h).map(|last| (h, last))) else {
            return;
        };
        let mut next = after(last.at, period);
        while after(next, period / 2) < at {
            history.push(Recommendation {
                replicas: last.replicas,
                at: next,
            });
            next = after(next, period);
        }
    }

    /// Tries the pending sync again on what has been seen since.
    fn retry(&mut self, now: Timestamp, state: &TimelineSoFar) -> Option<Explained> {
        let pending = self.pending.as_ref()?;
        let period = state.setting.as_ref().map_or(Duration::from_secs(15), |s| {
            s.controller.sync_period.max(s.metrics_resolution)
        });
        if now > after(pending.seen_at, period) {
            return None;
        }
        self.settle(state, true)
    }

    fn settle(&mut self, state: &TimelineSoFar, again: bool) -> Option<Explained> {
        let pending = self.pending.take()?;
        let knowledge = Knowledge::of(state, &self.polls, pending.at);
        let (outcome, exact) = self.best(&pending, state);
        let status = &pending.status;
        let mut record = SyncRecord {
            at: pending.seen_at,
            current: status.current_replicas.unwrap_or_default(),
            desired: status.desired_replicas,
            model: None,
            utilization: status.cpu_utilization,
            model_utilization: None,
            explained: exact,
            sentence: String::new(),
        };
        let mut memory = pending.before.clone();
        let mut proposed = None;
        match outcome {
            Some((controller, decision)) if exact => {
                record.model = Some(decision.desired);
                record.model_utilization = decision.utilization;
                record.sentence = decision.explain();
                proposed = decision.proposed;
                memory = Some(controller);
            }
            other => {
                let refusal = refusal(status);
                if let Some(why) = refusal
                    && status.desired_replicas == pending.previous.desired_replicas
                {
                    record.explained = true;
                    record.sentence = format!("decided nothing: {why}");
                } else if let Some((_, decision)) = other.filter(|_| knowledge.is_enough()) {
                    record.model_utilization = decision.utilization;
                    record.model =
                        (!held_by_the_unseen(&pending, &decision)).then_some(decision.desired);
                    record.sentence =
                        format!("not explained; the model says: {}", decision.explain());
                } else {
                    let why = knowledge.lack();
                    record.sentence = format!("too little was seen to explain it: {why}");
                }
                assume(&mut memory, &pending, state);
            }
        }
        self.controller = memory;
        self.pending = (!record.explained).then_some(pending);
        Some(Explained {
            again,
            record,
            proposed,
        })
    }

    /// The candidate that agrees in all, else the newest one.
    fn best(
        &self,
        pending: &Pending,
        state: &TimelineSoFar,
    ) -> (Option<(Controller, Decision)>, bool) {
        let mut newest = None;
        let Some(target) = &state.target else {
            return (None, false);
        };
        for shift in [Duration::ZERO, Duration::from_secs(1)] {
            for (_, metrics) in &self.polls {
                for (_, pods) in &self.snapshots {
                    let mut controller = pending.controller(state);
                    let decision = controller.sync(Sync {
                        now: before(pending.at, shift),
                        spec: &pending.object.spec,
                        scale: Ok(Scale {
                            replicas: pending
                                .status
                                .current_replicas
                                .unwrap_or(target.spec_replicas),
                            selector: &target.selector,
                        }),
                        pods,
                        metrics: metrics.as_deref().map_err(String::as_str),
                        other_metrics_error: "not seen by this tool",
                        other_selectors: &[],
                        update_error: None,
                        conditions: &pending.previous.conditions,
                        desired_before: pending.previous.desired_replicas,
                    });
                    let same = decision.utilization == pending.status.cpu_utilization
                        && decision.desired == pending.status.desired_replicas;
                    if same {
                        return (Some((controller, decision)), true);
                    }
                    newest.get_or_insert((controller, decision));
                }
            }
        }
        (newest, false)
    }
}

/// Remembers of an unexplained sync what its outcome says.
fn assume(memory: &mut Option<Controller>, pending: &Pending, state: &TimelineSoFar) {
    let controller = memory.get_or_insert_with(|| pending.controller(state));
    let (current, desired) = (
        pending.status.current_replicas.unwrap_or_default(),
        pending.status.desired_replicas,
    );
    let history = controller.recommendations.get_or_insert_default();
    history.push(Recommendation {
        replicas: desired,
        at: pending.at,
    });
    if pending.object.spec.behavior.is_some() && current != desired {
        let events = if desired > current {
            &mut controller.ups
        } else {
            &mut controller.downs
        };
        events.push(ScaleEvent {
            change: (desired - current).abs(),
            at: pending.at,
        });
    }
}

impl Pending {
    fn controller(&self, state: &TimelineSoFar) -> Controller {
        self.before.clone().unwrap_or_else(|| {
            let setting = state.setting.as_ref();
            let version = setting.and_then(|s| s.kubernetes.as_deref());
            Controller::new(
                setting.map_or_else(Settings::default, |s| Settings::from(&s.controller)),
                version.map_or_else(Rules::default, Rules::of_version),
            )
        })
    }
}

/// Why the controller says it could not decide.
fn refusal(status: &AutoscalerStatus) -> Option<&str> {
    let refused = |kind: &str| {
        let all = &mut status.conditions.iter();
        all.find(|c| c.kind == kind && c.status == "False")
            .map(|c| c.message.as_str())
    };
    refused("AbleToScale").or_else(|| refused("ScalingActive"))
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

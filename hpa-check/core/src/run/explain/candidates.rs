//! The model run on every recent answer of the metrics API and every recent state of the pods.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{Explainer, Held, NEAR, Pending};
use crate::model::proposal::Readings;
use crate::model::reconcile::{Controller, Decision, Scale, Sync};
use crate::model::{after, before};
use crate::observation::{AutoscalerStatus, MetricAnswer, MetricReading};
use crate::run::state::RunState;
use crate::spec::{CurrentMetric, MetricSpec};

/// The clocks of observer and controller differ by less; a window may end between the two.
const CLOCKS: Duration = Duration::from_secs(1);

/// The candidate nearest to what the controller wrote.
#[derive(Debug)]
pub(super) enum Best {
    /// The same utilization and the same replicas, and the controller's memory afterwards.
    Agrees(Controller, Decision),
    /// The same utilization, and other replicas.
    SameUtilization(Decision),
    /// The newest of those that agree in nothing.
    Newest(Decision),
    /// Nothing was seen to compute with.
    None,
}

/// What held at an instant, or not long before or after it; what held then comes first, then what is nearest.
fn nearest<T>(all: &VecDeque<Held<T>>, at: Timestamp, around: Duration) -> Vec<&T> {
    let far = |held: &Held<T>| {
        let (ended, to_come) = (at.duration_since(held.until), held.from.duration_since(at));
        ended.max(to_come).max(SignedDuration::ZERO)
    };
    let around = SignedDuration::try_from(around).unwrap_or(SignedDuration::MAX);
    let mut near: Vec<&Held<T>> = all.iter().filter(|held| far(held) <= around).collect();
    near.sort_by_key(|held| far(held));
    near.into_iter().map(|held| &held.what).collect()
}

/// Whether a decision has each metric's value as the controller wrote it.
pub(super) fn shows_the_same(decision: &Decision, status: &AutoscalerStatus) -> bool {
    let written = &status.current_metrics;
    let same_values = || *written == decision.current_metrics();
    decision.utilization == status.cpu_utilization && (written.is_empty() || same_values())
}

/// The custom and external metrics as the controller wrote them at this sync.
fn written(pending: &Pending) -> Vec<MetricReading> {
    let metrics = pending.object.spec.metrics.iter();
    let values = metrics.zip(&pending.status.current_metrics);
    let custom = values.filter(|(spec, _)| spec.resource().is_none());
    let reading = |(spec, current): (&MetricSpec, &CurrentMetric)| MetricReading {
        metric: spec.source.clone(),
        answer: if current.is_empty() {
            MetricAnswer::Error("the status says that it failed".to_owned())
        } else {
            MetricAnswer::Status(*current)
        },
    };
    custom.map(reading).collect()
}

/// Tries them all, the nearest first, from the controller's memory before the sync.
pub(super) fn best(
    pending: &Pending,
    start: &Controller,
    seen: &Explainer,
    state: &RunState,
) -> Best {
    let Some(target) = &state.target else {
        return Best::None;
    };
    let status = &pending.status;
    let replicas = status.current_replicas.unwrap_or(target.spec_replicas);
    let others = written(pending);
    let setting = state.setting.as_ref();
    let namespace = setting.map_or("", |s| s.namespace.as_str());
    let mut best = Best::None;
    let at = pending.at;
    // Between two polls an answer may have come and gone, and an API that is slow may have been asked a whole
    // sync before; a change of a pod is seen at once.
    let period = state.setting.as_ref().map_or(Duration::ZERO, |s| {
        s.metrics_resolution * 2 + s.controller.sync_period
    });
    let polls = nearest(&seen.polls, at, NEAR + period);
    let snapshots = nearest(&seen.snapshots, at, NEAR);
    for now in [at, before(at, CLOCKS), after(at, CLOCKS)] {
        for metrics in &polls {
            for pods in &snapshots {
                let mut controller = start.clone();
                let decision = controller.sync(Sync {
                    now,
                    namespace,
                    spec: &pending.object.spec,
                    scale: Ok(Scale {
                        replicas,
                        observed: target.replicas,
                        selector: &target.selector,
                    }),
                    pods,
                    metrics: Readings {
                        resources: metrics.as_deref().map_err(String::as_str),
                        others: &others,
                    },
                    other_selectors: &[],
                    update_error: None,
                    conditions: &pending.previous.conditions,
                    desired_before: pending.previous.desired_replicas,
                });
                let same = shows_the_same(&decision, status);
                if same && decision.desired == status.desired_replicas {
                    return Best::Agrees(controller, decision);
                }
                best = match best {
                    Best::None if !same => Best::Newest(decision),
                    Best::None | Best::Newest(_) if same => Best::SameUtilization(decision),
                    best => best,
                };
            }
        }
    }
    best
}

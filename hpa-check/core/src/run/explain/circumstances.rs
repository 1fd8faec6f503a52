//! The circumstances of a sync, from the state of the run.

use std::time::Duration;

use jiff::Timestamp;

use super::calls::CallOrder;
use super::sightings::{NEAR, ReadingSearch, Span};
use crate::model::reconcile::Controller;
use crate::model::selector::TargetSelector;
use crate::model::{after, before};
use crate::observation::AutoscalerStatus;
use crate::run::state::RunState;
use crate::spec::{AutoscalerSpec, MetricSpec};

pub(super) fn selector(state: &RunState) -> TargetSelector {
    let target = state.target.as_ref();
    TargetSelector::new(target.map_or("", |target| target.selector.as_str()))
}

/// The search for what a sync read.
pub(super) fn search(
    when: Span,
    at: Timestamp,
    spec: &AutoscalerSpec,
    state: &RunState,
) -> ReadingSearch {
    ReadingSearch {
        when,
        at,
        around: around(state),
        initialization: state.controller().cpu_initialization_period,
        samples: spec.metrics.iter().any(|m| m.resource().is_some()),
        order: CallOrder::of(spec),
    }
}

/// A controller that has just started, with the known settings.
pub(super) fn fresh(state: &RunState) -> Controller {
    Controller::new(state.controller().clone(), state.gates())
}

pub(super) fn period(state: &RunState) -> Duration {
    state.controller().sync_period
}

/// How long after a sync its inputs may first be observed.
pub(super) fn patience(state: &RunState) -> Duration {
    state.metrics_resolution().max(NEAR)
}

/// How old the metrics API's answer may be that a sync uses. Between two polls an answer may have come and
/// gone, and a slow API may have been queried a whole sync earlier.
pub(super) fn around(state: &RunState) -> Duration {
    NEAR + state.metrics_resolution() * 2 + period(state)
}

/// The metric, if any, that can't be traced to the replica: the status lacks its value, or has only a rounded
/// value per pod.
pub(super) fn unfollowed(spec: &AutoscalerSpec, status: &AutoscalerStatus) -> Option<String> {
    let values = &status.current_metrics;
    let mut metrics = spec.metrics.iter().enumerate();
    let is_open = |(index, metric): &(usize, &MetricSpec)| {
        let told = values.get(*index);
        let exact = told.is_some_and(|value| value.is_empty() || value.value.is_some());
        metric.resource().is_none() && !exact
    };
    let (_, metric) = metrics.find(is_open)?;
    let (kind, name) = (metric.source.kind(), metric.source.name());
    Some(format!(
        "the status does not show the {kind} metric {name} precisely enough to explain the decision"
    ))
}

pub(super) fn namespace(state: &RunState) -> &str {
    state.setting.as_ref().map_or("", |s| s.namespace.as_str())
}

/// How many pods the target may have counted at a sync, if a metric is divided by them.
pub(super) fn observed(state: &RunState, spec: &AutoscalerSpec, when: Span) -> Vec<i32> {
    let mut counts = Vec::new();
    let matters = spec
        .metrics
        .iter()
        .any(|m| m.source.is_object_or_external());
    for (at, target) in state.targets.iter().rev() {
        if *at <= after(when.until, NEAR) && !counts.contains(&target.replicas) {
            counts.push(target.replicas);
        }
        if !matters || *at < before(when.from, NEAR) {
            break;
        }
    }
    if counts.is_empty() {
        counts.extend(state.target.as_ref().map(|target| target.replicas));
    }
    counts
}

//! Whether enough was seen around a sync to hold the controller to the model's word.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::{Held, Metrics};
use crate::model::before;
use crate::run::state::RunState;

/// What is lacking, if anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Knowledge {
    Enough,
    NoSetting,
    NoTarget,
    PodsDiffer,
    StaleMetrics,
}

impl Knowledge {
    /// The pods known have to add up to the target's own counts, and the metrics to be as new as
    /// their resolution allows: else an update was lost, and the model computes on another world.
    pub(super) fn of(state: &RunState, polls: &VecDeque<Held<Metrics>>, sync: Timestamp) -> Self {
        let Some(setting) = &state.setting else {
            return Self::NoSetting;
        };
        let Some(target) = &state.target else {
            return Self::NoTarget;
        };
        let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        let alive = |phase: &str| phase != "Succeeded" && phase != "Failed";
        let living = state
            .pods
            .values()
            .filter(|p| p.lives() && alive(&p.pod.phase));
        let ready = state.pods.values().filter(|p| p.is_ready());
        if count(living.count()) != target.replicas || count(ready.count()) != target.ready_replicas
        {
            return Self::PodsDiffer;
        }
        let resolution = setting.metrics_resolution;
        let samples = polls.iter().filter_map(|held| held.what.as_ref().ok());
        let mut times = samples.flatten().map(|metric| metric.timestamp);
        // A sample is up to one resolution old when its successor is made, and a little more when read.
        let oldest = before(sync, resolution + resolution / 4);
        if times.any(|at| oldest <= at && at <= sync) {
            Self::Enough
        } else {
            Self::StaleMetrics
        }
    }

    pub(super) fn is_enough(self) -> bool {
        self == Self::Enough
    }

    pub(super) fn lack(self) -> &'static str {
        match self {
            Self::Enough => "nothing decided it could be compared with",
            Self::NoSetting => "the controller's settings are not known",
            Self::NoTarget => "the scale target is not known",
            Self::PodsDiffer => "the pods seen do not add up to the target's own counts",
            Self::StaleMetrics => "no fresh answer of the metrics API was seen",
        }
    }
}

//! The progress of a run and the time that it may still take, for display only.

use std::time::Duration;

use jiff::Timestamp;

use super::{Conductor, HOLD_SYNCS, LoadSchedule, baseline_budget};
use crate::expectation::ScaleDown;
use crate::observation::Phase;
use crate::run::budget::with_budget;
use crate::run::state::RunState;

/// The progress of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Progress {
    /// Time since the run began.
    pub elapsed: Duration,
    /// Time left if every phase takes its whole deadline, without the patience. Most take less.
    pub left: Duration,
    /// Time left if every phase uses its whole patience too; `None` if the load has a plan of its own.
    pub at_most: Option<Duration>,
}

impl Progress {
    /// The share that is done, from 0 to 1.
    pub fn share(&self) -> f64 {
        let all = (self.elapsed + self.left).as_secs_f64();
        if all > 0.0 {
            self.elapsed.as_secs_f64() / all
        } else {
            0.0
        }
    }
}

/// The phases that take time, in their order.
const PHASES: [Phase; 4] = [Phase::Baseline, Phase::Up, Phase::Hold, Phase::Down];

impl Conductor {
    /// The progress; `None` before the start and at the end.
    pub fn progress(&self, now: Timestamp, state: &RunState) -> Option<Progress> {
        let (phase, since) = self.phase?;
        let began = state.timeline.as_ref()?.from;
        if self.finished || phase == Phase::Done || state.spec().is_none() {
            return None;
        }
        let elapsed = between(began, now);
        if let (LoadSchedule::Planned { end, .. }, Some(started)) =
            (self.schedule, self.load_started)
        {
            let left = end.saturating_sub(between(started, now));
            return Some(Progress {
                elapsed,
                left,
                at_most: None,
            });
        }
        let at = PHASES.iter().position(|p| *p == phase).unwrap_or(0);
        let since = if phase == Phase::Preflight {
            now
        } else {
            state.at_work_since(since)
        };
        let spent = between(since, now);
        let (mut left, mut at_most) = (Duration::ZERO, Duration::ZERO);
        for (index, phase) in PHASES.iter().enumerate().skip(at) {
            let (budget, patience) = self.allowed(*phase, state);
            let spent = if index == at { spent } else { Duration::ZERO };
            left += budget.saturating_sub(spent);
            at_most += (budget + patience).saturating_sub(spent);
        }
        Some(Progress {
            elapsed,
            left,
            at_most: Some(at_most),
        })
    }

    /// How long a phase may take, and the patience on top.
    fn allowed(&self, phase: Phase, state: &RunState) -> (Duration, Duration) {
        let patience = self.expectation.patience;
        match phase {
            Phase::Baseline => (baseline_budget(state), patience),
            Phase::Up => (with_budget(state, |b| b.up()), patience),
            Phase::Hold => {
                let sync = with_budget(state, |b| b.controller.sync_period);
                (self.hold.unwrap_or(sync * HOLD_SYNCS), Duration::ZERO)
            }
            Phase::Down => match self.expectation.scale_down {
                ScaleDown::Skip => (Duration::ZERO, Duration::ZERO),
                ScaleDown::Full => (with_budget(state, |b| b.down()), patience),
                ScaleDown::OneStep => {
                    let first = with_budget(state, |b| {
                        b.reaction() + b.down_window() + b.controller.sync_period
                    });
                    (first, patience)
                }
            },
            Phase::Preflight | Phase::Done => (Duration::ZERO, Duration::ZERO),
        }
    }
}

fn between(from: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(from)).unwrap_or_default()
}

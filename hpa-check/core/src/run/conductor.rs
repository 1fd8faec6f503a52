//! Decides what to do next in a run: a state machine over its phases. A phase ends when its goal was
//! observed or is proven impossible, or at a deadline computed by the
//! [`Budget`](crate::run::budget::Budget), never after a fixed sleep.

mod progress;
mod settled;

pub use progress::Progress;

use std::time::Duration;

use jiff::Timestamp;

use crate::expectation::{Expectation, ScaleDown};
use crate::model::after;
use crate::observation::Phase;
use crate::run::budget::with_budget;
use crate::run::demand::{self, Demand};
use crate::run::state::RunState;

/// Something to do, once.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Enter a phase.
    Enter(Phase),
    /// Start the load.
    StartLoad {
        /// The total CPU usage at which the autoscaler wants the maximum; `None` while it is unknown.
        demand: Option<Demand>,
    },
    /// Stop the load, or reduce it.
    StopLoad,
    /// End the run.
    Finish {
        /// Why now, in a sentence.
        why: String,
    },
}

impl Action {
    /// The phase that this action begins.
    pub fn phase(&self) -> Option<Phase> {
        match self {
            Self::Enter(phase) => Some(*phase),
            Self::Finish { .. } => Some(Phase::Done),
            Self::StartLoad { .. } | Self::StopLoad => None,
        }
    }
}

/// What decides how long the load stays high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoadSchedule {
    /// The conductor: the load starts high and stops once enough was observed.
    Adaptive,
    /// The load's own plan, which starts idle; times count from its start.
    Planned {
        /// When it rises.
        up: Duration,
        /// When it falls.
        down: Duration,
        /// When it ends.
        end: Duration,
    },
}

/// Number of syncs for which the maximum must hold, unless a time is given.
const HOLD_SYNCS: u32 = 3;

/// The state machine.
#[derive(Debug, Clone)]
pub struct Conductor {
    expectation: Expectation,
    schedule: LoadSchedule,
    hold: Option<Duration>,
    steady: bool,
    phase: Option<(Phase, Timestamp)>,
    load_started: Option<Timestamp>,
    load_stopped: bool,
    finished: bool,
}

impl Conductor {
    /// A conductor at the start of a run.
    pub fn new(expectation: Expectation, schedule: LoadSchedule) -> Self {
        Self {
            expectation,
            schedule,
            hold: None,
            steady: false,
            phase: None,
            load_started: None,
            load_stopped: false,
            finished: false,
        }
    }

    /// Keeps the load up for this long once the maximum is ready, instead of for a few syncs.
    #[must_use]
    pub fn holding(self, hold: Option<Duration>) -> Self {
        Self { hold, ..self }
    }

    /// Assumes that the load stays constant once its users and its rate are constant. The conductor then
    /// need not wait for a load that is too weak.
    #[must_use]
    pub fn steady(self) -> Self {
        Self {
            steady: true,
            ..self
        }
    }

    /// The next action, if any; call again until there is none. There is none after `Finish`.
    pub fn next(&mut self, now: Timestamp, state: &RunState) -> Option<Action> {
        if self.finished {
            return None;
        }
        if let Some(at) = state.interrupted_at {
            return Some(self.finish(format!("interrupted at {at}")));
        }
        let Some((phase, since)) = self.phase else {
            return Some(self.enter(Phase::Preflight, now));
        };
        match phase {
            Phase::Preflight => self.preflight(now, since, state),
            Phase::Baseline => self.baseline(now, since, state),
            Phase::Up => self.up(now, since, state),
            Phase::Hold => self.hold(now, since, state),
            Phase::Down => self.down(now, since, state),
            Phase::Done => Some(self.finish("everything required was observed".to_owned())),
        }
    }

    fn preflight(&mut self, now: Timestamp, since: Timestamp, state: &RunState) -> Option<Action> {
        if let Some(blocker) = &state.blocker {
            return Some(self.finish(format!("a pass is impossible: {}", blocker.message)));
        }
        if state.autoscaler.is_some() && state.target.is_some() {
            return Some(self.enter(Phase::Baseline, now));
        }
        let patience = self.expectation.patience;
        let late = now >= after(since, patience);
        late.then(|| self.finish("the autoscaler and its target were not both found".to_owned()))
    }

    fn baseline(&mut self, now: Timestamp, since: Timestamp, state: &RunState) -> Option<Action> {
        if self.load_started.is_none() {
            if let Some(blocker) = &state.blocker {
                return Some(self.finish(format!("a pass is impossible: {}", blocker.message)));
            }
            if state.at_rest() {
                self.load_started = Some(now);
                let demand = demand::of_run(state, &self.expectation);
                return Some(Action::StartLoad { demand });
            }
            return self.late(now, since, baseline_budget(state), || {
                "the minimum was not ready with a utilization in time".to_owned()
            });
        }
        (now >= self.planned(|up, _| up)).then(|| self.enter(Phase::Up, now))
    }

    fn up(&mut self, now: Timestamp, since: Timestamp, state: &RunState) -> Option<Action> {
        if state.ready() >= self.expectation.max_replicas {
            return Some(self.enter(Phase::Hold, now));
        }
        if let LoadSchedule::Planned { .. } = self.schedule {
            let over = now >= self.planned(|_, down| down);
            return over.then(|| {
                let max = self.expectation.max_replicas;
                self.finish(format!("the load ended, and {max} pods were never ready"))
            });
        }
        if state.load_result.is_some() {
            return Some(self.finish("the load ended before the maximum was reached".to_owned()));
        }
        if self.steady
            && let Some(why) = settled::below_the_maximum(&self.expectation, state, since, now)
        {
            return Some(self.finish(why));
        }
        let max = self.expectation.max_replicas;
        let since = state.at_work_since(since);
        self.late(now, since, with_budget(state, |b| b.up()), || {
            format!("{max} pods were not ready in time")
        })
    }

    fn hold(&mut self, now: Timestamp, since: Timestamp, state: &RunState) -> Option<Action> {
        let skip = self.expectation.scale_down == ScaleDown::Skip;
        let over = match self.schedule {
            LoadSchedule::Planned { .. } if !skip => now >= self.planned(|_, down| down),
            LoadSchedule::Planned { .. } | LoadSchedule::Adaptive => {
                let sync = with_budget(state, |b| b.controller.sync_period);
                let hold = self.hold.unwrap_or(sync * HOLD_SYNCS);
                now >= after(since, hold) || state.load_result.is_some()
            }
        };
        if !over {
            return None;
        }
        if !self.load_stopped && self.schedule == LoadSchedule::Adaptive {
            self.load_stopped = true;
            return Some(Action::StopLoad);
        }
        let next = if skip { Phase::Done } else { Phase::Down };
        Some(self.enter(next, now))
    }

    fn down(&mut self, now: Timestamp, since: Timestamp, state: &RunState) -> Option<Action> {
        let Some(spec) = state.target.as_ref().map(|t| t.spec_replicas) else {
            return Some(self.finish("the scale target is gone".to_owned()));
        };
        let (min, max) = (self.expectation.min_replicas, self.expectation.max_replicas);
        let down = match self.expectation.scale_down {
            ScaleDown::Full => spec == min && state.ready() == min,
            ScaleDown::OneStep => spec < max,
            ScaleDown::Skip => true,
        };
        if down && newest_is_explained(now, state) {
            return Some(self.enter(Phase::Done, now));
        }
        let since = state.at_work_since(since);
        self.late(now, since, with_budget(state, |b| b.down()), || {
            format!("the replicas did not come down to {min} in time")
        })
    }

    fn enter(&mut self, phase: Phase, now: Timestamp) -> Action {
        self.phase = Some((phase, now));
        Action::Enter(phase)
    }

    fn finish(&mut self, why: String) -> Action {
        self.finished = true;
        Action::Finish { why }
    }

    fn late(
        &mut self,
        now: Timestamp,
        since: Timestamp,
        budget: Duration,
        why: impl FnOnce() -> String,
    ) -> Option<Action> {
        let deadline = after(since, budget + self.expectation.patience);
        (now >= deadline).then(|| {
            let allowed = (budget + self.expectation.patience).as_secs();
            self.finish(format!("{} (allowed: {allowed} s)", why()))
        })
    }

    /// An instant of the load's plan, or now without a plan.
    fn planned(&self, pick: impl FnOnce(Duration, Duration) -> Duration) -> Timestamp {
        match (self.schedule, self.load_started) {
            (LoadSchedule::Planned { up, down, .. }, Some(started)) => {
                after(started, pick(up, down))
            }
            _ => Timestamp::MIN,
        }
    }
}

/// Whether the latest decision is explained, or can't be. The metrics behind a decision are read shortly after
/// it shows, so a run that ended before that would leave its last step unexplained.
fn newest_is_explained(now: Timestamp, state: &RunState) -> bool {
    let newest = state.timeline.as_ref().and_then(|t| t.syncs.last());
    let resolution = state.setting.as_ref().map(|s| s.metrics_resolution);
    newest.is_none_or(|sync| {
        sync.explained || resolution.is_none_or(|resolution| now >= after(sync.at, resolution))
    })
}

/// Replicas above the minimum must come down first, and the newest pods must be measured.
fn baseline_budget(state: &RunState) -> Duration {
    with_budget(state, |budget| {
        let above = state
            .target
            .as_ref()
            .is_some_and(|t| t.spec_replicas > budget.spec.effective_min());
        let down = if above { budget.down() } else { Duration::ZERO };
        budget.reaction() + budget.controller.sync_period + down
    })
}

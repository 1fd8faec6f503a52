//! How long things may take: deadlines computed from the autoscaler's spec, the controller's settings and the
//! metrics resolution.

use std::time::Duration;

use jiff::Timestamp;

use crate::model::after;
use crate::model::normalize::{self, FullBehavior, ScaleEvent, ScaleEvents};
use crate::observation::ControllerConfig;
use crate::run::state::RunState;
use crate::spec::AutoscalerSpec;

/// More steps than this are not simulated; a policy that needs them scales for hours.
const MOST_STEPS: u32 = 10_000;

/// What decides how long a reaction takes.
#[derive(Debug, Clone, Copy)]
pub struct Budget<'a> {
    /// The autoscaler's spec.
    pub spec: &'a AutoscalerSpec,
    /// The controller's settings.
    pub controller: &'a ControllerConfig,
    /// Time between two samples of a pod, and about the length of a sample's window.
    pub resolution: Duration,
    /// From a pod's creation until it is ready.
    pub pod_start: Duration,
}

impl Budget<'_> {
    /// From a change of the load to a sync that sees all of it: the current sample still includes the time
    /// before, the next one is complete, and a sync may just have passed.
    pub fn reaction(&self) -> Duration {
        self.resolution * 2 + self.controller.sync_period
    }

    /// From full load to the maximum in ready pods. After each step the new pods must start, and they count
    /// only after one complete window, before the next step is due.
    pub fn up(&self) -> Duration {
        let window = self.behavior().map_or(Duration::ZERO, |b| b.up.window);
        let (min, max) = (self.spec.effective_min(), self.spec.max_replicas);
        let (syncs, steps) = self.climb(min, max, window);
        let period = self.controller.sync_period;
        self.reaction() + window + period * syncs + self.counted() * steps
    }

    /// From the end of the load to the minimum.
    pub fn down(&self) -> Duration {
        let (min, max) = (self.spec.effective_min(), self.spec.max_replicas);
        let (syncs, _) = self.climb(max, min, Duration::ZERO);
        self.reaction() + self.down_window() + self.controller.sync_period * (syncs + 1)
    }

    /// How long a high proposal delays a scale-down.
    pub fn down_window(&self) -> Duration {
        let default = self.controller.downscale_stabilization;
        self.behavior().map_or(default, |b| b.down.window)
    }

    fn behavior(&self) -> Option<FullBehavior> {
        let behavior = self.spec.behavior.as_ref()?;
        Some(FullBehavior::of(behavior, self.controller))
    }

    /// From a new pod's creation to a sample that counts it.
    fn counted(&self) -> Duration {
        self.pod_start + self.resolution
    }

    /// How many syncs, and how many steps among them, it takes to get from one size to another. Every proposal
    /// asks for `to`, except for the dip after a scale-up, which the scale-up `window` remembers.
    fn climb(&self, from: i32, to: i32, window: Duration) -> (u32, u32) {
        let (mut current, mut now) = (from, Timestamp::UNIX_EPOCH);
        let (mut ups, mut downs) = (Vec::new(), Vec::new());
        let mut dips: Vec<(Timestamp, i32)> = Vec::new();
        let (mut syncs, mut steps) = (0, 0);
        while current != to && syncs < MOST_STEPS {
            syncs += 1;
            now = after(now, self.controller.sync_period);
            dips.retain(|(until, _)| now <= *until);
            let held = dips.iter().map(|(_, proposal)| *proposal).min();
            let ask = held.map_or(to, |proposal| proposal.max(current).min(to));
            let next = self.step(current, ask, (&ups, &downs), now);
            let change = (next - current).abs();
            if change > 0 {
                steps += 1;
                let events = if next > current { &mut ups } else { &mut downs };
                events.push(ScaleEvent { change, at: now });
            }
            if next > current && !window.is_zero() {
                let until = after(now, self.counted() + window);
                dips.push((until, dip(to, current, next)));
            }
            current = next;
        }
        (syncs, steps)
    }

    fn step(
        &self,
        current: i32,
        to: i32,
        (up, down): (&[ScaleEvent], &[ScaleEvent]),
        now: Timestamp,
    ) -> i32 {
        let (min, max) = (self.spec.effective_min(), self.spec.max_replicas);
        let limited = match self.behavior() {
            None => normalize::limit_legacy(current, to, min, max, self.controller),
            Some(behavior) => {
                let changes = ScaleEvents { up, down };
                normalize::limit(current, to, (min, max), &behavior, changes, now)
            }
        };
        limited.replicas
    }
}

/// What a controller proposes right after a scale-up, for a load that calls for `wanted` pods: the old pods
/// only have their share of the load left, and the new ones count as idle until they have a sample.
fn dip(wanted: i32, old: i32, new: i32) -> i32 {
    let share = i64::from(wanted) * i64::from(old);
    let proposal = (share + i64::from(new) - 1) / i64::from(new.max(1));
    i32::try_from(proposal).unwrap_or(wanted)
}

/// A deadline from the budget. Without an autoscaler, only the patience remains to wait for.
pub(crate) fn with_budget(state: &RunState, ask: impl FnOnce(&Budget<'_>) -> Duration) -> Duration {
    state.spec().map_or(Duration::ZERO, |spec| {
        ask(&Budget {
            spec,
            controller: state.controller(),
            // The samples themselves show whether the metrics server takes them less often.
            resolution: state
                .metrics_resolution()
                .max(state.sample_window().unwrap_or_default()),
            pod_start: slowest_start(state),
        })
    })
}

/// The slowest start so far, from the pod's first observation until it was ready.
fn slowest_start(state: &RunState) -> Duration {
    let starts = state.pods.values().filter_map(|p| {
        let took = p.ready_at?.duration_since(p.first_seen);
        Duration::try_from(took).ok()
    });
    starts.max().unwrap_or_default()
}

//! From a proposal to a decision: stabilization and rate limits, on both of the controller's paths.
//! `normalizeDesiredReplicas` and `normalizeDesiredReplicasWithBehaviors` in `horizontal.go`.

use std::time::Duration;

use jiff::Timestamp;

use super::go_int32;
pub use super::history::Recommendation;
use super::history::{History, replace_last};
use super::instant::Instant;
use crate::observation::ControllerConfig;
use crate::spec::{Behavior, PolicyKind, ScalingPolicy, ScalingRules, SelectPolicy};

/// A change of the target's replicas by the controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaleEvent<T = Timestamp> {
    /// The number of replicas, always positive.
    pub change: i32,
    /// When.
    pub at: T,
}

/// One direction's rules with every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct FullRules {
    /// The stabilization window.
    pub window: Duration,
    /// Which policy counts.
    pub select: SelectPolicy,
    /// The rate limits.
    pub policies: Vec<ScalingPolicy>,
    /// The direction's own tolerance.
    pub tolerance: Option<f64>,
}

/// Both directions' rules with every default filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct FullBehavior {
    /// For scale-up.
    pub up: FullRules,
    /// For scale-down.
    pub down: FullRules,
}

impl FullBehavior {
    /// The API's defaults (`pkg/apis/autoscaling/v2/defaults.go`), and the controller's own default for the
    /// scale-down window.
    pub fn of(behavior: &Behavior, settings: &ControllerConfig) -> Self {
        let percent = ScalingPolicy {
            kind: PolicyKind::Percent,
            value: 100,
            period_seconds: 15,
        };
        let pods = ScalingPolicy {
            kind: PolicyKind::Pods,
            value: 4,
            period_seconds: 15,
        };
        Self {
            up: FullRules::of(behavior.scale_up.as_ref(), Duration::ZERO, &[pods, percent]),
            down: FullRules::of(
                behavior.scale_down.as_ref(),
                // The controller keeps whole seconds.
                Duration::from_secs(settings.downscale_stabilization.as_secs()),
                &[percent],
            ),
        }
    }
}

impl FullRules {
    fn of(rules: Option<&ScalingRules>, window: Duration, policies: &[ScalingPolicy]) -> Self {
        let given = rules.cloned().unwrap_or_default();
        Self {
            window: given.stabilization_window_seconds.map_or(window, seconds),
            select: given.select_policy.unwrap_or(SelectPolicy::Max),
            policies: given.policies.unwrap_or_else(|| policies.to_vec()),
            tolerance: given.tolerance,
        }
    }
}

pub(crate) fn seconds(value: i32) -> Duration {
    Duration::from_secs(u64::try_from(value).unwrap_or(0))
}

/// The replicas after bounds and rate limits, with the reason of the `ScalingLimited` condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limited {
    /// The replicas after the limit.
    pub replicas: i32,
    /// `DesiredWithinRange`, `TooFewReplicas`, `TooManyReplicas`, `ScaleUpLimit` or `ScaleDownLimit`.
    pub reason: &'static str,
}

impl Limited {
    const fn new(replicas: i32, reason: &'static str) -> Self {
        Self { replicas, reason }
    }

    const fn within(replicas: i32) -> Self {
        Self::new(replicas, "DesiredWithinRange")
    }

    /// The most replicas by the maximum and by the rate limit.
    fn most(max: i32, step: i32) -> Self {
        if max > step {
            Self::new(step, "ScaleUpLimit")
        } else {
            Self::new(max, "TooManyReplicas")
        }
    }

    /// The fewest replicas by the minimum and by the rate limit.
    fn fewest(min: i32, step: i32) -> Self {
        if min < step {
            Self::new(step, "ScaleDownLimit")
        } else {
            Self::new(min, "TooFewReplicas")
        }
    }
}

/// The highest proposal of the window, including this one: `stabilizeRecommendation`. It can also raise the
/// replicas above the current number, which the path with `behavior` never does.
pub fn stabilize_legacy<T: Instant>(
    history: &impl History<T>,
    desired: i32,
    now: T,
    window: Duration,
) -> i32 {
    let highest = history.highest_since(now.before(window));
    highest.map_or(desired, |highest| highest.max(desired))
}

/// The current replicas, moved only as far as every proposal in the windows agrees:
/// `stabilizeRecommendationWithBehaviors`.
pub fn stabilize<T: Instant>(
    history: &impl History<T>,
    current: i32,
    desired: i32,
    now: T,
    up_window: Duration,
    down_window: Duration,
) -> i32 {
    let lowest = history.lowest_after(now.before(up_window));
    let highest = history.highest_after(now.before(down_window));
    current
        .max(lowest.map_or(desired, |lowest| lowest.min(desired)))
        .min(highest.map_or(desired, |highest| highest.max(desired)))
}

/// The bounds and the scale-up limit without `behavior`: `convertDesiredReplicasWithRules`.
pub fn limit_legacy(
    current: i32,
    desired: i32,
    min: i32,
    max: i32,
    settings: &ControllerConfig,
) -> Limited {
    let step =
        (settings.scale_up_limit_factor * f64::from(current)).max(settings.scale_up_limit_minimum);
    let most = Limited::most(max, go_int32(step));
    if desired < min {
        Limited::new(min, "TooFewReplicas")
    } else if desired > most.replicas {
        most
    } else {
        Limited::within(desired)
    }
}

/// The controller's scalings, by direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaleEvents<'a, T = Timestamp> {
    /// Scale-ups.
    pub up: &'a [ScaleEvent<T>],
    /// Scale-downs.
    pub down: &'a [ScaleEvent<T>],
}

/// The bounds and the policies of the direction: `convertDesiredReplicasWithBehaviorRate`.
pub fn limit<T: Instant>(
    current: i32,
    desired: i32,
    (min, max): (i32, i32),
    behavior: &FullBehavior,
    changes: ScaleEvents<'_, T>,
    now: T,
) -> Limited {
    if desired > current {
        let step = up_limit(current, &behavior.up, changes, now).max(current);
        let most = Limited::most(max, step);
        if desired > most.replicas {
            return most;
        }
    } else if desired < current {
        let step = down_limit(current, &behavior.down, changes, now).min(current);
        let fewest = Limited::fewest(min, step);
        if desired < fewest.replicas {
            return fewest;
        }
    }
    Limited::within(desired)
}

/// The most replicas that the policies allow now: `calculateScaleUpLimitWithScalingRules`.
pub fn up_limit<T: Instant>(
    current: i32,
    rules: &FullRules,
    changes: ScaleEvents<'_, T>,
    now: T,
) -> i32 {
    let proposals = rules.policies.iter().map(|policy| {
        let start = at_period_start(current, policy, changes, now);
        match policy.kind {
            PolicyKind::Pods => start.wrapping_add(policy.value),
            PolicyKind::Percent => {
                go_int32((f64::from(start) * (1.0 + f64::from(policy.value) / 100.0)).ceil())
            }
        }
    });
    match rules.select {
        SelectPolicy::Disabled => current,
        SelectPolicy::Min => proposals.fold(i32::MAX, i32::min),
        SelectPolicy::Max => proposals.fold(i32::MIN, i32::max),
    }
}

/// The fewest replicas that the policies allow now: `calculateScaleDownLimitWithBehaviors`. Scale-up rounds a
/// percentage up, scale-down truncates.
pub fn down_limit<T: Instant>(
    current: i32,
    rules: &FullRules,
    changes: ScaleEvents<'_, T>,
    now: T,
) -> i32 {
    let proposals = rules.policies.iter().map(|policy| {
        let start = at_period_start(current, policy, changes, now);
        match policy.kind {
            PolicyKind::Pods => start.wrapping_sub(policy.value),
            PolicyKind::Percent => {
                go_int32(f64::from(start) * (1.0 - f64::from(policy.value) / 100.0))
            }
        }
    });
    match rules.select {
        SelectPolicy::Disabled => current,
        SelectPolicy::Min => proposals.fold(i32::MIN, i32::max),
        SelectPolicy::Max => proposals.fold(i32::MAX, i32::min),
    }
}

/// The replicas at the start of a policy's period, computed from the changes since.
fn at_period_start<T: Instant>(
    current: i32,
    policy: &ScalingPolicy,
    changes: ScaleEvents<'_, T>,
    now: T,
) -> i32 {
    let cutoff = now.before(seconds(policy.period_seconds));
    let within = |events: &[ScaleEvent<T>]| {
        events
            .iter()
            .filter(|e| e.at > cutoff)
            .fold(0_i32, |sum, e| sum.wrapping_add(e.change))
    };
    current
        .wrapping_sub(within(changes.up))
        .wrapping_add(within(changes.down))
}

/// The longest period of a direction's policies, for which its changes must be remembered.
pub fn longest_period(rules: &FullRules) -> Duration {
    rules
        .policies
        .iter()
        .map(|p| seconds(p.period_seconds))
        .max()
        .unwrap_or_default()
}

/// The rules that a sync follows, with every default filled in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rules<'a> {
    /// The controller's own, without `behavior`.
    Legacy(&'a ControllerConfig),
    /// The spec's `behavior`.
    Behavior(&'a FullBehavior),
}

/// A proposal and what limits it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SizeRequest {
    /// The current replicas.
    pub(crate) current: i32,
    /// The replicas that the metrics ask for.
    pub(crate) wanted: i32,
    /// The minimum.
    pub(crate) min: i32,
    /// The maximum.
    pub(crate) max: i32,
}

/// Remembers a proposal, then returns it after stabilization and after the limits. `normalizeDesiredReplicas`
/// and `normalizeDesiredReplicasWithBehaviors`.
pub(crate) fn normalize<T: Instant>(
    rules: Rules<'_>,
    step: SizeRequest,
    history: &mut impl History<T>,
    changes: ScaleEvents<'_, T>,
    now: T,
) -> (i32, Limited) {
    let SizeRequest {
        current,
        wanted,
        min,
        max,
    } = step;
    let new = Recommendation {
        replicas: wanted,
        at: now,
    };
    match rules {
        Rules::Legacy(settings) => {
            let window = settings.downscale_stabilization;
            let stabilized = stabilize_legacy(history, wanted, now, window);
            history.remember(new, now.before(window));
            let limited = limit_legacy(current, stabilized, min, max, settings);
            (stabilized, limited)
        }
        Rules::Behavior(full) => {
            let (up, down) = (full.up.window, full.down.window);
            let stabilized = stabilize(history, current, wanted, now, up, down);
            history.remember(new, now.before(up.max(down)));
            let limited = limit(current, stabilized, (min, max), full, changes, now);
            (stabilized, limited)
        }
    }
}

/// Remembers a scaling for as long as a policy of its direction needs it: `storeScaleEvent`.
pub(crate) fn remember_change<T: Instant>(
    full: &FullBehavior,
    (ups, downs): (&mut Vec<ScaleEvent<T>>, &mut Vec<ScaleEvent<T>>),
    (from, to): (i32, i32),
    now: T,
) {
    let event = ScaleEvent {
        change: to.wrapping_sub(from).wrapping_abs(),
        at: now,
    };
    let (events, rules) = if to > from {
        (ups, &full.up)
    } else {
        (downs, &full.down)
    };
    let cutoff = now.before(longest_period(rules));
    replace_last(events, event, |e| e.at < cutoff);
}

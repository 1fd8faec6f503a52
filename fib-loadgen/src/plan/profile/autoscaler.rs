//! Profiles made for an autoscaler: what it has to do follows from its bounds, target, tolerance and windows, and
//! from what a request costs.

use std::time::Duration;

use super::{Autoscaler, Known, Settings, jump};
use crate::plan::{Stage, StageLevel};

/// The settings of every one of them.
const SETTINGS: &[(&str, &str)] = &[
    ("min", "3"),
    ("max", "10"),
    ("target", "50%"),
    ("tolerance", "10%"),
    ("sync", "15s"),
    ("up-window", "0s"),
    ("down-window", "5m"),
    ("request", "200m"),
    ("cost", ""),
];

/// What each is.
pub(super) const PROFILES: [Known; 5] = [
    (
        "hpa-step",
        "from the fewest pods to the most at once, and back",
        SETTINGS,
    ),
    (
        "hpa-staircase",
        "through every number of pods that can be reached, and back",
        SETTINGS,
    ),
    (
        "hpa-spike",
        "a peak shorter than a stabilization window upward, else of two syncs",
        SETTINGS,
    ),
    (
        "hpa-flap",
        "to and fro within the tolerance: nothing may be scaled",
        SETTINGS,
    ),
    ("hpa-down", "from the most pods to the fewest", SETTINGS),
];

/// Where within the last pod a load lies that needs it: in its middle, the tolerance on either side.
const WITHIN: f64 = 0.5;
/// How much of the tolerance a load moves that must not be scaled.
const FLAP: f64 = 0.6;
/// Syncs that an autoscaler, its metrics and its pods are left to settle.
const SETTLE: u32 = 6;

pub(super) fn stages(settings: &Settings, autoscaler: &Autoscaler) -> Result<Vec<Stage>, String> {
    let rest = autoscaler.rate_for(f64::from(autoscaler.min) - WITHIN);
    let full = autoscaler.rate_for(f64::from(autoscaler.max) - WITHIN);
    let settle = autoscaler.sync * SETTLE;
    let up = settle + climb(autoscaler) + autoscaler.up_window;
    let down = settle + autoscaler.down_window;
    let hold = |length: Duration, rate: f64| jump(length, StageLevel::Rate(rate));
    Ok(match settings.name.as_str() {
        "hpa-step" => vec![hold(settle, rest), hold(up, full), hold(down, rest)],
        "hpa-staircase" => staircase(autoscaler, settle, down),
        "hpa-spike" => vec![
            hold(settle, rest),
            hold(spike(autoscaler), full),
            hold(down, rest),
        ],
        "hpa-flap" => flap(autoscaler),
        "hpa-down" => vec![hold(up, full), hold(down, rest)],
        other => return Err(format!("`{other}` is no profile for an autoscaler")),
    })
}

/// How long the policies take from the fewest pods to the most.
fn climb(autoscaler: &Autoscaler) -> Duration {
    let mut count = autoscaler.min;
    let mut syncs = 0;
    while count < autoscaler.max && syncs < 1_000 {
        count = autoscaler.step_up(count);
        syncs += 1;
    }
    autoscaler.sync * syncs
}

/// The loads that lead from one number of pods to the next that can be reached: a step within the tolerance changes
/// nothing, so from nine pods on (at 10 %) one more pod is not to be had.
fn staircase(autoscaler: &Autoscaler, each: Duration, down: Duration) -> Vec<Stage> {
    let each = each + autoscaler.up_window;
    let rate = |pods: f64| StageLevel::Rate(autoscaler.rate_for(pods));
    let mut stages = vec![jump(each, rate(f64::from(autoscaler.min) - WITHIN))];
    let mut count = autoscaler.min;
    while count < autoscaler.max {
        let least = f64::from(count) * (1.0 + autoscaler.tolerance);
        // The next number of pods whose load is outside the tolerance; all of (next - 1, next] asks for it.
        let next = (count + 1..=autoscaler.max).find(|next| f64::from(*next) > least + 1e-6);
        let Some(next) = next else { break };
        let from = least.max(f64::from(next) - 1.0);
        stages.push(jump(each, rate(f64::midpoint(from, f64::from(next)))));
        count = next;
    }
    stages.push(jump(down, rate(f64::from(autoscaler.min) - WITHIN)));
    stages
}

/// Half of the window upward, within which nothing may be scaled; without one, two syncs, so that it is seen.
fn spike(autoscaler: &Autoscaler) -> Duration {
    if autoscaler.up_window > autoscaler.sync {
        autoscaler.up_window / 2
    } else {
        autoscaler.sync * 2
    }
}

/// Above and below the target by less than the tolerance, for as long as the window downward.
fn flap(autoscaler: &Autoscaler) -> Vec<Stage> {
    let level = |by: f64| {
        let pods = f64::from(autoscaler.min) * (1.0 + by * autoscaler.tolerance * FLAP);
        StageLevel::Rate(autoscaler.rate_for(pods))
    };
    let each = autoscaler.sync * 2;
    let whole = autoscaler.down_window + autoscaler.sync * SETTLE;
    let times = (whole.as_secs_f64() / each.as_secs_f64()).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of turns"
    )]
    let times = (times as u32).min(1_000);
    (0..times)
        .map(|turn| jump(each, level(if turn % 2 == 0 { 1.0 } else { -1.0 })))
        .collect()
}

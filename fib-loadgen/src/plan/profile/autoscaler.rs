//! Profiles for an autoscaler: what it must do follows from its bounds, target, tolerance and windows, and from
//! the cost of a request.

use std::time::Duration;

use super::{Autoscaler, Known, Settings, jump};
use crate::plan::{Stage, StageLevel};

/// The settings that all of them have.
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
        "through every reachable number of pods, and back",
        SETTINGS,
    ),
    (
        "hpa-spike",
        "a peak shorter than the scale-up window, or of two syncs without one",
        SETTINGS,
    ),
    (
        "hpa-flap",
        "back and forth within the tolerance: nothing may scale",
        SETTINGS,
    ),
    ("hpa-down", "from the most pods to the fewest", SETTINGS),
];

/// The position of a load within the last pod it needs: in the middle, with the tolerance on either side.
const WITHIN: f64 = 0.5;
/// How much of the tolerance is used by a load that must not cause scaling.
const FLAP: f64 = 0.6;
/// Syncs that an autoscaler, its metrics and its pods get to settle.
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
        other => return Err(format!("`{other}` is not a profile for an autoscaler")),
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

/// The loads that lead from one reachable number of pods to the next: a step within the tolerance changes
/// nothing, so from nine pods on (at 10 %) there is no step of one pod.
fn staircase(autoscaler: &Autoscaler, each: Duration, down: Duration) -> Vec<Stage> {
    let each = each + autoscaler.up_window;
    let rate = |pods: f64| StageLevel::Rate(autoscaler.rate_for(pods));
    let mut stages = vec![jump(each, rate(f64::from(autoscaler.min) - WITHIN))];
    let mut count = autoscaler.min;
    while count < autoscaler.max {
        let least = f64::from(count) * (1.0 + autoscaler.tolerance);
        // The next number of pods whose load is outside the tolerance; every load in (next - 1, next] asks for
        // it.
        let next = (count + 1..=autoscaler.max).find(|next| f64::from(*next) > least + 1e-6);
        let Some(next) = next else { break };
        let from = least.max(f64::from(next) - 1.0);
        stages.push(jump(each, rate(f64::midpoint(from, f64::from(next)))));
        count = next;
    }
    stages.push(jump(down, rate(f64::from(autoscaler.min) - WITHIN)));
    stages
}

/// Half of the scale-up window, within which nothing may scale; without a window, two syncs, so that it is
/// noticed.
fn spike(autoscaler: &Autoscaler) -> Duration {
    if autoscaler.up_window > autoscaler.sync {
        autoscaler.up_window / 2
    } else {
        autoscaler.sync * 2
    }
}

/// Above and below the target by less than the tolerance, for as long as the scale-down window.
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

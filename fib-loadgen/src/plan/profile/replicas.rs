//! How many replicas a load should cause: the autoscaler's rule as a small function over data.
//!
//! The formula is the documented one (Kubernetes, "Horizontal Pod Autoscaling", "Algorithm details" and
//! "Configurable scaling behavior"):
//!
//! ```text
//! desired = ceil(current × utilization / target), unless utilization / target is within 1 ± tolerance
//! ```
//!
//! with at most 4 pods or 100 % more every 15 s, and on the way down the highest recommendation of the
//! stabilization window. It assumes that pods are ready immediately, metrics lag by one sync, and CPU time is
//! proportional to requests. So it says what should happen, not what will: proving what an autoscaler did is
//! `hpa-check`'s job, and this shares no code with it.

use std::time::Duration;

use super::Settings;
use crate::plan::Shape;

/// The autoscaler for which a load is made, and the cost of a request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Autoscaler {
    /// Fewest replicas.
    pub min: u32,
    /// Most replicas.
    pub max: u32,
    /// Target utilization, in percent of the request.
    pub target: f64,
    /// The share by which utilization may differ from the target without a change.
    pub tolerance: f64,
    /// Time between two decisions.
    pub sync: Duration,
    /// Scale-up stabilization window.
    pub up_window: Duration,
    /// Scale-down stabilization window.
    pub down_window: Duration,
    /// CPU request of a pod, in millicores.
    pub request_milli: f64,
    /// CPU time per request, in milliseconds.
    pub cost_ms: f64,
}

/// The number of replicas expected from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replicas {
    /// Since the start of the load.
    pub at: Duration,
    /// The number.
    pub count: u32,
}

/// The minimum that the default policies add in a sync period of 15 s.
const POLICY_PODS: u32 = 4;
/// The period of the default policies.
const POLICY_PERIOD: Duration = Duration::from_secs(15);

impl Autoscaler {
    pub(super) fn new(settings: &Settings) -> Result<Self, String> {
        let percent = |text: &str| {
            let number = text.strip_suffix('%').unwrap_or(text);
            number
                .parse::<f64>()
                .ok()
                .filter(|percent| (1.0..=1_000.0).contains(percent))
                .ok_or_else(|| format!("`{text}` is not a utilization: write it like 50%"))
        };
        let share = |text: &str| {
            crate::quantity::share(text).and_then(|share| {
                (share < 1.0)
                    .then_some(share)
                    .ok_or_else(|| format!("`{text}` is not a tolerance: give less than 100%"))
            })
        };
        let cost = settings.time("cost")?;
        let autoscaler = Self {
            min: settings.count("min")?,
            max: settings.count("max")?,
            target: settings.get("target", percent)?,
            tolerance: settings.get("tolerance", share)?,
            sync: settings.time("sync")?,
            up_window: settings.time("up-window")?,
            down_window: settings.time("down-window")?,
            request_milli: settings.get("request", millicores)?,
            cost_ms: cost.as_secs_f64() * 1e3,
        };
        if autoscaler.min >= autoscaler.max {
            return Err("an autoscaler needs a min below its max".to_owned());
        }
        if autoscaler.cost_ms <= 0.0 || autoscaler.sync < Duration::from_secs(1) {
            return Err("cost must be above 0, and sync at least 1s".to_owned());
        }
        Ok(autoscaler)
    }

    /// The rate at which this many pods (possibly a fraction) run exactly at the target.
    ///
    /// A pod at its target can spend `request × target` of CPU time per second, and each request costs `cost`.
    pub fn rate_for(&self, pods: f64) -> f64 {
        pods * self.request_milli * self.target / 100.0 / self.cost_ms
    }

    /// How many pods a rate keeps at the target; the inverse of [`Autoscaler::rate_for`].
    pub fn pods_for(&self, rate: f64) -> f64 {
        rate / self.rate_for(1.0)
    }

    /// The recommendation at a rate with this many replicas.
    pub fn recommends(&self, rate: f64, current: u32) -> u32 {
        let ratio = self.pods_for(rate) / f64::from(current.max(1));
        if (ratio - 1.0).abs() <= self.tolerance {
            return current;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of pods; a cast saturates"
        )]
        // Rounding in the last bit must not raise the ceiling of a product that is exact on paper.
        let desired = (ratio * f64::from(current) - 1e-9).ceil() as u32;
        desired.clamp(self.min, self.max)
    }

    /// The most replicas that the default policies allow after a sync.
    pub(super) fn step_up(&self, current: u32) -> u32 {
        let periods = (self.sync.as_secs_f64() / POLICY_PERIOD.as_secs_f64()).max(1.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a number of sync periods"
        )]
        let times = periods as u32;
        (0..times.min(16)).fold(current, |count, _| (count * 2).max(count + POLICY_PODS))
    }
}

/// CPU as Kubernetes writes it: `200m`, `0.5`, `2`.
fn millicores(text: &str) -> Result<f64, String> {
    let (number, factor) = text
        .strip_suffix('m')
        .map_or((text, 1_000.0), |number| (number, 1.0));
    number
        .parse::<f64>()
        .ok()
        .map(|number| number * factor)
        .filter(|milli| (1.0..=1e6).contains(milli))
        .ok_or_else(|| format!("`{text}` is not a CPU request: write it like 200m or 0.5"))
}

/// The replicas that a load should cause, each with its start. The first is what the load's initial level asks
/// for.
pub fn expected(load: &Shape, autoscaler: &Autoscaler) -> Vec<Replicas> {
    let sync = autoscaler.sync;
    let first = load.at(Duration::ZERO);
    let mut current = settled(first, autoscaler);
    let mut steps = vec![Replicas {
        at: Duration::ZERO,
        count: current,
    }];
    // Recommendations with their times, for stabilization.
    let mut recommended = vec![(Duration::ZERO, current)];
    let mut now = sync;
    while now <= load.end() {
        // The metric is the average since the previous sync.
        let rate = (load.area(now) - load.area(now.saturating_sub(sync))) / sync.as_secs_f64();
        let wanted = autoscaler.recommends(rate, current);
        recommended.push((now, wanted));
        let longest = autoscaler.up_window.max(autoscaler.down_window);
        recommended.retain(|(at, _)| *at + longest >= now);
        let within = |window: Duration| {
            let recent = recommended.iter();
            recent
                .filter(move |(at, _)| *at + window >= now)
                .map(|(_, count)| *count)
        };
        let least = within(autoscaler.up_window).min().unwrap_or(wanted);
        let most = within(autoscaler.down_window).max().unwrap_or(wanted);
        let next = if least > current {
            least.min(autoscaler.step_up(current)).min(autoscaler.max)
        } else if most < current {
            most.max(autoscaler.min)
        } else {
            current
        };
        if next != current {
            steps.push(Replicas {
                at: now,
                count: next,
            });
        }
        current = next;
        now += sync;
    }
    steps
}

/// The replicas at which a constant rate settles.
fn settled(rate: f64, autoscaler: &Autoscaler) -> u32 {
    let mut count = autoscaler.min;
    for _ in 0..64 {
        let next = autoscaler.recommends(rate, count);
        if next == count {
            break;
        }
        count = next;
    }
    count
}

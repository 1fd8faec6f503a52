//! How big everything is, so that the replicas, the load and the generator fit on this machine.

use std::time::Duration;

use super::{LoadProfile, Point};
use crate::expectation::Expectation;
use crate::run::conductor::LoadSchedule;
use crate::run::demand::MARGIN_PERCENT;
use crate::units::Millicores;

use super::intensity::Intensity;

/// What the replicas together may use of each CPU. The generator, the balancer and a stranger's
/// editor run beside them, and a use that is not near the limit is a use that is steady.
const SHARE_OF_CPU: Millicores = Millicores(325);

/// More than this is not needed for a steady reading, however big the machine.
const MOST: Millicores = Millicores(650);

/// What the load may be, and the request that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// CPU that all replicas use together at the height of the load.
    pub load: Millicores,
    /// The CPU request of one replica at which that load asks for all replicas.
    pub request: Millicores,
}

impl Sizes {
    /// Fits the expectation on a machine with that many CPUs.
    pub fn fit(cpus: usize, expectation: &Expectation) -> Self {
        let cpus = i64::try_from(cpus).unwrap_or(i64::MAX);
        let load = SHARE_OF_CPU.0.saturating_mul(cpus).min(MOST.0);
        let (max, target) = (expectation.max_replicas, expectation.cpu_target_percent);
        let replicas_percent = i64::from(max.max(1)) * i64::from(target.max(1));
        let request = load * 100 * 100 / (MARGIN_PERCENT * replicas_percent);
        Self {
            load: Millicores(load),
            request: Millicores(request.max(1)),
        }
    }

    /// What the load may come to use: under load a request costs up to a fifth more than in the
    /// measurement, when caches and cores are shared.
    pub fn load_at_most(&self) -> Millicores {
        Millicores(self.load.0 * 5 / 4)
    }
}

/// How long each part of the load lasts, and how much of it there is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadPlan {
    /// Users of the generator.
    pub users: u32,
    /// What is asked at the height.
    pub intensity: Intensity,
    /// What is asked at rest, as a part of the height.
    pub rest: f64,
    /// At rest, before.
    pub before: Duration,
    /// At the height.
    pub high: Duration,
    /// At rest, after: replicas that drain have requests to lose then.
    pub after: Duration,
}

impl LoadPlan {
    /// Requests a second at rest.
    pub fn rest_rate(&self) -> f64 {
        self.intensity.rate * self.rest
    }

    /// The work it asks for, at what one request costs.
    pub fn profile(&self, cost: Duration) -> LoadProfile {
        let millicores = |rate: f64| rate * cost.as_secs_f64() * 1000.0;
        let (rest, high) = (
            millicores(self.rest_rate()),
            millicores(self.intensity.rate),
        );
        let (up, down) = (self.before, self.before + self.high);
        let points = [
            (Duration::ZERO, rest),
            (up, rest),
            (up, high),
            (down, high),
            (down, rest),
            (self.whole(), rest),
        ];
        LoadProfile {
            points: points
                .map(|(at, millicores)| Point {
                    second: at.as_secs_f64(),
                    millicores,
                })
                .to_vec(),
            cost_us: Some(cost.as_secs_f64() * 1e6),
            source: None,
        }
    }

    /// Its instants, for the conductor.
    pub fn schedule(&self) -> LoadSchedule {
        LoadSchedule::Planned {
            up: self.before,
            down: self.before + self.high,
            end: self.whole(),
        }
    }

    /// How long all of it lasts.
    pub fn whole(&self) -> Duration {
        self.before + self.high + self.after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cpus_take_a_request_of_100m_and_two_thirds_of_a_cpu_of_load() {
        assert_eq!(
            Sizes::fit(2, &Expectation::default()),
            Sizes {
                load: Millicores(650),
                request: Millicores(100)
            }
        );
    }

    #[test]
    fn a_big_machine_is_not_loaded_more_than_a_small_one() {
        let expectation = Expectation::default();
        assert_eq!(Sizes::fit(2, &expectation), Sizes::fit(64, &expectation));
    }

    #[test]
    fn whatever_is_expected_the_load_asks_for_the_maximum_with_a_margin() {
        for (cpus, max, target) in [(1, 10, 50), (2, 4, 80), (4, 20, 50), (8, 10, 30)] {
            let expectation = Expectation {
                max_replicas: max,
                cpu_target_percent: target,
                ..Expectation::default()
            };
            let sizes = Sizes::fit(cpus, &expectation);
            let utilization = 100 * sizes.load.0 / (i64::from(max) * sizes.request.0);
            assert!(
                utilization >= i64::from(target) * 5 / 4,
                "{cpus} CPUs, {max} replicas at {target} %: {utilization} %"
            );
        }
    }
}

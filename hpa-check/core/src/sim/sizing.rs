//! Sizes the replicas, the load and the generator so that they fit on this machine.

use std::time::Duration;

use super::{LoadProfile, Point};
use crate::expectation::Expectation;
use crate::run::conductor::LoadSchedule;
use crate::run::demand::MARGIN_PERCENT;
use crate::units::Millicores;

use super::intensity::Intensity;

/// The CPU that all replicas together may use per CPU of the machine. The generator, the balancer and the
/// user's editor also need CPU, and use far from the limit is steady.
const SHARE_OF_CPU: Millicores = Millicores(325);

/// More is not needed for a steady reading, however big the machine is.
const MOST: Millicores = Millicores(650);

/// The size of the load, and the matching request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// The CPU that all replicas use together under full load.
    pub load: Millicores,
    /// The CPU request of one replica at which that load asks for the maximum.
    pub request: Millicores,
}

impl Sizes {
    /// Sizes for an expectation on a machine with this many CPUs.
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

    /// The most CPU that the load may use: under load, a request costs up to a fifth more than measured,
    /// because caches and cores are shared.
    pub fn load_at_most(&self) -> Millicores {
        Millicores(self.load.0 * 5 / 4)
    }
}

/// The intensity and the duration of each part of the load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoadPlan {
    /// The generator's users.
    pub users: u32,
    /// The intensity of the full load.
    pub intensity: Intensity,
    /// The idle load as a share of the full load.
    pub rest: f64,
    /// Duration of the idle load before.
    pub before: Duration,
    /// Duration of the full load.
    pub high: Duration,
    /// Duration of the idle load after, so that draining replicas have requests to lose.
    pub after: Duration,
}

impl LoadPlan {
    /// Requests per second of the idle load.
    pub fn rest_rate(&self) -> f64 {
        self.intensity.rate * self.rest
    }

    /// The work it requests, at the cost of one request.
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

    /// Its times, for the conductor.
    pub fn schedule(&self) -> LoadSchedule {
        LoadSchedule::Planned {
            up: self.before,
            down: self.before + self.high,
            end: self.whole(),
        }
    }

    /// Its total duration.
    pub fn whole(&self) -> Duration {
        self.before + self.high + self.after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_cpus_get_a_request_of_100m_and_a_load_of_two_thirds_of_a_cpu() {
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
    fn the_load_asks_for_the_maximum_with_a_margin_for_any_expectation() {
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

//! How big everything is, so that the replicas, the load and the generator fit on this machine.

use std::time::Duration;

use hpa_check_core::conductor::Pace;
use hpa_check_core::expectation::Expectation;
use hpa_check_core::units::Millicores;

/// The part of the machine that the replicas together may use. The generator, the balancer and a
/// stranger's editor run beside them, and a use that is not near the limit is a use that is steady.
const SHARE_OF_MACHINE: f64 = 0.325;

/// More than this is not needed for a steady reading, however big the machine.
const MOST: Millicores = Millicores(650);

/// How far the load is above what asks for the last replica. The maximum is held down to 0.9 of the
/// target (tolerance), so a third of the load may be missing before it is not.
const MARGIN: f64 = 1.3;

/// What the load may be, and the request that goes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// CPU that all replicas use together at the height of the load.
    pub(crate) load: Millicores,
    /// The CPU request of one replica at which that load asks for all replicas.
    pub(crate) request: Millicores,
}

impl Sizes {
    /// Fits the expectation on a machine with that many CPUs.
    pub(crate) fn fit(cpus: usize, expectation: &Expectation) -> Self {
        let load = (cpus as f64 * 1000.0 * SHARE_OF_MACHINE).min(MOST.0 as f64);
        let wanted = f64::from(expectation.max_replicas.max(1))
            * f64::from(expectation.cpu_target_percent.max(1))
            / 100.0;
        let request = (load / (MARGIN * wanted)).floor().max(1.0);
        Self {
            load: Millicores(load as i64),
            request: Millicores(request as i64),
        }
    }
}

/// What to ask of the service: which number, and how often.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Intensity {
    /// The index of the Fibonacci number.
    pub(crate) n: u64,
    /// Requests a second at the height of the load.
    pub(crate) rate: f64,
}

impl Intensity {
    /// The rate at which requests for F(n), each costing `cost` of CPU time, add up to `load`.
    pub(crate) fn of(load: Millicores, n: u64, cost: Duration) -> Self {
        let rate = load.0 as f64 / 1000.0 / cost.as_secs_f64().max(1e-6);
        Self {
            n,
            rate: rate.round().max(1.0),
        }
    }
}

/// How long each part of the load lasts, and how much of it there is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LoadPlan {
    /// Users of the generator.
    pub(crate) users: u32,
    /// What is asked at the height.
    pub(crate) intensity: Intensity,
    /// At rest, before.
    pub(crate) before: Duration,
    /// At the height.
    pub(crate) high: Duration,
    /// At rest, after: replicas that drain have requests to lose then.
    pub(crate) after: Duration,
}

/// The load at rest, as a part of the height: so little that the minimum is enough for it.
const REST: f64 = 0.1;

impl LoadPlan {
    /// Requests a second at rest.
    pub(crate) fn rest_rate(&self) -> f64 {
        (self.intensity.rate * REST).max(1.0)
    }

    /// Its instants, for the conductor.
    pub(crate) fn pace(&self) -> Pace {
        Pace::Planned {
            up: self.before,
            down: self.before + self.high,
            end: self.whole(),
        }
    }

    /// How long all of it lasts.
    pub(crate) fn whole(&self) -> Duration {
        self.before + self.high + self.after
    }

    /// Requests a second, that long after the load's start; zero once it is over.
    pub(crate) fn rate_at(&self, elapsed: Duration) -> f64 {
        if elapsed >= self.whole() {
            0.0
        } else if elapsed >= self.before && elapsed < self.before + self.high {
            self.intensity.rate
        } else {
            self.rest_rate()
        }
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

    #[test]
    fn the_rate_follows_from_what_one_request_costs() {
        let intensity = Intensity::of(Millicores(650), 90, Duration::from_millis(4));
        assert_eq!(intensity.rate, 163.0);
    }

    #[test]
    fn the_load_rises_and_falls_on_the_plan_s_instants() {
        let plan = LoadPlan {
            users: 500,
            intensity: Intensity { n: 90, rate: 100.0 },
            before: Duration::from_secs(5),
            high: Duration::from_secs(20),
            after: Duration::from_secs(20),
        };
        let at = |s| plan.rate_at(Duration::from_secs(s));
        assert_eq!([at(0), at(5), at(24), at(25), at(45)], [10.0, 100.0, 100.0, 10.0, 0.0]);
    }
}

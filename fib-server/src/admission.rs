//! Whether a computation may begin: its estimated cost against what the CPUs can do before its deadline.

use std::time::Duration;

/// What a computation costs, learned from the ones before.
///
/// The cost of F(n), conversion included, grows a little faster than n; below, n to the power of
/// [`EXPONENT`] is the unit, and the time for one unit follows the measurements.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostModel {
    nanos_per_unit: f64,
}

/// Fits malachite between n = 10^4 and n = 10^7: ten times n costs some twenty times the time.
const EXPONENT: f64 = 1.3;

/// How much a new measurement moves the model. Twenty measurements forget a wrong beginning.
const WEIGHT: f64 = 0.1;

impl Default for CostModel {
    /// About 10 ms for n = 10^6, which is near to the truth on a core of the year 2026.
    fn default() -> Self {
        Self {
            nanos_per_unit: 0.16,
        }
    }
}

impl CostModel {
    /// The estimated time of one core for F(n) and its digits.
    pub fn estimate(&self, n: u64) -> Duration {
        Duration::try_from_secs_f64(self.nanos_per_unit * units(n) / 1e9).unwrap_or(Duration::MAX)
    }

    /// Learns from a computation that ran to its end.
    pub fn learn(&mut self, n: u64, took: Duration) {
        let measured = took.as_secs_f64() * 1e9 / units(n);
        self.nanos_per_unit += WEIGHT * (measured - self.nanos_per_unit);
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn units(n: u64) -> f64 {
    // One unit at least: the smallest numbers cost what the call costs.
    (n as f64 + 1_000.0).powf(EXPONENT)
}

/// What waits and works already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// Computations that wait.
    pub queued: usize,
    /// The estimated time of one core for all that wait or work.
    pub cost: Duration,
    /// Compute threads.
    pub threads: usize,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Go on.
    Admit,
    /// Not now.
    Shed {
        /// Why, as a metric's label.
        reason: ShedReason,
        /// When it may be worth another try.
        retry_after: Duration,
    },
}

/// Why a computation was not begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShedReason {
    /// Too many wait.
    QueueFull,
    /// It would not end before its deadline.
    DeadlineUnreachable,
}

impl ShedReason {
    /// The word in metrics and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue-full",
            Self::DeadlineUnreachable => "deadline-unreachable",
        }
    }
}

/// Decides. The wait is what is before it, spread over the threads; a lone computation is always
/// tried, since the estimate may be wrong and the deadline stops it anyway.
pub fn admit(
    backlog: Backlog,
    cost: Duration,
    deadline: Duration,
    queue_limit: usize,
) -> Admission {
    let threads = u32::try_from(backlog.threads.max(1)).unwrap_or(u32::MAX);
    let wait = backlog.cost / threads;
    let retry_after = wait.max(Duration::from_secs(1));
    if backlog.queued >= queue_limit {
        Admission::Shed {
            reason: ShedReason::QueueFull,
            retry_after,
        }
    } else if !backlog.cost.is_zero() && wait.saturating_add(cost) > deadline {
        Admission::Shed {
            reason: ShedReason::DeadlineUnreachable,
            retry_after,
        }
    } else {
        Admission::Admit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Backlog = Backlog {
        queued: 0,
        cost: Duration::ZERO,
        threads: 2,
    };
    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn an_idle_server_admits_whatever_its_estimate_says() {
        assert_eq!(admit(IDLE, SECOND * 100, SECOND, 8), Admission::Admit);
    }

    #[test]
    fn work_that_can_end_in_time_is_admitted() {
        let backlog = Backlog {
            queued: 3,
            cost: SECOND * 4,
            threads: 2,
        };
        assert_eq!(admit(backlog, SECOND, SECOND * 3, 8), Admission::Admit);
    }

    #[test]
    fn work_that_can_not_end_in_time_is_shed_with_the_time_the_backlog_takes() {
        let backlog = Backlog {
            queued: 3,
            cost: SECOND * 8,
            threads: 2,
        };
        let shed = Admission::Shed {
            reason: ShedReason::DeadlineUnreachable,
            retry_after: SECOND * 4,
        };
        assert_eq!(admit(backlog, SECOND, SECOND * 4, 8), shed);
    }

    #[test]
    fn a_full_queue_sheds_even_cheap_work() {
        let backlog = Backlog {
            queued: 8,
            cost: Duration::from_millis(1),
            threads: 2,
        };
        let shed = Admission::Shed {
            reason: ShedReason::QueueFull,
            retry_after: SECOND,
        };
        assert_eq!(admit(backlog, Duration::ZERO, SECOND, 8), shed);
    }

    #[test]
    fn the_model_comes_to_believe_what_it_measures() {
        let mut model = CostModel::default();
        for _ in 0..100 {
            model.learn(100_000, Duration::from_millis(7));
        }
        let estimate = model.estimate(100_000).as_secs_f64();
        assert!((estimate - 0.007).abs() < 0.0001, "{estimate}");
    }

    #[test]
    fn a_larger_number_costs_more() {
        let model = CostModel::default();
        assert!(model.estimate(1_000_000) > model.estimate(100_000) * 10);
        assert!(model.estimate(u64::MAX) > SECOND);
    }
}

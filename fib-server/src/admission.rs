//! Whether a computation may start: compares its estimated cost with what the CPUs can do in time.
//!
//! Two lanes share the compute threads: cheap work, which takes up to about a millisecond, and costly work.
//! Each lane is limited by how long work would wait in it, never by a count, and nothing is refused while a
//! compute thread is free: the CPU that an autoscaler measures is used up first.

use std::time::Duration;

/// The kind of computation. Each has a cost of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// F(n) and its decimal digits.
    Decimal,
    /// F(n) and its hexadecimal digits: no conversion between bases.
    Hex,
    /// F(0) to F(n) in decimal digits.
    Sequence,
}

impl Kind {
    const ALL: usize = 3;

    const fn index(self) -> usize {
        match self {
            Self::Decimal => 0,
            Self::Hex => 1,
            Self::Sequence => 2,
        }
    }

    /// The exponent with which the cost grows in n. It fits the transform and malachite's naturals between n =
    /// 10^4 and n = 10^7; a sequence costs one addition and one copy per digit, and the number of digits grows
    /// with n².
    const fn exponent(self) -> f64 {
        match self {
            Self::Decimal => 1.12,
            Self::Hex => 1.2,
            Self::Sequence => 2.0,
        }
    }
}

/// A computation to estimate: F(n), or the part of a sequence between two indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// The kind.
    pub kind: Kind,
    /// The first index of a part of a sequence; 0 otherwise.
    pub from: u64,
    /// n, or the end of the part.
    pub to: u64,
}

impl Work {
    /// F(n), or the whole sequence up to n.
    pub const fn whole(kind: Kind, n: u64) -> Self {
        Self {
            kind,
            from: 0,
            to: n,
        }
    }

    /// The work in units of its kind.
    #[expect(clippy::cast_precision_loss, reason = "an estimate")]
    fn units(self) -> f64 {
        // The smallest numbers cost as much as the call itself.
        let up_to = |n: u64| (n as f64 + 1_000.0).powf(self.kind.exponent());
        match self.kind {
            Kind::Decimal | Kind::Hex => up_to(self.to),
            Kind::Sequence => (up_to(self.to + 1) - up_to(self.from)).max(1.0),
        }
    }
}

/// The cost of computations, learned from earlier ones: the time per unit for each kind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CostModel {
    nanos_per_unit: [f64; Kind::ALL],
}

/// The weight of a new measurement. After twenty measurements a wrong start is forgotten.
const WEIGHT: f64 = 0.1;

impl Default for CostModel {
    /// About right for a core in 2026: around 2 ms for F(10^6) in decimal digits.
    fn default() -> Self {
        Self {
            nanos_per_unit: [0.35, 0.15, 0.2],
        }
    }
}

impl CostModel {
    /// The estimated time of one core.
    pub fn estimate(&self, work: Work) -> Duration {
        let nanos = self.nanos_per_unit[work.kind.index()] * work.units();
        Duration::try_from_secs_f64(nanos / 1e9).unwrap_or(Duration::MAX)
    }

    /// Learns from a completed computation.
    pub fn learn(&mut self, work: Work, took: Duration) {
        let measured = took.as_secs_f64() * 1e9 / work.units();
        let known = &mut self.nanos_per_unit[work.kind.index()];
        *known += WEIGHT * (measured - *known);
    }
}

/// The queue in which work waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// About a millisecond or less: it does not wait for costly work.
    Cheap,
    /// Everything else.
    Costly,
}

impl Lane {
    /// Work up to this is cheap.
    pub const CHEAP_UP_TO: Duration = Duration::from_millis(1);

    /// The lane for work of this cost.
    pub fn of(cost: Duration) -> Self {
        if cost <= Self::CHEAP_UP_TO {
            Self::Cheap
        } else {
            Self::Costly
        }
    }
}

/// The work that waits and runs, as estimated time of one core.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Cheap work that waits.
    pub cheap: Duration,
    /// Costly work that waits.
    pub costly: Duration,
    /// The remaining time of running work.
    pub running: Duration,
    /// Idle compute threads.
    pub free_threads: usize,
    /// All compute threads.
    pub threads: usize,
}

impl Backlog {
    /// How long work waits in a lane before it starts. The lanes share the threads evenly while both have work,
    /// so each is delayed by as much of the other's work as of its own.
    pub fn wait(&self, lane: Lane) -> Duration {
        let (own, other) = match lane {
            Lane::Cheap => (self.cheap, self.costly.saturating_add(self.running)),
            Lane::Costly => (self.costly.saturating_add(self.running), self.cheap),
        };
        let threads = u32::try_from(self.threads.max(1)).unwrap_or(u32::MAX);
        own.saturating_add(own.min(other)) / threads
    }
}

/// The remaining time of work that has run for a while. If an estimate turns out too low, the remainder is 0:
/// the work may end at any moment, or run until its deadline.
pub fn left(cost: Duration, ran: Duration) -> Duration {
    cost.saturating_sub(ran)
}

/// The limits for admission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The longest time for an answer, including waiting.
    pub deadline: Duration,
    /// The longest time in the queue.
    pub max_wait: Duration,
}

/// The decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Start it.
    Admit,
    /// Reject it now.
    Shed {
        /// The reason, as a metric's label.
        reason: ShedReason,
        /// When to retry.
        retry_after: Duration,
    },
}

/// Why a computation was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShedReason {
    /// It would wait longer than allowed.
    QueueFull,
    /// It could not finish before its deadline.
    DeadlineUnreachable,
    /// Its answer does not fit in the memory for answers.
    Memory,
}

impl ShedReason {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::QueueFull, Self::DeadlineUnreachable, Self::Memory];

    /// The word in metrics and answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue-full",
            Self::DeadlineUnreachable => "deadline-unreachable",
            Self::Memory => "memory",
        }
    }
}

/// Decides about work of this kind and estimated cost.
///
/// A number is always tried while a thread is free, since the estimate may be wrong and its deadline ends it
/// with a proper status. A sequence has already sent its status by then and could only be cut off, so one that
/// is far from finishing in time is not started at all.
pub fn admit(kind: Kind, cost: Duration, backlog: Backlog, bounds: Bounds) -> Admission {
    let wait = backlog.wait(Lane::of(cost));
    let shed = |reason| Admission::Shed {
        reason,
        retry_after: wait.max(Duration::from_secs(1)),
    };
    if kind == Kind::Sequence && cost > bounds.deadline.saturating_mul(2) {
        return shed(ShedReason::DeadlineUnreachable);
    }
    if backlog.free_threads > 0 {
        Admission::Admit
    } else if wait > bounds.max_wait {
        shed(ShedReason::QueueFull)
    } else if wait.saturating_add(cost) > bounds.deadline {
        shed(ShedReason::DeadlineUnreachable)
    } else {
        Admission::Admit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);
    const MS: Duration = Duration::from_millis(1);
    const BOUNDS: Bounds = Bounds {
        deadline: Duration::from_secs(10),
        max_wait: Duration::from_secs(2),
    };
    const BUSY: Backlog = Backlog {
        cheap: Duration::ZERO,
        costly: Duration::ZERO,
        running: Duration::ZERO,
        free_threads: 0,
        threads: 2,
    };

    fn shed(admission: Admission) -> Option<ShedReason> {
        match admission {
            Admission::Admit => None,
            Admission::Shed { reason, .. } => Some(reason),
        }
    }

    #[test]
    fn nothing_is_shed_while_a_thread_is_free() {
        let free = Backlog {
            costly: SECOND * 1_000,
            free_threads: 1,
            ..BUSY
        };
        for cost in [MS, SECOND * 100] {
            assert_eq!(
                admit(Kind::Decimal, cost, free, BOUNDS),
                Admission::Admit,
                "{cost:?}"
            );
        }
    }

    #[test]
    fn a_sequence_that_cannot_finish_in_time_is_rejected_even_by_an_idle_server() {
        let idle = Backlog {
            free_threads: 2,
            ..BUSY
        };
        let decide = |cost| shed(admit(Kind::Sequence, cost, idle, BOUNDS));
        assert_eq!(decide(SECOND * 21), Some(ShedReason::DeadlineUnreachable));
        assert_eq!(decide(SECOND * 19), None);
    }

    #[test]
    fn the_queue_is_limited_by_how_long_work_would_wait() {
        let waiting = |costly| Backlog { costly, ..BUSY };
        let decide = |backlog| shed(admit(Kind::Decimal, 10 * MS, backlog, BOUNDS));
        assert_eq!(decide(waiting(SECOND * 4)), None);
        assert_eq!(decide(waiting(SECOND * 5)), Some(ShedReason::QueueFull));
    }

    #[test]
    fn cheap_work_waits_for_no_more_costly_work_than_there_is_cheap_work_before_it() {
        let backlog = Backlog {
            cheap: 4 * MS,
            costly: SECOND * 100,
            running: SECOND,
            ..BUSY
        };
        assert_eq!(backlog.wait(Lane::Cheap), 4 * MS);
        assert_eq!(admit(Kind::Decimal, MS, backlog, BOUNDS), Admission::Admit);
        assert_eq!(
            shed(admit(Kind::Decimal, 2 * MS, backlog, BOUNDS)),
            Some(ShedReason::QueueFull)
        );
    }

    #[test]
    fn a_flood_of_cheap_work_delays_costly_work_by_no_more_than_its_own_time() {
        let backlog = Backlog {
            cheap: SECOND * 100,
            costly: SECOND,
            ..BUSY
        };
        assert_eq!(backlog.wait(Lane::Costly), SECOND);
    }

    #[test]
    fn thousands_of_cheap_requests_fit_in_the_queue() {
        // 5,000 computations of 50 µs each are 250 ms of one core.
        let backlog = Backlog {
            cheap: Duration::from_micros(50) * 5_000,
            ..BUSY
        };
        let cost = Duration::from_micros(50);
        assert_eq!(
            admit(Kind::Decimal, cost, backlog, BOUNDS),
            Admission::Admit
        );
    }

    #[test]
    fn work_that_cannot_finish_in_time_is_shed_with_the_time_of_the_backlog() {
        let backlog = Backlog {
            costly: SECOND * 3,
            running: SECOND,
            ..BUSY
        };
        let shed = Admission::Shed {
            reason: ShedReason::DeadlineUnreachable,
            retry_after: SECOND * 2,
        };
        assert_eq!(admit(Kind::Decimal, SECOND * 9, backlog, BOUNDS), shed);
    }

    #[test]
    fn the_remaining_time_of_running_work_shrinks_to_zero() {
        assert_eq!(left(SECOND, SECOND / 4), SECOND * 3 / 4);
        assert_eq!(left(SECOND, SECOND * 4), Duration::ZERO);
    }

    #[test]
    fn the_model_learns_each_kind_separately() {
        let mut model = CostModel::default();
        let hex = Work::whole(Kind::Hex, 100_000);
        let unmeasured = model.estimate(hex);
        let decimal = Work::whole(Kind::Decimal, 100_000);
        for _ in 0..100 {
            model.learn(decimal, 7 * MS);
        }
        let estimate = model.estimate(decimal).as_secs_f64();
        assert!((estimate - 0.007).abs() < 0.0001, "{estimate}");
        assert_eq!(model.estimate(hex), unmeasured);
    }

    #[test]
    fn the_parts_of_a_sequence_cost_as_much_as_the_whole() {
        let model = CostModel::default();
        let part = |from, to| {
            model.estimate(Work {
                kind: Kind::Sequence,
                from,
                to,
            })
        };
        let parts = part(0, 4_999) + part(5_000, 10_000);
        let whole = model.estimate(Work::whole(Kind::Sequence, 10_000));
        assert!(parts.abs_diff(whole) < MS / 100, "{parts:?} {whole:?}");
        assert!(part(5_000, 10_000) > part(0, 4_999) * 2);
    }

    #[test]
    fn a_larger_number_costs_more() {
        let model = CostModel::default();
        let cost = |n| model.estimate(Work::whole(Kind::Decimal, n));
        assert!(cost(1_000_000) > cost(100_000) * 10);
        assert!(cost(u64::MAX) > SECOND);
    }
}

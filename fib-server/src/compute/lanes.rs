//! The queue before the compute threads: two lanes that share the threads evenly while both have work.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::admission::Lane;

/// A job's place: when its request was admitted, and a unique number. The parts of a sequence keep their
/// request's place, so a sequence that has started is finished first.
pub(super) type Place = (Instant, u64);

/// Waiting jobs, in the order in which their requests were admitted.
#[derive(Debug)]
pub(super) struct Lanes<J> {
    cheap: Queue<J>,
    costly: Queue<J>,
}

#[derive(Debug)]
struct Queue<J> {
    jobs: BTreeMap<Place, (Duration, J)>,
    /// Estimated cost of all of them.
    cost: Duration,
    /// Estimated cost of all that were taken, for comparison with the other lane.
    taken: Duration,
}

impl<J> Default for Lanes<J> {
    fn default() -> Self {
        let queue = || Queue {
            jobs: BTreeMap::new(),
            cost: Duration::ZERO,
            taken: Duration::ZERO,
        };
        Self {
            cheap: queue(),
            costly: queue(),
        }
    }
}

impl<J> Lanes<J> {
    fn of(&mut self, lane: Lane) -> (&mut Queue<J>, &Queue<J>) {
        match lane {
            Lane::Cheap => (&mut self.cheap, &self.costly),
            Lane::Costly => (&mut self.costly, &self.cheap),
        }
    }

    /// How many wait.
    pub(super) fn len(&self) -> usize {
        self.cheap.jobs.len() + self.costly.jobs.len()
    }

    /// The estimated cost of everything that waits in a lane.
    pub(super) fn cost(&self, lane: Lane) -> Duration {
        match lane {
            Lane::Cheap => self.cheap.cost,
            Lane::Costly => self.costly.cost,
        }
    }

    /// Queues a job.
    pub(super) fn push(&mut self, lane: Lane, place: Place, cost: Duration, job: J) {
        let (own, other) = self.of(lane);
        if own.jobs.is_empty() {
            // A lane without work does not save up turns.
            own.taken = own.taken.max(other.taken);
        }
        own.cost = own.cost.saturating_add(cost);
        own.jobs.insert(place, (cost, job));
    }

    /// Removes a job before its turn, because nobody waits for it any more.
    pub(super) fn remove(&mut self, lane: Lane, place: Place) -> Option<J> {
        let (own, _) = self.of(lane);
        let (cost, job) = own.jobs.remove(&place)?;
        own.cost = own.cost.saturating_sub(cost);
        Some(job)
    }

    /// Takes the next job of a lane.
    pub(super) fn pop(&mut self, lane: Lane) -> Option<J> {
        let (own, _) = self.of(lane);
        let (_, (cost, job)) = own.jobs.pop_first()?;
        own.cost = own.cost.saturating_sub(cost);
        own.taken = own.taken.saturating_add(cost);
        Some(job)
    }

    /// Takes the next job of the lane whose turn it is.
    pub(super) fn pop_any(&mut self) -> Option<J> {
        let cheap_first = self.cheap.taken <= self.costly.taken;
        let lane = match (self.cheap.jobs.is_empty(), self.costly.jobs.is_empty()) {
            (true, true) => return None,
            (false, true) => Lane::Cheap,
            (true, false) => Lane::Costly,
            (false, false) if cheap_first => Lane::Cheap,
            (false, false) => Lane::Costly,
        };
        self.pop(lane)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn lanes(cheap: u64, costly: u64) -> Lanes<Lane> {
        let mut lanes = Lanes::default();
        let now = Instant::now();
        for i in 0..cheap {
            lanes.push(Lane::Cheap, (now, i), MS / 10, Lane::Cheap);
        }
        for i in 0..costly {
            lanes.push(Lane::Costly, (now, 1_000 + i), 10 * MS, Lane::Costly);
        }
        lanes
    }

    #[test]
    fn both_lanes_get_the_same_time_while_both_have_work() {
        let mut lanes = lanes(1_000, 10);
        let taken: Vec<_> = (0..202).map(|_| lanes.pop_any().unwrap()).collect();
        assert_eq!(taken.iter().filter(|l| **l == Lane::Costly).count(), 2);
    }

    #[test]
    fn a_lane_without_work_does_not_save_up_turns() {
        let mut lanes = lanes(0, 100);
        for _ in 0..50 {
            lanes.pop_any();
        }
        let now = Instant::now();
        for i in 0..1_000 {
            lanes.push(Lane::Cheap, (now, 5_000 + i), MS / 10, Lane::Cheap);
        }
        let next: Vec<_> = (0..102).map(|_| lanes.pop_any().unwrap()).collect();
        assert_eq!(next.iter().filter(|l| **l == Lane::Costly).count(), 1);
    }

    #[test]
    fn the_first_request_admitted_is_served_first_however_late_its_part_comes() {
        let mut lanes = Lanes::default();
        let (early, late) = (Instant::now(), Instant::now() + MS);
        lanes.push(Lane::Costly, (late, 1), MS, "late");
        lanes.push(Lane::Costly, (early, 0), MS, "early");
        assert_eq!(lanes.pop_any(), Some("early"));
    }

    #[test]
    fn removed_work_no_longer_counts() {
        let mut lanes = Lanes::default();
        let place = (Instant::now(), 7);
        lanes.push(Lane::Costly, place, 10 * MS, ());
        assert_eq!(lanes.cost(Lane::Costly), 10 * MS);
        assert!(lanes.remove(Lane::Costly, place).is_some());
        assert_eq!((lanes.len(), lanes.cost(Lane::Costly)), (0, Duration::ZERO));
        assert!(lanes.remove(Lane::Costly, place).is_none());
    }
}

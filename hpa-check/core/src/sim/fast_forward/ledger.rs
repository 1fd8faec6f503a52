//! The work of a fast-forwarded simulation, and its totals.

use std::ops::Range;

use crate::sim::demand::WorkBySecond;
use crate::sim::spread::Spread;
use crate::sim::summary::{Done, Summary, Sums};

/// The pods that do the work of some seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Crew {
    /// All pods.
    pub(super) pods: usize,
    /// The ready ones.
    pub(super) ready: usize,
    /// The most work they do in a second.
    pub(super) capacity: u64,
}

/// The work requested and the work done.
#[derive(Debug)]
pub(super) struct Ledger<'a> {
    demand: &'a WorkBySecond,
    /// Whether work that exceeds the capacity waits.
    backlog: bool,
    /// The second up to which the work is done.
    worked: usize,
    /// The part of it that is not yet divided among the pods.
    undealt: u64,
    waiting: u64,
    /// The second after the last one in which work waited.
    waited: usize,
    /// The second from which the result is not counted yet.
    counted: usize,
    sums: Sums,
    spread: &'a mut Spread,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(
        demand: &'a WorkBySecond,
        backlog: bool,
        sums: Sums,
        spread: &'a mut Spread,
    ) -> Self {
        Self {
            demand,
            backlog,
            worked: 0,
            undealt: 0,
            waiting: 0,
            waited: 0,
            counted: 0,
            sums,
            spread,
        }
    }

    /// Does the work up to this second.
    pub(super) fn work(&mut self, until: usize, crew: Crew) {
        let seconds = self.worked..until;
        if self.waiting == 0 && self.demand.most_around(&seconds) <= crew.capacity {
            self.undealt = self.undealt.saturating_add(self.demand.sum(&seconds));
        } else if self.backlog {
            for second in seconds {
                self.work_second(second, crew);
            }
        } else {
            for second in seconds {
                let served = self.demand.at(second).min(crew.capacity);
                self.undealt = self.undealt.saturating_add(served);
            }
        }
        self.worked = until;
    }

    /// One second in which work waits or may have to. If it does, the second is counted separately.
    fn work_second(&mut self, second: usize, crew: Crew) {
        let wanted = self.demand.at(second);
        let offered = wanted.saturating_add(self.waiting);
        let served = offered.min(crew.capacity);
        self.undealt = self.undealt.saturating_add(served);
        if self.waiting > 0 || served < offered {
            self.count(second, crew);
            self.waiting = offered - served;
            let done = Done {
                wanted,
                served,
                waiting: self.waiting,
            };
            self.sums.pods(whole(&(second..second + 1)), crew.pods);
            self.sums.second(crew.ready, done);
            self.spread.second(served, crew.ready);
            self.counted = second + 1;
            self.waited = second + 1;
        }
    }

    /// Does and counts everything up to this second, because the pods are about to change.
    pub(super) fn close(&mut self, until: usize, crew: Crew) {
        self.work(until, crew);
        self.count(until, crew);
    }

    /// Counts the result up to this second; no work waited in that time.
    fn count(&mut self, until: usize, crew: Crew) {
        let Crew {
            pods,
            ready,
            capacity,
        } = crew;
        let span = self.counted..until;
        self.counted = until;
        if span.is_empty() {
            return;
        }
        let (sums, spread, demand) = (&mut self.sums, &mut *self.spread, self.demand);
        sums.pods(whole(&span), pods);
        spread.span(span.clone(), ready, capacity);
        demand.pieces(span, |piece, extent| {
            spread.piece(piece.len(), extent, ready, capacity);
            let all = demand.sum(&piece).into();
            if extent.most <= capacity {
                sums.in_time(ready, all, extent.most);
            } else if extent.least > capacity {
                sums.over(ready, capacity, all, piece.len() as u64);
            } else {
                for second in piece {
                    let wanted = demand.at(second);
                    let done = Done {
                        wanted,
                        served: wanted.min(capacity),
                        waiting: 0,
                    };
                    sums.second(ready, done);
                }
            }
        });
    }

    /// Takes the work done so far, to divide it.
    pub(super) fn take(&mut self) -> u64 {
        std::mem::take(&mut self.undealt)
    }

    /// Skips the work up to this second, which was done in time and divided elsewhere.
    pub(super) fn skip_to(&mut self, until: usize) {
        self.worked = until;
        self.undealt = 0;
    }

    /// Whether no work has waited since then.
    pub(super) fn kept_up_since(&self, second: usize) -> bool {
        self.waiting == 0 && self.waited <= second
    }

    /// The totals.
    pub(super) fn finish(self) -> Summary {
        let p95 = self.spread.percentile(self.demand);
        self.sums.finish(p95)
    }
}

fn whole(seconds: &Range<usize>) -> Range<u64> {
    seconds.start as u64..seconds.end as u64
}

//! The 95th percentile of utilization over the seconds of a simulation, without storing a value for each
//! second: most stretches lie clearly below or above it, and only the others are examined second by second.

use std::ops::Range;

use super::demand::{Extent, WorkBySecond};
use super::summary::rank;
use super::work;

/// Buckets per doubling of the utilization, as a power of two.
const FINENESS: u32 = 7;
/// Bits of a double below the bucket's.
const BELOW: u32 = 52 - FINENESS;
/// The lowest bucket is of 2^-24 percent and less, the highest of 2^24 percent and more.
const LOWEST: u64 = (1023 - 24) << FINENESS;
const BUCKETS: usize = 48 << FINENESS;

/// Seconds in which this many pods were ready and did all the work, or as much as they could.
#[derive(Debug, Clone)]
struct Span {
    seconds: Range<usize>,
    ready: usize,
    capacity: u64,
}

/// The utilization of the seconds so far. It can be reused for several simulations.
#[derive(Debug)]
pub(super) struct Spread {
    request: u64,
    spans: Vec<Span>,
    /// Utilizations outside spans, and the number of seconds of each.
    others: Vec<(f64, usize)>,
    /// Seconds by the bucket of their stretch's lowest utilization, and of its highest.
    lows: Vec<usize>,
    highs: Vec<usize>,
    seconds: usize,
}

impl Spread {
    pub(super) fn new() -> Self {
        Self {
            request: 0,
            spans: Vec::new(),
            others: Vec::new(),
            lows: vec![0; BUCKETS],
            highs: vec![0; BUCKETS],
            seconds: 0,
        }
    }

    /// Starts over, with pods of this request.
    pub(super) fn restart(&mut self, request: u64) {
        self.request = request;
        self.spans.clear();
        self.others.clear();
        self.lows.fill(0);
        self.highs.fill(0);
        self.seconds = 0;
    }

    /// Adds a span; its pieces follow in calls of [`Self::piece`].
    pub(super) fn span(&mut self, seconds: Range<usize>, ready: usize, capacity: u64) {
        self.spans.push(Span {
            seconds,
            ready,
            capacity,
        });
    }

    /// Adds a piece of the last span.
    pub(super) fn piece(&mut self, seconds: usize, extent: Extent, ready: usize, capacity: u64) {
        let least = self.utilization(extent.least.min(capacity), ready);
        let most = self.utilization(extent.most.min(capacity), ready);
        self.lows[bucket(least)] += seconds;
        self.highs[bucket(most)] += seconds;
        self.seconds += seconds;
    }

    /// Adds one second.
    pub(super) fn second(&mut self, served: u64, ready: usize) {
        let utilization = self.utilization(served, ready);
        self.lows[bucket(utilization)] += 1;
        self.highs[bucket(utilization)] += 1;
        self.seconds += 1;
        match self.others.last_mut() {
            Some((last, seconds)) if last.to_bits() == utilization.to_bits() => *seconds += 1,
            _ => self.others.push((utilization, 1)),
        }
    }

    /// The utilization that 95 % of the seconds do not exceed; 0 if there are none.
    pub(super) fn percentile(&self, demand: &WorkBySecond) -> f64 {
        let Some(rank) = rank(self.seconds) else {
            return 0.0;
        };
        // Each second lies between the lowest and the highest of its piece, and so does its rank.
        let (first, last) = (holder(&self.lows, rank), holder(&self.highs, rank));
        let mut sought = Sought {
            first,
            last,
            below: 0,
            values: Vec::new(),
        };
        for (utilization, seconds) in &self.others {
            sought.add(*utilization, *seconds);
        }
        for span in &self.spans {
            self.search(span, demand, &mut sought);
        }
        nth(&mut sought.values, rank - sought.below)
    }

    fn search(&self, span: &Span, demand: &WorkBySecond, sought: &mut Sought) {
        let served = |wanted: u64| wanted.min(span.capacity);
        let utilization = |wanted| self.utilization(served(wanted), span.ready);
        demand.pieces(span.seconds.clone(), |piece, extent| {
            let (least, most) = (served(extent.least), served(extent.most));
            let high = utilization(most);
            if bucket(high) < sought.first {
                sought.below += piece.len();
            } else if least == most {
                sought.add(high, piece.len());
            } else if bucket(utilization(least)) <= sought.last {
                for second in piece {
                    sought.add(utilization(demand.at(second)), 1);
                }
            }
        });
    }

    fn utilization(&self, served: u64, ready: usize) -> f64 {
        work::percent(served, ready, self.request)
    }
}

/// The values that can be the percentile.
struct Sought {
    first: usize,
    last: usize,
    /// How many are below them.
    below: usize,
    values: Vec<(f64, usize)>,
}

impl Sought {
    fn add(&mut self, value: f64, seconds: usize) {
        let bucket = bucket(value);
        if bucket < self.first {
            self.below += seconds;
        } else if bucket <= self.last {
            self.values.push((value, seconds));
        }
    }
}

/// The bucket of a utilization, which is never negative. Buckets are monotonic.
fn bucket(utilization: f64) -> usize {
    let bits = (utilization.to_bits() >> BELOW).saturating_sub(LOWEST);
    usize::try_from(bits).map_or(BUCKETS - 1, |bucket| bucket.min(BUCKETS - 1))
}

/// The bucket that contains the value of this rank.
fn holder(buckets: &[usize], rank: usize) -> usize {
    let mut seen = 0;
    let found = buckets.iter().position(|seconds| {
        seen += seconds;
        seen > rank
    });
    found.unwrap_or(BUCKETS - 1)
}

/// The value of this rank, with each value counted as often as it occurs.
fn nth(mut values: &mut [(f64, usize)], mut rank: usize) -> f64 {
    while values.len() > 1 {
        let middle = values.len() / 2;
        let (lower, (value, seconds), upper) =
            values.select_nth_unstable_by(middle, |a, b| a.0.total_cmp(&b.0));
        let below: usize = lower.iter().map(|(_, seconds)| seconds).sum();
        if rank < below {
            values = lower;
        } else if rank < below + *seconds {
            return *value;
        } else {
            rank -= below + *seconds;
            values = upper;
        }
    }
    values.first().map_or(0.0, |(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_occurs_many_times_has_as_many_ranks() {
        let values = [(3.0, 2), (1.0, 1), (2.0, 5), (9.0, 1)];
        let at = |rank| nth(&mut values.clone(), rank).to_string();
        assert_eq!(
            [at(0), at(1), at(5), at(6), at(7), at(8)],
            ["1", "2", "2", "3", "3", "9"]
        );
    }

    #[test]
    fn a_higher_utilization_never_has_a_lower_bucket() {
        let values = [
            0.0,
            1e-30,
            1e-7,
            0.5,
            50.0,
            50.2,
            51.0,
            100.0,
            1e7,
            1e12,
            f64::MAX,
        ];
        assert!(values.map(bucket).is_sorted());
        assert_ne!(bucket(50.0), bucket(51.0));
    }
}

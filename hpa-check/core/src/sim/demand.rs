//! The work that a load requests, second by second: sampled once and shared by all settings of a search. Sums
//! and extremes of a stretch are available without visiting each second.

use std::ops::Range;

use super::profile::LoadProfile;
use super::work;

/// Seconds per block, for which extremes are kept.
const BLOCK: usize = 16;
/// Blocks per group, for which extremes are kept too.
const BLOCKS: usize = 16;

/// The least and the most work requested in any second of a stretch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    pub(super) least: u64,
    pub(super) most: u64,
}

impl Extent {
    const NONE: Self = Self {
        least: u64::MAX,
        most: 0,
    };

    fn of(wanted: &[u64]) -> Self {
        wanted.iter().fold(Self::NONE, |extent, second| Self {
            least: extent.least.min(*second),
            most: extent.most.max(*second),
        })
    }

    fn with(self, other: Self) -> Self {
        Self {
            least: self.least.min(other.least),
            most: self.most.max(other.most),
        }
    }

    /// Whether all of its seconds are nearly equal.
    fn is_narrow(self) -> bool {
        self.most - self.least <= self.least / 32
    }
}

/// The work requested in each second, in nanoseconds of CPU time.
#[derive(Debug)]
pub(super) struct WorkBySecond {
    first: u64,
    wanted: Vec<u64>,
    /// The sum of all seconds before each one, modulo 2^64.
    sums: Vec<u64>,
    blocks: Vec<Extent>,
    stretches: Vec<Extent>,
}

impl WorkBySecond {
    /// The first seconds of a load.
    pub(super) fn of(load: &LoadProfile, seconds: usize) -> Self {
        let wanted = load.each_second(seconds);
        let wanted: Vec<u64> = wanted.into_iter().map(work::per_second).collect();
        let mut sums = Vec::with_capacity(seconds + 1);
        let mut sum = 0_u64;
        sums.push(sum);
        for second in &wanted {
            sum = sum.wrapping_add(*second);
            sums.push(sum);
        }
        let blocks: Vec<Extent> = wanted.chunks(BLOCK).map(Extent::of).collect();
        let stretches = blocks.chunks(BLOCKS);
        let stretches = stretches.map(|all| all.iter().fold(Extent::NONE, |a, b| a.with(*b)));
        Self {
            first: work::per_second(load.at(0.0)),
            stretches: stretches.collect(),
            wanted,
            sums,
            blocks,
        }
    }

    /// The work requested in the first second.
    pub(super) fn first(&self) -> u64 {
        self.first
    }

    /// The work requested in a second.
    pub(super) fn at(&self, second: usize) -> u64 {
        self.wanted[second]
    }

    /// The work requested in a stretch of at most a few hours.
    pub(super) fn sum(&self, seconds: &Range<usize>) -> u64 {
        self.sums[seconds.end].wrapping_sub(self.sums[seconds.start])
    }

    /// An upper bound of the work requested in any second of a stretch.
    pub(super) fn most_around(&self, seconds: &Range<usize>) -> u64 {
        if seconds.is_empty() {
            return 0;
        }
        let blocks = &self.blocks[seconds.start / BLOCK..=(seconds.end - 1) / BLOCK];
        blocks.iter().fold(0, |most, block| most.max(block.most))
    }

    /// The most work requested in any second.
    pub(super) fn most(&self) -> u64 {
        self.stretches
            .iter()
            .fold(0, |most, all| most.max(all.most))
    }

    /// Cuts a stretch into pieces with their extremes: as long as they are narrow, and at most a few minutes
    /// each.
    pub(super) fn pieces(
        &self,
        seconds: Range<usize>,
        mut piece: impl FnMut(Range<usize>, Extent),
    ) {
        const LONG: usize = BLOCK * BLOCKS;
        let (mut from, until) = (seconds.start, seconds.end);
        while from < until {
            let left = until - from;
            let (length, extent) =
                if from % LONG == 0 && left >= LONG && self.stretches[from / LONG].is_narrow() {
                    (LONG, self.stretches[from / LONG])
                } else if from % BLOCK == 0 && left >= BLOCK {
                    (BLOCK, self.blocks[from / BLOCK])
                } else {
                    let length = (BLOCK - from % BLOCK).min(left);
                    (length, Extent::of(&self.wanted[from..from + length]))
                };
            piece(from..from + length, extent);
            from += length;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn demand(load: &str, seconds: usize) -> WorkBySecond {
        WorkBySecond::of(&LoadProfile::parse(load, None).unwrap(), seconds)
    }

    #[test]
    fn pieces_cover_a_stretch_with_their_exact_extremes() {
        let demand = demand("0s:100m 5m:300m 5m:70m 20m:70m 20m:90m 22m:500m", 2_000);
        for seconds in [0..2_000, 3..17, 16..32, 299..1_301, 250..258, 7..7] {
            let mut next = seconds.start;
            demand.pieces(seconds.clone(), |piece, extent| {
                assert_eq!(piece.start, next);
                let wanted = &demand.wanted[piece.clone()];
                assert_eq!(extent, Extent::of(wanted));
                assert_eq!(demand.sum(&piece), wanted.iter().sum::<u64>());
                assert!(demand.most_around(&piece) >= extent.most);
                next = piece.end;
            });
            assert_eq!(next, seconds.end);
        }
    }
}

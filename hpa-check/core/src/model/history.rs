//! The proposals that a controller remembers, and how stabilization uses them.

use std::collections::VecDeque;

use jiff::Timestamp;

use super::instant::Instant;

/// A proposal of an earlier sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recommendation<T = Timestamp> {
    /// The replicas proposed, before any limit.
    pub replicas: i32,
    /// When it was made.
    pub at: T,
}

/// Proposals of earlier syncs.
pub trait History<T> {
    /// The lowest one later than an instant.
    fn lowest_after(&self, cutoff: T) -> Option<i32>;
    /// The highest one later than an instant.
    fn highest_after(&self, cutoff: T) -> Option<i32>;
    /// The highest one at or after an instant.
    fn highest_since(&self, cutoff: T) -> Option<i32>;
    /// Adds one that is later than all others. Those before `outdated` are not needed any more.
    fn remember(&mut self, new: Recommendation<T>, outdated: T);
}

/// The controller's own list: a new proposal replaces the last outdated one, so the list rarely grows.
impl<T: Copy + Ord> History<T> for Vec<Recommendation<T>> {
    fn lowest_after(&self, cutoff: T) -> Option<i32> {
        let newer = self.iter().filter(|r| r.at > cutoff);
        newer.map(|r| r.replicas).min()
    }

    fn highest_after(&self, cutoff: T) -> Option<i32> {
        let newer = self.iter().filter(|r| r.at > cutoff);
        newer.map(|r| r.replicas).max()
    }

    fn highest_since(&self, cutoff: T) -> Option<i32> {
        let newer = self.iter().filter(|r| r.at >= cutoff);
        newer.map(|r| r.replicas).max()
    }

    fn remember(&mut self, new: Recommendation<T>, outdated: T) {
        replace_last(self, new, |r| r.at < outdated);
    }
}

/// Replaces the last outdated item, or appends.
pub(crate) fn replace_last<T>(list: &mut Vec<T>, new: T, outdated: impl Fn(&T) -> bool) {
    match list.iter().rposition(outdated) {
        Some(i) => list[i] = new,
        None => list.push(new),
    }
}

/// The same proposals, but only those that can still be the highest or lowest of a window, so that a sync takes
/// the same time for any window.
#[derive(Debug, Clone, Default)]
pub(crate) struct Extremes<T> {
    /// Sorted by time, each lower than the one before.
    highs: VecDeque<Recommendation<T>>,
    /// Sorted by time, each higher than the one before.
    lows: VecDeque<Recommendation<T>>,
}

impl<T: Instant> Extremes<T> {
    /// When at least this many replicas were last proposed.
    pub(crate) fn last_of(&self, least: i32) -> Option<T> {
        let last = self.highs.iter().rfind(|r| r.replicas >= least);
        last.map(|r| r.at)
    }
}

impl<T: Instant> History<T> for Extremes<T> {
    fn lowest_after(&self, cutoff: T) -> Option<i32> {
        // With an empty window nothing is newer.
        self.lows.back().filter(|last| last.at > cutoff)?;
        let lowest = self.lows.iter().find(|r| r.at > cutoff);
        lowest.map(|r| r.replicas)
    }

    fn highest_after(&self, cutoff: T) -> Option<i32> {
        let highest = self.highs.iter().find(|r| r.at > cutoff);
        highest.map(|r| r.replicas)
    }

    fn highest_since(&self, cutoff: T) -> Option<i32> {
        let highest = self.highs.iter().find(|r| r.at >= cutoff);
        highest.map(|r| r.replicas)
    }

    fn remember(&mut self, new: Recommendation<T>, outdated: T) {
        let lower = |last: &Recommendation<T>| last.replicas <= new.replicas;
        push(&mut self.highs, new, outdated, lower);
        let higher = |last: &Recommendation<T>| last.replicas >= new.replicas;
        push(&mut self.lows, new, outdated, higher);
    }
}

fn push<T: Ord>(
    kept: &mut VecDeque<Recommendation<T>>,
    new: Recommendation<T>,
    outdated: T,
    hidden: impl Fn(&Recommendation<T>) -> bool,
) {
    while kept.back().is_some_and(&hidden) {
        kept.pop_back();
    }
    while kept.front().is_some_and(|first| first.at < outdated) {
        kept.pop_front();
    }
    kept.push_back(new);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::model::instant::Nanos;

    proptest! {
        #[test]
        fn the_extremes_answer_as_the_list_does(
            proposals in prop::collection::vec((1_i64..90, 0_i32..9), 1..80),
            long in 0_u64..400,
            short in 0_u64..400,
        ) {
            let short = Duration::from_secs(short.min(long));
            let long = Duration::from_secs(long);
            let (mut list, mut extremes) = (Vec::new(), Extremes::default());
            let mut second = 0;
            for (later, replicas) in proposals {
                second += later;
                let at = Nanos::of_seconds(second);
                for cutoff in [at.before(short), at.before(long)] {
                    prop_assert_eq!(list.lowest_after(cutoff), extremes.lowest_after(cutoff));
                    prop_assert_eq!(list.highest_after(cutoff), extremes.highest_after(cutoff));
                    prop_assert_eq!(list.highest_since(cutoff), extremes.highest_since(cutoff));
                }
                let new = Recommendation { replicas, at };
                list.remember(new, at.before(long));
                extremes.remember(new, at.before(long));
                let last = list.iter().filter(|r| r.replicas >= replicas - 1).map(|r| r.at).max();
                prop_assert_eq!(last, extremes.last_of(replicas - 1));
            }
        }
    }
}

//! Keeps computations a little below the CPU quota. The kernel stops a whole control group that has used up its
//! quota, including its probes, until the next period. If threads pause before that, the rest of the process
//! keeps running.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The kernel's default quota period. A sliding window of this length is at least as strict as the kernel's
/// period, whenever that starts.
const PERIOD: Duration = Duration::from_millis(100);

/// What is left for connections and probes in each period: a tenth of the quota, at most this much.
const MOST_SPARE: Duration = Duration::from_millis(10);

/// Nothing waits longer than this: the kernel has renewed the quota twice by then, and an answer that is late
/// by a throttled period is better than none.
pub(super) const PATIENCE: Duration = Duration::from_millis(200);

/// The minimum time between samples.
const GRAIN: Duration = Duration::from_millis(1);

/// The CPU time that the process used, and how much it may use.
#[derive(Debug)]
pub(super) struct Pace {
    allowed: Duration,
    samples: VecDeque<(Instant, Duration)>,
}

impl Pace {
    /// For a quota in cores.
    pub(super) fn new(quota_cores: f64) -> Self {
        let quota = PERIOD.mul_f64(quota_cores.max(0.0));
        Self {
            allowed: quota.saturating_sub((quota / 10).min(MOST_SPARE)),
            samples: VecDeque::new(),
        }
    }

    /// How long to wait before work of this cost may start, given the process' CPU time so far.
    pub(super) fn pause(&mut self, now: Instant, used: Duration, cost: Duration) -> Duration {
        if self
            .samples
            .back()
            .is_none_or(|(at, _)| now.duration_since(*at) >= GRAIN)
        {
            self.samples.push_back((now, used));
        }
        // The oldest kept sample is from the start of the window or before.
        while self
            .samples
            .get(1)
            .is_some_and(|(at, _)| now.duration_since(*at) >= PERIOD)
        {
            self.samples.pop_front();
        }
        // Work that is longer than half of a period's share overdraws it. If it waited for a period in which
        // nothing was used, the connections' own CPU time could keep it from ever starting.
        let room = self.allowed.saturating_sub(cost.min(self.allowed / 2));
        let begins = |before: Duration| used.saturating_sub(before) <= room;
        match self.samples.iter().position(|(_, before)| begins(*before)) {
            Some(0) => Duration::ZERO,
            // Until this sample is at the start of the window.
            Some(i) => (self.samples[i].0 + PERIOD).saturating_duration_since(now),
            None => PERIOD,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// One thread that computes jobs of one cost for ten seconds: the most CPU time in any period.
    fn most_in_a_period(quota: f64, job: Duration) -> (Duration, Duration) {
        let mut pace = Pace::new(quota);
        let (begun, mut now, mut used) = (Instant::now(), Instant::now(), Duration::ZERO);
        let mut jobs = Vec::new();
        while now.duration_since(begun) < 100 * PERIOD {
            let pause = pace.pause(now, used, job);
            if pause.is_zero() {
                jobs.push((now.duration_since(begun), job));
                now += job;
                used += job;
            } else {
                now += pause;
            }
        }
        let in_period = |p: u32| -> Duration {
            let (from, to) = (PERIOD * p, PERIOD * (p + 1));
            jobs.iter()
                .map(|(at, took)| (*at + *took).min(to).saturating_sub((*at).max(from)))
                .sum()
        };
        ((0..100).map(in_period).max().unwrap(), used / 100)
    }

    #[test]
    fn jobs_never_use_up_a_periods_quota_and_waste_little_of_it() {
        for job in [MS / 20, MS, 5 * MS, 12 * MS] {
            let (most, mean) = most_in_a_period(0.5, job);
            assert!(most <= 46 * MS, "{job:?}: {most:?}");
            assert!(mean >= 30 * MS, "{job:?}: {mean:?}");
        }
    }

    #[test]
    fn work_longer_than_a_period_allows_starts_while_connections_use_some_of_the_quota() {
        let mut pace = Pace::new(0.5);
        let begun = Instant::now();
        // 20 ms of each period go to connections.
        let pauses = (0..100u32).map(|i| pace.pause(begun + 10 * MS * i, 2 * MS * i, 300 * MS));
        assert!(pauses.skip(20).all(|pause| pause.is_zero()));
    }

    #[test]
    fn work_longer_than_a_period_allows_starts_anyway() {
        let mut pace = Pace::new(0.5);
        assert_eq!(
            pace.pause(Instant::now(), Duration::ZERO, 300 * MS),
            Duration::ZERO
        );
    }
}

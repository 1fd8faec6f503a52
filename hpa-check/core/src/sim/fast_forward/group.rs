//! Pods of a fast-forwarded simulation that are all alike.

use super::setup::Setup;
use crate::model::instant::Nanos;
use crate::model::pods::{Signs, Standing, standing};
use crate::sim::fault::Fault;

/// Pods that were created and became ready together, and have had the same use since.
#[derive(Debug, Clone)]
pub(super) struct Group {
    pub(super) count: usize,
    pub(super) made: Nanos,
    /// When they start to use CPU.
    pub(super) runs_at: usize,
    /// When they become ready.
    pub(super) ready_at: usize,
    pub(super) ready: bool,
    /// Since when they have been ready or unready.
    pub(super) since: Nanos,
    /// The time up to which their warm-up use has been counted.
    pub(super) warmed: usize,
    /// CPU time of each pod since its first or latest scrape.
    pub(super) used: u64,
    /// When that scrape was.
    pub(super) scraped: Option<usize>,
    pub(super) sample: Option<Sample>,
}

/// A sample of one pod.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) end: usize,
    pub(super) window: usize,
    pub(super) cpu: i64,
}

impl Group {
    /// How its pods count.
    pub(super) fn standing(&self, setup: &Setup, now: usize) -> Standing {
        let runs = self.runs_at < now || self.ready;
        let sample = self.sample.map(|sample| {
            let window = std::time::Duration::from_secs(sample.window as u64);
            (instant(sample.end), window)
        });
        let signs = Signs {
            ignored: false,
            pending: !runs || setup.fault == Some(Fault::Crash) && !self.ready,
            start: Some(self.made),
            ready: Some((self.ready, self.since)),
            sample,
        };
        standing(signs, true, instant(now), &setup.controller)
    }

    /// Counts the use of pods that are warming up.
    pub(super) fn warm(&mut self, now: usize, each: u64) {
        if !self.ready && self.warmed < now {
            self.used += each.saturating_mul((now - self.warmed) as u64);
            self.warmed = now;
        }
    }
}

/// A second of the simulation as the model's instant.
pub(super) fn instant(second: usize) -> Nanos {
    Nanos::of_seconds(i64::try_from(second).unwrap_or(i64::MAX))
}

//! What the rules are judged by.

use std::time::Duration;

use super::Threshold;
use crate::plan::Phase;
use crate::recorder::Tally;

/// What there is to judge a rule by.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// Counts and durations.
    pub tally: &'a Tally,
    /// Of how many seconds.
    pub seconds: f64,
}

/// What a run has shown so far.
#[derive(Debug)]
pub struct Records<'a> {
    /// Everything but the warm-up.
    pub judged: Tally,
    phases: &'a [Phase],
    tallies: &'a [Tally],
    warmup: Duration,
    elapsed: Duration,
}

impl<'a> Records<'a> {
    /// From the tallies of a plan's phases, so long after its beginning.
    pub fn new(
        phases: &'a [Phase],
        tallies: &'a [Tally],
        warmup: Duration,
        elapsed: Duration,
    ) -> Self {
        let mut judged = Tally::default();
        for (_, tally) in phases.iter().zip(tallies).filter(|(p, _)| p.judged) {
            judged.add(tally);
        }
        Self {
            judged,
            phases,
            tallies,
            warmup,
            elapsed,
        }
    }

    /// What a rule is about: one phase, or the whole judged run.
    pub fn about(&self, rule: &Threshold) -> Evidence<'_> {
        let mut phases = self.phases.iter().zip(self.tallies);
        let (tally, time) = match phases.find(|(p, _)| rule.phase.as_ref() == Some(&p.name)) {
            Some((phase, tally)) => (
                tally,
                phase.end.min(self.elapsed).saturating_sub(phase.start),
            ),
            None => (&self.judged, self.elapsed.saturating_sub(self.warmup)),
        };
        Evidence {
            tally,
            seconds: time.as_secs_f64(),
        }
    }
}

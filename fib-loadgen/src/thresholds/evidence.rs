//! The evidence for judging rules.

use std::time::Duration;

use super::Threshold;
use crate::plan::Phase;
use crate::recorder::Tally;

/// The evidence for judging a rule.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// Counts and durations.
    pub tally: &'a Tally,
    /// The number of seconds.
    pub seconds: f64,
}

/// The results of a run so far.
#[derive(Debug)]
pub struct Records<'a> {
    /// Everything except the warm-up.
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

    /// The evidence for a rule: of one phase, or of the whole judged run.
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

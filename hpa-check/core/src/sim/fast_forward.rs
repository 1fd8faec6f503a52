//! The summary of a scenario, fast. The simulated cluster ([`super::engine`]) emits all that a watcher would
//! see; here are the same pods, samples and syncs, as numbers alone. What the controller decides is the
//! model's, function by function. Time goes from one event to the next, and while nothing changes, no further
//! sync is computed. `tests` hold both against each other.

mod cluster;
mod ledger;
mod setup;

#[cfg(test)]
mod tests;

use cluster::{Cluster, NEVER, Reading, instant};
use setup::Setup;

use super::demand::Demand;
use super::engine;
use super::fault::Fault;
use super::spread::Spread;
use super::{Scenario, Summary};
use crate::model::history::{Extremes, History as _};
use crate::model::instant::{Instant as _, Nanos};
use crate::model::metrics::is_larger;
use crate::model::normalize::{self, Recommendation, ScaleEvent, ScaleEvents, Step};
use crate::model::proposal::{self, Guess, Guesses};
use crate::model::reconcile::{MOMENT, outside};

/// How long the conflicting writer waits, in seconds.
const CONFLICT_WAITS: usize = engine::CONFLICT_WAITS_SECONDS as usize;

/// A scenario's summary; `None` if it has more to it than the CPU of pods. The demand is that of the scenario's
/// load and length.
pub(super) fn summary(
    scenario: &Scenario,
    demand: &Demand,
    spread: &mut Spread,
) -> Option<Summary> {
    let setup = Setup::of(scenario)?;
    let course = Course::new(&setup, Cluster::new(&setup, demand, spread));
    Some(course.run())
}

/// A simulation on its way.
struct Course<'a> {
    setup: &'a Setup,
    cluster: Cluster<'a>,
    replicas: i32,
    history: Option<Extremes<Nanos>>,
    ups: Vec<ScaleEvent<Nanos>>,
    downs: Vec<ScaleEvent<Nanos>>,
    /// When the autoscaler last changed the size.
    scaled: Option<Nanos>,
    scraped: usize,
    next_sync: usize,
    /// When the conflicting writer sets the size.
    conflict: usize,
}

impl<'a> Course<'a> {
    fn new(setup: &'a Setup, cluster: Cluster<'a>) -> Self {
        Self {
            setup,
            cluster,
            replicas: setup.replicas,
            history: None,
            ups: Vec::new(),
            downs: Vec::new(),
            scaled: None,
            scraped: 0,
            next_sync: setup.first_sync,
            conflict: NEVER,
        }
    }

    fn run(mut self) -> Summary {
        let end = self.setup.length;
        loop {
            let next_scrape = self.scraped + self.setup.resolution;
            let now = next_scrape.min(self.next_sync).min(self.conflict);
            if now >= end {
                break;
            }
            self.cluster.pass(now);
            if now == next_scrape {
                self.cluster.scrape(now);
                self.scraped = now;
            }
            if now == self.next_sync {
                self.next_sync += self.setup.sync_period;
                self.sync(now);
            }
            if now == self.conflict {
                self.conflict = NEVER;
                self.replicas = self.setup.min;
            }
            self.cluster.resize(self.replicas, now, self.scraped);
            if now == self.scraped {
                self.skip(end);
            }
        }
        self.cluster.pass(end);
        self.cluster.finish(end)
    }

    fn sync(&mut self, now: usize) {
        let reading = self.cluster.read(now);
        if let Some(wanted) = self.decide(now, reading) {
            self.scale(wanted, now);
        }
    }

    /// The size that a sync leads to; `None` if none can be computed.
    fn decide(&mut self, now: usize, reading: Reading) -> Option<i32> {
        let (setup, current) = (self.setup, self.replicas);
        let instant = instant(now);
        let history = self.history.get_or_insert_with(|| {
            let mut history = Extremes::default();
            let at = instant.before(MOMENT);
            history.remember(
                Recommendation {
                    replicas: current,
                    at,
                },
                at,
            );
            history
        });
        if current == 0 {
            // The minimum is at least one, so that nothing brings a target back from zero.
            return None;
        }
        if let Some((bound, _)) = outside(current, setup.min, setup.max) {
            return Some(bound);
        }
        if !setup.has_metrics(now) {
            return None;
        }
        let step = Step {
            current,
            wanted: proposed(setup, current, reading)?.max(0),
            min: setup.min,
            max: setup.max,
        };
        let changes = ScaleEvents {
            up: &self.ups,
            down: &self.downs,
        };
        let (_, limited) = normalize::normalize(setup.rules(), step, history, changes, instant);
        Some(limited.replicas)
    }

    fn scale(&mut self, wanted: i32, now: usize) {
        let current = self.replicas;
        if wanted == current {
            return;
        }
        if let Some(full) = &self.setup.behavior {
            let events = (&mut self.ups, &mut self.downs);
            normalize::remember_change(full, events, (current, wanted), instant(now));
        }
        self.replicas = wanted;
        self.scaled = Some(instant(now));
        if self.setup.fault == Some(Fault::ConflictingWriter) && wanted > current {
            self.conflict = now.saturating_add(CONFLICT_WAITS);
        }
    }

    /// Goes on from sync to sync as long as all pods do the same and the size stays.
    fn skip(&mut self, end: usize) {
        let is_plain = self.conflict == NEVER
            && self.setup.metrics_lost.is_empty()
            && self.setup.fault != Some(Fault::NoMetrics)
            && i32::try_from(self.cluster.pods()) == Ok(self.replicas);
        if !is_plain || !self.cluster.is_uniform(self.scraped) {
            return;
        }
        let mut scraped = self.scraped;
        while self.next_sync < end {
            let now = self.next_sync;
            let newest = now - now % self.setup.resolution;
            let Some(reading) = self.cluster.uniform(newest, scraped) else {
                break;
            };
            scraped = newest;
            self.next_sync += self.setup.sync_period;
            let wanted = self.decide(now, reading);
            if let Some(wanted) = wanted.filter(|wanted| *wanted != self.replicas) {
                self.skip_to(scraped);
                self.scale(wanted, now);
                self.cluster.resize(self.replicas, now, scraped);
                return;
            }
            scraped = self.jump(now, scraped, end);
        }
        self.skip_to(scraped);
    }

    fn skip_to(&mut self, scraped: usize) {
        if scraped > self.scraped {
            self.cluster.skip_to(scraped);
            self.scraped = scraped;
        }
    }

    /// Leaves out all syncs that find what the last one found: the same samples, the same history, and no change
    /// of the size that still limits the next. When the last scrape was then.
    fn jump(&mut self, now: usize, scraped: usize, end: usize) -> usize {
        let Setup {
            resolution,
            sync_period,
            ..
        } = *self.setup;
        let flat = self.cluster.flat_until(scraped - resolution);
        let until = (flat - flat % resolution + resolution).min(end);
        let remembers = self.setup.remembers_changes();
        let is_quiet = self
            .scaled
            .is_none_or(|at| at.after(remembers) < instant(now));
        let only = self.history.as_ref().and_then(Extremes::only);
        let (true, true, Some(replicas)) = (until > self.next_sync, is_quiet, only) else {
            return scraped;
        };
        let last = self.next_sync + (until - 1 - self.next_sync) / sync_period * sync_period;
        let at = instant(last);
        if let Some(history) = &mut self.history {
            history.remember(Recommendation { replicas, at }, at);
        }
        self.next_sync = last + sync_period;
        last - last % resolution
    }
}

/// What the metrics ask for; `None` if they can't be computed.
fn proposed(setup: &Setup, current: i32, reading: Reading) -> Option<i32> {
    let Reading {
        census,
        removed,
        used,
    } = reading;
    let request = setup.request.0;
    let times = |each: i64, pods: usize| each.wrapping_mul(i64::try_from(pods).unwrap_or(i64::MAX));
    let ratio = |used: i64, pods: usize, target: i32| {
        let ratio = proposal::utilization_ratio(used, times(request, pods), target);
        ratio.map(|(_, ratio)| ratio).ok_or(())
    };
    let mut largest = 0;
    for target in &setup.targets {
        let second = |guesses: Guesses| {
            let (mut used, mut pods) = (used, census.ready);
            if guesses.missing != Guess::None {
                pods += census.missing;
            }
            if guesses.missing == Guess::Busy {
                let each = proposal::busy(request, *target);
                used = used.wrapping_add(times(each, census.missing));
            }
            if guesses.unready {
                pods += census.unready;
            }
            // Samples of removed pods have no use here, but they are counted.
            Ok::<_, ()>((ratio(used, pods, *target)?, pods + removed))
        };
        let first = ratio(used, census.ready, *target).ok()?;
        let tolerances = setup.tolerances;
        let replicas = proposal::replicas(tolerances, current, census, first, second);
        let (replicas, _) = replicas.ok()?;
        if is_larger(replicas, largest) {
            largest = replicas;
        }
    }
    Some(largest)
}

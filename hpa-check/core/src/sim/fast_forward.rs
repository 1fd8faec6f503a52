//! Computes the summary of a scenario quickly. The simulated cluster ([`super::engine`]) emits everything that
//! a watcher would observe; this computes the same pods, samples and syncs as bare numbers. The controller's
//! decisions come from the same model functions. Time jumps from event to event, and while nothing changes, no
//! sync is computed. `tests` compares the two.

mod cluster;
mod group;
mod ledger;
mod setup;

#[cfg(test)]
mod tests;

use cluster::{Cluster, NEVER, Reading};
use group::instant;
use setup::Setup;

use super::demand::WorkBySecond;
use super::engine;
use super::fault::Fault;
use super::spread::Spread;
use super::{Scenario, Summary};
use crate::model::history::{Extremes, History as _};
use crate::model::instant::{Instant as _, Nanos};
use crate::model::metrics::is_larger;
use crate::model::normalize::{self, Recommendation, ScaleEvent, ScaleEvents, SizeRequest};
use crate::model::ratio::{self, Guess, Guesses};
use crate::model::reconcile::{MOMENT, outside};

/// How long the conflicting writer waits, in seconds.
const CONFLICT_WAITS: usize = engine::CONFLICT_WAITS_SECONDS as usize;

/// A scenario's summary; `None` if it involves more than the CPU of pods. The demand must be that of the
/// scenario's load and length.
pub(super) fn summary(
    scenario: &Scenario,
    demand: &WorkBySecond,
    spread: &mut Spread,
) -> Option<Summary> {
    let setup = Setup::of(scenario)?;
    let course = Course::new(&setup, Cluster::new(&setup, demand, spread));
    Some(course.run())
}

/// A simulation in progress.
struct Course<'a> {
    setup: &'a Setup,
    cluster: Cluster<'a>,
    replicas: i32,
    history: Option<Extremes<Nanos>>,
    ups: Vec<ScaleEvent<Nanos>>,
    downs: Vec<ScaleEvent<Nanos>>,
    /// By number of pods.
    calm: Vec<Option<Calm>>,
    scraped: usize,
    next_sync: usize,
    /// When the conflicting writer next writes the replicas.
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
            calm: Vec::new(),
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

    /// The replicas that a sync decides; `None` if it can compute none.
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
            // The minimum is at least one, so nothing scales a target up from zero.
            return None;
        }
        if let Some((bound, _)) = outside(current, setup.min, setup.max) {
            return Some(bound);
        }
        if !setup.has_metrics(now) {
            return None;
        }
        let step = SizeRequest {
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
        if self.setup.fault == Some(Fault::ConflictingWriter) && wanted > current {
            self.conflict = now.saturating_add(CONFLICT_WAITS);
        }
    }

    /// Moves from sync to sync as long as all pods do the same and the replicas stay. Most of these syncs are
    /// skipped: if their sample shows that the replicas stay, their proposals are computed only when needed.
    fn skip(&mut self, end: usize) {
        let is_plain = self.conflict == NEVER
            && self.setup.metrics_lost.is_empty()
            && self.setup.fault != Some(Fault::NoMetrics)
            && self.history.is_some()
            && i32::try_from(self.cluster.pods()) == Ok(self.replicas);
        if !is_plain || !self.cluster.is_uniform(self.scraped) {
            return;
        }
        let calm = self.calm();
        let mut marks = self.marks();
        let mut scraped = self.scraped;
        let mut proposed_until = self.next_sync;
        while self.next_sync < end {
            let now = self.next_sync;
            let newest = now - now % self.setup.resolution;
            let Some(work) = self.cluster.uniform(newest, scraped) else {
                break;
            };
            scraped = newest;
            self.next_sync += self.setup.sync_period;
            let is_held = calm.hold.is_some_and(|hold| work >= hold);
            let is_below = calm.up.is_some_and(|up| work <= up);
            if is_held {
                marks.held = Some(instant(now));
            }
            if is_below && self.stays(marks, is_held, instant(now)) {
                continue;
            }
            self.recall(proposed_until, now);
            proposed_until = self.next_sync;
            let reading = self.cluster.sampled_alike(work);
            let wanted = reading.and_then(|reading| self.decide(now, reading));
            if let Some(wanted) = wanted.filter(|wanted| *wanted != self.replicas) {
                self.skip_to(scraped);
                self.scale(wanted, now);
                self.cluster.resize(self.replicas, now, scraped);
                return;
            }
            marks = self.marks();
        }
        self.recall(proposed_until, self.next_sync);
        self.skip_to(scraped);
    }

    fn skip_to(&mut self, scraped: usize) {
        if scraped > self.scraped {
            self.cluster.skip_to(scraped);
            self.scraped = scraped;
        }
    }

    /// Whether a sync that proposes no more than the current replicas leaves them alone because of earlier
    /// proposals.
    fn stays(&self, marks: Marks, is_held: bool, now: Nanos) -> bool {
        let setup = self.setup;
        let is_least = self.replicas == setup.min;
        if let Some(full) = &setup.behavior {
            let cutoff = now.before(full.down.window);
            is_held || is_least || marks.held.is_some_and(|at| at > cutoff)
        } else {
            let cutoff = now.before(setup.controller.downscale_stabilization);
            let is_raised = marks.raised.is_some_and(|at| at >= cutoff);
            let is_held = is_least || marks.held.is_some_and(|at| at >= cutoff);
            is_held && (self.replicas == setup.max || !is_raised)
        }
    }

    /// When the current replicas, or more, were last proposed.
    fn marks(&self) -> Marks {
        let last = |least| self.history.as_ref().and_then(|h| h.last_of(least));
        Marks {
            held: last(self.replicas),
            raised: last(self.replicas.saturating_add(1)),
        }
    }

    /// Computes the proposals of skipped syncs, as far as they will be needed.
    fn recall(&mut self, from: usize, until: usize) {
        let (setup, current) = (self.setup, self.replicas);
        let period = setup.sync_period;
        let remembered = until.saturating_sub(setup.remembers + period);
        let first = from + remembered.saturating_sub(from) / period * period;
        for now in (first..until).step_by(period) {
            let reading = self.cluster.sampled_at(now - now % setup.resolution);
            let proposed = reading.and_then(|reading| proposed(setup, current, reading));
            if let (Some(replicas), Some(history)) = (proposed, &mut self.history) {
                let at = instant(now);
                let new = Recommendation {
                    replicas: replicas.max(0),
                    at,
                };
                let window = std::time::Duration::from_secs(setup.remembers as u64);
                history.remember(new, at.before(window));
            }
        }
    }

    /// The range of work for which the current replicas are proposed, while all pods do the same. More work
    /// means more proposed replicas.
    fn calm(&mut self) -> Calm {
        let (setup, current) = (self.setup, self.replicas);
        let index = self.cluster.pods();
        if let Some(Some(known)) = self.calm.get(index) {
            return *known;
        }
        let most = self.cluster.most_alike();
        let at_least = |replicas: i32| {
            let (mut below, mut above) = (0, most.saturating_add(1));
            while below < above {
                let middle = below + (above - below) / 2;
                let reading = self.cluster.sampled_alike(middle);
                let proposed = reading.and_then(|reading| proposed(setup, current, reading));
                if proposed? >= replicas {
                    above = middle;
                } else {
                    below = middle + 1;
                }
            }
            Some(below)
        };
        let is_inside = outside(current, setup.min, setup.max).is_none();
        let ends =
            is_inside.then(|| Some((at_least(current)?, at_least(current.checked_add(1)?)?)));
        let ends = ends.flatten();
        let most = |more: u64| {
            if current == setup.max {
                u64::MAX
            } else {
                more - 1
            }
        };
        let calm = Calm {
            hold: ends.map(|(hold, _)| hold),
            up: ends.map(|(_, more)| most(more)),
        };
        if self.calm.len() <= index {
            self.calm.resize(index + 1, None);
        }
        self.calm[index] = Some(calm);
        calm
    }
}

/// The least work for which the current replicas are proposed, and the most that results in no more; `None` if
/// no sync can be skipped.
#[derive(Debug, Clone, Copy)]
struct Calm {
    hold: Option<u64>,
    up: Option<u64>,
}

/// When the current replicas or more were last proposed, and when more were.
#[derive(Debug, Clone, Copy)]
struct Marks {
    held: Option<Nanos>,
    raised: Option<Nanos>,
}

/// The replicas that the metrics ask for; `None` if they can't be computed.
fn proposed(setup: &Setup, current: i32, reading: Reading) -> Option<i32> {
    let Reading {
        census,
        removed,
        used,
    } = reading;
    let request = setup.request.0;
    let times = |each: i64, pods: usize| each.wrapping_mul(i64::try_from(pods).unwrap_or(i64::MAX));
    let ratio = |used: i64, pods: usize, target: i32| {
        let ratio = ratio::utilization_ratio(used, times(request, pods), target);
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
                let each = ratio::busy(request, *target);
                used = used.wrapping_add(times(each, census.missing));
            }
            if guesses.unready {
                pods += census.unready;
            }
            // Samples of removed pods are not used here, but they are counted.
            Ok::<_, ()>((ratio(used, pods, *target)?, pods + removed))
        };
        let first = ratio(used, census.ready, *target).ok()?;
        let tolerances = setup.tolerances;
        let replicas = ratio::replicas(tolerances, current, census, first, second);
        let (replicas, _) = replicas.ok()?;
        if is_larger(replicas, largest) {
            largest = replicas;
        }
    }
    Some(largest)
}

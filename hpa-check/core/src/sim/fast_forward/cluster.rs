//! The pods of a fast-forwarded simulation, in groups of equal pods, and the work they do.

use std::num::Wrapping;

use super::group::{Group, Sample, instant};
use super::ledger::{Crew, Ledger};
use super::setup::Setup;
use crate::model::instant::Nanos;
use crate::model::pods::Standing;
use crate::model::ratio::Census;
use crate::sim::demand::WorkBySecond;
use crate::sim::fault::Fault;
use crate::sim::metrics::rate;
use crate::sim::spread::Spread;
use crate::sim::summary::{Summary, Sums};
use crate::sim::{AGE, work};
use crate::units::Millicores;

/// The time of events that never happen.
pub(super) const NEVER: usize = usize::MAX;

/// The samples that a sync reads.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    pub(super) census: Census,
    /// Samples of pods that have since been removed.
    pub(super) removed: usize,
    /// Total CPU of the pods that count with their own use.
    pub(super) used: i64,
}

/// The pods and their work.
#[derive(Debug)]
pub(super) struct Cluster<'a> {
    setup: &'a Setup,
    demand: &'a WorkBySecond,
    /// In the order in which they were created.
    groups: Vec<Group>,
    pods: usize,
    ready: usize,
    removed: usize,
    room: usize,
    /// When the next pods become ready.
    next_ready: usize,
    /// When the number of pods or of ready pods last changed.
    changed: usize,
    ledger: Ledger<'a>,
}

impl<'a> Cluster<'a> {
    /// Starts with pods that have been ready for a while, and with their first sample.
    pub(super) fn new(setup: &'a Setup, demand: &'a WorkBySecond, spread: &'a mut Spread) -> Self {
        spread.restart(work::of(setup.request));
        let pods = usize::try_from(setup.replicas).unwrap_or(0);
        let age = i64::try_from(AGE.as_secs()).unwrap_or(i64::MAX);
        let made = Nanos::of_seconds(-age);
        let sums = Sums::new(setup.request, setup.replicas);
        let mut cluster = Self {
            setup,
            demand,
            groups: Vec::new(),
            pods,
            ready: pods,
            removed: 0,
            room: setup.pods.nodes.map_or(NEVER, |(room, _)| room),
            next_ready: NEVER,
            changed: 0,
            ledger: Ledger::new(demand, setup.backlog, sums, spread),
        };
        let each = work::share(demand.first(), pods).min(setup.pods.most);
        let cpu = cluster.sampled(
            each.saturating_mul(setup.resolution as u64),
            setup.resolution,
        );
        cluster.add(Group {
            count: pods,
            made,
            runs_at: 0,
            ready_at: NEVER,
            ready: true,
            since: made,
            warmed: 0,
            used: 0,
            scraped: Some(0),
            sample: cpu.map(|cpu| Sample {
                end: 0,
                window: setup.resolution,
                cpu,
            }),
        });
        cluster
    }

    /// The number of pods.
    pub(super) fn pods(&self) -> usize {
        self.pods
    }

    /// Adds equal pods. If one pod takes all the work, no two are equal.
    fn add(&mut self, group: Group) {
        let (count, groups) = match self.setup.fault {
            Some(Fault::Sticky) => (1, group.count),
            _ => (group.count, 1),
        };
        let group = Group { count, ..group };
        self.groups.extend(std::iter::repeat_n(group, groups));
    }

    /// What a sample shows for this CPU time.
    fn sampled(&self, used: u64, window: usize) -> Option<i64> {
        let cpu = rate(used, work::SECOND.saturating_mul(window as u64))?;
        Some(
            self.setup
                .limit
                .map_or(cpu, |limit: Millicores| cpu.min(limit))
                .0,
        )
    }

    /// Lets time pass. Events at `until` itself belong to the next call.
    pub(super) fn pass(&mut self, until: usize) {
        while self.next_ready < until {
            self.become_ready(self.next_ready);
        }
    }

    fn become_ready(&mut self, now: usize) {
        self.close(now);
        self.deal();
        self.next_ready = NEVER;
        for group in &mut self.groups {
            if group.ready_at == now {
                group.warm(now, self.setup.pods.warms_up);
                group.ready = true;
                group.ready_at = NEVER;
                group.since = instant(now);
                self.ready += group.count;
            }
            self.next_ready = self.next_ready.min(group.ready_at);
        }
    }

    /// Reads the CPU time of all pods.
    pub(super) fn scrape(&mut self, now: usize) {
        self.ledger.work(now, self.crew());
        self.deal();
        let mut groups = std::mem::take(&mut self.groups);
        for group in &mut groups {
            group.warm(now, self.setup.pods.warms_up);
            group.sample = group.scraped.and_then(|before| {
                let window = now - before;
                let cpu = self.sampled(group.used, window)?;
                Some(Sample {
                    end: now,
                    window,
                    cpu,
                })
            });
            group.used = 0;
            group.scraped = Some(now);
        }
        self.groups = groups;
        self.removed = 0;
    }

    /// Creates or removes pods to reach this number, or the quota's maximum.
    pub(super) fn resize(&mut self, replicas: i32, now: usize, scraped: usize) {
        let wanted = usize::try_from(replicas).unwrap_or(0);
        if wanted < self.pods {
            self.close(now);
            while wanted < self.pods {
                self.remove(self.pods - wanted);
            }
        } else {
            let most = match self.setup.fault {
                Some(Fault::Quota(most)) => usize::try_from(most).unwrap_or(0),
                _ => NEVER,
            };
            let new = wanted.min(most).saturating_sub(self.pods);
            if new > 0 {
                self.close(now);
                self.make(new, now, scraped);
            }
        }
    }

    /// Removes up to `most` of the least needed pods: those that are not ready, else the youngest.
    fn remove(&mut self, most: usize) {
        let unready = self.groups.iter().rposition(|group| !group.ready);
        let Some(index) = unready.or_else(|| self.groups.len().checked_sub(1)) else {
            self.pods = 0;
            return;
        };
        if self.groups[index].ready {
            self.deal();
        }
        let group = &mut self.groups[index];
        let removed = most.min(group.count);
        group.count -= removed;
        self.pods -= removed;
        if group.ready {
            self.ready -= removed;
        }
        if group.sample.is_some() {
            self.removed += removed;
        }
        if group.count == 0 {
            self.groups.remove(index);
            let times = self.groups.iter().map(|group| group.ready_at);
            self.next_ready = times.min().unwrap_or(NEVER);
        }
    }

    fn make(&mut self, new: usize, now: usize, scraped: usize) {
        let fit = new.min(self.room.saturating_sub(self.pods));
        self.pods += new;
        self.room = self.room.max(self.pods);
        let wait = self.setup.pods.nodes.map_or(0, |(_, wait)| wait);
        for (count, wait) in [(fit, 0), (new - fit, wait)] {
            if count > 0 {
                self.start(count, now, wait, scraped);
            }
        }
    }

    fn start(&mut self, count: usize, now: usize, wait: usize, scraped: usize) {
        let runs_at = now.saturating_add(wait);
        let ready_at = match self.setup.fault {
            Some(Fault::PodsNotReady | Fault::Crash) => NEVER,
            _ => runs_at.saturating_add(self.setup.pods.ready_after),
        };
        self.next_ready = self.next_ready.min(ready_at);
        self.add(Group {
            count,
            made: instant(now),
            runs_at,
            ready_at,
            ready: false,
            since: instant(now),
            warmed: runs_at,
            used: 0,
            // A pod that starts at the instant of a scrape has used nothing yet.
            scraped: (scraped == now).then_some(now),
            sample: None,
        });
    }

    /// How the pods count, and their use.
    pub(super) fn read(&self, now: usize) -> Reading {
        let mut reading = Reading {
            census: Census {
                ready: 0,
                unready: 0,
                missing: 0,
            },
            removed: self.removed,
            used: 0,
        };
        let mut used = Wrapping(0_i64);
        for group in &self.groups {
            let census = &mut reading.census;
            match group.standing(self.setup, now) {
                Standing::Ready => {
                    census.ready += group.count;
                    let cpu = group.sample.map_or(0, |sample| sample.cpu);
                    used += Wrapping(cpu) * Wrapping(whole(group.count));
                }
                Standing::Unready => census.unready += group.count,
                Standing::Missing => census.missing += group.count,
                Standing::Ignored => {}
            }
        }
        reading.used = used.0;
        reading
    }

    /// Whether all pods have done the same since before the last scrape's window, so that one pod's sample
    /// stands for all.
    pub(super) fn is_uniform(&self, scraped: usize) -> bool {
        self.next_ready == NEVER
            && self.removed == 0
            && self.ready == self.pods
            && self.setup.fault != Some(Fault::Sticky)
            && scraped >= self.setup.resolution
            && self.changed <= scraped - self.setup.resolution
            && self.ledger.kept_up_since(scraped - self.setup.resolution)
            && self.groups.iter().all(|group| group.sample.is_some())
    }

    /// The work of the window before a scrape while all pods do the same; `None` if they can't do all of the
    /// work from `checked` on.
    pub(super) fn uniform(&self, scraped: usize, checked: usize) -> Option<u64> {
        let from = scraped - self.setup.resolution;
        let most = self.demand.most_around(&(checked.min(from)..scraped));
        (most <= self.crew().capacity).then(|| self.demand.sum(&(from..scraped)))
    }

    /// An upper bound of the work per window while pods can do all of it.
    pub(super) fn most_alike(&self) -> u64 {
        let most = self.demand.most().min(self.crew().capacity);
        most.saturating_mul(self.setup.resolution as u64)
    }

    /// The reading of a scrape while all pods do the same.
    pub(super) fn sampled_at(&self, scraped: usize) -> Option<Reading> {
        let window = scraped - self.setup.resolution..scraped;
        self.sampled_alike(self.demand.sum(&window))
    }

    /// The reading of a scrape if all pods did the same and this much together.
    pub(super) fn sampled_alike(&self, work: u64) -> Option<Reading> {
        let cpu = self.sampled(work::share(work, self.pods), self.setup.resolution)?;
        let used = Wrapping(cpu) * Wrapping(whole(self.pods));
        Some(Reading {
            census: Census {
                ready: self.pods,
                unready: 0,
                missing: 0,
            },
            removed: 0,
            used: used.0,
        })
    }

    /// Moves the pods to their state after this scrape, while all of them do the same.
    pub(super) fn skip_to(&mut self, scraped: usize) {
        let window = self.setup.resolution;
        let work = self.demand.sum(&(scraped - window..scraped));
        let cpu = self.sampled(work::share(work, self.pods), window);
        for group in &mut self.groups {
            group.used = 0;
            group.scraped = Some(scraped);
            group.sample = cpu.map(|cpu| Sample {
                end: scraped,
                window,
                cpu,
            });
        }
        self.ledger.skip_to(scraped);
    }

    /// Counts the last seconds and returns the summary.
    pub(super) fn finish(mut self, end: usize) -> Summary {
        self.close(end);
        self.ledger.finish()
    }

    /// The pods as a crew for the ledger.
    fn crew(&self) -> Crew {
        Crew {
            pods: self.pods,
            ready: self.ready,
            capacity: work::capacity(self.setup.pods.most, self.takers()),
        }
    }

    /// Ends a stretch with the same pods, because they are about to change.
    fn close(&mut self, now: usize) {
        self.ledger.close(now, self.crew());
        self.changed = now;
    }

    /// How many pods share the work.
    fn takers(&self) -> usize {
        match self.setup.fault {
            Some(Fault::Sticky) => self.ready.min(1),
            _ => self.ready,
        }
    }

    /// Divides the work done so far among the pods that did it.
    fn deal(&mut self) {
        let takers = self.takers();
        let each = work::share(self.ledger.take(), takers);
        let mut left = takers;
        for group in self.groups.iter_mut().filter(|group| group.ready) {
            if left == 0 {
                break;
            }
            group.used += each;
            left = left.saturating_sub(group.count);
        }
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

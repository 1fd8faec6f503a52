//! The cheapest settings within a bound, found by trying every combination of a small grid.

mod grid;
mod ranking;

use std::sync::atomic::{AtomicUsize, Ordering};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::demand::WorkBySecond;
use super::spread::Spread;
use super::{Scenario, Summary, fast_forward};
use crate::units::Millicores;
use grid::{Combination, combinations};
pub use grid::{Grid, ScaleUpPolicy};
use ranking::{Score, ranked};

/// The bound to keep.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bound {
    /// Highest p95 utilization, in percent of the request.
    pub p95_utilization: Option<f64>,
    /// The most work that is not done on time, in percent.
    pub unserved_percent: Option<f64>,
    /// Longest time to capacity, in seconds.
    pub short_seconds: Option<u64>,
}

impl Bound {
    /// Whether a result keeps it.
    pub fn is_kept(&self, summary: &Summary) -> bool {
        self.p95_utilization
            .is_none_or(|most| summary.p95_utilization <= most)
            && self
                .unserved_percent
                .is_none_or(|most| summary.unserved_percent <= most)
            && self
                .short_seconds
                .is_none_or(|most| summary.longest_short_seconds <= most)
    }

    /// How far a result exceeds the bound: the sum over its parts, each relative to that part. 0 means that it
    /// is kept.
    #[expect(clippy::cast_precision_loss, reason = "seconds are far below 2^52")]
    pub fn miss(&self, summary: &Summary) -> f64 {
        let excess = |most: Option<f64>, found: f64, least: f64| {
            most.map_or(0.0, |most| (found - most).max(0.0) / most.max(least))
        };
        // A bound of 0 is exceeded in units of one percent or one second.
        excess(self.p95_utilization, summary.p95_utilization, 1.0)
            + excess(self.unserved_percent, summary.unserved_percent, 1.0)
            + excess(
                self.short_seconds.map(|s| s as f64),
                summary.longest_short_seconds as f64,
                1.0,
            )
    }
}

/// Tried settings and their result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    /// The lower bound.
    pub min_replicas: i32,
    /// The upper bound.
    #[serde(default)]
    pub max_replicas: i32,
    /// The CPU target in percent, if there is one.
    pub target_percent: Option<i32>,
    /// The scale-down window in seconds, if the spec sets one.
    pub window_seconds: Option<i32>,
    /// The rate limit, if one was tried.
    pub policy: Option<ScaleUpPolicy>,
    /// The CPU request.
    pub request: Millicores,
    /// Whether the bound is kept.
    pub kept: bool,
    /// The result.
    pub summary: Summary,
}

impl Candidate {
    /// The settings as reported, with their result.
    fn of(settings: &Combination, bound: Bound, summary: Summary) -> Self {
        Self {
            min_replicas: settings.spec.effective_min(),
            max_replicas: settings.spec.max_replicas,
            target_percent: settings.spec.cpu_target_percent(),
            window_seconds: settings.window_seconds(),
            policy: settings.policy,
            request: settings.request,
            kept: bound.is_kept(&summary),
            summary,
        }
    }

    /// The scenario with these settings.
    #[must_use]
    pub fn apply(&self, scenario: &Scenario) -> Scenario {
        let of = |values: Option<i32>| values.map(|v| vec![v]).unwrap_or_default();
        let grid = Grid {
            min_replicas: vec![self.min_replicas],
            max_replicas: vec![self.max_replicas],
            target_percent: of(self.target_percent),
            window_seconds: of(self.window_seconds),
            policies: self.policy.into_iter().collect(),
            requests: vec![self.request],
        };
        let one = combinations(scenario, &grid).pop();
        one.map_or_else(|| scenario.clone(), |settings| settings.apply(scenario))
    }
}

/// The search with its result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Search {
    /// The settings tried.
    pub grid: Grid,
    /// The bound.
    pub bound: Bound,
    /// How many combinations were tried.
    pub tried: u64,
    /// How many keep the bound.
    pub kept: u64,
    /// The current settings.
    pub current: Candidate,
    /// The cheapest within the bound, by core-hours, then by fewer scalings, then by fewer changed settings; at most
    /// ten.
    pub best: Vec<Candidate>,
    /// Those that cost less than the best and exceed the bound the least; at most three.
    #[serde(default)]
    pub nearest: Vec<Candidate>,
}

/// Combinations that a thread simulates in a row.
const BATCH: usize = 8;

/// Tries all combinations on all CPUs. The result does not depend on the number of CPUs.
pub fn search(scenario: &Scenario, grid: Grid, bound: Bound) -> Search {
    let trial = Trial::of(scenario, bound);
    let current = Combination::of(scenario);
    let all = combinations(&trial.bare, &grid);
    let scores = on_all_cpus(&all, |settings, spread| {
        let changes = settings.changes(&current, scenario.controller.downscale_stabilization);
        trial.score(&trial.summary(settings, spread), changes)
    });
    let kept = scores.iter().filter(|score| score.kept).count();
    let (best, nearest) = ranked(&scores);
    let told: Vec<&Combination> = best.iter().chain(&nearest).map(|i| &all[*i]).collect();
    let told: Vec<&Combination> = std::iter::once(&current).chain(told).collect();
    let mut told = on_all_cpus(&told, |settings, spread| trial.outcome(settings, spread));
    let mut best_found = told.split_off(1);
    let nearest_found = best_found.split_off(best.len());
    let current = told
        .pop()
        .unwrap_or_else(|| trial.outcome(&current, &mut Spread::new()));
    Search {
        grid,
        bound,
        tried: all.len() as u64,
        kept: kept as u64,
        current,
        best: best_found,
        nearest: nearest_found,
    }
}

/// What all settings share.
struct Trial<'a> {
    scenario: &'a Scenario,
    /// The scenario without its load, which may be long.
    bare: Scenario,
    demand: WorkBySecond,
    bound: Bound,
}

impl<'a> Trial<'a> {
    fn of(scenario: &'a Scenario, bound: Bound) -> Self {
        let mut bare = scenario.clone();
        bare.load.points = Vec::new();
        Self {
            scenario,
            bare,
            demand: scenario.demand(),
            bound,
        }
    }

    fn summary(&self, settings: &Combination, spread: &mut Spread) -> Summary {
        let changed = settings.apply(&self.bare);
        let summary = fast_forward::summary(&changed, &self.demand, spread);
        summary.unwrap_or_else(|| settings.apply(self.scenario).run_in_full())
    }

    fn score(&self, summary: &Summary, changes: usize) -> Score {
        Score {
            kept: self.bound.is_kept(summary),
            core_hours: summary.core_hours,
            scalings: summary.scalings,
            changes,
            miss: self.bound.miss(summary),
        }
    }

    fn outcome(&self, settings: &Combination, spread: &mut Spread) -> Candidate {
        let summary = self.summary(settings, spread);
        Candidate::of(settings, self.bound, summary)
    }
}

/// Calls a function for each item with one thread per CPU, and returns the results in order.
fn on_all_cpus<T: Sync, R: Send>(all: &[T], each: impl Fn(&T, &mut Spread) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let batches = all.len().div_ceil(BATCH);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut spread = Spread::new();
        let mut done = Vec::new();
        loop {
            let batch = next.fetch_add(1, Ordering::Relaxed);
            let Some(items) = all.chunks(BATCH).nth(batch) else {
                return done;
            };
            let results: Vec<R> = items.iter().map(|item| each(item, &mut spread)).collect();
            done.push((batch, results));
        }
    };
    let mut done: Vec<(usize, Vec<R>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..threads.min(batches))
            .map(|_| scope.spawn(work))
            .collect();
        let mut done = work();
        for thread in threads {
            let theirs = thread.join();
            done.extend(theirs.unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_unstable_by_key(|(batch, _)| *batch);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

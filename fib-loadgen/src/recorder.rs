//! Where outcomes are counted: one shard for each runtime thread, so that users rarely wait for each other.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::outcome::{Class, Outcome};

mod tally;

pub use tally::{
    Counts, ErrorTally, Histogram, Latencies, PodMinuteTally, PodTally, Tally, quantile,
};

/// More names than this in one run are somebody's mistake; the rest is counted as one.
const MOST_PODS: usize = 1_000;

/// One request, over, and what the schedule knows about it.
#[derive(Debug)]
pub struct Sample<'a> {
    /// What became of it.
    pub outcome: &'a Outcome,
    /// Which F(n) was asked for.
    pub n: u32,
    /// The phase its intended send time falls into.
    pub phase: usize,
    /// When it ended, since the start of the load.
    pub ended: Duration,
    /// From the intended send to the end of the body.
    pub response: Duration,
    /// From the intended to the actual send.
    pub send_lag: Duration,
    /// Whether it was sent late although a user was waiting for its time: the generator's own lateness.
    pub lagged: bool,
}

/// Everything that one thread has counted.
#[derive(Debug, Default)]
pub struct Shard {
    /// One for each phase of the plan.
    pub phases: Vec<Tally>,
    /// One for each decade of n: 0 to 9, 10 to 99, …
    pub by_n: [Tally; 10],
    /// Answers by status.
    pub statuses: HashMap<u16, u64>,
    /// Failures by class.
    pub errors: HashMap<Class, ErrorTally>,
    /// Requests by who answered.
    pub pods: HashMap<String, PodTally>,
    /// Send lags of requests for which a user was waiting.
    pub own_lag: Histogram,
    /// What happened since the last look.
    pub second: Second,
}

/// What happened in one second.
#[derive(Debug, Default)]
pub struct Second {
    /// How many.
    pub counts: Counts,
    /// How long, from the intended send.
    pub response: Histogram,
    /// Who answered.
    pub pods: HashMap<String, u64>,
}

/// The shards and a few gauges.
#[derive(Debug)]
pub struct Recorder {
    shards: Vec<Mutex<Shard>>,
    /// Requests sent.
    pub sent: AtomicU64,
    /// Requests in flight.
    pub in_flight: AtomicUsize,
    /// Tickets that some user has taken and not yet done.
    pub outstanding: AtomicUsize,
    /// Users running.
    pub users: AtomicUsize,
    /// Tickets that were late when a user became free for them.
    pub queued: AtomicU64,
    /// Connections given up for their number of requests.
    pub recycled_count: AtomicU64,
    /// Connections given up for their age.
    pub recycled_age: AtomicU64,
    /// Answers with which the server said that it closes the connection.
    pub closed_by_peer: AtomicU64,
    /// Connections that were refused and tried again.
    pub refused_retried: AtomicU64,
}

thread_local! {
    /// Which shard this thread writes to.
    static MINE: Cell<Option<usize>> = const { Cell::new(None) };
}
/// How many threads have asked for a shard.
static THREADS: AtomicUsize = AtomicUsize::new(0);

impl Recorder {
    /// A recorder for so many phases and threads.
    pub fn new(phases: usize, threads: usize) -> Self {
        let shard = || Shard {
            phases: (0..phases).map(|_| Tally::default()).collect(),
            ..Shard::default()
        };
        Self {
            shards: (0..threads.max(1)).map(|_| Mutex::new(shard())).collect(),
            sent: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            outstanding: AtomicUsize::new(0),
            users: AtomicUsize::new(0),
            queued: AtomicU64::new(0),
            recycled_count: AtomicU64::new(0),
            recycled_age: AtomicU64::new(0),
            closed_by_peer: AtomicU64::new(0),
            refused_retried: AtomicU64::new(0),
        }
    }

    /// Counts one request.
    pub fn record(&self, sample: &Sample<'_>) {
        if sample.outcome.closing {
            self.closed_by_peer.fetch_add(1, Ordering::Relaxed);
        }
        self.refused_retried
            .fetch_add(sample.outcome.refused.into(), Ordering::Relaxed);
        let mine = MINE.get().unwrap_or_else(|| {
            let mine = THREADS.fetch_add(1, Ordering::Relaxed);
            MINE.set(Some(mine));
            mine
        });
        lock(&self.shards[mine % self.shards.len()]).record(sample);
    }

    /// What happened since the last look, of all threads together.
    pub fn take_second(&self) -> Second {
        let mut all = Second::default();
        for shard in &self.shards {
            let second = std::mem::take(&mut lock(shard).second);
            all.counts.add(&second.counts);
            all.response.add(&second.response);
            for (pod, count) in second.pods {
                *all.pods.entry(pod).or_default() += count;
            }
        }
        all
    }

    /// What each pod did since the last time this was asked.
    pub fn take_minute(&self) -> HashMap<String, PodMinuteTally> {
        let mut all: HashMap<String, PodMinuteTally> = HashMap::new();
        for shard in &self.shards {
            for (name, pod) in &mut lock(shard).pods {
                if let Some(minute) = pod.take_minute() {
                    entry(&mut all, name).add(&minute);
                }
            }
        }
        all
    }

    /// Answers by status and failures by class so far.
    pub fn so_far(&self) -> (BTreeMap<u16, u64>, BTreeMap<&'static str, u64>) {
        let (mut statuses, mut errors) = (BTreeMap::new(), BTreeMap::new());
        for shard in &self.shards {
            let shard = lock(shard);
            for (status, count) in &shard.statuses {
                *statuses.entry(*status).or_default() += count;
            }
            for (class, tally) in &shard.errors {
                *errors.entry(class.word()).or_default() += tally.count;
            }
        }
        (statuses, errors)
    }

    /// What each phase has come to so far.
    pub fn phases(&self) -> Vec<Tally> {
        let mut all = Vec::new();
        for shard in &self.shards {
            add_each(&mut all, &lock(shard).phases);
        }
        all
    }

    /// All shards as one.
    pub fn merged(&self) -> Shard {
        let mut all = Shard::default();
        for shard in &self.shards {
            all.add(&lock(shard));
        }
        all
    }
}

impl Shard {
    fn record(&mut self, sample: &Sample<'_>) {
        let outcome = sample.outcome;
        let last = self.phases.len().saturating_sub(1);
        if let Some(phase) = self.phases.get_mut(sample.phase.min(last)) {
            phase.record(sample);
        }
        let decade = sample.n.checked_ilog10().unwrap_or(0) as usize;
        self.by_n[decade].record(sample);
        if sample.lagged {
            self.own_lag.record(sample.send_lag);
        }
        if let Some(status) = outcome.status {
            *self.statuses.entry(status).or_default() += 1;
        }
        if let Some(class) = outcome.failure {
            self.errors
                .entry(class)
                .or_default()
                .record(sample.ended, outcome.detail.as_deref());
        }
        self.second.counts.record(outcome);
        if outcome.failure.is_none() {
            self.second.response.record(sample.response);
        }
        if let Some(pod) = &outcome.pod {
            let full = self.pods.len() >= MOST_PODS && !self.pods.contains_key(pod);
            let name = if full { "(others)" } else { pod };
            entry(&mut self.pods, name).record(sample);
            *entry(&mut self.second.pods, name) += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        add_each(&mut self.phases, &other.phases);
        for (mine, theirs) in self.by_n.iter_mut().zip(&other.by_n) {
            mine.add(theirs);
        }
        self.own_lag.add(&other.own_lag);
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (class, tally) in &other.errors {
            self.errors.entry(*class).or_default().add(tally);
        }
        for (pod, tally) in &other.pods {
            entry(&mut self.pods, pod).add(tally);
        }
    }
}

fn add_each(mine: &mut Vec<Tally>, theirs: &[Tally]) {
    mine.resize_with(mine.len().max(theirs.len()), Tally::default);
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        mine.add(theirs);
    }
}

/// The entry of `name`, which is copied only when it is new.
fn entry<'a, T: Default>(map: &'a mut HashMap<String, T>, name: &str) -> &'a mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), T::default());
    }
    map.get_mut(name)
        .expect("it was inserted if it was not there")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Counting does not panic half-way through anything that matters.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

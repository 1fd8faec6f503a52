//! Counts outcomes: one shard per runtime thread, so that users rarely wait for each other.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::outcome::Class;

mod pods;
mod sample;
mod tally;

pub use pods::Pods;
pub use sample::Sample;
pub use tally::{
    Counts, ErrorTally, Histogram, Latencies, PodMinuteTally, PodTally, Tally, quantile,
};

/// Everything that one thread has counted.
#[derive(Debug, Default)]
pub struct ThreadTally {
    /// One per phase of the plan.
    pub phases: Vec<Tally>,
    /// One per decade of n: 0 to 9, 10 to 99, …
    pub by_n: [Tally; 10],
    /// Answers by status; there are few different ones, the most frequent first.
    pub statuses: Vec<(u16, u64)>,
    /// Answers that passed and failed each check.
    pub checks: Vec<(u64, u64)>,
    /// Requests by how long they waited for a free user.
    pub queue_wait: Histogram,
    /// When the last request ended, since the start of the load.
    pub last: Duration,
    /// Requests sent again because the server had closed the idle connection.
    pub resent: u64,
    /// Answers in which the server announced that it closes the connection.
    pub closed_by_peer: u64,
    /// Refused connections that were retried.
    pub refused_retried: u64,
    /// Failures by class.
    pub errors: HashMap<Class, ErrorTally>,
    /// Requests by pod.
    pub pods: Pods,
    /// The generator's own lateness: from when a request was due and a user was free until it was sent.
    pub own_lag: Histogram,
    /// What happened since the last call.
    pub second: Second,
}

/// What happened in one second.
#[derive(Debug, Default)]
pub struct Second {
    /// The counts.
    pub counts: Counts,
    /// Response times, from the intended send; failures too.
    pub response: Histogram,
    /// Answers by pod: filled in by [`Recorder::take_second`].
    pub pods: HashMap<String, u64>,
}

/// The shards and a few gauges.
#[derive(Debug)]
pub struct Recorder {
    shards: Vec<Mutex<ThreadTally>>,
    /// Requests sent.
    pub sent: Apart<AtomicU64>,
    /// Requests in flight.
    pub in_flight: Apart<AtomicUsize>,
    /// Tickets that users have taken and not finished.
    pub outstanding: Apart<AtomicUsize>,
    /// Users running.
    pub users: AtomicUsize,
    /// Tickets that were already late when a user became free for them.
    pub queued: AtomicU64,
    /// Requests in flight that were given up.
    pub given_up: AtomicU64,
    /// Connections closed after their number of requests.
    pub recycled_count: AtomicU64,
    /// Connections closed for their age.
    pub recycled_age: AtomicU64,
}

/// A counter with its own cache line, so that threads do not slow each other down.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Apart<T>(T);

impl<T> std::ops::Deref for Apart<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

thread_local! {
    /// The shard of this thread.
    static MINE: Cell<Option<usize>> = const { Cell::new(None) };
}
/// How many threads have a shard.
static THREADS: AtomicUsize = AtomicUsize::new(0);

impl Recorder {
    /// A recorder for this many phases and threads.
    pub fn new(phases: usize, threads: usize) -> Self {
        let shard = || ThreadTally {
            phases: (0..phases).map(|_| Tally::default()).collect(),
            ..ThreadTally::default()
        };
        Self {
            shards: (0..threads.max(1)).map(|_| Mutex::new(shard())).collect(),
            sent: Apart::default(),
            in_flight: Apart::default(),
            outstanding: Apart::default(),
            users: AtomicUsize::new(0),
            queued: AtomicU64::new(0),
            given_up: AtomicU64::new(0),
            recycled_count: AtomicU64::new(0),
            recycled_age: AtomicU64::new(0),
        }
    }

    /// Counts one request.
    pub fn record(&self, sample: &Sample<'_>) {
        self.mine().record(sample);
    }

    /// Counts a request of this phase that was never answered, with the time it has waited.
    pub fn record_unanswered(&self, phase: usize, waited: Duration, was_sent: bool) {
        let mut shard = self.mine();
        let last = shard.phases.len().saturating_sub(1);
        if let Some(phase) = shard.phases.get_mut(phase.min(last)) {
            phase.latencies.response.record(waited);
            let counts = &mut phase.counts;
            *(if was_sent {
                &mut counts.given_up
            } else {
                &mut counts.unsent
            }) += 1;
        }
        if was_sent {
            self.given_up.fetch_add(1, Ordering::Relaxed);
        } else {
            shard.queue_wait.record(waited);
        }
    }

    fn mine(&self) -> MutexGuard<'_, ThreadTally> {
        let mine = MINE.get().unwrap_or_else(|| {
            let mine = THREADS.fetch_add(1, Ordering::Relaxed);
            MINE.set(Some(mine));
            mine
        });
        lock(&self.shards[mine % self.shards.len()])
    }

    /// What happened since the last call, in all threads together.
    pub fn take_second(&self) -> Second {
        let mut all = Second::default();
        for shard in &self.shards {
            let mut shard = lock(shard);
            all.counts.add(&std::mem::take(&mut shard.second.counts));
            all.response
                .add(&std::mem::take(&mut shard.second.response));
            for (name, pod) in shard.pods.iter_mut().filter(|(_, pod)| pod.second > 0) {
                *entry(&mut all.pods, name) += std::mem::take(&mut pod.second);
            }
        }
        all
    }

    /// What each pod did since the last call of [`Recorder::take_minute`].
    pub fn minute(&self) -> HashMap<String, PodMinuteTally> {
        let mut all: HashMap<String, PodMinuteTally> = HashMap::new();
        for shard in &self.shards {
            for (name, pod) in lock(shard).pods.iter() {
                if pod.minute.requests > 0 {
                    entry(&mut all, name).add(&pod.minute);
                }
            }
        }
        all
    }

    /// What each pod did since the last call.
    pub fn take_minute(&self) -> HashMap<String, PodMinuteTally> {
        let mut all: HashMap<String, PodMinuteTally> = HashMap::new();
        for shard in &self.shards {
            for (name, pod) in lock(shard).pods.iter_mut() {
                if let Some(minute) = pod.take_minute() {
                    entry(&mut all, name).add(&minute);
                }
            }
        }
        all
    }

    /// When the last request so far ended.
    pub fn last_ended(&self) -> Duration {
        let last = |shard: &Mutex<ThreadTally>| lock(shard).last;
        self.shards.iter().map(last).max().unwrap_or_default()
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

    /// The totals of each phase so far.
    pub fn phases(&self) -> Vec<Tally> {
        let mut all = Vec::new();
        for shard in &self.shards {
            add_each(&mut all, &lock(shard).phases);
        }
        all
    }

    /// All shards combined.
    pub fn merged(&self) -> ThreadTally {
        let mut all = ThreadTally::default();
        for shard in &self.shards {
            all.add(&lock(shard));
        }
        all
    }
}

impl ThreadTally {
    fn record(&mut self, sample: &Sample<'_>) {
        let outcome = sample.outcome;
        let last = self.phases.len().saturating_sub(1);
        if let Some(phase) = self.phases.get_mut(sample.phase.min(last)) {
            phase.record(sample);
        }
        if let Some(n) = sample.n {
            let decade = n.checked_ilog10().unwrap_or(0) as usize;
            self.by_n[decade].record(sample);
        }
        self.own_lag
            .record(sample.send_lag.saturating_sub(sample.queued));
        self.queue_wait.record(sample.queued);
        self.last = self.last.max(sample.ended);
        self.resent += u64::from(outcome.resent);
        self.closed_by_peer += u64::from(outcome.closing);
        self.refused_retried += u64::from(outcome.refused);
        if let Some(status) = outcome.status {
            self.count_status(status, 1);
        }
        if outcome.checked {
            self.count_checks(sample.checks, outcome.failed_checks);
        }
        if let Some(class) = outcome.failure {
            self.errors
                .entry(class)
                .or_default()
                .record(sample.ended, outcome.detail.as_deref());
        }
        self.second.counts.record(outcome);
        self.second.response.record(sample.response);
        if let Some(pod) = outcome.pod.as_ref().and_then(|pod| pod.to_str().ok()) {
            self.pods.record(pod, sample);
        }
    }

    fn count_status(&mut self, status: u16, count: u64) {
        match self.statuses.iter_mut().find(|(known, _)| *known == status) {
            Some((_, known)) => *known += count,
            None => self.statuses.push((status, count)),
        }
    }

    fn count_checks(&mut self, checks: &[usize], failed: u64) {
        for (bit, at) in checks.iter().enumerate() {
            if self.checks.len() <= *at {
                self.checks.resize(at + 1, (0, 0));
            }
            let (passed, not) = &mut self.checks[*at];
            *(if failed >> bit & 1 == 1 { not } else { passed }) += 1;
        }
    }

    fn add(&mut self, other: &Self) {
        add_each(&mut self.phases, &other.phases);
        for (mine, theirs) in self.by_n.iter_mut().zip(&other.by_n) {
            mine.add(theirs);
        }
        self.own_lag.add(&other.own_lag);
        self.queue_wait.add(&other.queue_wait);
        self.last = self.last.max(other.last);
        self.resent += other.resent;
        self.closed_by_peer += other.closed_by_peer;
        self.refused_retried += other.refused_retried;
        for (status, count) in &other.statuses {
            self.count_status(*status, *count);
        }
        self.checks
            .resize(self.checks.len().max(other.checks.len()), (0, 0));
        for (mine, theirs) in self.checks.iter_mut().zip(&other.checks) {
            *mine = (mine.0 + theirs.0, mine.1 + theirs.1);
        }
        for (class, tally) in &other.errors {
            self.errors.entry(*class).or_default().add(tally);
        }
        for (pod, tally) in other.pods.iter() {
            self.pods.entry(pod).add(tally);
        }
    }
}

fn add_each(mine: &mut Vec<Tally>, theirs: &[Tally]) {
    mine.resize_with(mine.len().max(theirs.len()), Tally::default);
    for (mine, theirs) in mine.iter_mut().zip(theirs) {
        mine.add(theirs);
    }
}

/// The entry for `name`, which is copied only if it is new.
fn entry<'a, T: Default>(map: &'a mut HashMap<String, T>, name: &str) -> &'a mut T {
    if !map.contains_key(name) {
        map.insert(name.to_owned(), T::default());
    }
    map.get_mut(name)
        .expect("it was inserted if it was not there")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Counting never panics in a state that matters.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;

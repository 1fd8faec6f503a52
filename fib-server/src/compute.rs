//! The compute pool: its own threads behind two lanes, and work that really stops when nobody waits for it.
//! Everything that takes more than some microseconds is computed here.

mod lanes;
mod pace;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};
use tokio::sync::oneshot;

use crate::admission::{
    Admission, Backlog, Bounds, CostModel, Kind, Lane, ShedReason, Work, admit, left,
};
use crate::cancel::{Cancel, Stopped};
use crate::metrics::Metrics;
use lanes::{Lanes, Place};
use pace::Pace;

/// Numbers up to this one take some microseconds, less than switching threads.
const INLINE_NUMBER: u64 = 4_000;

/// The same for sequences.
const INLINE_SEQUENCE: u64 = 150;

/// Whether this takes only some microseconds.
pub const fn is_tiny(work: Work) -> bool {
    match work.kind {
        Kind::Decimal | Kind::Hex => work.to <= INLINE_NUMBER,
        Kind::Sequence => work.to <= INLINE_SEQUENCE,
    }
}

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComputeError {
    /// It was rejected.
    Shed {
        /// The reason.
        reason: ShedReason,
        /// When to retry.
        retry_after: Duration,
    },
    /// Its deadline passed.
    Deadline,
    /// The computation failed because of a bug.
    Broken,
}

/// The limits of the pool.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    /// Threads that compute.
    pub threads: usize,
    /// The limits for admission.
    pub bounds: Bounds,
    /// The CPU quota in cores, if any: computations stay a little below it.
    pub quota_cores: Option<f64>,
}

/// The pool. When it is dropped, threads exit after their current work.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    limits: PoolLimits,
    state: Mutex<State>,
    /// Notified of any new work.
    work: Condvar,
    /// Notified of new cheap work.
    cheap_work: Condvar,
    pace: Option<Mutex<Pace>>,
    metrics: Arc<Metrics>,
    next: AtomicU64,
}

struct State {
    lanes: Lanes<Job>,
    /// What each compute thread is doing: since when, and its estimated cost.
    running: Vec<Option<(Instant, Duration)>>,
    model: CostModel,
    closed: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("queued", &self.lanes.len())
            .field("running", &self.running)
            .finish_non_exhaustive()
    }
}

impl State {
    fn backlog(&self, now: Instant) -> Backlog {
        Backlog {
            cheap: self.lanes.cost(Lane::Cheap),
            costly: self.lanes.cost(Lane::Costly),
            running: self
                .running
                .iter()
                .flatten()
                .map(|(since, cost)| left(*cost, now.duration_since(*since)))
                .sum(),
            // A thread that is about to take waiting work is not free.
            free_threads: self
                .running
                .iter()
                .filter(|r| r.is_none())
                .count()
                .saturating_sub(self.lanes.len()),
            threads: self.running.len(),
        }
    }
}

struct Job {
    work: Work,
    cost: Duration,
    queued: Instant,
    cancel: Cancel,
    run: Task,
}

type Task = Box<dyn FnOnce(&Cancel) -> Result<(), Stopped> + Send>;

impl Shared {
    /// A panic in one computation must not stop the others, so poisoned locks are used anyway: every change of
    /// the state is complete before anything can panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The cost that admission assumes: no work runs past its deadline.
    fn capped(&self, cost: Duration) -> Duration {
        cost.min(self.limits.bounds.deadline)
    }

    fn enqueue(&self, lane: Lane, place: Place, job: Job) {
        let mut state = self.lock();
        state.lanes.push(lane, place, job.cost, job);
        self.metrics.queue_depth(state.lanes.len());
        drop(state);
        self.work.notify_one();
        if lane == Lane::Cheap {
            self.cheap_work.notify_one();
        }
    }
}

impl Pool {
    /// Starts the threads: those for any work, and one for cheap work only, so that it starts immediately while
    /// all the others do costly work.
    pub fn start(limits: PoolLimits, metrics: Arc<Metrics>) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                lanes: Lanes::default(),
                running: vec![None; limits.threads],
                model: CostModel::default(),
                closed: false,
            }),
            work: Condvar::new(),
            cheap_work: Condvar::new(),
            pace: limits.quota_cores.map(|cores| Mutex::new(Pace::new(cores))),
            metrics,
            next: AtomicU64::new(0),
            limits,
        });
        // Before the threads: if one can't be started, the others exit.
        let pool = Self { shared };
        for slot in (0..limits.threads).map(Some).chain([None]) {
            let shared = Arc::clone(&pool.shared);
            let name = slot.map_or_else(|| "compute-cheap".to_owned(), |i| format!("compute-{i}"));
            std::thread::Builder::new()
                .name(name)
                .spawn(move || work(&shared, slot))?;
        }
        Ok(pool)
    }

    /// Admits work, or says why not. Admitted work is computed in one or more steps.
    pub fn admit(&self, work: Work) -> Result<Admitted, ComputeError> {
        let now = Instant::now();
        let shared = &self.shared;
        let state = shared.lock();
        let cost = state.model.estimate(work);
        let admission = admit(work.kind, cost, state.backlog(now), shared.limits.bounds);
        drop(state);
        if let Admission::Shed {
            reason,
            retry_after,
        } = admission
        {
            shared.metrics.shed(reason);
            return Err(ComputeError::Shed {
                reason,
                retry_after,
            });
        }
        Ok(Admitted {
            place: (now, shared.next.fetch_add(1, Ordering::Relaxed)),
            lane: Lane::of(cost),
            whole: work,
            time_left: shared.limits.bounds.deadline,
            shared: Arc::clone(shared),
        })
    }

    /// Computes inline what [`is_tiny`]: it takes less time than switching threads.
    pub fn at_once<T>(&self, work: Work, task: impl FnOnce() -> T) -> T {
        let begun = Instant::now();
        let result = task();
        let took = begun.elapsed();
        self.shared.metrics.computed(work, took, took);
        result
    }

    /// Counts a number that was looked up, which takes less time than reading a clock.
    pub fn looked_up(&self, work: Work) {
        let took = Duration::ZERO;
        self.shared.metrics.computed(work, took, took);
    }

    /// The longest time for an answer.
    pub fn deadline(&self) -> Duration {
        self.shared.limits.bounds.deadline
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
        self.shared.cheap_work.notify_all();
    }
}

/// Admitted work: its place in the queue, and its remaining time. Time spent waiting for the client does not
/// count.
#[derive(Debug)]
pub struct Admitted {
    place: Place,
    lane: Lane,
    whole: Work,
    time_left: Duration,
    shared: Arc<Shared>,
}

impl Admitted {
    /// Computes all of it.
    pub async fn whole<T, F>(&mut self, task: F) -> Result<T, ComputeError>
    where
        T: Send + 'static,
        F: FnOnce(&Cancel) -> Result<T, Stopped> + Send + 'static,
    {
        self.step(self.whole, task).await
    }

    /// Computes a part of it. Dropping the future stops the work.
    pub async fn step<T, F>(&mut self, part: Work, task: F) -> Result<T, ComputeError>
    where
        T: Send + 'static,
        F: FnOnce(&Cancel) -> Result<T, Stopped> + Send + 'static,
    {
        let begun = Instant::now();
        let cancel = Cancel::until(begun + self.time_left);
        let shared = &self.shared;
        // The queue entry stands for all the remaining work; otherwise parts would slip past admission.
        let rest = Work {
            from: part.from,
            ..self.whole
        };
        let (reply, answer) = oneshot::channel();
        let job = Job {
            work: part,
            cost: shared.capped(shared.lock().model.estimate(rest)),
            queued: begun,
            cancel: cancel.clone(),
            run: answering(task, reply),
        };
        let mut waiting = Waiting {
            shared,
            lane: self.lane,
            place: self.place,
            cancel,
            answered: false,
            stopped: Stopped::Abandoned,
        };
        shared.enqueue(self.lane, self.place, job);
        let answer = tokio::time::timeout(self.time_left, answer).await;
        waiting.answered = answer.is_ok();
        waiting.stopped = Stopped::Deadline;
        drop(waiting);
        self.time_left = self.time_left.saturating_sub(begun.elapsed());
        match answer {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(_))) | Err(_) => Err(ComputeError::Deadline),
            Ok(Err(_)) => Err(ComputeError::Broken),
        }
    }
}

/// Stops its work when dropped without an answer: the request's future is dropped when its client goes away.
/// Waiting work leaves the queue at once, together with its cost.
struct Waiting<'s> {
    shared: &'s Shared,
    lane: Lane,
    place: Place,
    cancel: Cancel,
    answered: bool,
    stopped: Stopped,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.answered {
            return;
        }
        self.cancel.abandon();
        let mut state = self.shared.lock();
        if state.lanes.remove(self.lane, self.place).is_some() {
            self.shared.metrics.queue_depth(state.lanes.len());
            drop(state);
            self.shared.metrics.cancelled(self.stopped);
        }
    }
}

/// The task with its reply. Work that waited too long or was abandoned is not started but still replied to: a
/// missing reply would mean that the computation panicked.
fn answering<T, F>(task: F, reply: oneshot::Sender<Result<T, Stopped>>) -> Task
where
    T: Send + 'static,
    F: FnOnce(&Cancel) -> Result<T, Stopped> + Send + 'static,
{
    Box::new(move |cancel| {
        let result = cancel.check().and_then(|()| task(cancel));
        let stopped = result.as_ref().err().copied();
        // If the receiver is gone, so is the client, and nobody wants the result.
        let _ = reply.send(result);
        stopped.map_or(Ok(()), Err)
    })
}

/// The life of one thread. A thread without a slot takes only cheap work.
fn work(shared: &Shared, slot: Option<usize>) {
    while let Some(job) = next(shared, slot) {
        keep_pace(shared, job.cost);
        let Job {
            work,
            cost: _,
            queued,
            cancel,
            run,
        } = job;
        let (begun, cpu) = (Instant::now(), thread_cpu());
        shared.metrics.queue_waited(begun.duration_since(queued));
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&cancel)));
        let (took, cpu) = (begun.elapsed(), thread_cpu().saturating_sub(cpu));
        let mut state = shared.lock();
        if let Some(slot) = slot {
            state.running[slot] = None;
        }
        // Stopped or failed work proves nothing about the cost of the whole.
        if matches!(outcome, Ok(Ok(()))) {
            state.model.learn(work, took);
        }
        drop(state);
        match outcome {
            Ok(Ok(())) => shared.metrics.computed(work, took, cpu),
            Ok(Err(stopped)) => shared.metrics.cancelled(stopped),
            Err(_) => tracing::error!(
                n = work.to,
                "a computation panicked; others are not affected"
            ),
        }
    }
}

/// Waits for the next job; `None` if the pool is closed.
fn next(shared: &Shared, slot: Option<usize>) -> Option<Job> {
    let mut state = shared.lock();
    loop {
        let job = match slot {
            Some(_) => state.lanes.pop_any(),
            None => state.lanes.pop(Lane::Cheap),
        };
        if let Some(job) = job {
            shared.metrics.queue_depth(state.lanes.len());
            if let Some(slot) = slot {
                state.running[slot] = Some((Instant::now(), job.cost));
            }
            return Some(job);
        }
        if state.closed {
            return None;
        }
        let told = slot.map_or(&shared.cheap_work, |_| &shared.work);
        state = told.wait(state).unwrap_or_else(PoisonError::into_inner);
    }
}

/// Pauses briefly before work that would use up the CPU quota of this period.
fn keep_pace(shared: &Shared, cost: Duration) {
    let Some(pace) = &shared.pace else { return };
    let until = Instant::now() + pace::PATIENCE;
    loop {
        let pause = pace.lock().unwrap_or_else(PoisonError::into_inner).pause(
            Instant::now(),
            process_cpu(),
            cost,
        );
        if pause.is_zero() || Instant::now() >= until {
            return;
        }
        std::thread::sleep(pause);
    }
}

fn cpu_time(clock: ClockId) -> Duration {
    clock_gettime(clock).map_or(Duration::ZERO, Duration::from)
}

fn thread_cpu() -> Duration {
    cpu_time(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// The CPU time of this process, including threads that have ended.
pub(crate) fn process_cpu() -> Duration {
    cpu_time(ClockId::CLOCK_PROCESS_CPUTIME_ID)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn pool(threads: usize, deadline: Duration) -> Pool {
        let limits = PoolLimits {
            threads,
            bounds: Bounds {
                deadline,
                max_wait: deadline,
            },
            quota_cores: None,
        };
        Pool::start(limits, Arc::new(Metrics::new("").unwrap())).unwrap()
    }

    fn costly() -> Work {
        Work::whole(Kind::Decimal, 1_000_000)
    }

    fn spin(cancel: &Cancel) -> Result<(), Stopped> {
        loop {
            cancel.check()?;
            std::thread::yield_now();
        }
    }

    fn queued(pool: &Pool) -> (usize, Duration) {
        let state = pool.shared.lock();
        (state.lanes.len(), state.lanes.cost(Lane::Costly))
    }

    /// Waits until the pool's state meets a condition.
    async fn until(pool: &Pool, reached: impl Fn(&State) -> bool) {
        while !reached(&pool.shared.lock()) {
            tokio::time::sleep(MS).await;
        }
    }

    #[test]
    fn work_whose_deadline_passes_in_the_queue_is_not_started() {
        let (reply, mut answer) = oneshot::channel();
        let overdue = Cancel::until(Instant::now());
        let task = |_: &Cancel| -> Result<(), Stopped> { panic!("it was started") };
        assert_eq!(answering(task, reply)(&overdue), Err(Stopped::Deadline));
        assert_eq!(answer.try_recv(), Ok(Err(Stopped::Deadline)));
    }

    #[tokio::test]
    async fn the_cost_of_work_that_is_abandoned_in_the_queue_is_released_at_once() {
        let pool = pool(1, Duration::from_mins(1));
        let mut running = pool.admit(costly()).unwrap();
        let running = tokio::spawn(async move { running.whole(spin).await });
        until(&pool, |s| s.running[0].is_some()).await;
        let mut waits = pool.admit(costly()).unwrap();
        let waiting = tokio::spawn(async move { waits.whole(|_| Ok(())).await });
        until(&pool, |s| s.lanes.len() == 1).await;
        assert!(queued(&pool).1 > Duration::ZERO);
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        assert_eq!(queued(&pool), (0, Duration::ZERO));
        running.abort();
    }

    #[tokio::test]
    async fn running_work_counts_for_at_most_its_deadline_and_for_less_the_longer_it_runs() {
        let deadline = Duration::from_mins(1);
        let pool = pool(1, deadline);
        let mut endless = pool.admit(Work::whole(Kind::Decimal, u64::MAX)).unwrap();
        let running = tokio::spawn(async move { endless.whole(spin).await });
        until(&pool, |s| s.running[0].is_some()).await;
        let state = pool.shared.lock();
        let (since, cost) = state.running[0].unwrap();
        assert_eq!(cost, deadline);
        let left_after = |ran| state.backlog(since + ran).running;
        assert_eq!(left_after(deadline / 4), deadline * 3 / 4);
        assert_eq!(left_after(deadline * 2), Duration::ZERO);
        drop(state);
        running.abort();
    }

    #[tokio::test]
    async fn cheap_work_runs_while_every_thread_does_costly_work() {
        let pool = pool(1, Duration::from_mins(1));
        let mut running = pool.admit(costly()).unwrap();
        let running = tokio::spawn(async move { running.whole(spin).await });
        until(&pool, |s| s.running[0].is_some()).await;
        let mut cheap = pool.admit(Work::whole(Kind::Decimal, 5_000)).unwrap();
        assert_eq!(cheap.whole(|_| Ok(7)).await, Ok(7));
        assert!(!running.is_finished());
        running.abort();
    }

    #[tokio::test]
    async fn a_computation_that_panics_is_reported_and_teaches_the_model_nothing() {
        let pool = pool(1, Duration::from_mins(1));
        let before = pool.shared.lock().model;
        let mut work = pool.admit(costly()).unwrap();
        let broken = work
            .whole(|_| -> Result<(), Stopped> { panic!("as the test wants it") })
            .await;
        assert_eq!(broken, Err(ComputeError::Broken));
        until(&pool, |s| s.running[0].is_none()).await;
        assert_eq!(pool.shared.lock().model, before);
        // The thread survives.
        let mut next = pool.admit(costly()).unwrap();
        assert_eq!(next.whole(|_| Ok(1)).await, Ok(1));
    }

    #[tokio::test]
    async fn all_steps_of_one_request_share_its_deadline() {
        let pool = pool(1, 300 * MS);
        let mut work = pool.admit(Work::whole(Kind::Sequence, 3_000)).unwrap();
        let nap = |_: &Cancel| {
            std::thread::sleep(200 * MS);
            Ok(())
        };
        let part = Work::whole(Kind::Sequence, 1_500);
        assert_eq!(work.step(part, nap).await, Ok(()));
        assert_eq!(work.step(part, nap).await, Err(ComputeError::Deadline));
    }
}

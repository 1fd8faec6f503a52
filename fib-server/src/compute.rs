//! The compute pool: its own threads, a bounded queue before them, and work that really stops when
//! nobody waits for it.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use crate::admission::{Admission, Backlog, CostModel, ShedReason, admit};
use crate::fibonacci::{Cancel, Stopped};
use crate::metrics::Metrics;

/// Numbers up to this one take some microseconds, less than a change of threads.
pub const INLINE_UP_TO: u64 = 4_000;

/// Why there is no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComputeError {
    /// It was not begun.
    Shed {
        /// Why.
        reason: ShedReason,
        /// When it may be worth another try.
        retry_after: Duration,
    },
    /// Its deadline passed.
    Deadline,
    /// The computation failed by a fault of the program.
    Broken,
}

/// The pool. Dropping it lets the threads end after the work at hand.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    deadline: Duration,
    queue_limit: usize,
    threads: usize,
    metrics: Arc<Metrics>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Job>,
    /// Estimated cost of all that waits or works.
    cost: Duration,
    model: CostModel,
    closed: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("queued", &self.queue.len())
            .field("cost", &self.cost)
            .finish_non_exhaustive()
    }
}

struct Job {
    n: u64,
    cost: Duration,
    cancel: Cancel,
    run: Task,
}

type Task = Box<dyn FnOnce(&Cancel) -> Result<(), Stopped> + Send>;

/// Cancels its work when dropped: the handler's future is dropped when the client goes away.
struct AbandonOnDrop(Cancel);

impl Drop for AbandonOnDrop {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Shared {
    /// A panic in one computation must not stop the others, so a poisoned lock is taken as it is:
    /// every change of the state is complete before anything in it can panic.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// Starts the threads.
    pub fn start(
        threads: usize,
        queue_limit: usize,
        deadline: Duration,
        metrics: Arc<Metrics>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        for i in 0..threads {
            let (shared, metrics) = (Arc::clone(&shared), Arc::clone(&metrics));
            std::thread::Builder::new()
                .name(format!("compute-{i}"))
                .spawn(move || work(&shared, &metrics))?;
        }
        Ok(Self {
            shared,
            deadline,
            queue_limit,
            threads,
            metrics,
        })
    }

    /// Computes something about F(n): at once when it is small, else on the pool.
    pub async fn run<T, F>(&self, n: u64, task: F) -> Result<T, ComputeError>
    where
        T: Send + 'static,
        F: FnOnce(&Cancel) -> Result<T, Stopped> + Send + 'static,
    {
        let cancel = Cancel::until(Instant::now() + self.deadline);
        if n <= INLINE_UP_TO {
            let begun = Instant::now();
            let result = task(&cancel).map_err(|_| ComputeError::Deadline);
            self.metrics.computed(n, begun.elapsed());
            return result;
        }
        let (reply, answer) = oneshot::channel();
        self.enqueue(n, cancel.clone(), answering(task, reply))?;
        let _guard = AbandonOnDrop(cancel);
        match tokio::time::timeout(self.deadline, answer).await {
            Ok(Ok(Ok(result))) => Ok(result),
            Ok(Ok(Err(_))) | Err(_) => Err(ComputeError::Deadline),
            Ok(Err(_)) => Err(ComputeError::Broken),
        }
    }

    fn enqueue(&self, n: u64, cancel: Cancel, run: Task) -> Result<(), ComputeError> {
        let mut state = self.shared.lock();
        let cost = state.model.estimate(n);
        let backlog = Backlog {
            queued: state.queue.len(),
            cost: state.cost,
            threads: self.threads,
        };
        if let Admission::Shed {
            reason,
            retry_after,
        } = admit(backlog, cost, self.deadline, self.queue_limit)
        {
            drop(state);
            self.metrics.shed(reason);
            return Err(ComputeError::Shed {
                reason,
                retry_after,
            });
        }
        state.cost = state.cost.saturating_add(cost);
        state.queue.push_back(Job {
            n,
            cost,
            cancel,
            run,
        });
        self.metrics.queue_depth(state.queue.len());
        drop(state);
        self.shared.work.notify_one();
        Ok(())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.work.notify_all();
    }
}

/// The task with its answer. What waited too long or was given up is not begun, and is answered all the
/// same: a reply that never comes would mean that the computation broke.
fn answering<T, F>(task: F, reply: oneshot::Sender<Result<T, Stopped>>) -> Task
where
    T: Send + 'static,
    F: FnOnce(&Cancel) -> Result<T, Stopped> + Send + 'static,
{
    Box::new(move |cancel| {
        let result = cancel.check().and_then(|()| task(cancel));
        let stopped = result.as_ref().err().copied();
        // The receiver is gone when the client is, and then nobody wants the result.
        let _ = reply.send(result);
        stopped.map_or(Ok(()), Err)
    })
}

/// One thread's life.
fn work(shared: &Shared, metrics: &Metrics) {
    while let Some(job) = next(shared, metrics) {
        let begun = Instant::now();
        let Job {
            n,
            cost,
            cancel,
            run,
        } = job;
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&cancel)))
            .unwrap_or(Ok(()));
        let took = begun.elapsed();
        let mut state = shared.lock();
        state.cost = state.cost.saturating_sub(cost);
        if outcome.is_ok() {
            state.model.learn(n, took);
        }
        drop(state);
        match outcome {
            Ok(()) => metrics.computed(n, took),
            Err(stopped) => metrics.cancelled(stopped),
        }
    }
}

/// Waits for the next job; `None` when the pool is closed.
fn next(shared: &Shared, metrics: &Metrics) -> Option<Job> {
    let mut state = shared.lock();
    loop {
        if let Some(job) = state.queue.pop_front() {
            metrics.queue_depth(state.queue.len());
            return Some(job);
        }
        if state.closed {
            return None;
        }
        state = shared
            .work
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_whose_deadline_passed_in_the_queue_is_answered_with_that_and_not_begun() {
        let (reply, mut answer) = oneshot::channel();
        let overdue = Cancel::until(Instant::now());
        let task = |_: &Cancel| -> Result<(), Stopped> { panic!("it was begun") };
        assert_eq!(answering(task, reply)(&overdue), Err(Stopped::Deadline));
        assert_eq!(answer.try_recv(), Ok(Err(Stopped::Deadline)));
    }
}

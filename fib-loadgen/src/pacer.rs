//! Releases the requests of an open model on time, to the user that was busy last.
//!
//! A separate thread sleeps until the next request is due. The system's timer is accurate to some tens of
//! microseconds, where tokio's has a millisecond, and the thread costs one wake-up per request, or per batch of
//! requests due together. It never spins: the CPU belongs to the requests.
//!
//! A user that finishes a request checks the schedule itself, and continues immediately if another one is due.
//! So a busy generator does not depend on when the system runs that thread.
//!
//! The user that became free last gets the next request. So the load uses no more users and connections than it
//! needs, and those stay warm.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::plan::Schedule;
use crate::stop::{Stop, Urgency, Watch};

/// The longest sleep of the thread before it checks whether the run is over.
const LOOK: Duration = Duration::from_millis(20);

/// Between the schedule and the users that send its requests.
#[derive(Debug, Default)]
pub struct Gate(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    times: Option<Times>,
    /// Requests that were due so far.
    released: u64,
    /// Requests that some user has taken, or was woken to take.
    claimed: u64,
    /// Users without a request; the last one was busy last.
    idle: Vec<(usize, Waker)>,
    /// Users that were woken for a request and have not taken it yet.
    granted: Vec<usize>,
    /// Whether there will be no more requests.
    complete: bool,
}

/// When the requests are due.
#[derive(Debug)]
struct Times {
    schedule: Schedule,
    start: Instant,
    next: Option<Duration>,
}

/// A request taken by a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Claim {
    /// It was due earlier, when no user was free.
    Queued,
    /// A user was free when it became due: any lateness is the generator's.
    Prompt,
}

impl Gate {
    /// Starts the clock: the requests of this schedule are due from `start` on.
    pub fn open(&self, schedule: Schedule, start: Instant) {
        let mut inner = self.lock();
        let mut times = Times {
            schedule,
            start,
            next: None,
        };
        times.step();
        inner.complete = times.next.is_none();
        inner.times = Some(times);
    }

    /// Requests that were due so far.
    pub fn released(&self) -> u64 {
        self.lock().released
    }

    /// Requests that are due and that nobody has taken.
    pub fn backlog(&self) -> u64 {
        let inner = self.lock();
        inner.released - inner.claimed
    }

    /// Whether every request was released and taken.
    pub fn is_exhausted(&self) -> bool {
        let inner = self.lock();
        inner.complete && inner.claimed == inner.released
    }

    /// Releases what is due by `now`, and returns when the next request is due; `None` if there are no more.
    pub fn release(&self, now: Instant) -> Option<Instant> {
        let next = self.lock().pass(now);
        self.wake();
        next
    }

    /// Waits until a request is due for `user`, which has been free since `now`; `None` if the load ends first.
    pub async fn claim(&self, user: usize, now: Instant, watch: &mut Watch) -> Option<Claim> {
        let mut place = Place {
            gate: self,
            user,
            waits: false,
        };
        poll_fn(|cx| {
            if let Some(claim) = place.poll(now, cx) {
                return Poll::Ready(Some(claim));
            }
            watch.poll(cx, Urgency::Finish).map(|()| None)
        })
        .await
    }

    /// Wakes as many users as there are requests for.
    fn wake(&self) {
        // Not while the lists are locked: the woken user reads them.
        while let Some(waker) = { self.lock().grant() } {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lists.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Counts what is due by `now` as released.
    fn pass(&mut self, now: Instant) -> Option<Instant> {
        let times = self.times.as_mut()?;
        let elapsed = now.saturating_duration_since(times.start);
        while times.next.is_some_and(|due| due <= elapsed) {
            self.released += 1;
            times.step();
        }
        self.complete = times.next.is_none();
        times.next.map(|due| times.start + due)
    }

    /// The user that gets the next request, if there are both.
    fn grant(&mut self) -> Option<Waker> {
        if self.claimed == self.released {
            return None;
        }
        let (user, waker) = self.idle.pop()?;
        self.claimed += 1;
        self.granted.push(user);
        Some(waker)
    }

    /// What a user that has just become free gets immediately.
    fn take(&mut self, now: Instant) -> Option<Claim> {
        let queued = self.claimed < self.released || self.idle.is_empty();
        self.pass(now);
        let there = self.claimed < self.released;
        self.claimed += u64::from(there);
        there.then_some(if queued { Claim::Queued } else { Claim::Prompt })
    }
}

impl Times {
    fn step(&mut self) {
        self.next = self.schedule.take().and_then(|ticket| ticket.due);
    }
}

/// A user that waits at the gate, and leaves it however its future ends.
struct Place<'a> {
    gate: &'a Gate,
    user: usize,
    waits: bool,
}

impl Place<'_> {
    fn poll(&mut self, now: Instant, cx: &mut Context<'_>) -> Option<Claim> {
        let mut inner = self.gate.lock();
        if self.waits {
            let at = inner.granted.iter().position(|user| *user == self.user)?;
            inner.granted.swap_remove(at);
            self.waits = false;
            return Some(Claim::Prompt);
        }
        let Some(claim) = inner.take(now) else {
            inner.idle.push((self.user, cx.waker().clone()));
            self.waits = true;
            return None;
        };
        let more = inner.claimed < inner.released && !inner.idle.is_empty();
        drop(inner);
        if more {
            self.gate.wake();
        }
        Some(claim)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.waits {
            return;
        }
        let mut inner = self.gate.lock();
        inner.idle.retain(|(user, _)| *user != self.user);
        if let Some(at) = inner.granted.iter().position(|user| *user == self.user) {
            inner.granted.swap_remove(at);
            inner.claimed -= 1;
        }
    }
}

/// Releases the requests of an open gate until there are no more or the run ends. Everything due by then is
/// released, so that it counts as unsent if nobody takes it.
pub fn pace(gate: &Gate, stop: &Stop) {
    sharpen();
    loop {
        let now = Instant::now();
        let Some(next) = gate.release(now) else {
            return;
        };
        if stop.is_stopping() {
            return;
        }
        std::thread::sleep(next.saturating_duration_since(now).min(LOOK));
    }
}

/// Makes this thread's sleeps as precise as the system allows.
fn sharpen() {
    #[cfg(target_os = "linux")]
    {
        // By default Linux adds up to 50 µs. If this fails, sleeps are slightly longer, which the lag shows.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        // On Linux this affects only the calling thread. It runs for microseconds, and should not wait for the
        // time slices of the threads that it wakes. It needs CAP_SYS_NICE; without it the thread has normal
        // priority.
        let _ = rustix::process::setpriority_process(None, -20);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::{Plan, Wanted};

    /// A gate with this many requests due, one per millisecond, and its start.
    fn gate(requests: u64) -> (Gate, Instant) {
        let plan = Plan::new(&Wanted {
            rate: Some(1_000.0),
            run_time: Some(Duration::from_millis(requests)),
            ..Wanted::default()
        });
        let (gate, start) = (Gate::default(), Instant::now());
        gate.open(Schedule::new(&plan.unwrap(), 1), start);
        (gate, start)
    }

    /// What a user gets that asks once and leaves.
    fn claims(gate: &Gate, now: Instant) -> Option<Claim> {
        let stop = Arc::new(Stop::default());
        let mut watch = Watch::new(&stop);
        let mut claim = std::pin::pin!(gate.claim(0, now, &mut watch));
        match claim.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(claim) => claim,
            Poll::Pending => None,
        }
    }

    const MS: Duration = Duration::from_millis(1);

    #[tokio::test]
    async fn the_user_that_was_busy_last_gets_the_next_request() {
        let (gate, start) = gate(50);
        let (gate, stop) = (Arc::new(gate), Arc::new(Stop::default()));
        let (told, mut taken) = tokio::sync::mpsc::unbounded_channel();
        for user in 0..3 {
            let (gate, stop, told) = (Arc::clone(&gate), Arc::clone(&stop), told.clone());
            tokio::spawn(async move {
                let mut watch = Watch::new(&stop);
                // None of them finds a request by itself.
                let before = start.checked_sub(MS).unwrap();
                while gate.claim(user, before, &mut watch).await.is_some() {
                    told.send(user).unwrap();
                }
            });
        }
        while gate.lock().idle.len() < 3 {
            tokio::task::yield_now().await;
        }
        // The one at the start was released when the first of them looked.
        for request in 0..50 {
            if request > 0 {
                gate.release(start + request * MS);
            }
            assert_eq!(taken.recv().await, Some(if request > 0 { 2 } else { 0 }));
            while gate.lock().idle.len() < 3 {
                tokio::task::yield_now().await;
            }
        }
        stop.finish();
    }

    #[test]
    fn requests_without_a_free_user_wait_for_one_and_count_as_queued() {
        let (gate, start) = gate(10);
        gate.release(start + MS);
        assert_eq!(gate.backlog(), 2);
        let now = start + MS;
        assert_eq!(claims(&gate, now), Some(Claim::Queued));
        assert_eq!(claims(&gate, now), Some(Claim::Queued));
        assert_eq!(claims(&gate, now), None);
        assert_eq!((gate.backlog(), gate.released()), (0, 2));
    }

    #[test]
    fn a_user_that_becomes_free_continues_without_the_pacing_thread_whose_lateness_is_the_generators()
     {
        let (gate, start) = gate(10);
        // Nobody else waits: the request waited for this user.
        assert_eq!(claims(&gate, start + MS), Some(Claim::Queued));
        assert_eq!(claims(&gate, start + MS), Some(Claim::Queued));
        // Somebody waits, and was not woken.
        gate.lock().idle.push((7, Waker::noop().clone()));
        assert_eq!(claims(&gate, start + 2 * MS), Some(Claim::Prompt));
        assert_eq!(claims(&gate, start + 2 * MS), None);
        // Of two that are due, the other one goes to who waits.
        gate.lock().idle.push((7, Waker::noop().clone()));
        assert_eq!(claims(&gate, start + 4 * MS), Some(Claim::Prompt));
        assert_eq!(gate.lock().granted, [7]);
        assert_eq!(gate.backlog(), 0);
    }

    #[test]
    fn a_user_that_leaves_returns_what_it_was_woken_for() {
        let (gate, start) = gate(10);
        let stop = Arc::new(Stop::default());
        let mut watch = Watch::new(&stop);
        assert_eq!(claims(&gate, start), Some(Claim::Queued));
        {
            let mut claim = std::pin::pin!(gate.claim(0, start, &mut watch));
            let mut cx = Context::from_waker(Waker::noop());
            assert!(claim.as_mut().poll(&mut cx).is_pending());
            gate.release(start + MS);
            assert_eq!(gate.backlog(), 0);
        }
        assert_eq!(gate.backlog(), 1);
    }

    #[test]
    fn every_request_of_the_plan_is_released_on_time_or_later() {
        let (gate, start) = gate(100);
        pace(&gate, &Stop::default());
        assert!(start.elapsed() >= Duration::from_millis(99));
        assert_eq!(gate.released(), 100);
        assert!(!gate.is_exhausted());
    }
}

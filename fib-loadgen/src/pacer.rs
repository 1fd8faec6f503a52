//! Releases the requests of an open model at their time, to the user that was busy last.
//!
//! A thread of its own sleeps until the next request is due. The system's timer is good for some tens of
//! microseconds where tokio's has a millisecond, and a thread costs a wake-up for each request, or for each
//! batch of them that is due at once. It never spins: the CPU belongs to the requests.
//!
//! The user that was free last gets the next request. So no more users, and no more connections, are in use
//! than the load needs, and those that are stay warm.

use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use crate::plan::Schedule;
use crate::stop::{Stop, Urgency, Watch};

/// How long the thread sleeps at most before it looks whether the run is over.
const LOOK: Duration = Duration::from_millis(20);

/// Between the thread that releases requests and the users that send them.
#[derive(Debug, Default)]
pub struct Gate(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    /// Requests that were due so far.
    released: u64,
    /// Requests that some user has taken, or will since it was woken for them.
    claimed: u64,
    /// Users without a request; the last one is the one that was busy last.
    idle: Vec<(usize, Waker)>,
    /// Users that were woken for a request and have not taken it yet.
    granted: Vec<usize>,
    /// Whether there will be no more requests.
    complete: bool,
}

impl Gate {
    /// Requests that were due so far.
    pub fn released(&self) -> u64 {
        self.lock().released
    }

    /// Requests that are due and that nobody has taken.
    pub fn backlog(&self) -> u64 {
        let inner = self.lock();
        inner.released - inner.claimed
    }

    /// Whether every request was released, and taken by somebody.
    pub fn is_exhausted(&self) -> bool {
        let inner = self.lock();
        inner.complete && inner.claimed == inner.released
    }

    /// So many more requests are due.
    pub fn release(&self, count: u64) {
        let mut woken = Vec::new();
        {
            let mut inner = self.lock();
            inner.released += count;
            while inner.claimed < inner.released
                && let Some((user, waker)) = inner.idle.pop()
            {
                inner.claimed += 1;
                inner.granted.push(user);
                woken.push(waker);
            }
        }
        woken.into_iter().for_each(Waker::wake);
    }

    /// Waits until a request is due for `user`; false when the load ends before.
    pub async fn claim(&self, user: usize, watch: &mut Watch) -> bool {
        let mut place = Place {
            gate: self,
            user,
            waits: false,
        };
        poll_fn(|cx| {
            if place.poll(cx) {
                return Poll::Ready(true);
            }
            watch.poll(cx, Urgency::Finish).map(|()| false)
        })
        .await
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing panics while it holds the lists.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A user that waits at the gate, and leaves it however its future ends.
struct Place<'a> {
    gate: &'a Gate,
    user: usize,
    waits: bool,
}

impl Place<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        let mut inner = self.gate.lock();
        if self.waits {
            if let Some(at) = inner.granted.iter().position(|user| *user == self.user) {
                inner.granted.swap_remove(at);
                self.waits = false;
                return true;
            }
            return false;
        }
        if inner.claimed < inner.released {
            inner.claimed += 1;
            return true;
        }
        inner.idle.push((self.user, cx.waker().clone()));
        self.waits = true;
        false
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

/// Releases the requests of `schedule` from `start` on, until there are no more or the run ends. What was due
/// by then is released in any case, so that it counts as unsent when nobody takes it.
pub fn pace(schedule: &Schedule, start: Instant, gate: &Gate, stop: &Stop) {
    sharpen();
    let next_due = || schedule.take().and_then(|ticket| ticket.due);
    let mut next = next_due();
    while let Some(due) = next {
        let now = start.elapsed();
        if due > now {
            if stop.is_stopping() {
                return;
            }
            std::thread::sleep(due.saturating_sub(now).min(LOOK));
            continue;
        }
        let mut count = 0;
        while next.is_some_and(|due| due <= now) {
            count += 1;
            next = next_due();
        }
        gate.release(count);
    }
    gate.lock().complete = true;
}

/// Lets this thread's sleeps end as exactly as the system can: by default Linux adds up to 50 µs.
fn sharpen() {
    #[cfg(target_os = "linux")]
    {
        // Without it the sleeps are a little longer, and the lag says so.
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::plan::{Plan, Wanted};

    fn claims(gate: &Gate, user: usize, watch: &mut Watch) -> bool {
        let mut claim = std::pin::pin!(gate.claim(user, watch));
        let mut cx = Context::from_waker(Waker::noop());
        claim.as_mut().poll(&mut cx) == Poll::Ready(true)
    }

    #[tokio::test]
    async fn the_user_that_was_busy_last_gets_the_next_request() {
        let (gate, stop) = (Arc::new(Gate::default()), Arc::new(Stop::default()));
        let (told, mut taken) = tokio::sync::mpsc::unbounded_channel();
        for user in 0..3 {
            let (gate, stop, told) = (Arc::clone(&gate), Arc::clone(&stop), told.clone());
            tokio::spawn(async move {
                let mut watch = Watch::new(&stop);
                while gate.claim(user, &mut watch).await {
                    told.send(user).unwrap();
                }
            });
        }
        while gate.lock().idle.len() < 3 {
            tokio::task::yield_now().await;
        }
        for _ in 0..50 {
            gate.release(1);
            assert_eq!(taken.recv().await, Some(2));
            while gate.lock().idle.len() < 3 {
                tokio::task::yield_now().await;
            }
        }
        stop.finish();
    }

    #[test]
    fn requests_that_find_no_user_wait_for_one() {
        let (gate, stop) = (Gate::default(), Arc::new(Stop::default()));
        gate.release(2);
        assert_eq!(gate.backlog(), 2);
        let mut watch = Watch::new(&stop);
        assert!(claims(&gate, 0, &mut watch) && claims(&gate, 0, &mut watch));
        assert!(!claims(&gate, 0, &mut watch));
        assert_eq!((gate.backlog(), gate.released()), (0, 2));
    }

    #[test]
    fn a_user_that_leaves_gives_back_what_it_was_woken_for() {
        let (gate, stop) = (Gate::default(), Arc::new(Stop::default()));
        let mut watch = Watch::new(&stop);
        {
            let mut claim = std::pin::pin!(gate.claim(0, &mut watch));
            assert!(
                claim
                    .as_mut()
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
            gate.release(1);
            assert_eq!(gate.backlog(), 0);
        }
        assert_eq!(gate.backlog(), 1);
    }

    #[test]
    fn every_request_of_the_plan_is_released_at_its_time_or_after_it() {
        let plan = Plan::new(&Wanted {
            rate: Some(1_000.0),
            run_time: Some(Duration::from_millis(100)),
            ..Wanted::default()
        })
        .unwrap();
        let (gate, stop) = (Gate::default(), Stop::default());
        let start = Instant::now();
        pace(&Schedule::new(&plan, 1), start, &gate, &stop);
        assert!(start.elapsed() >= Duration::from_millis(99));
        assert_eq!(gate.released(), 100);
        assert!(!gate.is_exhausted());
    }
}

//! When to stop: at the plan's end, at a signal, at the end of standard input.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// How urgently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Keep running.
    Run,
    /// Send nothing more; requests in flight may finish.
    Finish,
    /// Give up requests in flight.
    Abort,
}

/// Shared by everything that sends or waits.
///
/// A user checks at each turn, so checking is one atomic load; tasks that wait are woken through a list.
#[derive(Debug, Default)]
pub struct Stop {
    urgency: AtomicU8,
    interrupted: AtomicBool,
    since: OnceLock<Instant>,
    next: AtomicU64,
    waiting: Mutex<HashMap<u64, Waker>>,
}

impl Stop {
    /// The plan has ended.
    pub fn finish(&self) {
        self.raise(Urgency::Finish);
    }

    /// A signal: the first lets requests in flight finish, the second does not.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        let next = if self.is_stopping() {
            Urgency::Abort
        } else {
            Urgency::Finish
        };
        self.raise(next);
    }

    /// Nobody waits for us any more: stop immediately.
    pub fn abort(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        self.raise(Urgency::Abort);
    }

    /// Gives up requests in flight, without marking the run as interrupted.
    pub fn give_up(&self) {
        self.raise(Urgency::Abort);
    }

    /// Whether nothing more should be sent.
    pub fn is_stopping(&self) -> bool {
        self.is(Urgency::Finish)
    }

    /// Since when nothing more should be sent.
    pub fn since(&self) -> Option<Instant> {
        self.since.get().copied()
    }

    /// Whether it is at least this urgent.
    pub fn is(&self, urgency: Urgency) -> bool {
        self.urgency.load(Ordering::SeqCst) >= urgency as u8
    }

    /// Whether something other than the plan ended the run.
    pub fn was_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// Waits until it is at least this urgent.
    pub async fn reached(self: &Arc<Self>, urgency: Urgency) {
        let mut watch = Watch::new(self);
        poll_fn(|cx| watch.poll(cx, urgency)).await;
    }

    fn raise(&self, urgency: Urgency) {
        self.since.get_or_init(Instant::now);
        if self.urgency.fetch_max(urgency as u8, Ordering::SeqCst) < urgency as u8 {
            for waker in self.waiting().values() {
                waker.wake_by_ref();
            }
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, Waker>> {
        // Nothing panics while it holds the list.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One task's entry among those that are woken. It registers once instead of for each wait.
#[derive(Debug)]
pub struct Watch {
    stop: Arc<Stop>,
    place: u64,
    waker: Option<Waker>,
}

impl Watch {
    /// An unregistered entry.
    pub fn new(stop: &Arc<Stop>) -> Self {
        Self {
            stop: Arc::clone(stop),
            place: stop.next.fetch_add(1, Ordering::Relaxed),
            waker: None,
        }
    }

    /// Ready as soon as it is at least this urgent.
    pub fn poll(&mut self, cx: &mut Context<'_>, urgency: Urgency) -> Poll<()> {
        let known = self
            .waker
            .as_ref()
            .is_some_and(|waker| waker.will_wake(cx.waker()));
        if !known {
            self.waker = Some(cx.waker().clone());
            self.stop.waiting().insert(self.place, cx.waker().clone());
        }
        // Only after the registration: anything raised from now on wakes it.
        if self.stop.is(urgency) {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if self.waker.is_some() {
            self.stop.waiting().remove(&self.place);
        }
    }
}

/// Listens to SIGINT, SIGTERM and SIGHUP. Comes before goose, whose own handler would exit at the
/// second signal and lose the result.
pub fn on_signals(stop: &Arc<Stop>) -> Result<(), ctrlc::Error> {
    let stop = Arc::clone(stop);
    ctrlc::set_handler(move || stop.interrupt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_signal_finishes_and_the_second_aborts() {
        let stop = Arc::new(Stop::default());
        assert!(!stop.is_stopping());
        stop.interrupt();
        stop.reached(Urgency::Finish).await;
        assert!(stop.is_stopping() && stop.was_interrupted());
        stop.interrupt();
        stop.reached(Urgency::Abort).await;
    }

    #[tokio::test]
    async fn waiting_tasks_are_woken_and_leave_the_list() {
        let stop = Arc::new(Stop::default());
        let waits = {
            let stop = Arc::clone(&stop);
            tokio::spawn(async move { stop.reached(Urgency::Abort).await })
        };
        while stop.waiting().is_empty() {
            tokio::task::yield_now().await;
        }
        stop.finish();
        assert!(!waits.is_finished());
        stop.give_up();
        assert!(waits.await.is_ok());
        assert!(stop.waiting().is_empty());
    }

    #[test]
    fn the_end_of_the_plan_is_not_an_interruption() {
        let stop = Stop::default();
        stop.finish();
        assert!(stop.is_stopping() && !stop.was_interrupted());
    }
}

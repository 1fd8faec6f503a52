//! When to stop: at the plan's end, at a signal, at the end of standard input.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// How urgently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Go on.
    Run,
    /// Send no more; what is in flight may end.
    Finish,
    /// Give up what is in flight.
    Abort,
}

/// Shared by everything that sends or waits.
#[derive(Debug)]
pub struct Stop {
    urgency: watch::Sender<Urgency>,
    interrupted: AtomicBool,
}

impl Default for Stop {
    fn default() -> Self {
        Self {
            urgency: watch::Sender::new(Urgency::Run),
            interrupted: AtomicBool::new(false),
        }
    }
}

impl Stop {
    /// The plan is at its end.
    pub fn finish(&self) {
        self.raise(Urgency::Finish);
    }

    /// A signal: the first lets what is in flight end, the second does not.
    pub fn interrupt(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        let next = if self.is_stopping() {
            Urgency::Abort
        } else {
            Urgency::Finish
        };
        self.raise(next);
    }

    /// Nobody waits for us any more: stop at once.
    pub fn abort(&self) {
        self.interrupted.store(true, Ordering::SeqCst);
        self.raise(Urgency::Abort);
    }

    /// Gives up what is in flight, without calling the run interrupted.
    pub fn give_up(&self) {
        self.raise(Urgency::Abort);
    }

    /// Whether nothing more is to be sent.
    pub fn is_stopping(&self) -> bool {
        *self.urgency.borrow() >= Urgency::Finish
    }

    /// Whether it was not the plan that ended the run.
    pub fn was_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::SeqCst)
    }

    /// Waits until it is at least this urgent.
    pub async fn reached(&self, urgency: Urgency) {
        let mut changes = self.urgency.subscribe();
        // The sender lives as long as `self`, so this ends only when the urgency is reached.
        let _ = changes.wait_for(|now| *now >= urgency).await;
    }

    fn raise(&self, urgency: Urgency) {
        self.urgency.send_if_modified(|now| {
            let rises = urgency > *now;
            *now = urgency.max(*now);
            rises
        });
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
        let stop = Stop::default();
        assert!(!stop.is_stopping());
        stop.interrupt();
        stop.reached(Urgency::Finish).await;
        assert!(stop.is_stopping() && stop.was_interrupted());
        stop.interrupt();
        stop.reached(Urgency::Abort).await;
    }

    #[test]
    fn the_end_of_the_plan_is_no_interruption() {
        let stop = Stop::default();
        stop.finish();
        assert!(stop.is_stopping() && !stop.was_interrupted());
    }
}

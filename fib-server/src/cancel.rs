//! Stops computations that nobody waits for any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use thiserror::Error;

/// Tells a computation to stop: at its deadline, or as soon as its client has gone.
#[derive(Debug, Clone)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    deadline: Instant,
}

/// Why a computation ended before its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Stopped {
    /// Its time was up.
    #[error("the deadline passed")]
    Deadline,
    /// The client went away.
    #[error("the client went away")]
    Abandoned,
}

impl Cancel {
    /// Lets the computation run until a deadline.
    pub fn until(deadline: Instant) -> Self {
        Self {
            flag: Arc::new(AtomicBool::new(false)),
            deadline,
        }
    }

    /// The client is gone.
    pub fn abandon(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Whether to go on; otherwise, why not.
    pub fn check(&self) -> Result<(), Stopped> {
        // The deadline first: a waiting client gives up at the deadline too, and then that is the cause.
        if Instant::now() >= self.deadline {
            Err(Stopped::Deadline)
        } else if self.flag.load(Ordering::Relaxed) {
            Err(Stopped::Abandoned)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn an_abandoned_computation_stops() {
        let cancel = Cancel::until(Instant::now() + Duration::from_mins(10));
        assert_eq!(cancel.check(), Ok(()));
        cancel.abandon();
        assert_eq!(cancel.check(), Err(Stopped::Abandoned));
    }

    #[test]
    fn a_passed_deadline_stops_a_computation() {
        let cancel = Cancel::until(Instant::now());
        cancel.abandon();
        assert_eq!(cancel.check(), Err(Stopped::Deadline));
    }
}

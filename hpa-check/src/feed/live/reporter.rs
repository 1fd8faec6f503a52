//! The way out of the live source: every observation gets its instant here.

use std::time::Duration;

use hpa_check_core::observation::{Fact, Observation, Seen, Watch, WatchState, Watched};
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::clock::Clock;

/// Stamps what was seen and passes it on. The channel has no bound: an observation is small, one
/// autoscaler makes few of them, and a watcher that waits for its reader misses deadlines.
#[derive(Debug, Clone)]
pub(super) struct Reporter {
    sender: UnboundedSender<Observation>,
    clock: Clock,
}

impl Reporter {
    pub(super) fn new(sender: UnboundedSender<Observation>, clock: Clock) -> Self {
        Self { sender, clock }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Passes on what was seen. A reader that is gone has what it wanted, so nothing is lost.
    pub(super) fn tell(&self, seen: Seen) {
        let _ = self.sender.send(Observation {
            at: self.now(),
            seen,
        });
    }

    pub(super) fn current(&self, resource: Watched) {
        self.tell(Seen::Watch(Watch {
            resource,
            state: WatchState::Current,
            error: None,
            since: None,
        }));
    }

    pub(super) fn lost(&self, resource: Watched, error: &str, since: Option<Timestamp>) {
        self.tell(Seen::Watch(Watch {
            resource,
            state: WatchState::Lost,
            error: Some(error.to_owned()),
            since,
        }));
    }

    /// The way to the API server holds back what is watched.
    pub(super) fn held_back(&self, poll: Duration) {
        self.tell(Seen::Fact(Fact::WatchHeldBack {
            consequence: format!(
                "everything is read every {} s instead, so a change that is undone in between is not seen",
                poll.as_secs_f64()
            ),
        }));
    }

    /// `rule` as `verb resource.group`.
    pub(super) fn forbidden(&self, rule: String, consequence: &str) {
        self.tell(Seen::Fact(Fact::Forbidden {
            rule,
            consequence: consequence.to_owned(),
        }));
    }
}

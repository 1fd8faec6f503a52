//! The exit of the live source: every observation gets its instant here.

use std::time::Duration;

use hpa_check_core::observation::{Fact, Observation, Seen, Watch, WatchState, Watched};
use jiff::Timestamp;
use tokio::sync::mpsc::UnboundedSender;

use super::clock::Clock;

/// Stamps observations and passes them on. The channel is unbounded: observations are small and few, and a
/// watcher that waited for its reader would miss deadlines.
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

    /// Passes on an observation. If the reader is gone, it has what it needed.
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

    /// Reports that the way to the API server buffers watches.
    pub(super) fn held_back(&self, poll: Duration) {
        self.tell(Seen::Fact(Fact::WatchHeldBack {
            consequence: format!(
                "everything is polled every {} s instead, so a change that is undone between two polls is missed",
                poll.as_secs_f64()
            ),
        }));
    }

    /// Reports a missing permission; `rule` has the form `verb resource.group`.
    pub(super) fn forbidden(&self, rule: String, consequence: &str) {
        self.tell(Seen::Fact(Fact::Forbidden {
            rule,
            consequence: consequence.to_owned(),
        }));
    }
}

//! Sources of observations that also carry out the conductor's actions: a live cluster, a rehearsal on this
//! machine, a simulation, or a recording.

pub(crate) mod live;
pub(crate) mod rehearsal;
pub(crate) mod replay;
pub(crate) mod simulated;

use hpa_check_core::observation::Observation;
use hpa_check_core::run::conductor::Action;
use jiff::Timestamp;

use crate::failure::Failure;

/// What a feed yields.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is moved at a time, and none is kept"
)]
pub(crate) enum Next {
    /// Something was observed.
    Observation(Observation),
    /// Time passed, and nothing was observed.
    Tick,
    /// There is nothing more.
    End,
}

/// A source of observations that carries out actions. It judges nothing.
pub(crate) trait Feed {
    /// The current time, by the clock that stamps observations.
    fn now(&self) -> Timestamp;
    /// Waits for the next observation, or a moment.
    async fn next(&mut self) -> Result<Next, Failure>;
    /// Carries out an action. Its effects are observed. A recording or a simulation has nothing to act on.
    fn act(&mut self, _action: &Action) {}
    /// Stops everything that still runs.
    async fn close(self);
}

/// A feed that is needed after it has ended; its owner stops it.
impl<F: Feed> Feed for &mut F {
    fn now(&self) -> Timestamp {
        (**self).now()
    }

    async fn next(&mut self) -> Result<Next, Failure> {
        (**self).next().await
    }

    fn act(&mut self, action: &Action) {
        (**self).act(action);
    }

    async fn close(self) {}
}

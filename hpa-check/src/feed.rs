//! Where observations come from, and where the conductor's actions take effect: a live cluster, a
//! rehearsal on this machine, a simulation, or a recording.

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
    /// Something was seen.
    Observation(Observation),
    /// Time has passed, and nothing was seen.
    Tick,
    /// Nothing more will come.
    End,
}

/// A source of observations that carries out actions. It judges nothing.
pub(crate) trait Feed {
    /// Now, by the clock that stamps the observations.
    fn now(&self) -> Timestamp;
    /// Waits for the next observation, or a moment.
    async fn next(&mut self) -> Result<Next, Failure>;
    /// Carries out an action. What comes of it is observed. A recording and a simulation have nothing
    /// to act on.
    fn act(&mut self, _action: &Action) {}
    /// Stops whatever still runs.
    async fn close(self);
}

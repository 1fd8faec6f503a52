//! A simulation as a feed: what a watcher of the simulated cluster would observe.

use hpa_check_core::run::conductor::Action;
use hpa_check_core::sim::engine::{Engine, SimulationStep};
use hpa_check_core::sim::world::World;
use jiff::Timestamp;

use super::{Feed, Next};
use crate::failure::Failure;

impl<W: World> Feed for Engine<W> {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }

    async fn next(&mut self) -> Result<Next, Failure> {
        let progress = self.progress().map_err(Failure::internal)?;
        Ok(match progress {
            SimulationStep::Seen(observation) => Next::Observation(observation),
            SimulationStep::Quiet => Next::Tick,
            SimulationStep::Over => Next::End,
        })
    }

    fn act(&mut self, action: &Action) {
        Self::act(self, action);
    }

    async fn close(self) {}
}

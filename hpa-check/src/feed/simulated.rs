//! A simulation as a feed.

use hpa_check_core::observation::Observation;
use hpa_check_core::sim::{BEGIN, Scenario, Summary};
use jiff::Timestamp;

use super::{Feed, Next};
use crate::failure::Failure;

/// What a watcher of the simulated cluster sees.
pub(crate) struct Simulated {
    observations: std::vec::IntoIter<Observation>,
    now: Timestamp,
}

impl Simulated {
    /// Runs the scenario.
    pub(crate) fn new(scenario: &Scenario) -> (Self, Summary) {
        let mut observations = Vec::new();
        let summary = scenario.watch(|observation| observations.push(observation));
        let feed = Self {
            observations: observations.into_iter(),
            now: BEGIN,
        };
        (feed, summary)
    }
}

impl Feed for Simulated {
    fn now(&self) -> Timestamp {
        self.now
    }

    async fn next(&mut self) -> Result<Next, Failure> {
        let Some(observation) = self.observations.next() else {
            return Ok(Next::End);
        };
        self.now = observation.at;
        Ok(Next::Observation(observation))
    }

    async fn close(self) {}
}

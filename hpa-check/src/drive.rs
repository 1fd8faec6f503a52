//! The only loop: observations go from a feed to an audience, and the audience's actions go back.

pub(crate) mod recording;
pub(crate) mod session;

use futures_util::FutureExt as _;
use hpa_check_core::observation::{Observation, Seen};
use hpa_check_core::run::conductor::Action;
use hpa_check_core::run::evaluator::Evaluator;
use jiff::Timestamp;

use crate::failure::Failure;
use crate::feed::{Feed, Next};

/// Receives observations and decides on actions.
pub(crate) trait Audience {
    /// Processes one observation.
    fn observe(&mut self, observation: Observation) -> Result<(), Failure>;
    /// The next action, if any; asked after each observation and on each tick until there is none.
    fn decide(&mut self, _now: Timestamp) -> Option<Action> {
        None
    }
}

impl Audience for Evaluator {
    fn observe(&mut self, observation: Observation) -> Result<(), Failure> {
        Self::observe(self, &observation);
        Ok(())
    }
}

/// Drives the feed to its end and closes it; returns the instant of the end.
pub(crate) async fn drive<F: Feed>(
    mut feed: F,
    audience: &mut impl Audience,
) -> Result<Timestamp, Failure> {
    let outcome = pump(&mut feed, audience).await;
    let end = feed.now();
    feed.close().await;
    outcome.map(|()| end)
}

/// The same for a feed that has everything available and never waits.
pub(crate) fn drive_through(
    feed: impl Feed,
    audience: &mut impl Audience,
) -> Result<Timestamp, Failure> {
    drive(feed, audience).now_or_never().unwrap_or_else(|| {
        Err(Failure::internal(
            "a feed without anything to wait for waited",
        ))
    })
}

async fn pump<F: Feed>(feed: &mut F, audience: &mut impl Audience) -> Result<(), Failure> {
    loop {
        match feed.next().await? {
            Next::Observation(observation) => audience.observe(observation)?,
            Next::Tick => {}
            Next::End => return Ok(()),
        }
        while let Some(action) = audience.decide(feed.now()) {
            if let Some(phase) = action.phase() {
                audience.observe(Observation {
                    at: feed.now(),
                    seen: Seen::Phase { phase },
                })?;
            }
            feed.act(&action);
        }
    }
}

//! One finished request, as it is counted.

use std::time::Duration;

use crate::outcome::Outcome;

/// A finished request, with its schedule.
#[derive(Debug)]
pub struct Sample<'a> {
    /// Its outcome.
    pub outcome: &'a Outcome,
    /// The requested F(n), if any.
    pub n: Option<u32>,
    /// The checks of its answer, as indices into the list of all.
    pub checks: &'a [usize],
    /// The phase of its intended send time.
    pub phase: usize,
    /// When it ended, since the start of the load.
    pub ended: Duration,
    /// From the intended send to the end of the body.
    pub response: Duration,
    /// From the intended to the actual send.
    pub send_lag: Duration,
    /// The part of that for which it waited for a free user, because of the server or too few users.
    pub queued: Duration,
    /// Whether its answer came after the load had ended.
    pub late: bool,
}

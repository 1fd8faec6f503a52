//! What is counted.

use std::time::Duration;

use crate::outcome::Outcome;

/// One request, over, and what the schedule knows about it.
#[derive(Debug)]
pub struct Sample<'a> {
    /// What became of it.
    pub outcome: &'a Outcome,
    /// Which F(n) was asked for, if one was.
    pub n: Option<u32>,
    /// The checks that its answer had to pass, by their places in the list of all.
    pub checks: &'a [usize],
    /// The phase its intended send time falls into.
    pub phase: usize,
    /// When it ended, since the start of the load.
    pub ended: Duration,
    /// From the intended send to the end of the body.
    pub response: Duration,
    /// From the intended to the actual send.
    pub send_lag: Duration,
    /// The part of that for which it waited for a free user: the server's doing, or too few users.
    pub queued: Duration,
    /// Whether its answer came after the load had ended.
    pub late: bool,
}

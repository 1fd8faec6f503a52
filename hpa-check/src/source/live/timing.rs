//! How long the live source waits for what.

use std::time::Duration;

/// Deadlines and periods of the live source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Deadline of every single call, and of the first byte of a watch.
    pub call: Duration,
    /// How long the server is asked to keep a watch open. A connection that died in silence is
    /// noticed this long plus `grace` after it died, at the latest.
    pub watch: Duration,
    /// What a watch may be late by in ending.
    pub grace: Duration,
    /// The period of lists where watching is not allowed.
    pub poll: Duration,
    /// The period of reading the pods' CPU. The metrics server answers from memory.
    pub metrics: Duration,
    /// The period of asking again for facts that change rarely.
    pub facts: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            call: Duration::from_secs(10),
            watch: Duration::from_secs(30),
            grace: Duration::from_secs(5),
            poll: Duration::from_secs(2),
            metrics: Duration::from_secs(5),
            facts: Duration::from_secs(30),
        }
    }
}

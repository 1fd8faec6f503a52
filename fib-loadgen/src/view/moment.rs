//! What a view needs from a second.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::live::Tick;

/// A second, as views and scrapers need it.
#[derive(Debug, Clone, Default)]
pub struct Moment {
    /// The line of the second.
    pub tick: Tick,
    /// Its response times in microseconds.
    pub response: Option<Histogram<u64>>,
    /// Failures in it.
    pub failed: u64,
    /// The requests' outcomes so far.
    pub so_far: SoFar,
    /// The generator about itself.
    pub own: Own,
}

/// The requests' outcomes so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SoFar {
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Failures by class.
    pub errors: BTreeMap<&'static str, u64>,
    /// Bytes of bodies.
    pub bytes: u64,
    /// Connections made.
    pub connections: u64,
}

/// The generator about itself.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Own {
    /// CPUs used in the last second.
    pub cpu_used: f64,
    /// CPUs it may use.
    pub cpu_allowed: f64,
    /// CPU time used since the program began, in seconds.
    pub cpu_s: f64,
    /// Resident memory in bytes.
    pub rss: u64,
    /// How late a 10 ms timer was so far, 99th percentile, in microseconds.
    pub timer_lag_us: Option<u64>,
    /// Periods in which its control group was throttled so far.
    pub throttled: u64,
    /// Requests that found no free user in time so far.
    pub queued: u64,
}

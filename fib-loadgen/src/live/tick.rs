//! What is told of each second.

use std::collections::BTreeMap;

use serde::Serialize;

/// What happened in about a second; one line of `-o ndjson=`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tick {
    /// When the second ended, UTC.
    pub at: String,
    /// Since the load began.
    pub elapsed_ms: u64,
    /// Users up.
    pub users: usize,
    /// Requests due in this second, a second; null in the closed model.
    pub offered_rps: Option<f64>,
    /// Right answers in this second, a second.
    pub rps: f64,
    /// Requests sent so far.
    pub sent: u64,
    /// Right answers so far.
    pub ok: u64,
    /// Failures so far, wrong answers included.
    pub failed: u64,
    /// Wrong answers so far.
    pub wrong: u64,
    /// Answers proved so far.
    pub verified: u64,
    /// Median response time of right answers in this second; null without any.
    pub p50_us: Option<u64>,
    /// 99th percentile of the same.
    pub p99_us: Option<u64>,
    /// Requests in flight now.
    pub in_flight: usize,
    /// The phase of the plan.
    pub phase: String,
    /// Answers in this second by pod.
    pub pods: BTreeMap<String, u64>,
}

//! The record of one second.

use std::collections::BTreeMap;

use serde::Serialize;

/// The events of about one second; one line of `-o ndjson=`.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Tick {
    /// The end of the second, UTC.
    pub at: String,
    /// Since the load began.
    pub elapsed_ms: u64,
    /// Running users.
    pub users: usize,
    /// Due requests per second in this second; null in the closed model.
    pub offered_rps: Option<f64>,
    /// Correct answers per second in this second.
    pub rps: f64,
    /// Requests sent so far.
    pub sent: u64,
    /// Requests that are due and not sent, and at the end those never sent.
    pub unsent: u64,
    /// Requests in flight that were given up.
    pub unfinished: u64,
    /// Correct answers so far.
    pub ok: u64,
    /// Failures so far, including wrong answers.
    pub failed: u64,
    /// Wrong answers so far.
    pub wrong: u64,
    /// Verified answers so far.
    pub verified: u64,
    /// Median response time of correct answers in this second; null if there are none.
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

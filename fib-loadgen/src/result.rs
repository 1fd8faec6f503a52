//! The result document, `fib-loadgen/1`: one run and its results.
//!
//! Durations are numbers in the unit that their key names; instants are UTC in RFC 3339 with milliseconds.
//! Minor changes only add keys; a key that an older document lacks reads as its default.

use std::borrow::Cow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit::{Ending, code_of};
use crate::generator::Verdict;

mod build;
mod latency;
mod pods;
mod series;

pub(crate) use build::utc;
pub use build::{Ended, build};
pub use latency::{Latency, Timing};
pub(crate) use latency::{coarsely, decode, decode_as, encode};
pub(crate) use pods::{FAIRNESS_WINDOW_S, fairness, jain, notice_rises};
pub use pods::{PodLine, PodLines, PodMinute, PodResult};
pub use series::{Collecting, Entry, Series};

/// A word from a closed list, or an unknown one from another version.
pub type Word = Cow<'static, str>;

/// The name and version of the format.
pub const SCHEMA: &str = "fib-loadgen/1";

/// The whole document.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Document {
    /// `fib-loadgen/1`.
    pub schema: Word,
    /// The run.
    pub run: Run,
    /// The target.
    pub target: TargetFacts,
    /// The plan.
    pub plan: PlanFacts,
    /// All requests, including the warm-up.
    pub totals: Totals,
    /// Durations of correct answers outside the warm-up.
    pub latency: Latency,
    /// The same for each phase.
    pub phases: Vec<PhaseResult>,
    /// The same for each decade of the requested n.
    pub by_n: Vec<NResult>,
    /// Answers by status.
    pub statuses: BTreeMap<u16, u64>,
    /// Failures by class, the most frequent first.
    pub errors: Vec<ErrorResult>,
    /// Answers by pod, as named in `x-fib-pod`, the busiest first.
    pub pods: Vec<PodResult>,
    /// Jain's index of the requests per pod: 1 if all got the same, 1/pods if one got all.
    pub fairness_jain: Option<f64>,
    /// Connections.
    pub connections: Connections,
    /// One entry for each second.
    pub series: Series,
    /// The checks of `--check`, in the order in which they were given.
    pub checks: Vec<CheckResult>,
    /// The rules, judged.
    pub thresholds: Vec<ThresholdResult>,
    /// Whether the generator itself was the bottleneck.
    pub generator: Generator,
    /// What the engine did.
    pub goose: GooseFacts,
    /// How it ended.
    pub exit: Exit,
    /// Warnings to read before trusting the numbers, one sentence each.
    pub warnings: Vec<String>,
}

/// The run.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Run {
    /// Unique enough to distinguish runs.
    pub id: String,
    /// Version of fib-loadgen.
    pub version: Word,
    /// Version of goose.
    pub goose: Word,
    /// The machine.
    pub host: Option<String>,
    /// CPUs this process may use.
    pub cpus: usize,
    /// When the first user started.
    pub started_utc: String,
    /// When the last request ended, or when this checkpoint was written.
    pub ended_utc: String,
    /// Whether this is a checkpoint of a run that had not ended: one is written every 10 s.
    pub unfinished: bool,
    /// The command line without credentials.
    pub argv: Vec<String>,
    /// The seed; pass it as `--seed` to repeat the same requests.
    pub seed: u64,
    /// The part of a divided run, such as `0/4`.
    pub shard: Option<String>,
    /// The results from which this one was merged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<MergedShard>,
}

/// A result that was merged into another.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct MergedShard {
    /// Its part of the run.
    pub shard: Option<String>,
    /// Its own id.
    pub id: String,
    /// Its machine.
    pub host: Option<String>,
    /// When it began.
    pub started_utc: String,
    /// Requests that it sent.
    pub sent: u64,
    /// Its generator's verdict on itself.
    pub generator: Verdict,
}

/// The target.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct TargetFacts {
    /// The base URL.
    pub url: String,
    /// The path of every request, without its query; absent for F(n), and if the requests have several paths.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The addresses of its host before the run.
    pub resolved: Vec<String>,
    /// The protocol.
    pub http: Word,
    /// Each address that connections were made to, the busiest first.
    pub addresses: Vec<AddressResult>,
}

/// The plan.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PlanFacts {
    /// `closed` (users that wait for answers) or `open` (requests with times of their own).
    pub model: Word,
    /// How the arrivals of an open model are spaced.
    pub arrival: Option<Word>,
    /// The corner points of the load over time.
    pub steps: Vec<Step>,
    /// The distribution of n, as written.
    pub n_spec: String,
    /// Which answers are verified, as written.
    pub verify: String,
    /// Shortest and longest pause of a user, in milliseconds.
    pub think: Option<[u64; 2]>,
    /// How users share connections: `user`, `shared` or `fresh`.
    pub conn: Word,
    /// `precise`: a separate thread keeps send times with the system's high-resolution timer; `coarse`: a timer
    /// of 1 ms.
    pub pacing: Word,
    /// Which client sends the requests: `direct` or `pool`.
    pub client: Word,
    /// The prime modulo which values were verified, drawn for this run.
    pub verify_prime: Option<String>,
    /// Leading milliseconds that are not judged.
    pub warmup_ms: u64,
    /// The number of requests, if that ends the run.
    pub requests: Option<u64>,
    /// The most simultaneous users.
    pub users: u32,
}

/// A corner point of the load over time.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Step {
    /// Seconds since the start.
    pub t_s: f64,
    /// Users (closed model).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<f64>,
    /// Requests per second (open model).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
}

/// Counts.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Totals {
    /// Requests sent.
    pub sent: u64,
    /// Correct answers.
    pub ok: u64,
    /// Failed requests, including wrong answers.
    pub failed: u64,
    /// Wrong answers.
    pub wrong: u64,
    /// Verified answers.
    pub verified: u64,
    /// Requests in flight that were given up when the run was stopped; neither correct nor failed.
    pub unfinished: u64,
    /// Due requests that were never sent because no user was free (open model).
    pub unsent: u64,
    /// Answers from a cache, recognized by their `Age`.
    pub cached: u64,
    /// Correct answers after the end of the load, which the rate excludes; null in results of older versions.
    pub late: Option<u64>,
    /// Bytes of bodies.
    pub bytes: u64,
    /// The time to the end of the last request.
    pub elapsed_s: f64,
    /// How long the load lasted: all rates are divided by it.
    pub window_s: f64,
    /// Correct answers per second.
    pub rps: f64,
    /// Planned requests per second (open model).
    pub offered_rps: Option<f64>,
    /// Requests sent, as a share of those planned (open model).
    pub achieved_ratio: Option<f64>,
}

/// One phase.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PhaseResult {
    /// `warmup`, `ramp-up`, `hold`, `ramp-down`, numbered if there are several.
    pub name: String,
    /// When it began, seconds since the start.
    pub start_s: f64,
    /// When it ended.
    pub end_s: f64,
    /// Users (closed model) or requests per second (open model), at its start and its end.
    pub users: [f64; 2],
    /// Whether it counts for thresholds and for the latency of the run.
    pub judged: bool,
    /// Its requests, by the time they were due.
    pub totals: Totals,
    /// Their durations.
    pub latency: Latency,
}

/// One decade of n.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NResult {
    /// Such as `100..=999`.
    pub n_class: String,
    /// Its requests.
    pub totals: Totals,
    /// Their durations.
    pub latency: Latency,
}

/// Failures of one class.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ErrorResult {
    /// One of the closed list in docs/fib-loadgen.md.
    pub class: Word,
    /// The number.
    pub count: u64,
    /// When the first ended, seconds since the start.
    pub first_s: f64,
    /// When the last ended.
    pub last_s: f64,
    /// The details of one of them.
    pub example: Option<String>,
}

/// Connections.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Connections {
    /// Connections opened.
    pub opened: u64,
    /// Closed after their number of requests.
    pub recycled_count: u64,
    /// Closed for their age.
    pub recycled_age: u64,
    /// Answers in which the server announced that it closes the connection.
    pub closed_by_peer: u64,
    /// Refused and retried (`--retry-refused`).
    pub refused_retried: u64,
    /// The most open at once.
    pub peak_open: Option<u64>,
    /// Names resolved.
    pub dns_lookups: u64,
    /// Connections that could not be opened.
    pub failed: u64,
    /// Connections that resumed a TLS session of their user, which is faster than a full handshake.
    pub tls_resumed: u64,
    /// Requests that were sent again, because the server had closed the idle connection before any byte was written,
    /// or said over HTTP/2 that it had not processed them.
    pub resent: u64,
}

/// One address.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct AddressResult {
    /// Address and port, or the path of a Unix socket.
    pub address: String,
    /// Connections made to it.
    pub connections: u64,
    /// Connections to it that failed.
    pub failed: u64,
    /// Requests sent to it.
    pub requests: u64,
}

/// One check of `--check`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CheckResult {
    /// As written.
    pub check: String,
    /// Answers that passed it.
    pub passed: u64,
    /// Answers that did not.
    pub failed: u64,
}

/// One rule, judged.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ThresholdResult {
    /// As written.
    pub rule: String,
    /// The observed value, for people.
    pub observed: String,
    /// The number: microseconds, requests per second, a share or a count; null without samples.
    pub value: Option<f64>,
    /// Whether the rule holds.
    pub passed: bool,
    /// Whether it ended the run.
    pub aborted: bool,
}

/// The generator's measurements of itself.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Generator {
    /// `ok`, `suspect` or `saturated`.
    pub verdict: Verdict,
    /// One sentence per reason.
    pub reasons: Vec<String>,
    /// CPUs used on average.
    pub cpu_used: f64,
    /// CPUs this process may use.
    pub cpu_allowed: f64,
    /// CPU time per request in microseconds.
    pub cpu_us_per_request: Option<f64>,
    /// Periods in which its cgroup was throttled.
    pub throttled_periods: u64,
    /// How late a 10 ms timer was, 99th percentile.
    pub timer_lag_p99_us: Option<u64>,
    /// How late it was at most: as long as this process did not run at all.
    pub timer_lag_max_us: Option<u64>,
    /// Tickets that were already late when a user became free for them.
    pub queued: u64,
    /// The generator's own lateness, 99th percentile: from when a request was due and a user was free until it
    /// was sent.
    pub own_lag_p99_us: Option<u64>,
    /// How long requests waited for a free user, 99th percentile: the server's lateness.
    pub queue_wait_p99_us: Option<u64>,
    /// Periods in which its control group ran, of which `throttled_periods` were throttled.
    pub periods: u64,
    /// The highest resident memory, in bytes.
    pub rss_peak: u64,
    /// The same per user.
    pub bytes_per_user: u64,
}

/// What the engine did.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GooseFacts {
    /// Its error, if it failed.
    pub error: Option<String>,
    /// The most users at once.
    pub maximum_users: usize,
    /// Users started in total.
    pub total_users: usize,
    /// Its phases.
    pub history: Vec<GooseStep>,
}

/// One step of the engine.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct GooseStep {
    /// What it began to do.
    pub action: String,
    /// When.
    pub utc: String,
    /// With how many users.
    pub users: usize,
}

/// How it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Exit {
    /// The exit code.
    pub code: u8,
    /// Everything that happened, starting with what set the code: `wrong-answer`, `target-not-usable`,
    /// `threshold-failed`, `generator-saturated`, `interrupted`.
    pub reasons: Vec<Word>,
}

impl Exit {
    /// From everything that can happen, and whether it did.
    pub fn of(cases: impl IntoIterator<Item = (bool, Ending)>) -> Self {
        let happened = cases.into_iter().filter(|(happened, _)| *happened);
        let mut endings: Vec<Ending> = happened.map(|(_, ending)| ending).collect();
        endings.sort();
        Self {
            code: code_of(&endings),
            reasons: endings.iter().map(|ending| ending.word().into()).collect(),
        }
    }
}

impl Document {
    /// The document with its numbers as they are written: rounded to six decimals, so that reading it gives the
    /// same numbers.
    #[must_use]
    pub fn rounded(mut self) -> Self {
        fn round(number: &mut f64) {
            *number = (*number * 1e6).round() / 1e6;
        }
        let phases = self.phases.iter_mut().map(|phase| &mut phase.totals);
        let classes = self.by_n.iter_mut().map(|class| &mut class.totals);
        for totals in phases.chain(classes).chain([&mut self.totals]) {
            round(&mut totals.rps);
            totals.offered_rps.iter_mut().for_each(round);
            totals.achieved_ratio.iter_mut().for_each(round);
        }
        for step in &mut self.plan.steps {
            step.rate.iter_mut().for_each(round);
            step.users.iter_mut().for_each(round);
        }
        for rule in &mut self.thresholds {
            rule.value.iter_mut().for_each(round);
        }
        self.fairness_jain.iter_mut().for_each(round);
        self
    }

    /// Reads a document of any version of `fib-loadgen/1`.
    pub fn read(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Head {
            schema: String,
        }
        let head: Head = serde_json::from_str(text)
            .map_err(|error| format!("it is not a {SCHEMA} document ({error})"))?;
        if head.schema != SCHEMA {
            return Err(format!(
                "its schema is `{}` and not {SCHEMA}: give what `-o json=` or `-o log=` wrote",
                head.schema
            ));
        }
        serde_json::from_str(text)
            .map_err(|error| format!("it is not a {SCHEMA} document ({error})"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_of_the_first_version_can_be_read() {
        let first = Document::read(include_str!("../tests/fixtures/first.json")).unwrap();
        assert_eq!((first.totals.sent, first.series.rps.len()), (950, 8));
        assert!(first.series.hdr_b64.is_empty() && first.pods[0].minutes.is_empty());
        assert_eq!(first.series.entries().unwrap().len(), 8);
    }

    #[test]
    fn another_document_is_refused_by_name() {
        assert!(
            Document::read(r#"{"schema":"k6/1"}"#)
                .unwrap_err()
                .contains("`k6/1`")
        );
        assert!(Document::read("{}").is_err());
    }
}

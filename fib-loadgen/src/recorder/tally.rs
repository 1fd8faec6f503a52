//! Counters and HDR histograms in microseconds, which add up exactly.

use std::time::Duration;

use super::sample::Sample;
use crate::outcome::Outcome;

/// Requests by outcome.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Correct answers.
    pub ok: u64,
    /// Everything else, including wrong answers.
    pub failed: u64,
    /// Wrong answers.
    pub wrong: u64,
    /// Verified answers.
    pub verified: u64,
    /// Requests that were due and never sent.
    pub unsent: u64,
    /// Requests that were given up in flight.
    pub given_up: u64,
    /// Correct answers that came after the load.
    pub late: u64,
    /// Answers that a cache had stored.
    pub cached: u64,
    /// Bytes of bodies.
    pub bytes: u64,
}

impl Counts {
    /// Counts one outcome.
    pub fn record(&mut self, outcome: &Outcome) {
        match outcome.failure {
            None => self.ok += 1,
            Some(class) => {
                self.failed += 1;
                self.wrong += u64::from(class.is_wrong());
            }
        }
        self.verified += u64::from(outcome.verified);
        self.cached += u64::from(outcome.cached);
        self.bytes += outcome.bytes;
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.ok += other.ok;
        self.failed += other.failed;
        self.wrong += other.wrong;
        self.verified += other.verified;
        self.unsent += other.unsent;
        self.given_up += other.given_up;
        self.late += other.late;
        self.cached += other.cached;
        self.bytes += other.bytes;
    }

    /// Requests that ended.
    pub fn ended(&self) -> u64 {
        self.ok + self.failed
    }

    /// Requests that ended, plus those that were due and never sent.
    pub fn due(&self) -> u64 {
        self.ended() + self.unsent
    }

    /// The share of due requests that failed or were never sent.
    #[expect(clippy::cast_precision_loss, reason = "counts as a share")]
    pub fn error_rate(&self) -> f64 {
        (self.failed + self.unsent) as f64 / self.due().max(1) as f64
    }

    /// The share of due requests that were sent.
    #[expect(clippy::cast_precision_loss, reason = "counts as a share")]
    pub fn achieved(&self) -> f64 {
        let sent = self.ended() + self.given_up;
        sent as f64 / (sent + self.unsent).max(1) as f64
    }
}

/// A histogram of durations in microseconds, exact to three digits; it grows as needed.
#[derive(Debug, Clone)]
pub struct Histogram(pub hdrhistogram::Histogram<u32>);

impl Default for Histogram {
    fn default() -> Self {
        Self(hdrhistogram::Histogram::new(3).expect("three digits are within HDR's bounds"))
    }
}

impl Histogram {
    /// Counts one duration.
    pub fn record(&mut self, duration: Duration) {
        // An hour is longer than any timeout, and limits the histogram to 25,000 counters.
        let micros = u64::try_from(duration.as_micros())
            .unwrap_or(u64::MAX)
            .min(3_600_000_000);
        // Not `saturating_record`, which saturates at the histogram's end instead of growing it. Growing fails
        // only beyond the hour.
        let _ = self.0.record(micros);
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        // Adding fails only if the histogram may not grow, but this one may.
        let _ = self.0.add(&other.0);
    }

    /// The value at this quantile, in microseconds; `None` if empty.
    pub fn at(&self, quantile: f64) -> Option<u64> {
        (!self.0.is_empty()).then(|| self.0.value_at_quantile(quantile))
    }
}

/// The durations of requests. A failed one counts with the time until it failed.
#[derive(Debug, Clone, Default)]
pub struct Latencies {
    /// From the intended send to the end of the body.
    pub response: Histogram,
    /// From the actual send to the end of the body.
    pub service: Histogram,
    /// From the actual send to the head of the answer.
    pub ttfb: Histogram,
    /// From the intended to the actual send.
    pub send_lag: Histogram,
    /// Opening a connection.
    pub connect: Histogram,
}

/// Counts and durations.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// The counts.
    pub counts: Counts,
    /// The durations.
    pub latencies: Latencies,
}

impl Tally {
    /// Counts one request.
    pub fn record(&mut self, sample: &Sample<'_>) {
        let outcome = sample.outcome;
        self.counts.record(outcome);
        self.counts.late += u64::from(sample.late && outcome.failure.is_none());
        self.latencies.response.record(sample.response);
        self.latencies.service.record(outcome.service);
        self.latencies.send_lag.record(sample.send_lag);
        if let Some(ttfb) = outcome.ttfb {
            self.latencies.ttfb.record(ttfb);
        }
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.counts.add(&other.counts);
        self.latencies.response.add(&other.latencies.response);
        self.latencies.service.add(&other.latencies.service);
        self.latencies.ttfb.add(&other.latencies.ttfb);
        self.latencies.send_lag.add(&other.latencies.send_lag);
        self.latencies.connect.add(&other.latencies.connect);
    }
}

/// Failures of one class.
#[derive(Debug, Clone, Default)]
pub struct ErrorTally {
    /// The number.
    pub count: u64,
    /// When the first one ended, counted from the start of the load.
    pub first: Duration,
    /// When the last one ended.
    pub last: Duration,
    /// The first one with details.
    pub example: Option<String>,
}

impl ErrorTally {
    /// Counts one failure.
    pub fn record(&mut self, at: Duration, detail: Option<&str>) {
        self.add(&Self {
            count: 1,
            first: at,
            last: at,
            example: None,
        });
        if self.example.is_none() {
            self.example = detail.map(ToOwned::to_owned);
        }
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.first = if self.count == 0 {
            other.first
        } else {
            self.first.min(other.first)
        };
        self.last = self.last.max(other.last);
        self.count += other.count;
        if self.example.is_none() {
            self.example.clone_from(&other.example);
        }
    }
}

/// Requests that one pod answered.
#[derive(Debug, Clone, Default)]
pub struct PodTally {
    /// Answers of any kind.
    pub requests: u64,
    /// Correct answers.
    pub ok: u64,
    /// When the first one came, counted from the start of the load.
    pub first: Duration,
    /// When the last one came.
    pub last: Duration,
    /// From the intended send.
    pub response: Histogram,
    /// What was added since the last [`PodTally::take_minute`].
    pub minute: PodMinuteTally,
    /// Answers since the last second was taken.
    pub second: u64,
}

/// A minute of a pod.
#[derive(Debug, Clone, Default)]
pub struct PodMinuteTally {
    /// Answers of any kind.
    pub requests: u64,
    /// Correct answers.
    pub ok: u64,
    /// From the intended send.
    pub response: Histogram,
}

impl PodMinuteTally {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.requests += other.requests;
        self.ok += other.ok;
        self.response.add(&other.response);
    }
}

impl PodTally {
    /// What was counted since the last call; `None` if nothing was.
    pub fn take_minute(&mut self) -> Option<PodMinuteTally> {
        (self.minute.requests > 0).then(|| std::mem::take(&mut self.minute))
    }

    /// Counts one answer.
    pub fn record(&mut self, sample: &Sample<'_>) {
        self.first = if self.requests == 0 {
            sample.ended
        } else {
            self.first.min(sample.ended)
        };
        self.last = self.last.max(sample.ended);
        self.requests += 1;
        self.response.record(sample.response);
        self.minute.response.record(sample.response);
        if sample.outcome.failure.is_none() {
            self.ok += 1;
            self.minute.ok += 1;
        }
        self.minute.requests += 1;
        self.second += 1;
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.first = if self.requests == 0 {
            other.first
        } else {
            self.first.min(other.first)
        };
        self.last = self.last.max(other.last);
        self.requests += other.requests;
        self.ok += other.ok;
        self.response.add(&other.response);
        self.minute.add(&other.minute);
    }
}

/// A percentile's name as a quantile: `p99.9` is 0.999.
pub fn quantile(name: &str) -> Option<f64> {
    let percent: f64 = name.strip_prefix('p')?.parse().ok()?;
    (percent > 0.0 && percent <= 100.0).then_some(percent / 100.0)
}

//! The run over time: one entry per second, or in a long run per two, four, … seconds, so that a week of load
//! is no larger than an hour.

use std::collections::HashMap;

use hdrhistogram::Histogram;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::pods::PodLines;
use super::{decode, encode};
use crate::recorder::PodMinuteTally;

/// A series longer than this is folded to half its length.
const MOST: usize = 3_600;

/// The run over time; all lists have one entry per step.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Series {
    /// Seconds between entries: 1, and twice that whenever the series would exceed an hour of entries.
    pub step_s: u64,
    /// When each entry ended, milliseconds since the load began.
    pub end_ms: Vec<u64>,
    /// Running users.
    pub users: Vec<usize>,
    /// Requests in flight.
    pub in_flight: Vec<usize>,
    /// Due requests per second (open model).
    pub offered_rps: Vec<Option<f64>>,
    /// Correct answers per second.
    pub rps: Vec<f64>,
    /// Correct answers.
    pub ok: Vec<u64>,
    /// Failures.
    pub failed: Vec<u64>,
    /// Bytes of bodies.
    pub bytes: Vec<u64>,
    /// Median response time in microseconds.
    pub p50: Vec<Option<u64>>,
    /// 90th percentile of the response time in microseconds.
    pub p90: Vec<Option<u64>>,
    /// 99th percentile of the response time in microseconds.
    pub p99: Vec<Option<u64>>,
    /// 99.9th percentile of the response time in microseconds.
    pub p999: Vec<Option<u64>>,
    /// Response times with two digits: HdrHistogram V2, deflated, base64.
    pub hdr_b64: Vec<Option<String>>,
    /// Pods that answered.
    pub pods: Vec<usize>,
    /// Jain's index of the pods' answers in the last `fairness_window_s` seconds; 1 if all got the same.
    pub fairness: Vec<Option<f64>>,
    /// The window of `fairness`.
    pub fairness_window_s: u64,
}

/// One step of the run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// When it ended, milliseconds since the load began.
    pub end_ms: u64,
    /// How long it was, in milliseconds.
    pub width_ms: u64,
    /// Running users at its end.
    pub users: usize,
    /// Requests in flight at its end.
    pub in_flight: usize,
    /// Requests that were due in it (open model).
    pub offered: Option<f64>,
    /// Correct answers.
    pub ok: u64,
    /// Failures.
    pub failed: u64,
    /// Bytes of bodies.
    pub bytes: u64,
    /// Response times in microseconds; `None` without answers.
    pub response: Option<Histogram<u64>>,
    /// Pods that answered.
    pub pods: usize,
}

impl Entry {
    /// Merges the following step (`later`), or the same step of another shard.
    fn take_in(&mut self, other: &Self) {
        self.offered = match (self.offered, other.offered) {
            (None, None) => None,
            (mine, theirs) => Some(mine.unwrap_or(0.0) + theirs.unwrap_or(0.0)),
        };
        self.ok += other.ok;
        self.failed += other.failed;
        self.bytes += other.bytes;
        self.pods = self.pods.max(other.pods);
        self.response = match (self.response.take(), &other.response) {
            (Some(mut mine), Some(theirs)) => {
                // Both resize themselves, so adding can't fail.
                let _ = mine.add(theirs);
                Some(mine)
            }
            (mine, theirs) => mine.or_else(|| theirs.clone()),
        };
    }

    /// This step and the next one as one.
    #[must_use]
    pub fn followed_by(mut self, later: &Self) -> Self {
        self.take_in(later);
        self.end_ms = later.end_ms;
        self.width_ms += later.width_ms;
        self.users = later.users;
        self.in_flight = later.in_flight;
        self
    }

    /// The same step of two shards.
    #[must_use]
    pub fn beside(mut self, other: &Self) -> Self {
        self.take_in(other);
        self.end_ms = self.end_ms.max(other.end_ms);
        self.width_ms = self.width_ms.max(other.width_ms);
        self.users += other.users;
        self.in_flight += other.in_flight;
        self
    }
}

impl Series {
    /// An empty series with one entry per second.
    pub fn by_the_second() -> Self {
        Self::of_step(1)
    }

    /// An empty series with one entry per this many seconds.
    pub fn of_step(step_s: u64) -> Self {
        Self {
            step_s,
            ..Self::default()
        }
    }

    /// Entries.
    pub fn len(&self) -> usize {
        self.rps.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rps.is_empty()
    }

    /// Adds a step of [`Series::step_s`] seconds.
    pub fn push(&mut self, entry: &Entry) {
        let rate = |count: f64| {
            let seconds = millis(entry.width_ms) / 1e3;
            if seconds > 0.0 {
                (count / seconds * 10.0).round() / 10.0
            } else {
                0.0
            }
        };
        let at = |quantile| {
            let response = entry.response.as_ref();
            response
                .filter(|response| !response.is_empty())
                .map(|response| response.value_at_quantile(quantile))
        };
        self.end_ms.push(entry.end_ms);
        self.users.push(entry.users);
        self.in_flight.push(entry.in_flight);
        self.offered_rps.push(entry.offered.map(rate));
        self.rps.push(rate(millis(entry.ok)));
        self.ok.push(entry.ok);
        self.failed.push(entry.failed);
        self.bytes.push(entry.bytes);
        self.p50.push(at(0.5));
        self.p90.push(at(0.9));
        self.p99.push(at(0.99));
        self.p999.push(at(0.999));
        self.hdr_b64.push(entry.response.as_ref().and_then(encode));
        self.pods.push(entry.pods);
    }

    /// The steps, as they were pushed. A document from before a list existed lacks it.
    pub fn entries(&self) -> Result<Vec<Entry>, String> {
        (0..self.len()).map(|at| self.entry(at)).collect()
    }

    /// When each entry ended, in seconds since the load began.
    pub fn ends(&self) -> Vec<f64> {
        (0..self.len())
            .map(|at| millis(self.end_of(at)) / 1e3)
            .collect()
    }

    fn end_of(&self, at: usize) -> u64 {
        let evenly = (at as u64 + 1) * self.step_s.max(1) * 1_000;
        self.end_ms.get(at).copied().unwrap_or(evenly)
    }

    fn entry(&self, at: usize) -> Result<Entry, String> {
        let end_ms = self.end_of(at);
        let width_ms = end_ms.saturating_sub(at.checked_sub(1).map_or(0, |last| self.end_of(last)));
        let number = |list: &[u64]| list.get(at).copied().unwrap_or_default();
        let response = match self.hdr_b64.get(at) {
            Some(Some(text)) => Some(decode(text)?),
            _ => None,
        };
        let in_its_time = |rate: f64| rate * millis(width_ms) / 1e3;
        Ok(Entry {
            end_ms,
            width_ms,
            users: self.users.get(at).copied().unwrap_or_default(),
            in_flight: self.in_flight.get(at).copied().unwrap_or_default(),
            offered: self.offered_rps.get(at).copied().flatten().map(in_its_time),
            ok: number(&self.ok),
            failed: number(&self.failed),
            bytes: number(&self.bytes),
            response,
            pods: self.pods.get(at).copied().unwrap_or_default(),
        })
    }
}

/// Collects seconds into a series that stays short, with the pods that answered in each step.
#[derive(Debug, Clone)]
pub struct Collecting {
    series: Series,
    pods: PodLines,
    /// The seconds of the incomplete step, merged.
    open: Option<(Entry, u64)>,
}

impl Default for Collecting {
    fn default() -> Self {
        Self {
            series: Series::by_the_second(),
            pods: PodLines::default(),
            open: None,
        }
    }
}

impl Collecting {
    /// Adds a second, and how many answers each pod gave in it.
    pub fn push<'a>(&mut self, second: Entry, pods: impl IntoIterator<Item = (&'a str, u64)>) {
        self.pods.count(self.series.len(), pods);
        let (entry, seconds) = match self.open.take() {
            Some((before, seconds)) => (before.followed_by(&second), seconds + 1),
            None => (second, 1),
        };
        if seconds < self.series.step_s {
            self.open = Some((entry, seconds));
            return;
        }
        self.series.push(&entry);
        if self.series.len() >= MOST {
            self.fold();
        }
    }

    /// Adds what each pod did in the past minute.
    pub fn minute(&mut self, start_s: f64, pods: HashMap<String, PodMinuteTally>) {
        self.pods.minute(start_s, pods);
    }

    /// Half as many steps, each twice as long.
    fn fold(&mut self) {
        // What this program encoded can be decoded.
        let Ok(entries) = self.series.entries() else {
            return;
        };
        let mut folded = Series::of_step(self.series.step_s * 2);
        for pair in entries.chunks(2) {
            let entry = match pair {
                [first, second] => first.clone().followed_by(second),
                _ => pair[0].clone(),
            };
            folded.push(&entry);
        }
        self.series = folded;
        self.pods.fold();
    }

    /// The series including its last, shorter step, and when each pod answered.
    pub fn finish(mut self) -> (Series, PodLines) {
        if let Some((entry, _)) = self.open.take() {
            self.series.push(&entry);
        }
        (self.series, self.pods)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds and answers of a run are far below 2^52"
)]
fn millis(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::result::latency::coarse;

    fn second(number: u64, ok: u64) -> Entry {
        let mut response = coarse();
        (0..ok).for_each(|us| response.record(us + 1).unwrap());
        Entry {
            end_ms: number * 1_000,
            width_ms: 1_000,
            users: 5,
            offered: Some(10.0),
            ok,
            failed: 1,
            bytes: 7,
            response: Some(response),
            pods: 2,
            ..Entry::default()
        }
    }

    #[test]
    fn a_series_returns_its_steps_as_they_were_pushed() {
        let mut series = Series::by_the_second();
        let pushed: Vec<Entry> = (1..=3).map(|number| second(number, number)).collect();
        for entry in &pushed {
            series.push(entry);
        }
        assert_eq!(series.entries().unwrap(), pushed);
        assert_eq!((series.rps[2], series.p50[2]), (3.0, Some(2)));
    }

    #[test]
    fn a_series_of_a_day_stays_below_an_hour_of_entries_and_loses_no_request() {
        let mut collecting = Collecting::default();
        let seconds = 20_000;
        for number in 1..=seconds {
            collecting.push(second(number, 3), [("a", 2), ("b", 1)]);
        }
        let (series, pods) = collecting.finish();
        assert!(
            series.len() < MOST && series.step_s == 8,
            "{}",
            series.step_s
        );
        assert_eq!(series.ok.iter().sum::<u64>(), 3 * seconds);
        assert!((series.rps[0] - 3.0).abs() < 1e-9);
        assert_eq!(
            pods.line("a").unwrap().requests.iter().sum::<u64>(),
            2 * seconds
        );
        assert_eq!(pods.line("a").unwrap().requests.len(), series.len());
        let timed = series
            .entries()
            .unwrap()
            .into_iter()
            .filter_map(|entry| entry.response);
        assert_eq!(
            timed.map(|response| response.len()).sum::<u64>(),
            3 * seconds
        );
    }

    #[test]
    fn a_series_from_before_histograms_reads_as_even_steps_without_them() {
        let old: Series =
            serde_json::from_str(r#"{"step_s":1,"rps":[5.0,6.0],"failed":[0,1]}"#).unwrap();
        let entries = old.entries().unwrap();
        assert_eq!((entries[1].end_ms, entries[1].width_ms), (2_000, 1_000));
        assert_eq!((entries[1].failed, entries[1].response.as_ref()), (1, None));
    }
}

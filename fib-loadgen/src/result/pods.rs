//! The pods that answered: each pod's share over the run, per minute and per second, and the fairness.

use std::collections::{BTreeMap, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::build::to_ms;
use super::{Step, coarsely, encode};
use crate::recorder::{PodMinuteTally, ThreadTally};

/// The window over which fairness is measured: long enough for a hundred requests to each of ten pods at 33
/// requests per second, short enough to show a pod that gets nothing at first.
pub(crate) const FAIRNESS_WINDOW_S: u64 = 30;

/// One pod.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PodResult {
    /// As `x-fib-pod` names it.
    pub name: String,
    /// Its address, if the client knows it; behind a Service it does not.
    pub addr: Option<String>,
    /// When its first answer came, seconds since the start.
    pub first_s: f64,
    /// When its last answer came.
    pub last_s: f64,
    /// The time from the last rise of the planned load to its first answer, in seconds.
    pub after_rise_s: Option<f64>,
    /// Its answers.
    pub requests: u64,
    /// Its correct answers.
    pub ok: u64,
    /// Median response time in microseconds.
    pub p50: Option<u64>,
    /// 99th percentile of the response time in microseconds.
    pub p99: Option<u64>,
    /// Response times: HdrHistogram V2, deflated, base64.
    pub hdr_b64: Option<String>,
    /// Its answers minute by minute, from the start of the load.
    pub minutes: Vec<PodMinute>,
    /// Its answers step by step.
    pub line: PodLine,
}

/// One minute of a pod.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PodMinute {
    /// When the minute began, seconds since the start.
    pub start_s: f64,
    /// Its answers.
    pub requests: u64,
    /// Its correct answers.
    pub ok: u64,
    /// Its answers as a share of all pods' in that minute.
    pub share: f64,
    /// Median response time in microseconds.
    pub p50: Option<u64>,
    /// 99th percentile of the response time in microseconds.
    pub p99: Option<u64>,
    /// Response times: HdrHistogram V2, deflated, base64.
    pub hdr_b64: Option<String>,
}

/// A pod's answers in each step of the series, from the first in which it answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PodLine {
    /// The index of the step of the first number.
    pub first: usize,
    /// Its answers.
    pub requests: Vec<u64>,
}

impl PodLine {
    /// Adds answers in a step; steps come in order.
    pub fn add(&mut self, step: usize, requests: u64) {
        if self.requests.is_empty() {
            self.first = step;
        }
        let at = step.saturating_sub(self.first);
        if self.requests.len() <= at {
            self.requests.resize(at + 1, 0);
        }
        self.requests[at] += requests;
    }

    /// Its answers in a step.
    pub fn at(&self, step: usize) -> u64 {
        let index = step.checked_sub(self.first);
        let requests = index.and_then(|index| self.requests.get(index));
        requests.copied().unwrap_or(0)
    }

    /// Steps and answers, without the empty ones.
    pub fn steps(&self) -> impl Iterator<Item = (usize, u64)> {
        self.requests
            .iter()
            .enumerate()
            .filter(|(_, requests)| **requests > 0)
            .map(|(at, requests)| (self.first + at, *requests))
    }
}

/// Collects when each pod answered.
#[derive(Debug, Clone, Default)]
pub struct PodLines {
    lines: BTreeMap<String, PodLine>,
    minutes: BTreeMap<String, Vec<PodMinute>>,
}

impl PodLines {
    pub(super) fn count<'a>(
        &mut self,
        step: usize,
        pods: impl IntoIterator<Item = (&'a str, u64)>,
    ) {
        for (pod, requests) in pods {
            if !self.lines.contains_key(pod) {
                self.lines.insert(pod.to_owned(), PodLine::default());
            }
            if let Some(line) = self.lines.get_mut(pod) {
                line.add(step, requests);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts as shares")]
    pub(super) fn minute(&mut self, start_s: f64, pods: HashMap<String, PodMinuteTally>) {
        let all: u64 = pods.values().map(|pod| pod.requests).sum();
        for (name, tally) in pods {
            let response = coarsely(&tally.response);
            let at = |quantile| response.as_ref().map(|r| r.value_at_quantile(quantile));
            self.minutes.entry(name).or_default().push(PodMinute {
                start_s: to_ms(start_s),
                requests: tally.requests,
                ok: tally.ok,
                share: to_ms(tally.requests as f64 / all.max(1) as f64),
                p50: at(0.5),
                p99: at(0.99),
                hdr_b64: response.as_ref().and_then(encode),
            });
        }
    }

    pub(super) fn fold(&mut self) {
        for line in self.lines.values_mut() {
            let mut folded = PodLine::default();
            line.steps()
                .for_each(|(step, requests)| folded.add(step / 2, requests));
            *line = folded;
        }
    }

    /// One pod's answers step by step.
    pub fn line(&self, pod: &str) -> Option<&PodLine> {
        self.lines.get(pod)
    }
}

/// The table of pods, the busiest first.
pub(super) fn results(shard: &ThreadTally, lines: &PodLines, steps: &[Step]) -> Vec<PodResult> {
    let one = |(name, tally): (&String, &crate::recorder::PodTally)| PodResult {
        name: name.clone(),
        addr: None,
        first_s: to_ms(tally.first.as_secs_f64()),
        last_s: to_ms(tally.last.as_secs_f64()),
        after_rise_s: None,
        requests: tally.requests,
        ok: tally.ok,
        p50: tally.response.at(0.5),
        p99: tally.response.at(0.99),
        hdr_b64: encode(&tally.response.0),
        minutes: lines.minutes.get(name).cloned().unwrap_or_default(),
        line: lines.line(name).cloned().unwrap_or_default(),
    };
    let mut pods: Vec<PodResult> = shard.pods.iter().map(one).collect();
    pods.sort_by(|a, b| b.requests.cmp(&a.requests).then(a.name.cmp(&b.name)));
    notice_rises(&mut pods, steps);
    pods
}

/// Records for each pod how long after the last rise of the planned load its first answer came.
pub(crate) fn notice_rises(pods: &mut [PodResult], steps: &[Step]) {
    let level = |step: &Step| step.users.or(step.rate).unwrap_or(0.0);
    let before = std::iter::once(0.0).chain(steps.iter().map(level));
    let starts = std::iter::once(0.0).chain(steps.iter().map(|step| step.t_s));
    let rises: Vec<f64> = before
        .zip(starts)
        .zip(steps)
        .filter(|((before, _), step)| level(step) > *before)
        .map(|((_, start), _)| start)
        .collect();
    for pod in pods {
        let rise = rises.iter().rev().find(|rise| **rise <= pod.first_s);
        pod.after_rise_s = rise.map(|rise| to_ms(pod.first_s - rise));
    }
}

/// Jain's index of the answers of all pods that answered within the window before the end of each step.
#[expect(clippy::cast_precision_loss, reason = "counts of requests")]
pub(crate) fn fairness(pods: &[PodResult], steps: usize, step_s: u64) -> Vec<Option<f64>> {
    let window = usize::try_from(FAIRNESS_WINDOW_S / step_s.max(1))
        .unwrap_or(1)
        .max(1);
    let mut sums = vec![0_u64; pods.len()];
    (0..steps)
        .map(|step| {
            for (sum, pod) in sums.iter_mut().zip(pods) {
                *sum += pod.line.at(step);
                *sum -= step.checked_sub(window).map_or(0, |gone| pod.line.at(gone));
            }
            let answering = sums.iter().filter(|sum| **sum > 0);
            jain(answering.map(|sum| *sum as f64)).map(to_ms)
        })
        .collect()
}

/// Jain, Chiu, Hawe 1984: (Σx)² / (n·Σx²).
pub(crate) fn jain(loads: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum, squares) =
        loads.fold((0.0, 0.0, 0.0), |(n, s, q), x| (n + 1.0, s + x, q + x * x));
    (squares > 0.0).then(|| sum * sum / (count * squares))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str, first: usize, requests: Vec<u64>) -> PodResult {
        #[expect(clippy::cast_precision_loss, reason = "a step")]
        let first_s = first as f64;
        PodResult {
            name: name.to_owned(),
            first_s,
            line: PodLine { first, requests },
            ..PodResult::default()
        }
    }

    #[test]
    fn jains_index_is_one_for_equals_and_one_nth_if_one_takes_all() {
        assert_eq!(jain([5.0, 5.0, 5.0].into_iter()), Some(1.0));
        assert_eq!(
            jain([9.0, 0.0, 0.0].into_iter()).map(|j| (j * 3.0).round()),
            Some(1.0)
        );
        assert_eq!(jain(std::iter::empty()), None);
    }

    #[test]
    fn fairness_drops_when_a_pod_joins_and_recovers_a_window_later() {
        let pods = [pod("old", 0, vec![10; 100]), pod("new", 40, vec![10; 60])];
        let seen = fairness(&pods, 100, 1);
        assert_eq!((seen[0], seen[39]), (Some(1.0), Some(1.0)));
        assert!(seen[40].unwrap() < 0.55, "{:?}", seen[40]);
        assert!(seen[40] < seen[50] && seen[50] < seen[60]);
        assert_eq!(seen[70], Some(1.0));
    }

    #[test]
    fn a_pod_that_has_been_gone_for_a_window_no_longer_counts() {
        let pods = [pod("old", 0, vec![10; 100]), pod("gone", 0, vec![10; 20])];
        assert_eq!(fairness(&pods, 100, 1)[60], Some(1.0));
    }

    #[test]
    fn a_new_pods_first_answer_is_timed_from_the_rise_before_it() {
        let step = |t_s, rate| Step {
            t_s,
            users: None,
            rate: Some(rate),
        };
        let steps = [
            step(0.0, 40.0),
            step(10.0, 40.0),
            step(10.0, 400.0),
            step(50.0, 400.0),
            step(60.0, 40.0),
        ];
        let mut pods = [
            pod("old", 0, vec![]),
            pod("new", 32, vec![]),
            pod("late", 58, vec![]),
        ];
        notice_rises(&mut pods, &steps);
        assert_eq!(
            pods.map(|pod| pod.after_rise_s),
            [Some(0.0), Some(22.0), Some(48.0)]
        );
    }
}

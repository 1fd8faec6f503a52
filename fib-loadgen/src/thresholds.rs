//! Rules such as `p99<250ms` or `wrong==0`, judged on our own histograms.

use std::str::FromStr;
use std::time::Duration;

use program_common::duration;

use crate::quantity;
use crate::recorder::{Tally, quantile};

mod evidence;

pub use evidence::{Evidence, Records};

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// As written.
    pub rule: String,
    /// The phase to which it applies; `None` is the whole judged run.
    pub phase: Option<String>,
    /// Ends the run as soon as it is violated, once its part of the run has lasted this long.
    pub abort: Option<Duration>,
    metric: Metric,
    operator: Operator,
    /// In microseconds, requests per second, a share, or a number.
    value: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Metric {
    Quantile(Timing, f64),
    Mean(Timing),
    Min(Timing),
    Max(Timing),
    Rate,
    Achieved,
    ErrorRate,
    Failed,
    Wrong,
    Requests,
}

/// Which of the durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Timing {
    Response,
    Service,
    FirstByte,
    SendLag,
    Connect,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
}

/// A rule, judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Judgement {
    /// The observed value; `None` without samples, in which case the rule has failed.
    pub observed: Option<f64>,
    /// Whether the rule holds.
    pub passed: bool,
}

impl Threshold {
    /// Judges the evidence; a rule without samples fails, since nothing shows that it holds.
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of requests as shares and rates"
    )]
    #[expect(
        clippy::float_cmp,
        reason = "equality is meant for counts, which are exact"
    )]
    pub fn judge(&self, evidence: &Evidence<'_>) -> Judgement {
        let counts = &evidence.tally.counts;
        let some = |value: f64| (counts.due() > 0).then_some(value);
        let timed = |timing, read: fn(&hdrhistogram::Histogram<u32>, f64) -> f64, at| {
            let histogram = &self.timing(timing, evidence.tally).0;
            (!histogram.is_empty()).then(|| read(histogram, at))
        };
        let observed = match self.metric {
            Metric::Quantile(timing, at) => {
                timed(timing, |h, at| h.value_at_quantile(at) as f64, at)
            }
            Metric::Mean(timing) => timed(timing, |h, _| h.mean(), 0.0),
            Metric::Min(timing) => timed(timing, |h, _| h.min() as f64, 0.0),
            Metric::Max(timing) => timed(timing, |h, _| h.max() as f64, 0.0),
            Metric::Rate => {
                let in_time = counts.ok.saturating_sub(counts.late);
                some(in_time as f64 / evidence.seconds.max(1e-9))
            }
            Metric::Achieved => some(counts.achieved()),
            Metric::ErrorRate => some(counts.error_rate()),
            Metric::Failed => some((counts.failed + counts.unsent) as f64),
            Metric::Wrong => some(counts.wrong as f64).filter(|_| counts.ok + counts.wrong > 0),
            Metric::Requests => some(counts.ended() as f64),
        };
        let passed = observed.is_some_and(|seen| match self.operator {
            Operator::Below => seen < self.value,
            Operator::AtMost => seen <= self.value,
            Operator::Above => seen > self.value,
            Operator::AtLeast => seen >= self.value,
            Operator::Equal => seen == self.value,
        });
        Judgement { observed, passed }
    }

    /// Whether the run should end here. Without samples, nothing is violated yet.
    pub fn ends_the_run(&self, evidence: &Evidence<'_>) -> bool {
        let old_enough = self
            .abort
            .is_some_and(|after| evidence.seconds >= after.as_secs_f64());
        old_enough && {
            let judgement = self.judge(evidence);
            judgement.observed.is_some() && !judgement.passed
        }
    }

    /// An observed value for people.
    pub fn show(&self, observed: Option<f64>) -> String {
        match (observed, self.metric) {
            (None, _) => "no samples".to_owned(),
            (
                Some(us),
                Metric::Quantile(..) | Metric::Mean(_) | Metric::Min(_) | Metric::Max(_),
            ) => {
                format!("{:.1}ms", us / 1e3)
            }
            (Some(share), Metric::ErrorRate | Metric::Achieved) => format!("{:.3}%", share * 100.0),
            (Some(rate), Metric::Rate) => format!("{rate:.1}/s"),
            (Some(count), _) => format!("{count:.0}"),
        }
    }

    #[expect(clippy::unused_self, reason = "reads as a question to the rule")]
    fn timing<'a>(&self, timing: Timing, tally: &'a Tally) -> &'a crate::recorder::Histogram {
        let latencies = &tally.latencies;
        match timing {
            Timing::Response => &latencies.response,
            Timing::Service => &latencies.service,
            Timing::FirstByte => &latencies.ttfb,
            Timing::SendLag => &latencies.send_lag,
            Timing::Connect => &latencies.connect,
        }
    }
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(rule: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "`{rule}` is not a threshold: write it like p99<250ms, p99.9{{phase=hold}}<1s, service.mean<5ms, error-rate<0.1%, rps>=400, achieved>=99%, failed==0 or wrong==0, with ` abort` or ` abort after 10s` behind it to end the run at once"
            )
        };
        let (condition, abort) = match rule.split_once(" abort") {
            Some((condition, delay)) => (condition, Some(abort_after(delay).ok_or_else(bad)?)),
            None => (rule, None),
        };
        let at = condition.find(['<', '>', '=']).filter(|at| *at > 0);
        // The `=` of {phase=…} is not the operator.
        let at = match condition.find('}') {
            Some(end) => Some(end + 1),
            None => at,
        }
        .ok_or_else(bad)?;
        let (left, right) = condition.split_at(at);
        let (name, phase) = match left.split_once('{') {
            Some((name, rest)) => {
                let phase = rest
                    .strip_prefix("phase=")
                    .and_then(|rest| rest.strip_suffix('}'))
                    .ok_or_else(bad)?;
                (name, Some(phase.to_owned()))
            }
            None => (left, None),
        };
        let operators = [
            ("<=", Operator::AtMost),
            (">=", Operator::AtLeast),
            ("==", Operator::Equal),
            ("<", Operator::Below),
            (">", Operator::Above),
        ];
        let (operator, value) = operators
            .into_iter()
            .find_map(|(sign, operator)| {
                right
                    .trim_start()
                    .strip_prefix(sign)
                    .map(|value| (operator, value.trim()))
            })
            .ok_or_else(bad)?;
        let metric = metric(name.trim()).ok_or_else(bad)?;
        let value = read_value(metric, value).ok_or_else(bad)?;
        Ok(Self {
            rule: rule.to_owned(),
            phase,
            abort,
            metric,
            operator,
            value,
        })
    }
}

fn metric(name: &str) -> Option<Metric> {
    let (timing, name) = match name.split_once('.') {
        Some(("response", rest)) => (Some(Timing::Response), rest),
        Some(("service", rest)) => (Some(Timing::Service), rest),
        Some(("ttfb", rest)) => (Some(Timing::FirstByte), rest),
        Some(("send-lag", rest)) => (Some(Timing::SendLag), rest),
        Some(("connect", rest)) => (Some(Timing::Connect), rest),
        _ => (None, name),
    };
    let of = timing.unwrap_or(Timing::Response);
    let timed = match name {
        "mean" => Some(Metric::Mean(of)),
        "min" => Some(Metric::Min(of)),
        "max" => Some(Metric::Max(of)),
        "median" => Some(Metric::Quantile(of, 0.5)),
        name => quantile(name).map(|at| Metric::Quantile(of, at)),
    };
    if timed.is_some() || timing.is_some() {
        return timed;
    }
    match name {
        "rps" => Some(Metric::Rate),
        "achieved" => Some(Metric::Achieved),
        "error-rate" => Some(Metric::ErrorRate),
        "failed" => Some(Metric::Failed),
        "wrong" => Some(Metric::Wrong),
        "requests" => Some(Metric::Requests),
        _ => None,
    }
}

fn read_value(metric: Metric, text: &str) -> Option<f64> {
    let number = |text: &str| {
        text.parse::<f64>()
            .ok()
            .filter(|value| value.is_finite() && *value >= 0.0)
    };
    match metric {
        Metric::Quantile(..) | Metric::Mean(_) | Metric::Min(_) | Metric::Max(_) => {
            time(text).map(|time| time.as_secs_f64() * 1e6)
        }
        Metric::ErrorRate | Metric::Achieved => match text.strip_suffix('%') {
            Some(percent) => number(percent).map(|percent| percent / 100.0),
            None => number(text),
        },
        Metric::Rate => quantity::rate(text).ok(),
        Metric::Failed | Metric::Wrong | Metric::Requests => number(text),
    }
}

/// A time with its unit: a bare number would be ambiguous.
fn time(text: &str) -> Option<Duration> {
    let has_unit = text.ends_with(|last: char| last.is_ascii_alphabetic());
    duration::parse(text).ok().filter(|_| has_unit)
}

/// The text after `abort`: nothing, or ` after 10s`.
fn abort_after(delay: &str) -> Option<Duration> {
    match delay.trim() {
        "" => Some(Duration::ZERO),
        delay => time(delay.strip_prefix("after ")?.trim()),
    }
}

#[cfg(test)]
mod tests;

//! Whether the generator is the bottleneck: a verdict from its own signals, with reasons.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

mod probe;

pub use probe::{Probe, Usage};

/// The generator's verdict on itself.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It was not the bottleneck.
    #[default]
    Ok,
    /// It may have affected some numbers.
    Suspect,
    /// It was the bottleneck: the results measure the generator.
    Saturated,
}

impl Verdict {
    /// Its word in output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Suspect => "suspect",
            Self::Saturated => "saturated",
        }
    }
}

/// What a saturated generator means for the exit code.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum OnSaturation {
    /// Print a warning
    #[default]
    Warn,
    /// Exit with 92
    Fail,
    /// Only record it in the result
    Ignore,
}

/// The input of the verdict.
#[derive(Debug, Clone, Default)]
pub struct Signals {
    /// CPUs used on average.
    pub cpu_used: f64,
    /// CPUs this process may use.
    pub cpu_allowed: f64,
    /// Periods in which its control group ran under a quota during the run.
    pub periods: u64,
    /// Periods that were throttled.
    pub throttled_periods: u64,
    /// How late a 10 ms timer was, 99th percentile.
    pub timer_lag_p99: Option<Duration>,
    /// How late it was at most.
    pub timer_lag_max: Option<Duration>,
    /// The generator's own lateness: from when a request was due and a user was free until it was sent, 99th
    /// percentile. Waiting for a busy server is not included.
    pub own_lag_p99: Option<Duration>,
    /// Median service time.
    pub service_p50: Option<Duration>,
    /// Requests that were due (open model).
    pub due: u64,
    /// Due requests that were never sent because no user was free.
    pub unsent: u64,
    /// Failures because file descriptors or local ports ran out.
    pub local_failures: u64,
}

/// k6 recommends leaving a fifth of the CPU idle; above that, a generator's own timings can't be trusted.
const CPU_LIMIT: f64 = 0.8;
/// Tokio's timer rounds up to the next millisecond, so a few milliseconds are normal.
const TIMER_SUSPECT: Duration = Duration::from_millis(5);
/// A timer this late means that the process often did not run at all.
const TIMER_SATURATED: Duration = Duration::from_millis(50);
/// A timer this late once means that the process did not run at all, such as while it was suspended. No percentile of
/// the timer shows that.
const STOPPED: Duration = Duration::from_secs(1);
/// Own lateness below this does not distort any useful measurement.
const LAG_FLOOR: Duration = Duration::from_millis(3);
/// If less than this share of due requests was sent, the load differs from the plan.
pub const ACHIEVED: f64 = 0.99;
/// A period is usually 100 ms: fewer throttled ones than this do not change any percentile of a run.
const FEW_PERIODS: u64 = 3;
/// The share of throttled periods from which the numbers may be the quota's.
const THROTTLED_SUSPECT: f64 = 0.05;
/// The share from which they are.
const THROTTLED_SATURATED: f64 = 0.25;

/// The verdict, and one sentence per reason.
#[expect(clippy::cast_precision_loss, reason = "counts of requests as shares")]
pub fn judge(signals: &Signals) -> (Verdict, Vec<String>) {
    let mut reasons = Vec::new();
    let mut say = |verdict: Verdict, reason: String| reasons.push((verdict, reason));
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let share = signals.cpu_used / signals.cpu_allowed.max(f64::MIN_POSITIVE);
    if share > CPU_LIMIT {
        say(
            Verdict::Saturated,
            format!(
                "it used {:.0} % of its CPU, more than {:.0} %",
                share * 100.0,
                CPU_LIMIT * 100.0
            ),
        );
    }
    if signals.local_failures > 0 {
        say(
            Verdict::Saturated,
            format!(
                "{} requests got no file descriptor or local port",
                signals.local_failures
            ),
        );
    }
    let throttled = signals.throttled_periods as f64 / signals.periods.max(1) as f64;
    if signals.throttled_periods >= FEW_PERIODS && throttled > THROTTLED_SUSPECT {
        let verdict = if throttled > THROTTLED_SATURATED {
            Verdict::Saturated
        } else {
            Verdict::Suspect
        };
        say(
            verdict,
            format!(
                "its CPU quota throttled {} of {} periods",
                signals.throttled_periods, signals.periods
            ),
        );
    }
    if let Some(lag) = signals.timer_lag_p99.filter(|lag| *lag > TIMER_SUSPECT) {
        let verdict = if lag > TIMER_SATURATED {
            Verdict::Saturated
        } else {
            Verdict::Suspect
        };
        say(
            verdict,
            format!("a 10 ms timer came {:.1} ms late (p99)", ms(lag)),
        );
    }
    if let Some(lag) = signals.timer_lag_max.filter(|lag| *lag >= STOPPED) {
        say(
            Verdict::Suspect,
            format!(
                "it did not run for {:.1} s: it was suspended, or this machine was too busy",
                lag.as_secs_f64()
            ),
        );
    }
    let bound = LAG_FLOOR.max(signals.service_p50.unwrap_or_default() / 10);
    if let Some(lag) = signals.own_lag_p99.filter(|lag| *lag > bound) {
        say(
            Verdict::Suspect,
            format!(
                "requests left {:.1} ms late (p99) although a user was free",
                ms(lag)
            ),
        );
    }
    let achieved = 1.0 - signals.unsent as f64 / signals.due.max(1) as f64;
    if achieved < ACHIEVED {
        say(
            Verdict::Suspect,
            format!(
                "only {:.1} % of the requests that were due were sent, {} found no free user: raise --users, or the server is full",
                achieved * 100.0,
                signals.unsent
            ),
        );
    }
    let verdict = reasons
        .iter()
        .map(|(verdict, _)| *verdict)
        .max()
        .unwrap_or(Verdict::Ok);
    (
        verdict,
        reasons.into_iter().map(|(_, reason)| reason).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calm() -> Signals {
        Signals {
            cpu_used: 0.4,
            cpu_allowed: 2.0,
            periods: 100,
            due: 1000,
            ..Signals::default()
        }
    }

    #[test]
    fn an_idle_generator_is_ok() {
        assert_eq!(judge(&calm()), (Verdict::Ok, vec![]));
    }

    #[test]
    fn each_signal_beyond_its_limit_is_a_reason() {
        let ms = Duration::from_millis;
        let cases = [
            (
                Signals {
                    cpu_used: 1.7,
                    ..calm()
                },
                Verdict::Saturated,
            ),
            (
                Signals {
                    local_failures: 1,
                    ..calm()
                },
                Verdict::Saturated,
            ),
            (
                Signals {
                    timer_lag_p99: Some(ms(80)),
                    ..calm()
                },
                Verdict::Saturated,
            ),
            (
                Signals {
                    timer_lag_p99: Some(ms(8)),
                    ..calm()
                },
                Verdict::Suspect,
            ),
            (
                Signals {
                    timer_lag_p99: Some(ms(1)),
                    timer_lag_max: Some(ms(2_000)),
                    ..calm()
                },
                Verdict::Suspect,
            ),
            (
                Signals {
                    throttled_periods: 10,
                    ..calm()
                },
                Verdict::Suspect,
            ),
            (
                Signals {
                    throttled_periods: 82,
                    ..calm()
                },
                Verdict::Saturated,
            ),
            (
                Signals {
                    own_lag_p99: Some(ms(9)),
                    service_p50: Some(ms(20)),
                    ..calm()
                },
                Verdict::Suspect,
            ),
            (
                Signals {
                    unsent: 100,
                    ..calm()
                },
                Verdict::Suspect,
            ),
        ];
        for (signals, expected) in cases {
            let (verdict, reasons) = judge(&signals);
            assert_eq!(
                (verdict, reasons.len()),
                (expected, 1),
                "{signals:?} {reasons:?}"
            );
        }
    }

    #[test]
    fn lateness_is_compared_with_what_it_could_distort() {
        let ms = Duration::from_millis;
        let slow_server = Signals {
            own_lag_p99: Some(ms(9)),
            service_p50: Some(ms(200)),
            ..calm()
        };
        assert_eq!(judge(&slow_server).0, Verdict::Ok);
    }

    #[test]
    fn a_moment_of_throttling_is_not_suspect() {
        let moment = Signals {
            throttled_periods: 1,
            periods: 5,
            ..calm()
        };
        assert_eq!(judge(&moment), (Verdict::Ok, vec![]));
    }
}

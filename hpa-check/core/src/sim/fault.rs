//! Ways to break a simulated cluster on purpose, one at a time: a check that never fails proves nothing.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// There is no metrics API.
    NoMetrics,
    /// The readiness probe requests a page that does not exist.
    PodsNotReady,
    /// The namespace's quota allows this many pods.
    Quota(i32),
    /// The Service keeps all connections of a client on one replica.
    Sticky,
    /// Another writer resets the replicas to the minimum after each scale-up.
    ConflictingWriter,
    /// The container exits as soon as it starts.
    Crash,
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            None => match text {
                "no-metrics" => Ok(Self::NoMetrics),
                "pods-not-ready" => Ok(Self::PodsNotReady),
                "sticky" => Ok(Self::Sticky),
                // The second name is from earlier versions.
                "conflicting-writer" | "rival" => Ok(Self::ConflictingWriter),
                "crash" => Ok(Self::Crash),
                _ => Err(format!(
                    "unknown fault `{text}`, expected no-metrics, pods-not-ready, quota=PODS, \
                     sticky, conflicting-writer or crash"
                )),
            },
            Some(("quota", pods)) => pods
                .parse()
                .ok()
                .filter(|pods| *pods >= 0)
                .map(Self::Quota)
                .ok_or_else(|| format!("`{pods}` is not a number of pods, as in quota=6")),
            Some(_) => Err(format!(
                "`{text}`: only quota takes a number, as in quota=6"
            )),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMetrics => f.write_str("no-metrics"),
            Self::PodsNotReady => f.write_str("pods-not-ready"),
            Self::Quota(pods) => write!(f, "quota={pods}"),
            Self::Sticky => f.write_str("sticky"),
            Self::ConflictingWriter => f.write_str("conflicting-writer"),
            Self::Crash => f.write_str("crash"),
        }
    }
}

/// What goes wrong in a simulation: everything that a rehearsal can break, and faults that take longer than a
/// rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SimulatedFault {
    /// Broken for the whole simulation.
    Broken(Fault),
    /// The metrics API does not answer for some time.
    MetricsLost {
        /// The first second without metrics.
        from: u64,
        /// The first second with them again.
        until: u64,
    },
    /// New pods take this long to become ready, and use all the CPU they get until then.
    SlowStart {
        /// From a pod's creation until it is ready.
        seconds: u64,
    },
    /// There is room for some pods; each further pod waits for a node, which then stays.
    SlowNodes {
        /// The number of pods that fit.
        room: u32,
        /// The wait for a new node.
        seconds: u64,
    },
}

impl FromStr for SimulatedFault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let seconds = |text: &str| Some(program_common::duration::parse(text).ok()?.as_secs());
        let told = match text.split_once('=') {
            Some(("no-metrics", span)) => span.split_once("..").and_then(|(from, until)| {
                let (from, until) = (seconds(from)?, seconds(until)?);
                (from < until).then_some(Self::MetricsLost { from, until })
            }),
            Some(("slow-start", time)) => seconds(time).map(|seconds| Self::SlowStart { seconds }),
            Some(("slow-nodes", nodes)) => nodes.split_once('/').and_then(|(room, time)| {
                let (room, seconds) = (room.parse().ok()?, seconds(time)?);
                Some(Self::SlowNodes { room, seconds })
            }),
            _ => text.parse().ok().map(Self::Broken),
        };
        told.ok_or_else(|| {
            format!(
                "`{text}` is no fault: write no-metrics=5m..7m, slow-start=90s, slow-nodes=PODS/3m, no-metrics, \
                 pods-not-ready, quota=PODS, sticky, conflicting-writer or crash"
            )
        })
    }
}

impl fmt::Display for SimulatedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken(fault) => fault.fmt(f),
            Self::MetricsLost { from, until } => write!(f, "no-metrics={from}s..{until}s"),
            Self::SlowStart { seconds } => write!(f, "slow-start={seconds}s"),
            Self::SlowNodes { room, seconds } => write!(f, "slow-nodes={room}/{seconds}s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_fault_is_printed_as_it_is_parsed() {
        for text in [
            "no-metrics=300s..420s",
            "slow-start=90s",
            "slow-nodes=6/180s",
            "no-metrics",
            "quota=6",
            "conflicting-writer",
        ] {
            let fault: SimulatedFault = text.parse().unwrap();
            assert_eq!(fault.to_string(), text);
        }
        assert_eq!(
            "no-metrics=5m..7m".parse(),
            Ok(SimulatedFault::MetricsLost {
                from: 300,
                until: 420
            })
        );
        for wrong in [
            "",
            "slow-start",
            "slow-start=x",
            "slow-nodes=3m",
            "no-metrics=7m..5m",
            "no-metrics=5m",
            "none",
        ] {
            let error = wrong.parse::<SimulatedFault>().unwrap_err();
            assert!(error.contains("slow-nodes=PODS/3m"), "{error}");
        }
    }

    #[test]
    fn only_a_quota_takes_a_number_of_pods() {
        assert_eq!("quota=6".parse(), Ok(Fault::Quota(6)));
        assert_eq!("conflicting-writer".parse(), Ok(Fault::ConflictingWriter));
        for wrong in [
            "quota", "quota=", "quota=-1", "quota=x", "rival=2", "", "none",
        ] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }
}

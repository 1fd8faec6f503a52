//! Ways to break a simulated cluster on purpose, one at a time: a check that never fails proves nothing.

use std::str::FromStr;

/// What is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is no metrics API.
    NoMetrics,
    /// The readiness probe asks for a page that is not there.
    PodsNotReady,
    /// The namespace's quota allows that many pods.
    Quota(i32),
    /// The Service keeps all connections of one client on one replica.
    Sticky,
    /// Somebody else sets the replicas back to the minimum after each step up.
    ConflictingWriter,
    /// The container ends as soon as it starts.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_has_a_number_of_pods_and_the_others_have_none() {
        assert_eq!("quota=6".parse(), Ok(Fault::Quota(6)));
        assert_eq!("conflicting-writer".parse(), Ok(Fault::ConflictingWriter));
        for wrong in [
            "quota", "quota=", "quota=-1", "quota=x", "rival=2", "", "none",
        ] {
            assert!(wrong.parse::<Fault>().is_err(), "{wrong}");
        }
    }
}

//! The verdict: one of four outcomes, with its ranked reasons.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The autoscaler did what it is configured to do, and the run observed it.
    Pass,
    /// The autoscaler, its setup or the service under it is wrong.
    Wrong,
    /// The environment was the bottleneck: metrics, capacity, quota, a saturated generator.
    #[serde(alias = "surroundings")]
    Environment,
    /// Too little was observed, or the load was too weak, to decide.
    Inconclusive,
}

impl Outcome {
    /// The exit code for this outcome, the same in all programs of this project.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Wrong => 91,
            Self::Environment => 92,
            Self::Inconclusive => 93,
        }
    }

    /// The word for it on a terminal, a badge or in a heading.
    pub const fn badge(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Wrong => "WRONG",
            Self::Environment => "ENVIRONMENT",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }
}

/// One reason for an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reason {
    /// A stable name in kebab case, listed in `docs/findings.md`.
    pub id: String,
    /// The cause in one sentence, with numbers.
    pub message: String,
    /// Quotes that prove it.
    pub evidence: Vec<String>,
    /// What to do, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The outcome that this reason leads to on its own.
    pub outcome: Outcome,
    /// The first instant of the run that the message or the evidence mentions. `None` if it applies throughout,
    /// in a snapshot, and in results of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
}

/// An instant of a run as messages and evidence write it: `at 12.3 s` after the run's start.
pub(crate) fn clock(since: Duration) -> String {
    format!("at {:.1} s", since.as_secs_f64())
}

/// The verdict on a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// What was proved.
    pub outcome: Outcome,
    /// The exit code: 105 if the run was interrupted, otherwise the outcome's.
    pub exit_code: u8,
    /// The reasons, most important first. A pass lists what was proved.
    pub reasons: Vec<Reason>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_surroundings_of_version_1_0_is_read_as_environment() {
        let read = |text: &str| serde_json::from_str::<Outcome>(text).unwrap();
        assert_eq!(read("\"surroundings\""), Outcome::Environment);
        assert_eq!(read("\"environment\""), Outcome::Environment);
        let written = serde_json::to_string(&Outcome::Environment).unwrap();
        assert_eq!(written, "\"environment\"");
    }
}

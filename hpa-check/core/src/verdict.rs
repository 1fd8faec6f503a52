//! The verdict: one of four outcomes, with its reasons by name, ranked.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a run proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The autoscaler did what it is configured to do, and the run observed it.
    Pass,
    /// The autoscaler, its set-up or the service under it is wrong.
    Wrong,
    /// The environment was the limit: metrics, capacity, quota, a saturated generator.
    #[serde(alias = "surroundings")]
    Environment,
    /// Too little was seen, or the load was too weak, to say either.
    Inconclusive,
}

impl Outcome {
    /// The exit code that means this outcome in every program of this project.
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Wrong => 91,
            Self::Environment => 92,
            Self::Inconclusive => 93,
        }
    }

    /// Its word on a terminal, a badge or a heading.
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
    /// A stable word in kebab case, listed in `docs/findings.md`.
    pub id: String,
    /// The cause in one sentence, with the numbers.
    pub message: String,
    /// What was seen that shows it, quoted.
    pub evidence: Vec<String>,
    /// What to do, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
    /// The outcome that this reason by itself leads to.
    pub outcome: Outcome,
}

/// The end of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// What was proved.
    pub outcome: Outcome,
    /// The exit code; 105 when the run was interrupted, else the outcome's.
    pub exit_code: u8,
    /// Why, the weightiest first. A pass gives what was proved.
    pub reasons: Vec<Reason>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_version_1_0_called_the_environment_its_surroundings() {
        let read = |text: &str| serde_json::from_str::<Outcome>(text).unwrap();
        assert_eq!(read("\"surroundings\""), Outcome::Environment);
        assert_eq!(read("\"environment\""), Outcome::Environment);
        let written = serde_json::to_string(&Outcome::Environment).unwrap();
        assert_eq!(written, "\"environment\"");
    }
}

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

impl Reason {
    /// Its place on the timeline of a run that began at `begin`; `None` if it applies throughout.
    pub fn instant(&self, begin: Timestamp) -> Option<Timestamp> {
        self.at.or_else(|| {
            let mut texts = std::iter::once(&self.message).chain(&self.evidence);
            let since = texts.find_map(|text| first_clock(text))?;
            begin.checked_add(since).ok()
        })
    }
}

/// An instant of a run as messages and evidence write it: `at 12.3 s` after the run's start.
pub(crate) fn clock(since: Duration) -> String {
    format!("at {:.1} s", since.as_secs_f64())
}

/// The first instant mentioned in a text, as [`clock`] writes it.
fn first_clock(text: &str) -> Option<Duration> {
    text.match_indices("at ").find_map(|(place, _)| {
        let begins = text[..place].chars().next_back();
        let (number, _) = text[place + 3..].split_once(" s")?;
        let digits = number.chars().all(|c| c.is_ascii_digit() || c == '.');
        let whole = digits && number.contains('.') && begins.is_none_or(|c| !c.is_alphanumeric());
        let seconds: f64 = number.parse().ok().filter(|_| whole)?;
        Duration::try_from_secs_f64(seconds).ok()
    })
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
    fn a_reason_has_the_first_instant_that_its_message_or_evidence_mentions() {
        let begin: Timestamp = "2026-01-01T00:00:00Z".parse().unwrap();
        let reason = |message: &str, evidence: &str| Reason {
            id: "flapping".to_owned(),
            message: message.to_owned(),
            evidence: vec![evidence.to_owned()],
            fix: None,
            outcome: Outcome::Wrong,
            at: None,
        };
        let told = clock(Duration::from_millis(12_300));
        let at = |message: &str, evidence: &str| {
            let instant = reason(message, evidence).instant(begin);
            instant.map(|at| at.as_millisecond() - begin.as_millisecond())
        };
        assert_eq!(
            at("the load stays on", &format!("3 → 7 {told}")),
            Some(12_300)
        );
        assert_eq!(at(&told, "ready at 1.0 s"), Some(12_300));
        for silent in [
            "a target at 50 % CPU",
            "that 1.5 s",
            "at rest",
            "at 5 s",
            "format 1.5 s",
        ] {
            assert_eq!(at(silent, ""), None, "{silent}");
        }
    }

    #[test]
    fn the_outcome_surroundings_of_version_1_0_is_read_as_environment() {
        let read = |text: &str| serde_json::from_str::<Outcome>(text).unwrap();
        assert_eq!(read("\"surroundings\""), Outcome::Environment);
        assert_eq!(read("\"environment\""), Outcome::Environment);
        let written = serde_json::to_string(&Outcome::Environment).unwrap();
        assert_eq!(written, "\"environment\"");
    }
}

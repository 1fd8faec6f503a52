//! A finding by its name, and the evidence that turns it into a reason.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::verdict::{Outcome, Reason};

/// How much depends on a finding, the heaviest first. It also says when a rule is asked.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// The autoscaler can't work. A run asks before it makes any load, because a pass is impossible, and
    /// again at the end.
    Blocker,
    /// Explains by itself what goes wrong. Asked at the end.
    Cause,
    /// Shows that something goes wrong. Asked at the end, if nothing that would explain it was found.
    Symptom,
    /// Worth knowing, and no fault.
    Note,
}

/// A reason by its name, apart from any run or cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// A stable word in kebab case.
    pub id: &'static str,
    /// The outcome that it leads to by itself.
    pub outcome: Outcome,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// What to do, in one line; empty where there is nothing to fix.
    pub fix: &'static str,
}

/// What a rule saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// One sentence with the numbers.
    pub(crate) message: String,
    /// What shows it, quoted.
    pub(crate) quotes: Vec<String>,
    /// What to do, where more is known of it than the catalog says.
    pub(crate) advice: Option<String>,
}

impl Evidence {
    /// A sentence, and the first few of what shows it.
    pub(crate) fn new(
        message: impl Into<String>,
        quotes: impl IntoIterator<Item = String>,
    ) -> Self {
        /// More of the same convinces nobody.
        const MOST: usize = 6;
        Self {
            message: message.into(),
            quotes: quotes.into_iter().take(MOST).collect(),
            advice: None,
        }
    }

    /// With advice in the place of the catalog's, if there is some.
    pub(crate) fn advising(self, advice: Option<String>) -> Self {
        Self { advice, ..self }
    }
}

impl Finding {
    /// The finding with its evidence, as a verdict lists it.
    pub(crate) fn reason(&self, evidence: Evidence) -> Reason {
        Reason {
            id: self.id.to_owned(),
            message: evidence.message,
            evidence: evidence.quotes,
            fix: evidence
                .advice
                .or_else(|| (!self.fix.is_empty()).then(|| self.fix.to_owned())),
            outcome: self.outcome,
            at: None,
        }
    }
}

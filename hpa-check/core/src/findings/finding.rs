//! A finding, and the evidence that turns it into a reason.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::verdict::{Outcome, Reason};

/// The weight of a finding, heaviest first. It also decides when its rule runs.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// The autoscaler can't work. A run evaluates it before it starts the load, because a pass is
    /// impossible, and again at the end.
    Blocker,
    /// A cause. Evaluated at the end.
    Cause,
    /// A symptom. Evaluated at the end if no cause was found.
    Symptom,
    /// Worth knowing, but not a fault.
    Note,
}

/// A catalog entry, independent of any run or cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// A stable identifier in kebab case.
    pub id: &'static str,
    /// The outcome it leads to on its own.
    pub outcome: Outcome,
    /// What it means, in one sentence.
    pub meaning: &'static str,
    /// What to do, in one line; empty if there is nothing to fix.
    pub fix: &'static str,
}

/// What a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Evidence {
    /// One sentence, with numbers.
    pub(crate) message: String,
    /// Quotes that prove it.
    pub(crate) quotes: Vec<String>,
    /// What to do, if the rule knows better than the catalog.
    pub(crate) advice: Option<String>,
    /// The first instant that it is about; `None` if it holds throughout.
    pub(crate) at: Option<Timestamp>,
}

impl Evidence {
    /// A sentence, with at most [`MOST`] quotes.
    pub(crate) fn new(
        message: impl Into<String>,
        quotes: impl IntoIterator<Item = String>,
    ) -> Self {
        /// More quotes add nothing.
        const MOST: usize = 6;
        Self {
            message: message.into(),
            quotes: quotes.into_iter().take(MOST).collect(),
            advice: None,
            at: None,
        }
    }

    /// Replaces the catalog's advice, if given.
    pub(crate) fn advising(self, advice: Option<String>) -> Self {
        Self { advice, ..self }
    }

    /// Places it on the timeline.
    pub(crate) fn at(self, at: impl Into<Option<Timestamp>>) -> Self {
        let at = at.into();
        Self { at, ..self }
    }
}

impl Finding {
    /// The finding with its evidence, as listed in a verdict.
    pub(crate) fn reason(&self, evidence: Evidence) -> Reason {
        Reason {
            id: self.id.to_owned(),
            message: evidence.message,
            evidence: evidence.quotes,
            fix: evidence
                .advice
                .or_else(|| (!self.fix.is_empty()).then(|| self.fix.to_owned())),
            outcome: self.outcome,
            at: evidence.at,
        }
    }
}

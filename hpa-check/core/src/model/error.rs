//! Why the controller computes nothing, in its own words. Conditions, events and logs quote them, so the text
//! is upstream's to the letter.

use std::fmt::Display;

/// Why a metric gives no proposal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MetricError(String);

impl MetricError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The same error as its caller reports it: what failed, a colon, and why.
    pub(super) fn within(self, what: impl Display) -> Self {
        Self(format!("{what}: {self}"))
    }
}

impl From<MetricError> for String {
    fn from(error: MetricError) -> Self {
        error.0
    }
}

/// Why a label selector can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SelectorError(String);

impl SelectorError {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

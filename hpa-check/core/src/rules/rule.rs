//! What a rule is.

use super::run_only::run::RunView;
use crate::findings::{Evidence, Finding};

/// When a rule is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Proves, before any load, that a pass is impossible; and is asked at the end too.
    Blocker,
    /// Asked at the end.
    Cause,
    /// Asked at the end, if nothing that would explain it was found.
    Symptom,
}

/// How a rule looks, by what it has to know.
pub(crate) enum Find {
    /// What only a run can know.
    Run(fn(&RunView<'_>) -> Option<Evidence>),
}

/// One rule.
pub(crate) struct Rule {
    /// What it finds.
    pub(crate) finding: &'static Finding,
    /// When it is asked.
    pub(crate) weight: Weight,
    /// Looks for it.
    pub(crate) find: Find,
}

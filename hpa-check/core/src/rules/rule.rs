//! The definition of a rule.

use super::run_only::run::RunView;
use super::snapshot_only::look::SnapshotView;
use super::view::View;
pub(crate) use crate::findings::Weight;
use crate::findings::{Evidence, Finding};

/// Finds something in what both a run and a snapshot know.
pub(crate) type SharedFind = fn(&dyn View) -> Option<Evidence>;

/// The rule's function, by what it reads.
#[derive(Clone, Copy)]
pub(crate) enum Find {
    /// Reads what both a run and a snapshot know.
    Shared(SharedFind),
    /// Reads what only a run can know.
    Run(fn(&RunView<'_>) -> Option<Evidence>),
    /// Reads what only a snapshot can know.
    Snapshot(fn(&SnapshotView<'_>) -> Option<Evidence>),
}

/// One rule.
pub(crate) struct Rule {
    /// The finding.
    pub(crate) finding: &'static Finding,
    /// When it is evaluated.
    pub(crate) weight: Weight,
    /// Evaluates it.
    pub(crate) find: Find,
}

impl Rule {
    /// A rule for runs and snapshots.
    pub(crate) const fn shared(
        finding: &'static Finding,
        weight: Weight,
        find: SharedFind,
    ) -> Self {
        Self {
            finding,
            weight,
            find: Find::Shared(find),
        }
    }

    /// A rule for runs only.
    pub(crate) const fn run(
        finding: &'static Finding,
        weight: Weight,
        find: fn(&RunView<'_>) -> Option<Evidence>,
    ) -> Self {
        Self {
            finding,
            weight,
            find: Find::Run(find),
        }
    }

    /// A rule for snapshots only.
    pub(crate) const fn snapshot(
        finding: &'static Finding,
        weight: Weight,
        find: fn(&SnapshotView<'_>) -> Option<Evidence>,
    ) -> Self {
        Self {
            finding,
            weight,
            find: Find::Snapshot(find),
        }
    }

    /// Evaluates the rule for a run.
    pub(crate) fn ask_run(&self, run: &RunView<'_>) -> Option<Evidence> {
        match self.find {
            Find::Shared(find) => find(run),
            Find::Run(find) => find(run),
            Find::Snapshot(_) => None,
        }
    }

    /// Evaluates the rule for a snapshot.
    pub(crate) fn ask_snapshot(&self, look: &SnapshotView<'_>) -> Option<Evidence> {
        match self.find {
            Find::Shared(find) => find(look),
            Find::Run(_) => None,
            Find::Snapshot(find) => find(look),
        }
    }
}

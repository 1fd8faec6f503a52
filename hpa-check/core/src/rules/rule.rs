//! What a rule is.

use super::run_only::run::RunView;
use super::snapshot_only::look::SnapshotView;
use super::view::View;
pub(crate) use crate::findings::Weight;
use crate::findings::{Evidence, Finding};

/// How a rule looks, by what it has to know.
#[derive(Clone, Copy)]
pub(crate) enum Find {
    /// What both a run and a snapshot know.
    Shared(fn(&dyn View) -> Option<Evidence>),
    /// What only a run can know.
    Run(fn(&RunView<'_>) -> Option<Evidence>),
    /// What only a snapshot can know.
    Snapshot(fn(&SnapshotView<'_>) -> Option<Evidence>),
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

impl Rule {
    /// A rule for runs and snapshots.
    pub(crate) const fn shared(
        finding: &'static Finding,
        weight: Weight,
        find: fn(&dyn View) -> Option<Evidence>,
    ) -> Self {
        let find = Find::Shared(find);
        Self {
            finding,
            weight,
            find,
        }
    }

    /// A rule for snapshots alone.
    pub(crate) const fn snapshot(
        finding: &'static Finding,
        weight: Weight,
        find: fn(&SnapshotView<'_>) -> Option<Evidence>,
    ) -> Self {
        let find = Find::Snapshot(find);
        Self {
            finding,
            weight,
            find,
        }
    }

    /// Asks a run.
    pub(crate) fn ask_run(&self, run: &RunView<'_>) -> Option<Evidence> {
        match self.find {
            Find::Shared(find) => find(run),
            Find::Run(find) => find(run),
            Find::Snapshot(_) => None,
        }
    }

    /// Asks a snapshot.
    pub(crate) fn ask_snapshot(&self, look: &SnapshotView<'_>) -> Option<Evidence> {
        match self.find {
            Find::Shared(find) => find(look),
            Find::Run(_) => None,
            Find::Snapshot(find) => find(look),
        }
    }
}

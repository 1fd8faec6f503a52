//! What one snapshot shows, and only a second one can prove.

use std::time::Duration;

use super::look::SnapshotView;
use super::pods::uncreated;
use crate::findings::{Evidence, catalog};
use crate::rules::rule::{Rule, SharedFind, Weight};
use crate::rules::shared::keda::fails;
use crate::rules::shared::lasting::momentary;
use crate::rules::shared::metrics::old_samples;
use crate::rules::shared::pods::{first_pull, first_start};
use crate::rules::shared::room::rejected;
use crate::rules::shared::spread::uneven;
use crate::rules::shared::uncomputed::beside_others;
use crate::rules::view::View;

pub(crate) const RULES: &[Rule] = &[Rule::snapshot(
    &catalog::NEEDS_SECOND_LOOK,
    Weight::Symptom,
    undecided,
)];

/// What is a fault if it is still there two syncs later.
const FIRST: [SharedFind; 5] = [fails, first_pull, first_start, rejected, uncreated];

/// What is shown, and how long after it the second snapshot has to be taken.
type Shown = (Evidence, Duration);

fn undecided(look: &SnapshotView<'_>) -> Option<Evidence> {
    let syncs = look.cluster.controller.sync_period * 2;
    let first = FIRST
        .iter()
        .filter_map(|find| momentary(look.view(), *find));
    let first = first.map(|found| (found, syncs));
    let shown = [old(look), hot(look), failing(look)].into_iter().flatten();
    let shown: Vec<Shown> = shown.chain(first).collect();
    let pause = shown.iter().map(|(_, pause)| *pause).max()?.as_secs();
    let quotes = shown.iter().skip(1).map(|(found, _)| found.message.clone());
    let quotes: Vec<String> = quotes
        .chain(shown.iter().flat_map(|(found, _)| found.quotes.clone()))
        .collect();
    let (first, _) = shown.into_iter().next()?;
    let advice = format!("Take a second snapshot: `hpa-check doctor --again {pause}s`.");
    Some(
        Evidence::new(
            format!("seen once, which may be a moment: {}", first.message),
            quotes,
        )
        .advising(Some(advice)),
    )
}

/// Samples that are old by their nodes' clocks, unless they were renewed since the earlier snapshot.
fn old(look: &SnapshotView<'_>) -> Option<Shown> {
    let renewed = look.before.is_some() && look.newest_since() == look.cluster.at;
    old_samples(look.view()).filter(|_| !renewed)
}

/// One hot pod in a single sample.
fn hot(look: &SnapshotView<'_>) -> Option<Shown> {
    let (uses, needed) = look.uses_under_load();
    let found = uneven(look.view(), &uses, 1).filter(|_| uses.len() < needed)?;
    Some((found, look.cluster.metrics_resolution * 2))
}

/// A metric that fails beside one that works, and may be back at the next sync.
fn failing(look: &SnapshotView<'_>) -> Option<Shown> {
    let view = look.view();
    let enough = view.warm_up();
    let open = view.valueless_for()? < enough && view.refusal("ScalingActive").is_none();
    Some((beside_others(view).filter(|_| open)?, enough))
}

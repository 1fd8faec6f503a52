//! What KEDA does on purpose: notes, not faults.

use super::look::SnapshotView;
use crate::findings::{Evidence, catalog};
use crate::keda::{Pause, ScaledObject};
use crate::rules::rule::{Rule, Weight};
use crate::rules::shared::wiring::means_zero;
use crate::rules::view::quoted;

pub(crate) const RULES: &[Rule] = &[
    Rule::snapshot(&catalog::IDLE_AT_ZERO, Weight::Cause, idle),
    Rule::snapshot(&catalog::PAUSED, Weight::Cause, |look| {
        paused(look.view().scaled_object()?)
    }),
    Rule::snapshot(&catalog::PAUSED_AT_REPLICAS, Weight::Cause, |look| {
        paused_at(look.view().scaled_object()?)
    }),
    Rule::snapshot(&catalog::FALLBACK, Weight::Cause, fallback),
];

fn idle(look: &SnapshotView<'_>) -> Option<Evidence> {
    let view = look.view();
    let at_zero = view.target()?.spec_replicas == 0 && means_zero(view);
    let paused = view.scaled_object().is_some_and(ScaledObject::is_paused);
    (at_zero && !paused).then(|| {
        let who = match view.scaled_object() {
            Some(object) => {
                format!("KEDA starts its first pod when a trigger of {object} is active")
            }
            None => "the autoscaler starts its first pod when its metric asks for one".to_owned(),
        };
        let target = format!("{}: spec.replicas 0", view.reference());
        let condition = view.quoted_refusal("ScalingActive");
        let quotes = [target].into_iter().chain(condition);
        Evidence::new(format!("idle at zero: {who}"), quotes)
    })
}

/// The note on a pause, with or without its autoscaler.
pub(crate) fn paused(object: &ScaledObject) -> Option<Evidence> {
    let (pause, annotation) = object.pause()?;
    let what = match pause {
        Pause::Whole => "scaling is paused",
        Pause::ScaleIn => "scaling in is paused",
        Pause::ScaleOut => "scaling out is paused",
        Pause::At(_) => return None,
    };
    Some(Evidence::new(
        format!("{what}, by {object}"),
        [format!("{object}: {annotation}")],
    ))
}

/// The note on a pause at N replicas.
pub(crate) fn paused_at(object: &ScaledObject) -> Option<Evidence> {
    let (Pause::At(count), annotation) = object.pause()? else {
        return None;
    };
    Some(Evidence::new(
        format!("scaling is paused at {count} replicas, by {object}"),
        [format!("{object}: {annotation}")],
    ))
}

fn fallback(look: &SnapshotView<'_>) -> Option<Evidence> {
    let object = look.view().scaled_object()?;
    let condition = object.fallback()?;
    Some(Evidence::new(
        format!("a trigger of {object} fails, so its fallback sets the replicas"),
        [format!(
            "{object}: {}",
            quoted(&condition.reason, &condition.message)
        )],
    ))
}

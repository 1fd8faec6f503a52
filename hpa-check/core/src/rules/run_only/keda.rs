//! What KEDA does on purpose, which keeps a run from proving anything.

use super::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::keda::ScaledObject;
use crate::observation::Fact;
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{View, quoted};

pub(crate) const RULES: &[Rule] = &[
    Rule::run(&catalog::SCALING_PAUSED, Weight::Blocker, scaling_paused),
    Rule::run(&catalog::HELD_BY_KEDA, Weight::Cause, held_by_keda),
];

fn scaling_paused(run: &RunView<'_>) -> Option<Evidence> {
    if run.complete() {
        return None;
    }
    let object = View::scaled_object(run)?;
    match object.pause() {
        Some((_, annotation)) => Some(Evidence::new(
            format!("{object} is paused, so nothing should scale"),
            [format!("{object}: {annotation}")],
        )),
        None => withdrawn(run, object),
    }
}

/// KEDA deletes the autoscaler while its `ScaledObject` is paused, and when the `ScaledObject` is deleted.
fn withdrawn(run: &RunView<'_>, object: &ScaledObject) -> Option<Evidence> {
    let gone = run.state.autoscaler_gone;
    let gone = gone.filter(|_| run.state.autoscaler.is_none())?;
    let deleted = |fact: &Fact| matches!(fact, Fact::ScaledObjectGone { .. });
    (!run.state.facts.iter().any(deleted)).then(|| {
        Evidence::new(
            format!("KEDA deleted the autoscaler of {object}, as it does during a pause"),
            [format!("the autoscaler was deleted {}", run.clock(gone))],
        )
        .at(gone)
    })
}

fn held_by_keda(run: &RunView<'_>) -> Option<Evidence> {
    let object = View::scaled_object(run).filter(|_| !run.complete())?;
    if let Some(fallback) = object.fallback() {
        return Some(Evidence::new(
            format!("a trigger of {object} fails, so its fallback sets the replicas"),
            [format!(
                "{object}: {}",
                quoted(&fallback.reason, &fallback.message)
            )],
        ));
    }
    let view: &dyn View = run;
    (view.target()?.spec_replicas == 0).then(|| {
        Evidence::new(
            format!("the target is idle at zero: no trigger of {object} is active"),
            [format!("{}: spec.replicas 0", view.reference())],
        )
    })
}

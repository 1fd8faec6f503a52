//! What KEDA does on purpose, which keeps a run from proving anything.

use super::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::keda::ScaledObject;
use crate::observation::Fact;
use crate::rules::rule::{Find, Rule, Weight};
use crate::rules::view::{View, quoted};

pub(crate) const RULES: &[Rule] = &[SCALING_PAUSED, HELD_BY_KEDA];

const SCALING_PAUSED: Rule = Rule {
    finding: &catalog::SCALING_PAUSED,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
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
    }),
};

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

const HELD_BY_KEDA: Rule = Rule {
    finding: &catalog::HELD_BY_KEDA,
    weight: Weight::Cause,
    find: Find::Run(|run| {
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
    }),
};

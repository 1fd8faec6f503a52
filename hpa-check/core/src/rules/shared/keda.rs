//! What KEDA itself says about the autoscaler's `ScaledObject`.

use super::lasting::lasting;
use crate::findings::{Evidence, catalog};
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{View, quoted};

pub(crate) const RULES: &[Rule] = &[Rule::shared(
    &catalog::SCALED_OBJECT_NOT_READY,
    Weight::Cause,
    not_ready,
)];

/// KEDA's reasons for triggers that failed in its latest poll (`apis/keda/v1alpha1/condition_types.go`).
const TRIGGERS: [&str; 2] = ["TriggerError", "PartialTriggerError"];

/// A trigger may fail once; the controller's condition shows for how long the metric has been missing.
fn not_ready(view: &dyn View) -> Option<Evidence> {
    let failure = view.scaled_object()?.failure()?;
    let refused = view.refusal_lasting("ScalingActive", view.warm_up());
    if refused.is_some() || !TRIGGERS.contains(&&*failure.reason) {
        return fails(view);
    }
    lasting(view, fails)
}

/// If a fallback is active, it already handles the failing trigger.
pub(crate) fn fails(view: &dyn View) -> Option<Evidence> {
    let object = view.scaled_object()?;
    let failure = object.failure()?;
    let excused = object.fallback().is_some() || object.is_paused() || view.is_complete();
    (!excused).then(|| {
        Evidence::new(
            format!(
                "KEDA reports that {object} is not working: {}",
                failure.message
            ),
            [format!(
                "{object}: {}",
                quoted(&failure.reason, &failure.message)
            )],
        )
    })
}

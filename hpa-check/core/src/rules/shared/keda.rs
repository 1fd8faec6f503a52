//! What KEDA itself says about the autoscaler's `ScaledObject`.

use crate::findings::{Evidence, catalog};
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{View, quoted};

pub(crate) const RULES: &[Rule] = &[Rule::shared(
    &catalog::SCALED_OBJECT_NOT_READY,
    Weight::Cause,
    not_ready,
)];

/// If a fallback is active, it already handles the failing trigger.
fn not_ready(view: &dyn View) -> Option<Evidence> {
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

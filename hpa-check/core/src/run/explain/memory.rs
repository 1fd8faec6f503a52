//! What the controller remembers, where that has to be inferred.

use std::time::Duration;

use jiff::Timestamp;

use super::Pending;
use crate::model::after;
use crate::model::normalize::{Recommendation, ScaleEvent};
use crate::model::reconcile::Controller;

/// Shorter periods than this are not believed.
const SHORTEST: Duration = Duration::from_millis(100);

/// Syncs that decide the same again leave no trace in the status, but in the controller's memory.
pub(super) fn repeat(controller: &mut Controller, until: Timestamp, period: Duration) {
    let period = period.max(SHORTEST);
    let Some(history) = &mut controller.recommendations else {
        return;
    };
    // Expired records are overwritten in place, so the newest may stand anywhere.
    let Some(last) = history.iter().max_by_key(|r| r.at).copied() else {
        return;
    };
    let mut next = after(last.at, period);
    while after(next, period / 2) < until {
        history.push(Recommendation {
            replicas: last.replicas,
            at: next,
        });
        next = after(next, period);
    }
}

/// A sync that came to no decision leaves the memory as it was; the first one ever has noted the
/// size that it found.
pub(super) fn after_refusal(mut controller: Controller, pending: &Pending) -> Controller {
    let replicas = pending.status.current_replicas.unwrap_or_default();
    let at = pending.at;
    controller
        .recommendations
        .get_or_insert_with(|| vec![Recommendation { replicas, at }]);
    controller
}

/// Of a sync that can't be explained, the outcome is all there is to remember.
pub(super) fn after_unexplained(mut controller: Controller, pending: &Pending) -> Controller {
    let current = pending.status.current_replicas.unwrap_or_default();
    let desired = pending.status.desired_replicas;
    let at = pending.at;
    let history = controller.recommendations.get_or_insert_default();
    history.push(Recommendation {
        replicas: desired,
        at,
    });
    if pending.object.spec.behavior.is_some() && current != desired {
        let events = if desired > current {
            &mut controller.ups
        } else {
            &mut controller.downs
        };
        let change = (desired - current).abs();
        events.push(ScaleEvent { change, at });
    }
    controller
}

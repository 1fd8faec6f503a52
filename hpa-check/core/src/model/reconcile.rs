//! One complete sync of the controller: `reconcileAutoscaler` in `horizontal.go`, with the state that the
//! controller keeps between syncs.

use std::time::Duration;

use jiff::Timestamp;

use super::conditions::{self, ABLE_TO_SCALE, SCALED_TO_ZERO, SCALING_ACTIVE, SCALING_LIMITED};
use super::decision::{Decision, FallibleStep};
use super::normalize::{
    self, FullBehavior, Recommendation, Rules, ScaleEvent, ScaleEvents, SizeRequest,
};
use super::pods::ModelPod;
use super::proposal::Readings;
use super::selector::TargetSelector;
use super::{VersionGates, before};
use crate::observation::{Condition, ControllerConfig};
use crate::spec::AutoscalerSpec;

/// The controller's memory of one autoscaler. It lives in the controller's process and is lost in a restart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Controller {
    /// The settings of the controller.
    pub settings: ControllerConfig,
    /// Feature gates and version switches.
    pub gates: VersionGates,
    /// Proposals of earlier syncs; `None` until the first sync, which records the current replicas.
    pub recommendations: Option<Vec<Recommendation>>,
    /// Scale-ups by the controller.
    pub ups: Vec<ScaleEvent>,
    /// Scale-downs by the controller.
    pub downs: Vec<ScaleEvent>,
}

/// The target's `/scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaleSubresource<'a> {
    /// `spec.replicas`.
    pub replicas: i32,
    /// `status.replicas`: the existing pods, by which an object or external metric is divided.
    pub observed: i32,
    /// `status.selector`.
    pub selector: &'a TargetSelector,
}

/// The input of a sync.
#[derive(Debug, Clone, Copy)]
pub struct Sync<'a> {
    /// The instant.
    pub now: Timestamp,
    /// The autoscaler's namespace, for the controller's messages.
    pub namespace: &'a str,
    /// The autoscaler's spec.
    pub spec: &'a AutoscalerSpec,
    /// The target's scale, or why it can't be read.
    pub scale: Result<ScaleSubresource<'a>, &'a str>,
    /// The pods that the selector matches.
    pub pods: &'a [ModelPod],
    /// What the metrics APIs answered.
    pub metrics: Readings<'a>,
    /// Whether the selector of another autoscaler's target matches some of these pods.
    pub shares_pods: bool,
    /// Why the target's scale can't be written.
    pub update_error: Option<&'a str>,
    /// The status conditions before.
    pub conditions: &'a [Condition],
    /// `status.desiredReplicas` before.
    pub desired_before: i32,
}

/// The controller reads its clock again for every comparison, so what it has just recorded is already a moment
/// old.
pub(crate) const MOMENT: Duration = Duration::from_micros(1);

impl Controller {
    /// A controller that has just started.
    pub fn new(settings: ControllerConfig, gates: VersionGates) -> Self {
        Self {
            settings,
            gates,
            ..Self::default()
        }
    }

    /// One sync.
    pub fn sync(&mut self, sync: Sync<'_>) -> Decision {
        self.sync_with(sync, |controller, scale, decision| {
            controller.propose(&sync, scale, decision)
        })
    }

    /// Replays a sync that a controller with any other memory decided: the metrics' proposals are taken from
    /// `other`, with their use but without their arithmetic.
    pub(crate) fn sync_as(&mut self, sync: Sync<'_>, other: &Decision) -> Decision {
        self.sync_with(sync, |_, _, decision| {
            let active = other.conditions.iter().find(|c| c.kind == SCALING_ACTIVE);
            if let Some(c) = active {
                let reached = c.status == "True";
                decision.set(SCALING_ACTIVE, reached, c.reason.clone(), "");
            }
            decision.utilization = other.utilization;
            decision.failed_at = other.failed_at;
            Some((other.proposed?, String::new()))
        })
    }

    fn sync_with(
        &mut self,
        sync: Sync<'_>,
        propose: impl FnOnce(&Self, ScaleSubresource<'_>, &mut Decision) -> Option<(i32, String)>,
    ) -> Decision {
        let mut decision = Decision {
            current: 0,
            desired: sync.desired_before,
            scaled: false,
            utilization: None,
            proposed: None,
            metrics: Vec::new(),
            stabilized: None,
            limited: None,
            conditions: sync.conditions.to_vec(),
            reason: "".into(),
            error: None,
            failed_at: None,
        };
        let scale = match sync.scale {
            Ok(scale) => scale,
            Err(e) => {
                let message =
                    format!("the HPA controller was unable to get the target's current scale: {e}");
                decision.set(ABLE_TO_SCALE, false, "FailedGetScale", message);
                decision.fail(FallibleStep::ReadScale, e);
                return decision;
            }
        };
        decision.set(
            ABLE_TO_SCALE,
            true,
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        );
        let current = scale.replicas;
        decision.current = current;
        self.recommendations.get_or_insert_with(|| {
            vec![Recommendation {
                replicas: current,
                at: before(sync.now, MOMENT),
            }]
        });

        let full = sync.spec.behavior.as_ref();
        let full = full.map(|behavior| FullBehavior::of(behavior, &self.settings));
        let wanted = match self.want(&sync, scale, full.as_ref(), &mut decision, propose) {
            Want::Stop => return decision,
            Want::Stay => current,
            Want::Replicas(wanted) => wanted,
        };
        self.rescale(&sync, full.as_ref(), (current, wanted), &mut decision);
        decision
    }

    /// The replicas it should have.
    fn want(
        &mut self,
        sync: &Sync<'_>,
        scale: ScaleSubresource<'_>,
        full: Option<&FullBehavior>,
        decision: &mut Decision,
        propose: impl FnOnce(&Self, ScaleSubresource<'_>, &mut Decision) -> Option<(i32, String)>,
    ) -> Want {
        let current = scale.replicas;
        let (min, max) = (sync.spec.effective_min(), sync.spec.max_replicas);
        let at_zero =
            self.gates.scale_to_zero && conditions::is_true(&decision.conditions, SCALED_TO_ZERO);
        if current == 0 {
            let may_return = if self.gates.remembers_zero {
                at_zero && (min != 0 || has_object_or_external(sync.spec))
            } else {
                min == 0
            };
            if !may_return {
                decision.set(
                    SCALING_ACTIVE,
                    false,
                    "ScalingDisabled",
                    "scaling is disabled since the replica count of the target is zero",
                );
                if self.gates.remembers_zero && !self.gates.scale_to_zero {
                    decision.conditions.retain(|c| c.kind != SCALED_TO_ZERO);
                }
                return Want::Stay;
            }
        } else if let Some((bound, reason)) = outside(current, min, max) {
            decision.reason = reason.into();
            return Want::Replicas(bound);
        }

        let Some((proposed, metric)) = propose(self, scale, decision) else {
            return Want::Stop;
        };
        decision.proposed = Some(proposed);
        let wanted = proposed.max(0);
        if wanted > current {
            // If no proposal is above zero, the metric stays unnamed.
            let metric = if proposed > 0 { metric.as_str() } else { "" };
            decision.reason = [metric, " above target"].concat().into();
        }
        if wanted < current {
            decision.reason = "All metrics below target".into();
        }
        let mut wanted = self.normalize(sync, full, (current, wanted), decision);
        if current == 0 && min != 0 && at_zero && wanted < min {
            wanted = min;
            if decision.reason.is_empty() {
                decision.reason = BELOW_MIN.into();
            }
        }
        Want::Replicas(wanted)
    }

    /// Stabilization and limits, on the path that the spec selects.
    fn normalize(
        &mut self,
        sync: &Sync<'_>,
        full: Option<&FullBehavior>,
        (current, wanted): (i32, i32),
        decision: &mut Decision,
    ) -> i32 {
        let rules = match full {
            None => Rules::Legacy(&self.settings),
            Some(full) => Rules::Behavior(full),
        };
        let step = SizeRequest {
            current,
            wanted,
            min: sync.spec.effective_min(),
            max: sync.spec.max_replicas,
        };
        let changes = ScaleEvents {
            up: &self.ups,
            down: &self.downs,
        };
        let history = self.recommendations.get_or_insert_default();
        let (stabilized, limited) = normalize::normalize(rules, step, history, changes, sync.now);
        let (reason, message) = if stabilized == wanted {
            ("ReadyForNewScale", "recommended size matches current size")
        } else if full.is_some() && wanted >= current {
            (
                "ScaleUpStabilized",
                "recent recommendations were lower than current one, applying the lowest recent recommendation",
            )
        } else {
            (
                "ScaleDownStabilized",
                "recent recommendations were higher than current one, applying the highest recent recommendation",
            )
        };
        decision.set(ABLE_TO_SCALE, true, reason, message);
        let is_limited = limited.replicas != stabilized;
        let message = conditions::limited_message(limited.reason);
        decision.set(SCALING_LIMITED, is_limited, limited.reason, message);
        decision.stabilized = Some(stabilized);
        decision.limited = Some(limited);
        limited.replicas
    }

    /// Writes the target's scale if it changes, and remembers the change.
    fn rescale(
        &mut self,
        sync: &Sync<'_>,
        full: Option<&FullBehavior>,
        (current, wanted): (i32, i32),
        decision: &mut Decision,
    ) {
        if wanted == current {
            decision.desired = current;
            decision.reason = "".into();
            return;
        }
        if let Some(e) = sync.update_error {
            let message = format!("the HPA controller was unable to update the target scale: {e}");
            decision.set(ABLE_TO_SCALE, false, "FailedUpdateScale", message);
            decision.fail(FallibleStep::WriteScale, e);
            return;
        }
        let message = format!("the HPA controller was able to update the target scale to {wanted}");
        decision.set(ABLE_TO_SCALE, true, "SucceededRescale", message);
        if let Some(full) = full {
            let events = (&mut self.ups, &mut self.downs);
            normalize::remember_change(full, events, (current, wanted), sync.now);
        }
        if self.gates.remembers_zero && self.gates.scale_to_zero {
            let to_zero = current > 0
                && wanted == 0
                && sync.spec.effective_min() == 0
                && has_object_or_external(sync.spec);
            let (reason, message) = if to_zero {
                (
                    "ScaledToZero",
                    "the HPA controller scaled the workload to zero",
                )
            } else {
                (
                    "NotScaledToZero",
                    "the HPA controller did not scale the workload to zero",
                )
            };
            decision.set(SCALED_TO_ZERO, to_zero, reason, message);
        } else if self.gates.remembers_zero {
            decision.conditions.retain(|c| c.kind != SCALED_TO_ZERO);
        }
        decision.desired = wanted;
        decision.scaled = true;
    }
}

/// The result of metrics and bounds.
enum Want {
    /// Nothing could be computed; the status stays the same.
    Stop,
    /// Leave the target as it is.
    Stay,
    /// This many replicas.
    Replicas(i32),
}

fn has_object_or_external(spec: &AutoscalerSpec) -> bool {
    spec.metrics
        .iter()
        .any(|m| m.source.is_object_or_external())
}

const BELOW_MIN: &str = "Current number of replicas below Spec.MinReplicas";

/// The bound that the current replicas violate, whatever the metrics say, and the reason for the rescale.
pub(crate) fn outside(current: i32, min: i32, max: i32) -> Option<(i32, &'static str)> {
    if current > max {
        Some((max, "Current number of replicas above Spec.MaxReplicas"))
    } else if current < min {
        Some((min, BELOW_MIN))
    } else {
        None
    }
}

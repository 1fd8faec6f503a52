//! One sync of the controller, whole: `reconcileAutoscaler` in `horizontal.go`, with the memory that
//! the controller keeps between syncs.

use std::time::Duration;

use jiff::Timestamp;

use super::conditions::{self, ABLE_TO_SCALE, SCALED_TO_ZERO, SCALING_ACTIVE, SCALING_LIMITED};
use super::normalize::{
    self, FullBehavior, Limited, Recommendation, Rules, ScaleEvent, ScaleEvents, Step,
};
use super::pods::ModelPod;
use super::proposal::{Proposal, Readings};
use super::selector::Selector;
use super::{MetricError, VersionGates, before};
use crate::observation::{Condition, ControllerConfig};
use crate::spec::{AutoscalerSpec, CurrentMetric, MetricSpec};

/// The controller's memory of one autoscaler. It lives in the controller's process: a restart
/// begins with an empty one.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Controller {
    /// The settings of the controller.
    pub settings: ControllerConfig,
    /// Feature gates and version rules.
    pub gates: VersionGates,
    /// Proposals of earlier syncs; `None` until the first sync, which records the present size.
    pub recommendations: Option<Vec<Recommendation>>,
    /// Growths that the controller made.
    pub ups: Vec<ScaleEvent>,
    /// Shrinkages that the controller made.
    pub downs: Vec<ScaleEvent>,
}

/// The target's `/scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaleSubresource<'a> {
    /// `spec.replicas`.
    pub replicas: i32,
    /// `status.replicas`: the pods that there are, which an object or external metric is divided by.
    pub observed: i32,
    /// `status.selector`.
    pub selector: &'a str,
}

/// What a sync finds.
#[derive(Debug, Clone, Copy)]
pub struct Sync<'a> {
    /// The instant.
    pub now: Timestamp,
    /// The autoscaler's namespace, for the controller's messages.
    pub namespace: &'a str,
    /// What the autoscaler is told to do.
    pub spec: &'a AutoscalerSpec,
    /// The target's size, or why it can't be had.
    pub scale: Result<ScaleSubresource<'a>, &'a str>,
    /// The pods that the selector matches.
    pub pods: &'a [ModelPod],
    /// What the metrics APIs answered.
    pub metrics: Readings<'a>,
    /// Selectors of other autoscalers of the namespace.
    pub other_selectors: &'a [Selector],
    /// Why the target's size can't be written.
    pub update_error: Option<&'a str>,
    /// The status' conditions before.
    pub conditions: &'a [Condition],
    /// `status.desiredReplicas` before.
    pub desired_before: i32,
}

/// What a sync decides, with the arithmetic behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// `spec.replicas` of the target when the sync began.
    pub current: i32,
    /// `status.desiredReplicas` afterwards.
    pub desired: i32,
    /// Whether the target's size was written.
    pub scaled: bool,
    /// The CPU utilization in the status, in percent.
    pub utilization: Option<i32>,
    /// What the metrics ask for, before any limit.
    pub proposed: Option<i32>,
    /// The proposal of each metric, in the spec's order.
    pub metrics: Vec<(MetricSpec, Result<Proposal, MetricError>)>,
    /// The proposal after stabilization.
    pub stabilized: Option<i32>,
    /// The bounds' and policies' word.
    pub limited: Option<Limited>,
    /// The status' conditions afterwards.
    pub conditions: Vec<Condition>,
    /// The reason in the event of a rescale; may be empty, and is when the size is left alone.
    pub reason: String,
    /// What the sync failed with; a sync can fail for one metric and still scale by another.
    pub error: Option<String>,
    /// What it was at when it failed.
    pub failed_at: Option<FallibleStep>,
}

/// The parts of a sync that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallibleStep {
    /// Reading the target's size.
    ReadScale,
    /// Computing what the metrics ask for.
    ComputeMetrics,
    /// Computing what one of the metrics asks for, without which the sync goes on.
    ComputeSomeMetric,
    /// Writing the target's size.
    WriteScale,
}

impl Decision {
    /// The first proposal of a metric for CPU that did not fail.
    pub fn cpu_proposal(&self) -> Option<&Proposal> {
        self.metrics
            .iter()
            .find_map(|(spec, outcome)| outcome.as_ref().ok().filter(|_| spec.is_cpu()))
    }

    /// `status.currentMetrics` afterwards: each metric's value, an empty one where it failed.
    pub fn current_metrics(&self) -> Vec<CurrentMetric> {
        let of = |(_, outcome): &(MetricSpec, Result<Proposal, MetricError>)| {
            outcome.as_ref().map(Proposal::current).unwrap_or_default()
        };
        self.metrics.iter().map(of).collect()
    }

    /// The sync's error as the controller returns it, for a target such as `Deployment/shop/cart`.
    pub fn full_error(&self, target: &str) -> Option<String> {
        let error = self.error.as_ref()?;
        let doing = match self.failed_at? {
            FallibleStep::ReadScale => "failed to query scale subresource for",
            FallibleStep::ComputeMetrics => {
                "failed to compute desired number of replicas based on listed metrics for"
            }
            FallibleStep::ComputeSomeMetric => return Some(error.clone()),
            FallibleStep::WriteScale => "failed to rescale",
        };
        Some(format!("{doing} {target}: {error}"))
    }

    pub(super) fn fail(&mut self, step: FallibleStep, error: impl Into<String>) {
        self.failed_at = Some(step);
        self.error = Some(error.into());
    }
}

/// The controller reads its clock anew for every comparison, so what it has just recorded is
/// already a moment old.
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

    /// One sync that reads what another did, which a controller of any memory made: what the metrics ask for is
    /// taken from that, and only their use is told again, not their arithmetic.
    pub(crate) fn sync_as(&mut self, sync: Sync<'_>, other: &Decision) -> Decision {
        self.sync_with(sync, |_, _, decision| {
            let active = other.conditions.iter().find(|c| c.kind == SCALING_ACTIVE);
            if let Some(c) = active {
                let reached = c.status == "True";
                conditions::set(&mut decision.conditions, &c.kind, reached, &c.reason, "");
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
            reason: String::new(),
            error: None,
            failed_at: None,
        };
        let scale = match sync.scale {
            Ok(scale) => scale,
            Err(e) => {
                let message =
                    format!("the HPA controller was unable to get the target's current scale: {e}");
                conditions::set(
                    &mut decision.conditions,
                    ABLE_TO_SCALE,
                    false,
                    "FailedGetScale",
                    message,
                );
                decision.fail(FallibleStep::ReadScale, e);
                return decision;
            }
        };
        conditions::set(
            &mut decision.conditions,
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

    /// How many replicas it should be.
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
                conditions::set(
                    &mut decision.conditions,
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
            reason.clone_into(&mut decision.reason);
            return Want::Replicas(bound);
        }

        let Some((proposed, metric)) = propose(self, scale, decision) else {
            return Want::Stop;
        };
        decision.proposed = Some(proposed);
        let wanted = proposed.max(0);
        if wanted > current {
            // A proposal that is not above zero leaves the metric unnamed.
            let metric = if proposed > 0 { metric.as_str() } else { "" };
            decision.reason = [metric, " above target"].concat();
        }
        if wanted < current {
            "All metrics below target".clone_into(&mut decision.reason);
        }
        let mut wanted = self.normalize(sync, full, (current, wanted), decision);
        if current == 0 && min != 0 && at_zero && wanted < min {
            wanted = min;
            if decision.reason.is_empty() {
                BELOW_MIN.clone_into(&mut decision.reason);
            }
        }
        Want::Replicas(wanted)
    }

    /// Stabilization and limits, on the path that the spec chooses.
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
        let step = Step {
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
        let reason = if full.is_some() && wanted >= current {
            "ScaleUpStabilized"
        } else {
            "ScaleDownStabilized"
        };
        let (reason, message) = if stabilized == wanted {
            ("ReadyForNewScale", "recommended size matches current size")
        } else if reason == "ScaleUpStabilized" {
            (
                reason,
                "recent recommendations were lower than current one, applying the lowest recent recommendation",
            )
        } else {
            (
                reason,
                "recent recommendations were higher than current one, applying the highest recent recommendation",
            )
        };
        conditions::set(
            &mut decision.conditions,
            ABLE_TO_SCALE,
            true,
            reason,
            message,
        );
        let is_limited = limited.replicas != stabilized;
        let message = conditions::limited_message(limited.reason);
        conditions::set(
            &mut decision.conditions,
            SCALING_LIMITED,
            is_limited,
            limited.reason,
            message,
        );
        decision.stabilized = Some(stabilized);
        decision.limited = Some(limited);
        limited.replicas
    }

    /// Writes the target's size if it changes, and remembers the change.
    fn rescale(
        &mut self,
        sync: &Sync<'_>,
        full: Option<&FullBehavior>,
        (current, wanted): (i32, i32),
        decision: &mut Decision,
    ) {
        if wanted == current {
            decision.desired = current;
            decision.reason.clear();
            return;
        }
        if let Some(e) = sync.update_error {
            let message = format!("the HPA controller was unable to update the target scale: {e}");
            conditions::set(
                &mut decision.conditions,
                ABLE_TO_SCALE,
                false,
                "FailedUpdateScale",
                message,
            );
            decision.fail(FallibleStep::WriteScale, e);
            return;
        }
        let message = format!("the HPA controller was able to update the target scale to {wanted}");
        conditions::set(
            &mut decision.conditions,
            ABLE_TO_SCALE,
            true,
            "SucceededRescale",
            message,
        );
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
            conditions::set(
                &mut decision.conditions,
                SCALED_TO_ZERO,
                to_zero,
                reason,
                message,
            );
        } else if self.gates.remembers_zero {
            decision.conditions.retain(|c| c.kind != SCALED_TO_ZERO);
        }
        decision.desired = wanted;
        decision.scaled = true;
    }
}

/// What the metrics and bounds lead to.
enum Want {
    /// Nothing could be computed; the status keeps what it had.
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

/// The bound that a size lies outside of, whatever the metrics say, with the reason of the rescale.
pub(crate) fn outside(current: i32, min: i32, max: i32) -> Option<(i32, &'static str)> {
    if current > max {
        Some((max, "Current number of replicas above Spec.MaxReplicas"))
    } else if current < min {
        Some((min, BELOW_MIN))
    } else {
        None
    }
}

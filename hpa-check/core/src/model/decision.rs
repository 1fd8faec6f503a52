//! What a sync decides, with the arithmetic behind it.

use std::borrow::Cow;

use super::MetricError;
use super::normalize::Limited;
use super::proposal::Proposal;
use crate::observation::Condition;
use crate::spec::{CurrentMetric, MetricSpec};

/// The decision of a sync, with the arithmetic behind it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// `spec.replicas` of the target when the sync began.
    pub current: i32,
    /// `status.desiredReplicas` afterwards.
    pub desired: i32,
    /// Whether the target's scale was written.
    pub scaled: bool,
    /// The CPU utilization in the status, in percent.
    pub utilization: Option<i32>,
    /// What the metrics ask for, before any limit.
    pub proposed: Option<i32>,
    /// The proposal of each metric, in the spec's order.
    pub metrics: Vec<(MetricSpec, Result<Proposal, MetricError>)>,
    /// The proposal after stabilization.
    pub stabilized: Option<i32>,
    /// The result of the bounds and policies.
    pub limited: Option<Limited>,
    /// The status conditions afterwards.
    pub conditions: Vec<Condition>,
    /// The reason in the rescale event; empty if the replicas stay the same, and sometimes otherwise.
    pub reason: Cow<'static, str>,
    /// The sync's error; a sync can fail for one metric and still scale by another.
    pub error: Option<String>,
    /// The step that failed.
    pub failed_at: Option<FallibleStep>,
}

/// The steps of a sync that can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FallibleStep {
    /// Reading the target's scale.
    ReadScale,
    /// Computing the replicas.
    ComputeMetrics,
    /// Computing one of several metrics; the sync goes on without it.
    ComputeSomeMetric,
    /// Writing the target's scale.
    WriteScale,
}

impl Decision {
    /// The first proposal of a CPU metric that did not fail.
    pub fn cpu_proposal(&self) -> Option<&Proposal> {
        self.metrics
            .iter()
            .find_map(|(spec, outcome)| outcome.as_ref().ok().filter(|_| spec.is_cpu()))
    }

    /// `status.currentMetrics` afterwards: each metric's value, or an empty entry if it failed.
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

    /// Sets a condition in place, or appends it, so conditions stay in the order in which they were first set:
    /// `setConditionInList` in `horizontal.go`.
    pub(super) fn set(
        &mut self,
        kind: &'static str,
        status: bool,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) {
        let new = Condition {
            kind: kind.into(),
            status: if status { "True" } else { "False" }.into(),
            reason: reason.into(),
            message: message.into(),
        };
        match self.conditions.iter_mut().find(|c| c.kind == kind) {
            Some(old) => *old = new,
            None => self.conditions.push(new),
        }
    }

    pub(super) fn fail(&mut self, step: FallibleStep, error: impl Into<String>) {
        self.failed_at = Some(step);
        self.error = Some(error.into());
    }
}

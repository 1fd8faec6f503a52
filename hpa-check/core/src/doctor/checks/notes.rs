//! What is worth knowing and no fault.

use std::time::Duration;

use super::super::patient::Patient;
use crate::findings::Evidence;
use crate::model::after;
use crate::model::normalize::FullBehavior;

pub(super) fn at_maximum(patient: &Patient<'_>) -> Option<Evidence> {
    let max = patient.spec().max_replicas;
    let current = patient.target()?.spec_replicas;
    let wanted = patient.decision.as_ref()?.proposed?;
    (current == max && wanted > max).then(|| {
        let explanation = patient.decision.as_ref().map(|d| d.explain());
        Evidence::new(
            format!("the metric asks for {wanted} pods, and the maximum of {max} holds"),
            explanation,
        )
    })
}

pub(super) fn held(patient: &Patient<'_>) -> Option<Evidence> {
    let status = patient.status()?;
    let condition = status
        .conditions
        .iter()
        .find(|c| c.reason == "ScaleDownStabilized")?;
    let current = patient.target()?.spec_replicas;
    (current > patient.spec().effective_min()).then(|| {
        let window = window(patient);
        let due = status.last_scale.map(|at| after(at, window)).filter(|due| *due > patient.facts.at);
        let seconds = window.as_secs();
        let message = match due {
            Some(due) => format!("the scale-down from {current} is due no earlier than {due:.0}, {seconds} s after the last scaling"),
            None => format!("the scale-down from {current} waits for the highest recommendation of the last {seconds} s to pass"),
        };
        Evidence::new(message, [super::quoted(&condition.reason, &condition.message)])
    })
}

fn window(patient: &Patient<'_>) -> Duration {
    let settings = &patient.facts.controller;
    match &patient.spec().behavior {
        Some(behavior) => FullBehavior::of(behavior, settings).down.window,
        None => settings.downscale_stabilization,
    }
}

pub(super) fn just_scaled(patient: &Patient<'_>) -> Option<Evidence> {
    let last = patient.status()?.last_scale?;
    let target = patient.target()?;
    let settle = patient.warm_up() + patient.facts.controller.sync_period;
    let recent = !patient.longer(Some(last), settle);
    let (ready, wanted) = (target.ready_replicas, target.spec_replicas);
    (recent && ready != wanted).then(|| {
        let seconds = patient.seconds(last);
        Evidence::new(
            format!(
                "the replicas were set to {wanted} {seconds} s ago, and {ready} pods are ready"
            ),
            [format!(
                "status.lastScaleTime {last:.0}, status.readyReplicas {ready}"
            )],
        )
    })
}

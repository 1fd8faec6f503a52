//! What the autoscaler's spec says, by itself and against what is asserted.

use super::super::patient::Patient;
use crate::findings::Evidence;
use crate::spec::{ScalingRules, SelectPolicy};

fn bounds(patient: &Patient<'_>) -> (i32, i32) {
    let spec = patient.spec();
    (spec.effective_min(), spec.max_replicas)
}

pub(super) fn no_room(patient: &Patient<'_>) -> Option<Evidence> {
    let (min, max) = bounds(patient);
    (min >= max).then(|| {
        Evidence::new(
            format!("the bounds are {min}..{max}, which leaves no room to scale"),
            [format!("spec: minReplicas {min}, maxReplicas {max}")],
        )
    })
}

pub(super) fn differ(patient: &Patient<'_>) -> Option<Evidence> {
    let (min, max) = bounds(patient);
    let asked_min = patient.asked.min_replicas.unwrap_or(min);
    let asked_max = patient.asked.max_replicas.unwrap_or(max);
    ((min, max) != (asked_min, asked_max)).then(|| {
        Evidence::new(
            format!("the bounds are {min}..{max}, not {asked_min}..{asked_max}"),
            [format!("spec: minReplicas {min}, maxReplicas {max}")],
        )
    })
}

pub(super) fn target_differs(patient: &Patient<'_>) -> Option<Evidence> {
    let target = patient.cpu()?.utilization()?;
    let asked = patient.asked.cpu_target_percent?;
    (target != asked).then(|| {
        Evidence::new(
            format!("the CPU target is {target} %, not {asked} %"),
            [format!("spec: averageUtilization {target}")],
        )
    })
}

/// A fault only where a CPU target is asserted: other metrics are no less good.
pub(super) fn no_cpu_metric(patient: &Patient<'_>) -> Option<Evidence> {
    patient.asked.cpu_target_percent?;
    patient.cpu().is_none().then(|| {
        let metrics = &patient.spec().metrics;
        let count = metrics.len();
        let names = metrics
            .iter()
            .map(|m| format!("metric: {} {}", m.source.kind(), m.source.name()));
        Evidence::new(
            format!("none of the spec's {count} metrics is a CPU utilization target"),
            names,
        )
    })
}

pub(super) fn up_disabled(patient: &Patient<'_>) -> Option<Evidence> {
    let behavior = patient.spec().behavior.as_ref()?;
    disabled(behavior.scale_up.as_ref()?, "scaleUp")
}

/// Some mean it, so it is a fault only where bounds to return to are asserted.
pub(super) fn down_disabled(patient: &Patient<'_>) -> Option<Evidence> {
    patient.asked.min_replicas?;
    let behavior = patient.spec().behavior.as_ref()?;
    disabled(behavior.scale_down.as_ref()?, "scaleDown")
}

fn disabled(rules: &ScalingRules, direction: &str) -> Option<Evidence> {
    (rules.select_policy == Some(SelectPolicy::Disabled)).then(|| {
        Evidence::new(
            format!("behavior.{direction} is switched off, so the replicas can't follow the load"),
            [format!("spec: behavior.{direction}.selectPolicy Disabled")],
        )
    })
}

/// The controller corrects this in its next sync, so one look proves nothing.
pub(super) fn left(patient: &Patient<'_>) -> Option<Evidence> {
    let (min, max) = bounds(patient);
    let now = patient.target()?.spec_replicas;
    let earlier = &patient.before.as_ref()?.scaler;
    let before = earlier.workload()?.object.spec_replicas;
    let outside = |replicas: i32| replicas > max || (replicas < min && replicas != 0);
    (outside(now) && outside(before)).then(|| {
        let evidence = [before, now].map(|n| format!("spec.replicas {n} (bounds {min}..{max})"));
        let message = format!("the replicas are outside the bounds: {now}, not {min}..{max}");
        Evidence::new(message, evidence)
    })
}

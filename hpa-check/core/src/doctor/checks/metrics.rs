//! Whether CPU metrics arrive, whole and fresh.

use std::time::Duration;

use jiff::Timestamp;

use super::super::facts::MetricsApi;
use super::super::patient::{Patient, ready_since};
use super::quoted;
use crate::findings::Evidence;
use crate::model::after;

const NOT_THERE: &str = "could not find the requested resource";

/// A sample's window from which on reactions are late.
const COARSE: Duration = Duration::from_secs(45);

pub(super) fn no_api(patient: &Patient<'_>) -> Option<Evidence> {
    if !patient.needs_resource_metrics() {
        return None;
    }
    let message = "no resource metrics API is registered";
    let condition = || {
        let (reason, says) = patient.refusal("ScalingActive")?;
        Some(quoted(reason, says))
    };
    match &patient.facts.metrics_api {
        MetricsApi::Absent { message: says } => {
            let api = format!("metrics.k8s.io: {says}");
            Some(Evidence::new(message, [api].into_iter().chain(condition())))
        }
        MetricsApi::Unknown => condition()
            .filter(|c| c.contains(NOT_THERE) && c.contains("metrics.k8s.io"))
            .map(|c| Evidence::new(message, [c])),
        MetricsApi::Unavailable { .. } | MetricsApi::Served => None,
    }
}

pub(super) fn unavailable(patient: &Patient<'_>) -> Option<Evidence> {
    if !patient.needs_resource_metrics() {
        return None;
    }
    let condition = patient.refusal("ScalingActive");
    let condition = condition.map(|(reason, says)| quoted(reason, says));
    if let MetricsApi::Unavailable { message } = &patient.facts.metrics_api {
        let api = format!("APIService metrics.k8s.io: {message}");
        return Some(Evidence::new(
            "the metrics API is registered and not available",
            [api].into_iter().chain(condition),
        ));
    }
    if patient.facts.metrics_api != MetricsApi::Served {
        return None;
    }
    if let Some(Err(error)) = &patient.space.samples {
        return Some(Evidence::new(
            "the metrics API does not answer",
            [format!("list pods.metrics.k8s.io: {error}")]
                .into_iter()
                .chain(condition),
        ));
    }
    let old = settled(patient);
    let none = patient.measured() && patient.samples().next().is_none();
    (none && !old.is_empty()).then(|| {
        let count = old.len();
        Evidence::new(
            format!(
                "the metrics API has no sample of any pod, and {count} are old enough to have one"
            ),
            old.into_iter().map(without).chain(condition),
        )
    })
}

pub(super) fn incomplete(patient: &Patient<'_>) -> Option<Evidence> {
    patient.samples().next()?;
    let old = settled(patient);
    let all = old.len();
    let missing: Vec<&str> = old
        .into_iter()
        .filter(|name| !patient.samples().any(|(p, _)| p.pod.name == *name))
        .collect();
    (!missing.is_empty()).then(|| {
        let few = missing.len();
        Evidence::new(
            format!(
                "{few} of {all} ready pods have no CPU sample, and the autoscaler guesses for them"
            ),
            missing.into_iter().map(without),
        )
    })
}

fn without(pod: &str) -> String {
    format!("pod {pod}: ready, and without a sample")
}

/// Pods that have been ready for long enough to have a sample.
fn settled<'a>(patient: &Patient<'a>) -> Vec<&'a str> {
    let warm_up = patient.warm_up();
    patient
        .ready()
        .filter(|p| patient.longer(ready_since(p), warm_up))
        .map(|p| p.pod.name.as_str())
        .collect()
}

/// No sample yet, and no pod that should have one.
pub(super) fn not_yet(patient: &Patient<'_>) -> Option<Evidence> {
    let young = patient.ready().count();
    let none = patient.measured() && patient.samples().next().is_none();
    (none && young > 0 && settled(patient).is_empty()).then(|| {
        let since = patient.ready().filter_map(ready_since).max();
        let seconds = since.map_or(0, |at| patient.seconds(at));
        Evidence::new(
            format!("no pod has a CPU sample yet; the newest became ready {seconds} s ago"),
            [format!(
                "{young} ready pods, none older than {} s",
                patient.warm_up().as_secs()
            )],
        )
    })
}

pub(super) fn stale(patient: &Patient<'_>) -> Option<Evidence> {
    let (newest, window) = newest(patient)?;
    let period = window.max(patient.facts.metrics_resolution);
    let allowed = period * 3 + patient.facts.controller.sync_period;
    (after(newest, allowed) <= patient.facts.at).then(|| {
        let age = patient.seconds(newest);
        Evidence::new(
            format!("the newest CPU sample is {age} s old, and decisions are made on it"),
            [format!(
                "newest timestamp of the pods' PodMetrics: {newest:.0}"
            )],
        )
    })
}

pub(super) fn coarse(patient: &Patient<'_>) -> Option<Evidence> {
    let (_, window) = newest(patient)?;
    (window >= COARSE && stale(patient).is_none()).then(|| {
        let seconds = window.as_secs();
        Evidence::new(
            format!("each CPU sample covers {seconds} s, and load is seen that much later"),
            [format!("PodMetrics: window {seconds} s")],
        )
    })
}

fn newest(patient: &Patient<'_>) -> Option<(Timestamp, Duration)> {
    patient
        .samples()
        .map(|(_, s)| (s.timestamp, s.window))
        .max()
}

/// Whatever else the controller says about a metric.
pub(super) fn failed(patient: &Patient<'_>) -> Option<Evidence> {
    let (reason, message) = patient.refusal("ScalingActive")?;
    let known = matches!(reason, "ScalingDisabled");
    (!known && not_yet(patient).is_none()).then(|| {
        Evidence::new(
            "the controller could not compute a metric",
            [quoted(reason, message)],
        )
    })
}

//! Whether the resource metrics arrive, whole and fresh.

use std::time::Duration;

use jiff::Timestamp;

use crate::findings::{Evidence, catalog};
use crate::model::after;
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{MetricsView, PodView, View, quoted};
use crate::snapshot::MetricsApi;

pub(crate) const RULES: &[Rule] = &[
    Rule::shared(&catalog::NO_METRICS_API, Weight::Blocker, no_api),
    Rule::shared(
        &catalog::METRICS_API_UNAVAILABLE,
        Weight::Cause,
        unavailable,
    ),
    Rule::shared(&catalog::METRICS_INCOMPLETE, Weight::Cause, incomplete),
    Rule::shared(&catalog::METRICS_STALE, Weight::Cause, stale),
    Rule::shared(&catalog::METRIC_FAILED, Weight::Symptom, failed),
];

const NOT_THERE: &str = "could not find the requested resource";

fn no_api(view: &dyn View) -> Option<Evidence> {
    if !view.needs_resource_metrics() {
        return None;
    }
    let message = "no resource metrics API is registered";
    let condition = view.quoted_refusal("ScalingActive");
    match view.metrics().api {
        MetricsApi::Absent { message: says } => {
            let api = format!("metrics.k8s.io: {says}");
            Some(Evidence::new(message, [api].into_iter().chain(condition)))
        }
        MetricsApi::Unknown => condition
            .filter(|c| c.contains(NOT_THERE) && c.contains("metrics.k8s.io"))
            .map(|c| Evidence::new(message, [c])),
        MetricsApi::Unavailable { .. } | MetricsApi::Served => None,
    }
}

/// Whatever else the controller says about a metric.
fn failed(view: &dyn View) -> Option<Evidence> {
    let (reason, message) = view.refusal("ScalingActive")?;
    // New pods and a metrics server that is started anew have none for a moment.
    let long = view
        .refused_for("ScalingActive")
        .is_none_or(|span| span >= view.warm_up());
    (reason != "ScalingDisabled" && long && !view.is_complete()).then(|| {
        Evidence::new(
            format!("the controller could not compute a metric: {reason}"),
            [quoted(reason, message)],
        )
    })
}

fn unavailable(view: &dyn View) -> Option<Evidence> {
    if !view.needs_resource_metrics() || view.is_complete() {
        return None;
    }
    let metrics = view.metrics();
    let condition = view.quoted_refusal("ScalingActive");
    let api = match &metrics.api {
        MetricsApi::Unavailable { message } => {
            Some(format!("APIService metrics.k8s.io: {message}"))
        }
        _ => None,
    };
    let error = metrics.answer.and_then(Result::err);
    let error = error.map(|error| format!("list pods.metrics.k8s.io: {error}"));
    let long = metrics
        .failing_for
        .is_none_or(|span| span >= view.warm_up());
    if long && (api.is_some() || error.is_some()) {
        let message = match metrics.failing_for {
            Some(span) => format!("the metrics API has not answered for {} s", span.as_secs()),
            None if api.is_some() => "the metrics API is registered and not available".to_owned(),
            None => "the metrics API does not answer".to_owned(),
        };
        let quotes = api.into_iter().chain(error).chain(condition);
        return Some(Evidence::new(message, quotes));
    }
    let old = settled(view, &metrics);
    let never = metrics.answer.is_some() && !metrics.ever_sampled;
    (never && !old.is_empty()).then(|| {
        let count = old.len();
        let quotes = old.iter().map(without);
        Evidence::new(
            format!(
                "the metrics API has no sample of any pod, and {count} are old enough to have one"
            ),
            quotes.chain(condition),
        )
    })
}

fn incomplete(view: &dyn View) -> Option<Evidence> {
    let pods = view.pods()?;
    pods.iter().find(|p| p.sample.is_some())?;
    if view.is_complete() || !view.pods_match_metrics() {
        return None;
    }
    let old = settled(view, &view.metrics());
    let missing: Vec<&PodView<'_>> = old.iter().filter(|p| p.sample.is_none()).collect();
    (!missing.is_empty()).then(|| {
        let (few, all) = (missing.len(), old.len());
        Evidence::new(
            format!(
                "{few} of {all} ready pods have no CPU sample, and the autoscaler guesses for them"
            ),
            missing.into_iter().map(without),
        )
    })
}

fn without(pod: &PodView<'_>) -> String {
    format!("pod {}: ready, and without a sample", pod.name())
}

/// Pods that had been ready for long enough to have a sample when the metrics API answered.
pub(crate) fn settled<'a>(view: &'a dyn View, metrics: &MetricsView<'_>) -> Vec<PodView<'a>> {
    let warm_up = view.warm_up();
    let old = |p: &PodView<'_>| {
        p.since
            .is_some_and(|since| after(since, warm_up) <= metrics.at)
    };
    let pods = view.pods().unwrap_or_default().into_iter();
    pods.filter(|p| p.is_ready() && old(p)).collect()
}

fn stale(view: &dyn View) -> Option<Evidence> {
    if view.is_complete() {
        return None;
    }
    let (newest, window) = newest(view)?;
    let metrics = view.metrics();
    let period = window.max(view.metrics_resolution());
    let allowed = period * 3 + view.controller().sync_period;
    (after(newest.max(metrics.needed_from), allowed) <= metrics.at).then(|| {
        let age = metrics.at.duration_since(newest).as_secs();
        Evidence::new(
            format!("the newest CPU sample is {age} s old, and decisions are made on it"),
            [format!("newest sample of the pods {}", view.clock(newest))],
        )
    })
}

/// The end and the length of the newest sample's window.
pub(crate) fn newest(view: &dyn View) -> Option<(Timestamp, Duration)> {
    let pods = view.pods()?.into_iter();
    let samples = pods.filter_map(|p| p.sample);
    samples.map(|s| (s.timestamp, s.window)).max()
}

//! Metrics that the controller can't compute, for a reason that no other rule names.

use super::metrics::{MEASURED, about_server, settled};
use crate::findings::{Evidence, catalog};
use crate::metrics_server::{CUSTOM, EXTERNAL, RESOURCE, group_of};
use crate::model::counted;
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{View, quoted};
use crate::spec::MetricSpec;

pub(crate) const RULES: &[Rule] = &[Rule::shared(
    &catalog::METRIC_FAILED,
    Weight::Symptom,
    failed,
)];

/// The API that the condition's reason refers to.
fn blamed(reason: &str) -> &'static str {
    match reason {
        "FailedGetExternalMetric" => EXTERNAL,
        "FailedGetPodsMetric" | "FailedGetObjectMetric" => CUSTOM,
        _ => RESOURCE,
    }
}

/// Any other problem that the controller reports about a metric.
fn failed(view: &dyn View) -> Option<Evidence> {
    if let Some(found) = unserved(view).or_else(|| unrequested(view)) {
        return Some(found);
    }
    let Some((reason, message)) = view.refusal("ScalingActive") else {
        let long = view.valueless_for()? >= view.warm_up();
        return long.then(|| beside_others(view))?;
    };
    // New pods have none for a moment, and neither does a restarted metrics server.
    let long = view
        .refusal_lasting("ScalingActive", view.warm_up())
        .is_some();
    let known = reason == "ScalingDisabled" || awaits_pods(view);
    (!known && long && !view.is_complete()).then(|| {
        let (which, blocks) = failing(view);
        Evidence::new(
            format!("the controller can't compute {which}, {blocks}: {reason}"),
            [quoted(reason, message)],
        )
        .advising(about_server(view, blamed(reason)))
    })
}

/// Whether the controller lacks the metric of pods that are all too young to have one that counts. Starts that take
/// too long have findings of their own.
pub(crate) fn awaits_pods(view: &dyn View) -> bool {
    let resource = [
        "FailedGetResourceMetric",
        "FailedGetContainerResourceMetric",
    ];
    let refusal = view.refusal("ScalingActive");
    let lacks = refusal.is_some_and(|(reason, _)| resource.contains(&reason));
    lacks && !view.living().is_empty() && settled(view, &view.metrics()).is_empty()
}

/// A metric of another resource, such as a GPU, of which the controller has no value.
fn unserved(view: &dyn View) -> Option<Evidence> {
    let metrics = &view.spec()?.metrics;
    let other = |m: &&MetricSpec| {
        m.resource()
            .is_some_and(|(name, _)| !MEASURED.contains(&name))
    };
    let stopped = view.standing_refusal("ScalingActive").is_some();
    let metric = valueless(view).find(other);
    let metric = metric.or_else(|| metrics.iter().find(other).filter(|_| stopped))?;
    let source = &metric.source;
    let status = format!("status.currentMetrics: no value for {source}");
    (!view.is_complete()).then(|| {
        Evidence::new(
            format!("the resource metrics API has only CPU and memory, and not {source}"),
            [status]
                .into_iter()
                .chain(view.quoted_refusal("ScalingActive")),
        )
        .advising(Some(format!(
            "Use a metric of type Pods or External, from an adapter that knows {source}."
        )))
    })
}

/// The metrics without a value in the status. A type that is unknown here may have one.
fn valueless(view: &dyn View) -> impl Iterator<Item = &MetricSpec> {
    let metrics = view.spec().map_or(&[][..], |spec| &spec.metrics);
    let current = view.status().map_or(&[][..], |s| &s.current_metrics);
    let failed = metrics.iter().zip(current);
    let failed = failed.filter(|(metric, current)| current.is_empty() && metric.source.is_known());
    failed.map(|(metric, _)| metric)
}

/// A utilization beside the CPU's that can't be computed, because a counted container has no request for its
/// resource. The controller may not report it, because the CPU still adds pods.
fn unrequested(view: &dyn View) -> Option<Evidence> {
    let pods = view.pods().filter(|_| !view.is_complete())?;
    let cpu = view.cpu();
    let mut others = view
        .spec()?
        .metrics
        .iter()
        .filter(|m| m.utilization().is_some());
    others.find_map(|metric| {
        let (resource, _) = metric.resource().filter(|_| Some(metric) != cpu)?;
        MEASURED.contains(&resource).then_some(())?;
        let errors = pods.iter().filter(|p| !p.pod.deleting).filter_map(|p| {
            let request = counted::request(p.pod, &metric.source, view.gates());
            request.err().map(|error| format!("pod {}: {error}", p.name()))
        });
        let errors: Vec<String> = errors.filter(|e| e.contains("missing")).collect();
        (!errors.is_empty()).then(|| {
            let blocks = match view.spec().map_or(0, |s| s.metrics.len()) {
                1 => "so the autoscaler does nothing",
                _ => "which blocks scale-down",
            };
            let count = errors.len();
            let source = &metric.source;
            Evidence::new(
                format!("{count} pods lack the request that {source} is measured by, {blocks}"),
                errors,
            )
            .advising(Some(format!(
                "Set `resources.requests.{resource}` on every container that the metric counts, including injected sidecars."
            )))
        })
    })
}

/// Metrics that fail while another one works, so the controller only says so when it wants to scale down
/// (`computeReplicasForMetrics` in `horizontal.go`).
pub(crate) fn beside_others(view: &dyn View) -> Option<Evidence> {
    let (which, blocks) = failing(view);
    let at_work = view.target()?.spec_replicas > 0 && !view.is_complete();
    at_work.then(|| {
        let mut groups = valueless(view).filter_map(|m| group_of(&m.source));
        Evidence::new(
            format!("the controller can't compute {which}, {blocks}"),
            valueless(view).map(|m| format!("status.currentMetrics: no value for {}", m.source)),
        )
        .advising(groups.next().and_then(|group| about_server(view, group)))
    })
}

/// The metrics without a value in the status, and the consequence: if another metric works, only scale-down
/// is blocked.
fn failing(view: &dyn View) -> (String, &'static str) {
    let metrics = view.spec().map_or(&[][..], |spec| &spec.metrics);
    let failed: Vec<String> = valueless(view).map(|m| m.source.to_string()).collect();
    let blocks = if metrics.len() > failed.len().max(1) {
        "which blocks scale-down"
    } else {
        "so the autoscaler does nothing"
    };
    match failed.as_slice() {
        [] => ("a metric".to_owned(), blocks),
        names => (names.join(" and "), blocks),
    }
}

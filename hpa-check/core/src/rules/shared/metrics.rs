//! Whether the resource metrics arrive complete and on time.

use std::time::Duration;

use jiff::Timestamp;

use crate::findings::{Evidence, catalog};
use crate::metrics_server::{MetricsServer, RESOURCE, group_of};
use crate::model::{after, counted};
use crate::observation::{ContainerSample, PodSample};
use crate::rules::rule::{Rule, Weight};
use crate::rules::view::{MetricsView, PodView, View, quoted};
use crate::snapshot::MetricsApi;
use crate::spec::MetricSource;

pub(crate) const RULES: &[Rule] = &[
    Rule::shared(&catalog::NO_METRICS_API, Weight::Blocker, no_api),
    Rule::shared(
        &catalog::METRICS_API_UNAVAILABLE,
        Weight::Cause,
        unavailable,
    ),
    Rule::shared(&catalog::METRICS_INCOMPLETE, Weight::Cause, incomplete),
    Rule::shared(&catalog::METRICS_STALE, Weight::Cause, stale),
    Rule::shared(&catalog::ADAPTER_UNAVAILABLE, Weight::Cause, no_adapter),
];

/// The resources that the resource metrics API has.
pub(super) const MEASURED: [&str; 2] = ["cpu", "memory"];

const NOT_THERE: &str = "could not find the requested resource";

fn no_api(view: &dyn View) -> Option<Evidence> {
    if !view.needs_resource_metrics() {
        return None;
    }
    let message = "no resource metrics API is registered";
    let condition = view.standing_refusal("ScalingActive");
    let condition = condition.map(|(reason, says)| quoted(reason, says));
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

/// Advice about the component that serves an API, if it is not the one in the catalog.
pub(crate) fn about_server(view: &dyn View, group: &str) -> Option<String> {
    let server = view.server_of(group)?;
    (group != RESOURCE || !server.is_usual())
        .then(|| format!("Read the log of {server}, which serves {group}."))
}

/// A custom or external metric whose API has no server. The controller may not report it if another metric
/// wins.
fn no_adapter(view: &dyn View) -> Option<Evidence> {
    if view.is_complete() {
        return None;
    }
    let metrics = &view.spec()?.metrics;
    let mut needed = metrics.iter().filter_map(|m| {
        let group = group_of(&m.source).filter(|group| *group != RESOURCE)?;
        Some((m, view.server_of(group)?))
    });
    needed.find_map(|(metric, server)| {
        let (group, source) = (&server.group, &metric.source);
        if !server.registered {
            let message = format!("nothing serves {group}, which {source} comes from");
            let quote = format!("no APIService is registered for {group}");
            let advice = format!("Install the adapter that serves {source}.");
            let condition = view.quoted_refusal("ScalingActive");
            let quotes = [quote].into_iter().chain(condition);
            return Some(Evidence::new(message, quotes).advising(Some(advice)));
        }
        let known = view.is_watched() && server.unavailable_since.is_none();
        let lasts = known || lasts(view, server.unavailable_since);
        lasts.then(|| away(view, server, source))?
    })
}

/// An adapter that is registered but does not respond.
fn away(view: &dyn View, server: &MetricsServer, source: &MetricSource) -> Option<Evidence> {
    let group = &server.group;
    let message = format!("{server} does not answer for {group}, which {source} comes from");
    let condition = view.quoted_refusal("ScalingActive");
    let quotes = [server.quote()?].into_iter().chain(condition);
    Some(Evidence::new(message, quotes).advising(about_server(view, group)))
}

/// Whether the API has been down for longer than a restart takes, by its own condition or the controller's.
fn lasts(view: &dyn View, since: Option<Timestamp>) -> bool {
    let restart = view.warm_up();
    let refused = view.refusal_lasting("ScalingActive", restart);
    refused.is_some() || view.longer(since, restart)
}

/// An API that did not respond when the snapshot was taken, and may be restarting.
pub(crate) fn silent(view: &dyn View) -> Option<Evidence> {
    let metrics = view.spec().map_or(&[][..], |spec| &spec.metrics);
    let away = metrics.iter().find_map(|metric| {
        let group = group_of(&metric.source).filter(|group| *group != RESOURCE)?;
        away(view, view.server_of(group)?, &metric.source)
    });
    let resource = || unanswered(view).or_else(|| never_sampled(view));
    let resource = || view.needs_resource_metrics().then(resource)?;
    away.or_else(resource)
}

fn unavailable(view: &dyn View) -> Option<Evidence> {
    if !view.needs_resource_metrics() || view.is_complete() || is_read_by_the_controller(view) {
        return None;
    }
    let metrics = view.metrics();
    match (metrics.failing_for, &metrics.api) {
        (Some(span), _) if span >= view.warm_up() => {
            unanswered(view).or_else(|| never_sampled(view))
        }
        (Some(_), _) => never_sampled(view),
        (None, MetricsApi::Unavailable { since, .. }) if lasts(view, *since) => unanswered(view),
        (None, _) if lasts(view, None) => unanswered(view).or_else(|| never_sampled(view)),
        (None, _) => None,
    }
}

/// Whether the controller's newest status has every value of the resource metrics API, so only the observer is refused: by
/// its own permissions, or by a proxy.
fn is_read_by_the_controller(view: &dyn View) -> bool {
    let Some((spec, status)) = view.spec().zip(view.status()) else {
        return false;
    };
    let mut values = spec.metrics.iter().zip(&status.current_metrics);
    let all = status.current_metrics.len() == spec.metrics.len();
    let lacks = values.any(|(metric, value)| metric.resource().is_some() && value.is_empty());
    view.is_watched() && all && !lacks && view.refusal("ScalingActive").is_none()
}

/// The API is unavailable, or the request failed.
fn unanswered(view: &dyn View) -> Option<Evidence> {
    let metrics = view.metrics();
    let api = match &metrics.api {
        MetricsApi::Unavailable { message, .. } => {
            Some(format!("APIService metrics.k8s.io: {message}"))
        }
        _ => None,
    };
    let error = metrics.answer.and_then(Result::err);
    let error = error.map(|error| format!("list pods.metrics.k8s.io: {error}"));
    (api.is_some() || error.is_some()).then(|| {
        let message = match metrics.failing_for {
            Some(span) => format!("the metrics API has not answered for {} s", span.as_secs()),
            None if api.is_some() => "the metrics API is registered but not available".to_owned(),
            None => "the metrics API does not answer".to_owned(),
        };
        let condition = view.quoted_refusal("ScalingActive");
        let quotes = api.into_iter().chain(error).chain(condition);
        Evidence::new(message, quotes).advising(about_server(view, RESOURCE))
    })
}

/// It responds, but has no sample of pods that are old enough to have one.
fn never_sampled(view: &dyn View) -> Option<Evidence> {
    let metrics = view.metrics();
    let condition = view.quoted_refusal("ScalingActive");
    let old = settled(view, &metrics);
    // A metrics server that has just started has none either.
    let lasts = !view.is_watched()
        || view
            .refusal_lasting("ScalingActive", view.warm_up())
            .is_some();
    let never = metrics.answer.is_some() && !metrics.ever_sampled && lasts;
    (never && !old.is_empty()).then(|| {
        let count = old.len();
        let quotes = old.iter().map(without);
        Evidence::new(
            format!(
                "the metrics API has no samples, although {count} pods are old enough to have one"
            ),
            quotes.chain(condition),
        )
        .advising(about_server(view, RESOURCE))
    })
}

fn incomplete(view: &dyn View) -> Option<Evidence> {
    let pods = view.pods()?;
    pods.iter().find(|p| p.sample.is_some())?;
    if !view.needs_resource_metrics() || view.is_complete() || !view.pods_match_metrics() {
        return None;
    }
    let old = settled(view, &view.metrics());
    // A scrape of a node fails now and then, and the next one has the pods again.
    let lately = |p: &PodView<'_>| {
        let mut samples = view.earlier_samples(p.name()).into_iter();
        samples.any(|s| without_value(view, s).is_none())
    };
    let lasting = old.iter().filter(|p| !lately(p));
    let missing: Vec<String> = lasting.filter_map(|p| lacks(view, p)).collect();
    (!missing.is_empty()).then(|| {
        let (few, all) = (missing.len(), old.len());
        Evidence::new(
            format!(
                "{few} of {all} ready pods have no usable sample, so the autoscaler assumes values for them"
            ),
            missing,
        )
        .advising(about_server(view, RESOURCE))
    })
}

/// What a pod lacks for the controller to count its use: a sample, or in it the CPU or memory of a counted
/// container.
fn lacks(view: &dyn View, pod: &PodView<'_>) -> Option<String> {
    match pod.sample {
        None => Some(without(pod)),
        Some(sample) => {
            let lacking = without_value(view, sample)?;
            Some(format!(
                "pod {}: its sample lacks the {lacking}",
                pod.name()
            ))
        }
    }
}

/// The CPU or memory of counted containers that a sample lacks.
fn without_value(view: &dyn View, sample: &PodSample) -> Option<String> {
    let mut metrics = view.spec()?.metrics.iter();
    metrics.find_map(|metric| {
        let (resource, container) = metric.resource()?;
        MEASURED.contains(&resource).then_some(())?;
        if counted::used(sample, &metric.source).is_some() {
            return None;
        }
        let counts = |name: &str| container.is_none_or(|container| container == name);
        let silent = |c: &&ContainerSample| match resource {
            "memory" => c.memory.is_none(),
            _ => c.cpu.is_none(),
        };
        let counted = sample.containers.iter().filter(|c| counts(&c.name));
        let silent: Vec<&str> = counted.filter(silent).map(|c| c.name.as_str()).collect();
        let which = match silent.as_slice() {
            [] => "of the counted container".to_owned(),
            names => format!("of container {}", names.join(" and of container ")),
        };
        let what = if resource == "cpu" { "CPU" } else { resource };
        Some(format!("{what} {which}"))
    })
}

fn without(pod: &PodView<'_>) -> String {
    format!("pod {}: ready but without a sample", pod.name())
}

/// Pods that had been ready long enough to have a sample when the metrics API answered.
pub(crate) fn settled<'a>(view: &'a dyn View, metrics: &MetricsView<'_>) -> Vec<PodView<'a>> {
    let warm_up = view.first_warm_up();
    let old = |p: &PodView<'_>| {
        p.since
            .is_some_and(|since| after(since, warm_up) <= metrics.at)
    };
    let pods = view.pods().unwrap_or_default().into_iter();
    pods.filter(|p| p.is_ready() && old(p)).collect()
}

fn stale(view: &dyn View) -> Option<Evidence> {
    let (found, renewal) = old_samples(view)?;
    let metrics = view.metrics();
    let stood = metrics.newest_since.unwrap_or(metrics.at);
    (after(stood, renewal) <= metrics.at).then_some(found)
}

/// The longest time between two snapshots of `doctor`.
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// Samples that are too old by their nodes' clocks, and the time in which they would be renewed.
pub(crate) fn old_samples(view: &dyn View) -> Option<(Evidence, Duration)> {
    if !view.needs_resource_metrics() || view.is_complete() {
        return None;
    }
    let (newest, window) = newest(view)?;
    let metrics = view.metrics();
    let period = window.max(view.metrics_resolution());
    let allowed = period * 3 + view.controller().sync_period;
    (after(newest.max(metrics.needed_from), allowed) <= metrics.at).then(|| {
        let age = metrics.at.duration_since(newest).as_secs();
        let found = Evidence::new(
            format!("the newest sample is {age} s old, and the autoscaler decides on it"),
            [format!("newest sample of the pods {}", view.clock(newest))],
        );
        let found = found.at(newest).advising(about_server(view, RESOURCE));
        (found, allowed.min(LONGEST_PAUSE))
    })
}

/// The end and the length of the newest sample's window.
pub(crate) fn newest(view: &dyn View) -> Option<(Timestamp, Duration)> {
    let pods = view.pods()?.into_iter();
    let samples = pods.filter_map(|p| p.sample);
    samples.map(|s| (s.timestamp, s.window)).max()
}

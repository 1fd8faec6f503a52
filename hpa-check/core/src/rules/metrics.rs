//! Whether the CPU metrics arrive, whole and fresh.

use std::time::Duration;

use jiff::Timestamp;

use super::rule::{Find, Rule, Weight};
use super::run_only::run::RunView;
use crate::findings::{Evidence, catalog};
use crate::model::after;
use crate::observation::{AutoscalerStatus, Fact, Phase};
use crate::run::state::Poll;

/// What the controller says of a metric that it could not compute.
const FAILURES: [&str; 6] = [
    "FailedGetResourceMetric",
    "FailedGetContainerResourceMetric",
    "FailedGetPodsMetric",
    "FailedGetObjectMetric",
    "FailedGetExternalMetric",
    "InvalidMetricSourceType",
];

/// Whether the controller has said so for longer than pods and samples need to come: a new pod or one poll
/// of an adapter makes a metric fail for a moment.
fn lasts(run: &RunView<'_>) -> bool {
    let failing = |status: &&(Timestamp, AutoscalerStatus)| {
        let mut all = status.1.conditions.iter();
        all.any(|c| c.kind == "ScalingActive" && c.status == "False")
    };
    let row = run.state.statuses.iter().rev().take_while(failing);
    let allowed = run.budget(|b| b.reaction() + b.controller.sync_period);
    row.last()
        .is_some_and(|(since, _)| after(*since, allowed) <= run.until)
}

const METRIC_FAILED: Rule = Rule {
    finding: &catalog::METRIC_FAILED,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        let refusal = run.state.refusal("ScalingActive");
        let (reason, message) = refusal.filter(|(reason, _)| FAILURES.contains(reason))?;
        if run.complete() || !lasts(run) {
            return None;
        }
        let spec = run.spec()?;
        let current = run.state.status().map_or(&[][..], |s| &s.current_metrics);
        let failed = spec
            .metrics
            .iter()
            .zip(current)
            .filter(|(_, c)| c.is_empty());
        let failed: Vec<String> = failed.map(|(m, _)| m.source.to_string()).collect();
        let which = match failed.as_slice() {
            [] => "a metric".to_owned(),
            names => names.join(" and "),
        };
        let blocks = if spec.metrics.len() > failed.len().max(1) {
            "which blocks every step down"
        } else {
            "so the autoscaler does nothing"
        };
        Some(Evidence::new(
            format!("the controller can't compute {which}, {blocks}"),
            [format!("condition ScalingActive {reason}: {message}")],
        ))
    }),
};

pub(super) const RULES: &[Rule] = &[
    METRIC_FAILED,
    NO_METRICS_API,
    METRICS_API_UNAVAILABLE,
    METRICS_INCOMPLETE,
    METRICS_STALE,
];

const NOT_THERE: &str = "could not find the requested resource";

const NO_METRICS_API: Rule = Rule {
    finding: &catalog::NO_METRICS_API,
    weight: Weight::Blocker,
    find: Find::Run(|run| {
        if let Some(Fact::MetricsApi {
            registered: false,
            message,
            ..
        }) = api(run)
        {
            return Some(Evidence::new(
                "no resource metrics API is registered",
                [format!("metrics.k8s.io: {message}")],
            ));
        }
        let (reason, message) = run.state.refusal("ScalingActive")?;
        (api(run).is_none() && message.contains(NOT_THERE)).then(|| {
            Evidence::new(
                "no resource metrics API is registered",
                [format!("condition {reason}: {message}")],
            )
        })
    }),
};

const METRICS_API_UNAVAILABLE: Rule = Rule {
    finding: &catalog::METRICS_API_UNAVAILABLE,
    weight: Weight::Cause,
    find: Find::Run(unavailable),
};

fn unavailable(run: &RunView<'_>) -> Option<Evidence> {
    if run.complete() {
        return None;
    }
    let allowed = run.budget(|b| b.reaction() + b.resolution * 2);
    let failing = failing_for(run);
    if failing.is_some_and(|(_, span)| span >= allowed) || never_measured(run) {
        let (seconds, error) = failing.map_or((0, ""), |(error, span)| (span.as_secs(), error));
        let condition = run
            .state
            .refusal("ScalingActive")
            .map(|(r, m)| format!("condition {r}: {m}"));
        let fact = match api(run) {
            Some(Fact::MetricsApi {
                available: false,
                message,
                ..
            }) => Some(format!("metrics.k8s.io: {message}")),
            _ => None,
        };
        let poll = (!error.is_empty()).then(|| format!("poll: {error}"));
        return Some(Evidence::new(
            if seconds > 0 {
                format!("the metrics API has not answered for {seconds} s")
            } else {
                "the metrics API gave no CPU use for any of the pods".to_owned()
            },
            fact.into_iter().chain(poll).chain(condition),
        ));
    }
    None
}

/// The error that the polls end in, and since when there is nothing else.
fn failing_for<'a>(run: &RunView<'a>) -> Option<(&'a str, Duration)> {
    let polls = &run.state.polls;
    let error = polls.last()?.answer.as_ref().err()?;
    let good = polls.iter().rposition(|p| p.answer.is_ok());
    let since = polls[good.map_or(0, |g| g + 1)].at;
    let span = Duration::try_from(run.until.duration_since(since)).unwrap_or_default();
    Some((error, span))
}

/// Pods were ready for long, and no answer ever held a sample of one.
fn never_measured(run: &RunView<'_>) -> bool {
    let allowed = run.budget(|b| b.reaction() + b.resolution * 2);
    let measured = |p: &Poll| p.answer.as_ref().is_ok_and(|samples| !samples.is_empty());
    let ready = run.state.pods.values().filter_map(|p| p.ready_at).min();
    !run.state.polls.is_empty()
        && !run.state.polls.iter().any(measured)
        && ready.is_some_and(|at| after(at, allowed) <= run.until)
}

const METRICS_INCOMPLETE: Rule = Rule {
    finding: &catalog::METRICS_INCOMPLETE,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        if run.complete() {
            return None;
        }
        let allowed = run.budget(|b| b.reaction() + b.resolution * 2);
        let samples = run.state.polls.last()?.answer.as_ref().ok()?;
        let asked = run.state.last_answer?;
        if !pods_seen(run, asked) {
            return None;
        }
        let due = |ready: Timestamp| after(ready, allowed) <= asked;
        let old: Vec<&String> = run
            .state
            .pods
            .iter()
            .filter(|(_, p)| p.is_ready() && p.ready_at.is_some_and(due))
            .map(|(name, _)| name)
            .collect();
        let missing: Vec<String> = old
            .iter()
            .filter(|name| !samples.iter().any(|s| s.pod == ***name))
            .map(|name| format!("pod {name}: ready, and without a sample"))
            .collect();
        (!missing.is_empty() && missing.len() < old.len()).then(|| {
            let (few, all) = (missing.len(), old.len());
            Evidence::new(
                format!("{few} of {all} ready pods have no CPU sample, and the autoscaler guesses for them"),
                missing,
            )
        })
    }),
};

const METRICS_STALE: Rule = Rule {
    finding: &catalog::METRICS_STALE,
    weight: Weight::Cause,
    find: Find::Run(|run| {
        let loaded = run.state.entered(Phase::Up)?;
        if run.complete() || failing_for(run).is_some() {
            return None;
        }
        // An answer without samples is old news of nobody.
        let samples = run.state.polls.last()?.answer.as_ref().ok()?;
        let newest = samples.iter().map(|s| s.timestamp).max()?;
        let allowed = run.budget(|b| b.resolution * 3 + b.controller.sync_period);
        let asked = run.state.last_answer?;
        let stale = after(newest.max(loaded), allowed) <= asked;
        stale.then(|| {
            let age = asked.duration_since(newest).as_secs();
            Evidence::new(
                format!("the newest CPU sample is {age} s old, and decisions are made on it"),
                [format!("newest sample {}", run.clock(newest))],
            )
        })
    }),
};

/// Whether the pods were seen at an instant, and the target counts as many ready ones: those that are taken for
/// ready may be gone otherwise.
fn pods_seen(run: &RunView<'_>, at: Timestamp) -> bool {
    !run.gaps_at(at).any(|gap| gap.resource == "pods") && run.state.counts_agree()
}

fn api<'a>(run: &RunView<'a>) -> Option<&'a Fact> {
    let mut facts = run.state.facts.iter().rev();
    facts.find(|f| matches!(f, Fact::MetricsApi { .. }))
}

//! Whether the CPU metrics arrive, whole and fresh.

use std::time::Duration;

use jiff::Timestamp;

use super::{Case, Found, Rule, Weight};
use crate::findings::Finding;
use crate::model::after;
use crate::observation::{Fact, Phase};
use crate::run::state::Poll;
use crate::verdict::Outcome;

const NOT_THERE: &str = "could not find the requested resource";

pub(super) const NO_METRICS_API: Rule = Rule {
    finding: Finding {
        id: "no-metrics-api",
        outcome: Outcome::Surroundings,
        meaning: "No resource metrics API is registered, so the autoscaler has nothing to go by.",
        fix: "Install metrics-server.",
    },
    weight: Weight::Blocker,
    find: |case| {
        if let Some(Fact::MetricsApi {
            registered: false,
            message,
            ..
        }) = api(case)
        {
            return Some(Found::new(
                "no resource metrics API is registered",
                [format!("metrics.k8s.io: {message}")],
            ));
        }
        let (reason, message) = case.state.refusal("ScalingActive")?;
        (api(case).is_none() && message.contains(NOT_THERE)).then(|| {
            Found::new(
                "no resource metrics API is registered",
                [format!("condition {reason}: {message}")],
            )
        })
    },
};

pub(super) const METRICS_API_UNAVAILABLE: Rule = Rule {
    finding: Finding {
        id: "metrics-api-unavailable",
        outcome: Outcome::Surroundings,
        meaning: "The resource metrics API is registered and does not answer, or answers nothing for the pods.",
        fix: "Read metrics-server's log; on kind it needs --kubelet-insecure-tls.",
    },
    weight: Weight::Cause,
    find: unavailable,
};

fn unavailable(case: &Case<'_>) -> Option<Found> {
    if case.complete() {
        return None;
    }
    let allowed = case.budget(|b| b.reaction() + b.resolution * 2);
    let failing = failing_for(case);
    if failing.is_some_and(|(_, span)| span >= allowed) || never_measured(case) {
        let (seconds, error) = failing.map_or((0, ""), |(error, span)| (span.as_secs(), error));
        let condition = case
            .state
            .refusal("ScalingActive")
            .map(|(r, m)| format!("condition {r}: {m}"));
        let fact = match api(case) {
            Some(Fact::MetricsApi {
                available: false,
                message,
                ..
            }) => Some(format!("metrics.k8s.io: {message}")),
            _ => None,
        };
        let poll = (!error.is_empty()).then(|| format!("poll: {error}"));
        return Some(Found::new(
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
fn failing_for<'a>(case: &Case<'a>) -> Option<(&'a str, Duration)> {
    let polls = &case.state.polls;
    let error = polls.last()?.answer.as_ref().err()?;
    let good = polls.iter().rposition(|p| p.answer.is_ok());
    let since = polls[good.map_or(0, |g| g + 1)].at;
    let span = Duration::try_from(case.until.duration_since(since)).unwrap_or_default();
    Some((error, span))
}

/// Pods were ready for long, and no answer ever held a sample of one.
fn never_measured(case: &Case<'_>) -> bool {
    let allowed = case.budget(|b| b.reaction() + b.resolution * 2);
    let measured = |p: &Poll| p.answer.as_ref().is_ok_and(|samples| !samples.is_empty());
    let ready = case.state.pods.values().filter_map(|p| p.ready_at).min();
    !case.state.polls.is_empty()
        && !case.state.polls.iter().any(measured)
        && ready.is_some_and(|at| after(at, allowed) <= case.until)
}

pub(super) const METRICS_INCOMPLETE: Rule = Rule {
    finding: Finding {
        id: "metrics-incomplete",
        outcome: Outcome::Surroundings,
        meaning: "Ready pods lack a CPU sample for longer than a new pod needs to get one; the autoscaler guesses for them.",
        fix: "Find out why metrics-server can't scrape the nodes of these pods.",
    },
    weight: Weight::Cause,
    find: |case| {
        if case.complete() {
            return None;
        }
        let allowed = case.budget(|b| b.reaction() + b.resolution * 2);
        let samples = case.state.polls.last()?.answer.as_ref().ok()?;
        let asked = case.state.last_answer?;
        if !pods_seen(case, asked) {
            return None;
        }
        let due = |ready: Timestamp| after(ready, allowed) <= asked;
        let old: Vec<&String> = case
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
            Found::new(
                format!("{few} of {all} ready pods have no CPU sample, and the autoscaler guesses for them"),
                missing,
            )
        })
    },
};

pub(super) const METRICS_STALE: Rule = Rule {
    finding: Finding {
        id: "metrics-stale",
        outcome: Outcome::Surroundings,
        meaning: "The CPU samples stopped getting newer, so decisions are made on what was.",
        fix: "Check metrics-server and its --metric-resolution (15 s; its own default is 60 s).",
    },
    weight: Weight::Cause,
    find: |case| {
        let loaded = case.state.entered(Phase::Up)?;
        if case.complete() || failing_for(case).is_some() {
            return None;
        }
        // An answer without samples is old news of nobody.
        let samples = case.state.polls.last()?.answer.as_ref().ok()?;
        let newest = samples.iter().map(|s| s.timestamp).max()?;
        let allowed = case.budget(|b| b.resolution * 3 + b.controller.sync_period);
        let asked = case.state.last_answer?;
        let stale = after(newest.max(loaded), allowed) <= asked;
        stale.then(|| {
            let age = asked.duration_since(newest).as_secs();
            Found::new(
                format!("the newest CPU sample is {age} s old, and decisions are made on it"),
                [format!("newest sample {}", case.clock(newest))],
            )
        })
    },
};

/// Whether the pods were seen at an instant, and the target counts as many ready ones: those that are taken for
/// ready may be gone otherwise.
fn pods_seen(case: &Case<'_>, at: Timestamp) -> bool {
    !case.gaps_at(at).any(|gap| gap.resource == "pods") && case.state.counts_agree()
}

fn api<'a>(case: &Case<'a>) -> Option<&'a Fact> {
    let mut facts = case.state.facts.iter().rev();
    facts.find(|f| matches!(f, Fact::MetricsApi { .. }))
}

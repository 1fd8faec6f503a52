//! The load: whether its answers were right, and whether there was enough of it to tell anything.

use jiff::Timestamp;

use super::{Case, Found, Rule, Weight};
use crate::expectation::ScaleDown;
use crate::findings::Finding;
use crate::model::{after, before};
use crate::observation::Phase;
use crate::run::timeline::ProposalStep;
use crate::verdict::Outcome;

pub(super) const WRONG_ANSWERS: Rule = Rule {
    finding: Finding {
        id: "wrong-answers",
        outcome: Outcome::Wrong,
        meaning: "The service gave answers that are not the number asked for.",
        fix: "Mend the service; the load generator's result has samples of the answers.",
    },
    weight: Weight::Cause,
    find: |case| {
        let wrong = last(case, |s| s.wrong, |r| r.wrong);
        (wrong > 0).then(|| {
            let right = last(case, |s| s.verified, |r| r.verified);
            Found::new(
                format!("{wrong} answers were not the number asked for"),
                [format!("load: {wrong} wrong, {right} proved right")],
            )
        })
    },
};

pub(super) const FAILED_REQUESTS: Rule = Rule {
    finding: Finding {
        id: "failed-requests",
        outcome: Outcome::Wrong,
        meaning: "The service lost requests, as one does that ends before its connections have.",
        fix: "Have the pods drain: a preStop pause, then finish what was begun; raise queue limits for bursts.",
    },
    weight: Weight::Cause,
    find: |case| {
        let failed = last(case, |s| s.failed, |r| r.failed);
        (failed > 0).then(|| {
            let jumps = case
                .state
                .timeline
                .iter()
                .flat_map(|t| t.load.windows(2))
                .filter_map(|w| {
                    let more = w[1].failed.saturating_sub(w[0].failed);
                    (more > 0).then(|| format!("{more} failed {}", case.clock(w[1].at)))
                });
            let right = last(case, |s| s.verified, |r| r.verified);
            let account = format!("load: {failed} failed, {right} proved right");
            let requests = case.state.load_result.as_ref().map(|r| r.requests);
            let of = requests.map_or_else(String::new, |all| format!(" of {all}"));
            Found::new(
                format!("{failed}{of} requests got no good answer"),
                std::iter::once(account).chain(jumps),
            )
        })
    },
};

pub(super) const GENERATOR_SATURATED: Rule = Rule {
    finding: Finding {
        id: "generator-saturated",
        outcome: Outcome::Surroundings,
        meaning: "The load generator was itself the limit: the load was weaker than planned, or requests failed that might not have.",
        fix: "Give the generator more CPU, or run it on another machine.",
    },
    weight: Weight::Cause,
    find: |case| {
        let result = case.state.load_result.as_ref()?;
        if result.generator != "saturated" || !case.loaded() {
            return None;
        }
        let failed = result.failed;
        let consequence = if !case.asked_for_max() && !case.reached_max() {
            "the maximum was never asked for".to_owned()
        } else if failed > 0 {
            format!("{failed} requests failed, which may be its own doing")
        } else {
            return None;
        };
        Some(Found::new(
            format!("the load generator was itself the limit, and {consequence}"),
            result.generator_reasons.clone(),
        ))
    },
};

pub(super) const TOO_WEAK: Rule = Rule {
    finding: Finding {
        id: "load-too-weak",
        outcome: Outcome::Inconclusive,
        meaning: "The metric never asked for the maximum: too little load for this CPU request to tell anything.",
        fix: "Raise the load, or lower the pods' CPU request.",
    },
    weight: Weight::Cause,
    find: too_weak,
};

fn too_weak(case: &Case<'_>) -> Option<Found> {
    let measured_under_load =
        case.state.statuses.iter().any(|(at, s)| {
            s.cpu_utilization.is_some() && case.state.entered(Phase::Up) <= Some(*at)
        });
    if !case.loaded() || !measured_under_load || case.asked_for_max() || case.reached_max() {
        return None;
    }
    let max = case.expectation.max_replicas;
    let peak = case.uses().max();
    let beyond = case.use_beyond_tolerance(max - 1);
    if let (Some((peak, _)), Some(beyond)) = (peak, beyond)
        && peak > beyond
    {
        return None;
    }
    let highest = case
        .state
        .statuses
        .iter()
        .filter_map(|(_, s)| s.cpu_utilization)
        .max();
    let enough = case.use_enough_for(max - 1);
    let message = match (peak, enough.zip(beyond), case.request()) {
        (Some((peak, _)), Some((enough, beyond)), Some(request)) => format!(
            "the load used {peak} of CPU at most; at a request of {request} each, asking for {max} \
             pods takes more than {enough}, and more than {beyond} once there are {}",
            max - 1
        ),
        _ => format!("the load never made the metric ask for {max} pods"),
    };
    let peak = peak.map(|(cpu, at)| format!("highest CPU use: {cpu} {}", case.clock(at)));
    let highest = highest.map(|u| format!("highest utilization reported: {u} %"));
    Some(Found::new(message, peak.into_iter().chain(highest)))
}

pub(super) const STAYS_ON: Rule = Rule {
    finding: Finding {
        id: "load-stays-on",
        outcome: Outcome::Inconclusive,
        meaning: "The metric kept asking for more than the minimum after the load's end, so no scale-down was due.",
        fix: "Find the other load on the service, or end the load for certain.",
    },
    weight: Weight::Cause,
    find: |case| {
        let down = case.state.entered(Phase::Down)?;
        if case.came_back() || case.expectation.scale_down == ScaleDown::Skip {
            return None;
        }
        let window = case.budget(|b| b.down_window() + b.controller.sync_period);
        let settled = after(down, case.budget(|b| b.reaction()));
        let from = before(case.until, window).max(settled);
        let high = asked_for_more_since(case, from)?;
        (from < case.until).then(|| {
            Found::new(
                format!(
                    "after the load's end the metric still asked for {} pods",
                    high.range()
                ),
                [format!(
                    "proposal of {} {}",
                    high.range(),
                    case.clock(high.at)
                )],
            )
        })
    },
};

/// The newest proposal of more than the minimum that was made since then, or that still stands: a
/// sync that decides the same again leaves no trace. An older one does not stand where the use has
/// fallen and the controller has not looked.
fn asked_for_more_since(case: &Case<'_>, from: Timestamp) -> Option<ProposalStep> {
    let min = case.expectation.min_replicas;
    let proposals = case.state.proposals();
    let made_since = proposals.iter().rfind(|p| p.at >= from && p.high > min);
    let newest_use = case.uses().next_back().filter(|(_, at)| *at >= from);
    let fallen = newest_use
        .zip(case.use_enough_for(min))
        .is_some_and(|((used, _), enough)| used <= enough);
    let stands = proposals.last().filter(|p| p.high > min && !fallen);
    made_since.or(stands).copied()
}

/// A count of the load's final account, or of its newest second if that is higher.
fn last(
    case: &Case<'_>,
    of_second: impl Fn(&crate::observation::LoadSecond) -> u64,
    of_result: impl Fn(&crate::observation::LoadResult) -> u64,
) -> u64 {
    let second = case.state.load.as_ref().map_or(0, of_second);
    let result = case.state.load_result.as_ref().map_or(0, of_result);
    second.max(result)
}

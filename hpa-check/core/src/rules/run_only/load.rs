//! The load: whether its answers were correct, and whether there was enough of it.

use jiff::Timestamp;

use super::run::RunView;
use crate::expectation::ScaleDown;
use crate::findings::{Evidence, catalog};
use crate::model::{after, before};
use crate::observation::{GeneratorVerdict, Phase};
use crate::rules::rule::{Rule, Weight};
use crate::run::timeline::ProposalStep;

pub(crate) const RULES: &[Rule] = &[
    Rule::run(&catalog::WRONG_ANSWERS, Weight::Cause, wrong_answers),
    Rule::run(&catalog::FAILED_REQUESTS, Weight::Cause, failed_requests),
    Rule::run(
        &catalog::GENERATOR_SATURATED,
        Weight::Cause,
        generator_saturated,
    ),
    Rule::run(&catalog::LOAD_TOO_WEAK, Weight::Cause, too_weak),
    Rule::run(&catalog::LOAD_STAYS_ON, Weight::Cause, load_stays_on),
];

fn wrong_answers(run: &RunView<'_>) -> Option<Evidence> {
    let wrong = last(run, |s| s.wrong, |r| r.wrong);
    (wrong > 0).then(|| {
        let right = last(run, |s| s.verified, |r| r.verified);
        Evidence::new(
            format!("{wrong} answers were wrong"),
            [format!("load: {wrong} wrong, {right} verified")],
        )
    })
}

fn failed_requests(run: &RunView<'_>) -> Option<Evidence> {
    let failed = last(run, |s| s.failed, |r| r.failed);
    (failed > 0).then(|| {
        let jumps = run
            .state
            .timeline
            .iter()
            .flat_map(|t| t.load.windows(2))
            .filter_map(|w| {
                let more = w[1].failed.saturating_sub(w[0].failed);
                (more > 0).then_some((w[1].at, more))
            });
        let first = jumps.clone().next().map(|(at, _)| at);
        let jumps = jumps.map(|(at, more)| format!("{more} failed {}", run.clock(at)));
        let right = last(run, |s| s.verified, |r| r.verified);
        let account = format!("load: {failed} failed, {right} verified");
        let requests = run.state.load_result.as_ref().map(|r| r.requests);
        let of = requests.map_or_else(String::new, |all| format!(" of {all}"));
        Evidence::new(
            format!("{failed}{of} requests failed"),
            std::iter::once(account).chain(jumps),
        )
        .at(first)
    })
}

fn generator_saturated(run: &RunView<'_>) -> Option<Evidence> {
    let result = run.state.load_result.as_ref()?;
    if result.generator != GeneratorVerdict::Saturated || !run.loaded() {
        return None;
    }
    let failed = result.failed;
    let consequence = if !run.asked_for_max() && !run.reached_max() {
        "the metric never asked for the maximum".to_owned()
    } else if failed > 0 {
        format!("{failed} requests failed, possibly because of it")
    } else {
        return None;
    };
    Some(Evidence::new(
        format!("the load generator was the bottleneck, and {consequence}"),
        result.generator_reasons.clone(),
    ))
}

fn too_weak(run: &RunView<'_>) -> Option<Evidence> {
    let measured_under_load = run
        .state
        .statuses
        .iter()
        .any(|(at, s)| s.is_measured() && run.state.entered(Phase::Up) <= Some(*at));
    if !run.loaded() || !measured_under_load || run.asked_for_max() || run.reached_max() {
        return None;
    }
    let max = run.expectation.max_replicas;
    let peak = run.uses().max();
    let beyond = run.use_beyond_tolerance(max - 1);
    if let (Some((peak, _)), Some(beyond)) = (peak, beyond)
        && peak > beyond
    {
        return None;
    }
    let highest = run
        .state
        .statuses
        .iter()
        .filter_map(|(_, s)| s.cpu_utilization)
        .max();
    let enough = run.use_enough_for(max - 1);
    let message = match (peak, enough.zip(beyond), run.request()) {
        (Some((peak, _)), Some((enough, beyond)), Some(request)) => format!(
            "the load used {peak} of CPU at most; at a request of {request} each, asking for {max} \
             pods takes more than {enough}, and more than {beyond} once there are {}",
            max - 1
        ),
        _ => format!("the load never made the metric ask for {max} pods"),
    };
    let at = peak.map(|(_, at)| at);
    let peak = peak.map(|(cpu, at)| format!("highest CPU use: {cpu} {}", run.clock(at)));
    let highest = highest.map(|u| format!("highest utilization reported: {u} %"));
    Some(Evidence::new(message, peak.into_iter().chain(highest)).at(at))
}

fn load_stays_on(run: &RunView<'_>) -> Option<Evidence> {
    let down = run.state.entered(Phase::Down)?;
    if run.came_back() || run.expectation.scale_down == ScaleDown::Skip {
        return None;
    }
    let window = run.budget(|b| b.down_window() + b.controller.sync_period);
    let settled = after(down, run.budget(|b| b.reaction()));
    let from = before(run.until, window).max(settled);
    let high = asked_for_more_since(run, from)?;
    (from < run.until).then(|| {
        let evidence = format!("proposal of {} {}", high.range(), run.clock(high.at));
        Evidence::new(
            format!(
                "after the load ended, {} still asked for {} pods",
                asking(run),
                high.range()
            ),
            [evidence].into_iter().chain(last_word(run)),
        )
        .at(high.at)
    })
}

/// What asks for replicas: one metric or several.
fn asking(run: &RunView<'_>) -> &'static str {
    match run.spec().map_or(0, |spec| spec.metrics.len()) {
        0 | 1 => "the metric",
        _ => "one of the metrics",
    }
}

/// The newest decision that can be explained; it names the metric that holds the replicas up.
fn last_word(run: &RunView<'_>) -> Option<String> {
    let syncs = &run.state.timeline.as_ref()?.syncs;
    let sync = syncs.iter().rfind(|sync| sync.explained)?;
    Some(format!("{}: {}", run.clock(sync.at), sync.sentence))
}

/// The newest proposal above the minimum that was made after `from` or still stands: a sync that decides the
/// same again leaves no trace. An older proposal no longer stands if the use has fallen and the controller has
/// not synced since.
fn asked_for_more_since(run: &RunView<'_>, from: Timestamp) -> Option<ProposalStep> {
    let min = run.expectation.min_replicas;
    let proposals = run.state.proposals();
    let made_since = proposals.iter().rfind(|p| p.at >= from && p.high > min);
    let fallen = run.use_fits_since(min, from);
    let stands = proposals.last().filter(|p| p.high > min && !fallen);
    made_since.or(stands).copied()
}

/// A count from the load's final result, or from its newest second if that is higher.
fn last(
    run: &RunView<'_>,
    of_second: impl Fn(&crate::observation::LoadSecond) -> u64,
    of_result: impl Fn(&crate::observation::LoadResult) -> u64,
) -> u64 {
    let second = run.state.load.as_ref().map_or(0, of_second);
    let result = run.state.load_result.as_ref().map_or(0, of_result);
    second.max(result)
}

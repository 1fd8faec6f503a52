//! Proves that a steady load will never ask for the maximum: everything has settled below it. Any doubt counts
//! against the proof, since ending the run gives up its chance of success.

use jiff::Timestamp;

use crate::expectation::Expectation;
use crate::model::{after, before};
use crate::observation::PodSample;
use crate::run::demand::use_enough_for;
use crate::run::state::{Poll, RunState};

/// Complete windows of every pod, and syncs after the first of them, that must agree.
const ENOUGH: u32 = 4;

/// A varying use may rise above its peak by this many times its spread.
const SPREADS: i64 = 2;

/// In percent of the use that calls for the maximum: anything closer may still get there by chance.
const NEAR_PERCENT: i64 = 90;

/// Why the load is too weak, if that is certain: since the load and the pods last changed, several complete
/// windows each show a use well below what the maximum takes, as did all earlier ones, and the autoscaler has
/// synced several times on them and wants no more pods.
pub(super) fn below_the_maximum(
    expectation: &Expectation,
    state: &RunState,
    up_since: Timestamp,
    now: Timestamp,
) -> Option<String> {
    let pods = resting_pods(state).filter(|pods| *pods < expectation.max_replicas)?;
    let since = steady_since(state)?.max(up_since);
    if !wants_no_more(state, pods, since) {
        return None;
    }
    let windows = whole_windows(state, since);
    let (first, _) = windows.first()?;
    let sync = state.setting.as_ref()?.controller.sync_period;
    if windows.len() < ENOUGH as usize || now < after(*first, sync * ENOUGH) {
        return None;
    }
    let most = windows.iter().map(|(_, used)| *used).max()?;
    let least = windows.iter().map(|(_, used)| *used).min()?;
    let peak = peak_since(state, up_since)?;
    let needed = use_enough_for(state, expectation.max_replicas - 1)?;
    let may_reach = peak + SPREADS * (most - least);
    (may_reach * 100 < needed.0 * NEAR_PERCENT).then(|| {
        let seconds = now.duration_since(since).as_secs();
        format!(
            "the load is too weak: it has been steady for {seconds} s, used {peak}m of CPU at most, \
             and {pods} pods are enough for it; asking for {} takes more than {needed}",
            expectation.max_replicas
        )
    })
}

/// The size of the target, if nothing is about to change it: the autoscaler's decision, the target's spec and
/// the ready pods are equal, all pods have the same request, CPU is the only metric, and everything is being
/// watched.
fn resting_pods(state: &RunState) -> Option<i32> {
    let pods = state.target.as_ref()?.spec_replicas;
    let living = || state.pods.values().filter(|pod| pod.lives());
    let request = living().next()?.request_milli();
    let [metric] = &state.spec()?.metrics[..] else {
        return None;
    };
    let settled = state.status()?.desired_replicas == pods
        && state.ready() == pods
        && i32::try_from(living().count()) == Ok(pods)
        && living().all(|pod| pod.request_milli() == request)
        && state.utilization().is_some()
        && metric.resource() == Some(("cpu", None))
        && !state.is_blind();
    settled.then_some(pods)
}

/// The instant from which on neither the load nor the pods have changed.
fn steady_since(state: &RunState) -> Option<Timestamp> {
    let timeline = state.timeline.as_ref()?;
    state.load.as_ref().filter(|load| load.users > 0)?;
    let load = state.load_since?;
    let spec = timeline.spec.last()?.at;
    let ready = state.ready_steps.last()?.at;
    Some(spec.max(ready).max(load))
}

/// Whether no decision since then asked for more pods than there are.
fn wants_no_more(state: &RunState, pods: i32, since: Timestamp) -> bool {
    let Some(timeline) = &state.timeline else {
        return false;
    };
    let in_force = state.proposals().last().is_some_and(|p| p.high <= pods);
    let explained = timeline.syncs.last().is_some_and(|s| s.explained);
    let later = state.proposals().iter().filter(|p| p.at >= since);
    in_force && explained && later.into_iter().all(|p| p.high <= pods)
}

/// The highest total use of all pods under the load, steady or not.
fn peak_since(state: &RunState, since: Timestamp) -> Option<i64> {
    let polls = state.polls.iter().filter(|poll| poll.at >= since);
    let answers = polls.filter_map(|poll| poll.answer.as_ref().ok());
    let used = answers.map(|samples| samples.iter().map(|s| s.cpu().0));
    used.map(Iterator::sum).max()
}

/// The newest consecutive answers of the metrics API whose windows lie completely in the steady time: when each
/// was observed, and the total use in millicores. An error or a missing pod ends the series.
fn whole_windows(state: &RunState, since: Timestamp) -> Vec<(Timestamp, i64)> {
    let mut windows: Vec<(Timestamp, i64)> = Vec::new();
    let mut newest: Option<Timestamp> = None;
    for poll in state.polls.iter().filter(|poll| poll.at >= since) {
        let Some(samples) = of_all_pods(state, poll) else {
            windows.clear();
            continue;
        };
        let begin = samples.iter().map(|s| before(s.timestamp, s.window)).min();
        let end = samples.iter().map(|s| s.timestamp).min();
        // Each pod has a new sample that lies completely in the steady time.
        if begin >= Some(since) && end > newest {
            newest = samples.iter().map(|s| s.timestamp).max();
            let used = samples.iter().map(|s| s.cpu().0);
            windows.push((poll.at, used.sum()));
        }
    }
    windows
}

/// The samples of an answer, if it has one for every living pod.
fn of_all_pods<'a>(state: &RunState, poll: &'a Poll) -> Option<Vec<&'a PodSample>> {
    let samples = poll.answer.as_ref().ok()?;
    let of = |name: &String| samples.iter().find(|sample| sample.pod == *name);
    let living = state.pods.iter().filter(|(_, pod)| pod.lives());
    living.map(|(name, _)| of(name)).collect()
}

//! A controller with a hidden memory reads pods and metrics at random instants. Its memory must be in the set
//! and its proposals within the bounds, and no definite verdict may blame it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod world;

use jiff::Timestamp;

use super::memory::{ControllerMemory, Scaled, Windows};
use super::{Explained, Explainer};
use crate::expectation::Expectation;
use crate::judge;
use crate::model::before;
use crate::model::normalize::{Recommendation, ScaleEvent};
use crate::model::reconcile::Controller;
use crate::rules::run_only::run::RunView;
use crate::run::state::RunState;
use crate::spec::AutoscalerSpec;
use crate::verdict::Outcome;
use world::{Truth, World};

impl Explainer {
    fn includes(&self, truth: &Truth, spec: &AutoscalerSpec) -> bool {
        let windows = Windows::of(spec, &truth.controller);
        let mut all = self.memories.as_ref().unwrap().iter();
        all.any(|memory| memory.includes(&truth.controller, &windows, truth.now))
    }
}

impl ControllerMemory {
    /// Whether a controller may have this memory, as far as it matters from now on.
    fn includes(&self, controller: &Controller, windows: &Windows, now: Timestamp) -> bool {
        let history = controller.recommendations.as_deref().unwrap_or_default();
        let since = before(now, windows.longest_window());
        let newest = |replicas: i32| {
            let same = history.iter().filter(|r| r.replicas == replicas);
            same.map(|r| r.at).max()
        };
        let beaten = |r: &Recommendation| {
            let mut all = history.iter();
            windows.holds_maxima_only() && all.any(|o| o.replicas > r.replicas && o.at >= r.at)
        };
        let known = |r: &Recommendation| {
            let mut ours = self.recommended.iter();
            let within = ours.any(|o| o.replicas == r.replicas && r.at <= o.until);
            within || self.any_recommendation.is_some_and(|until| r.at <= until)
        };
        let mut matter = history.iter().filter(|r| r.at > since && !beaten(r));
        let all_known = matter.all(known);
        // What has left the window is overwritten.
        let certain = self
            .recommended
            .iter()
            .filter_map(|r| Some((r.replicas, r.since?)));
        let mut held = certain.filter(|(_, at)| *at > since);
        let all_made = held.all(|(replicas, since)| newest(replicas) >= Some(since));
        let period = before(now, windows.longest_period());
        let scalings = |ours: &[Scaled], theirs: &[ScaleEvent]| {
            let unseen = |e: &ScaleEvent| self.any_scaling.is_some_and(|until| e.at <= until);
            let matter = |e: &&ScaleEvent| e.at > period && !unseen(e);
            let mut theirs: Vec<&ScaleEvent> = theirs.iter().filter(matter).collect();
            theirs.sort_by_key(|e| e.at);
            let ours: Vec<&Scaled> = ours.iter().collect();
            let tail = ours.len().saturating_sub(theirs.len());
            let pairs = ours[tail..].iter().zip(&theirs);
            theirs.len() <= ours.len()
                && pairs.into_iter().all(|(o, e)| {
                    o.change == e.change && o.when.from <= e.at && e.at <= o.when.until
                })
        };
        let events =
            scalings(&self.ups, &controller.ups) && scalings(&self.downs, &controller.downs);
        all_known && all_made && events
    }
}

/// Runs one world; returns the contradiction, if there is one.
fn contradiction(seed: u64) -> Option<String> {
    let world = World::random(seed);
    let (recording, truths) = world.run();
    let (mut state, mut explainer) = (RunState::default(), Explainer::default());
    let mut checked = 0;
    for observation in &recording {
        state.observe(observation);
        let mut settled = None;
        for explained in explainer.observe(observation, &state) {
            if let Explained::Sync { number, record } = &explained
                && explainer.open.iter().all(|open| open.number != *number)
            {
                settled = Some(record.at);
            }
            state.explain(explained);
        }
        let truth = settled.and_then(|at| truths.iter().find(|truth| truth.seen_at == at));
        if let Some(truth) = truth {
            checked += 1;
            if !explainer.includes(truth, &truth.spec) {
                let (at, set) = (truth.seen_at, &explainer.memories);
                return Some(format!(
                    "at {at} {:#?} is not in {set:#?}",
                    truth.controller
                ));
            }
        }
    }
    let end = recording.last()?.at;
    for explained in explainer.finish(end, &state) {
        state.explain(explained);
    }
    state.close();
    for sync in state.syncs() {
        let truth = truths
            .iter()
            .find(|truth| truth.seen_at == sync.at)
            .unwrap();
        let within = |range: crate::run::timeline::Range| {
            truth
                .proposed
                .is_none_or(|p| range.low <= p && p <= range.high)
        };
        if sync.certain && (!sync.explained || !sync.proposed.is_none_or(within)) {
            return Some(format!(
                "the controller proposed {:?} at {sync:#?}",
                truth.proposed
            ));
        }
    }
    let verdict = judge::run(&RunView {
        expectation: &Expectation::default(),
        state: &state,
        until: end,
    });
    let wrong = [
        "scale-down-too-early",
        "scale-up-missing",
        "decision-unexplained",
        "scale-up-too-late",
        "scale-down-missing",
        "left-bounds",
        "minimum-not-held",
    ];
    let mut reasons = verdict
        .reasons
        .iter()
        .filter(|r| r.outcome != Outcome::Inconclusive);
    let found = reasons.find(|r| wrong.contains(&r.id.as_str()));
    let enough = checked > 3;
    found
        .map(|reason| format!("{reason:#?}"))
        .or_else(|| (!enough).then(|| format!("only {checked} syncs were settled")))
}

#[test]
fn the_true_memory_is_always_in_the_set_and_no_definite_verdict_contradicts_it() {
    let runs = std::env::var("PROPERTY_CASES").map_or(200, |cases| cases.parse().unwrap());
    let first = std::env::var("PROPERTY_SEED").map_or(0, |seed| seed.parse().unwrap());
    for seed in first..first + runs {
        if let Some(contradiction) = contradiction(seed) {
            panic!("seed {seed}: {contradiction}");
        }
    }
}

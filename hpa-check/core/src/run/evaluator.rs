//! Folds observations, one at a time, into a result with a verdict. It does not know where they come
//! from, so a recording gets the same verdict as its run.

use jiff::Timestamp;

use crate::documents::result::{Evaluated, PathPoint, ReplicaSummary, RunResult, SCHEMA, Syncs};
use crate::expectation::Expectation;
use crate::judge;
use crate::observation::{Observation, Seen};
use crate::rules::run_only::run::RunView;
use crate::run::apply::empty;
use crate::run::explain::Explainer;
use crate::run::state::RunState;
use crate::run::timeline::{Timeline, value_at};

/// Folds observations into a result.
#[derive(Debug, Clone)]
pub struct Evaluator {
    expectation: Expectation,
    evaluated: Evaluated,
    so_far: RunState,
    explainer: Explainer,
}

impl Evaluator {
    /// A new evaluator.
    pub fn new(expectation: Expectation) -> Self {
        Self {
            expectation,
            evaluated: Evaluated::default(),
            so_far: RunState::default(),
            explainer: Explainer::default(),
        }
    }

    /// Adds the command line, without secrets.
    #[must_use]
    pub fn called(mut self, command: String) -> Self {
        self.evaluated.command = Some(command);
        self
    }

    /// Adds the version that recorded the observations, if it is another one.
    #[must_use]
    pub fn recorded_by(mut self, version: String) -> Self {
        self.evaluated.recorded_by = Some(version);
        self
    }

    /// Evaluates one observation.
    pub fn observe(&mut self, observation: &Observation) {
        self.remember(&observation.seen);
        self.so_far.observe(observation);
        for explained in self.explainer.observe(observation, &self.so_far) {
            self.so_far.explain(explained);
        }
        if self.so_far.blocker.is_none() && before_load(&self.so_far, &observation.seen) {
            self.so_far.blocker = judge::blocker(&self.view(observation.at));
        }
    }

    /// Remembers the evaluated objects, even after an autoscaler or a pod is gone.
    fn remember(&mut self, seen: &Seen) {
        match seen {
            Seen::Autoscaler(seen) if self.evaluated.autoscaler.as_ref() != Some(&seen.spec) => {
                self.evaluated.autoscaler = Some(seen.spec.clone());
            }
            Seen::Pod(pod) if !self.so_far.pods.contains_key(&pod.name) => {
                self.evaluated.requests.clone_from(&pod.containers);
            }
            _ => {}
        }
    }

    /// The state of the run so far.
    pub fn timeline(&self) -> &RunState {
        &self.so_far
    }

    /// Ends the run and judges it. The end is the instant of the last observation, so a recording ends when its
    /// run did; `at` applies if there was none.
    pub fn finish(mut self, at: Timestamp) -> RunResult {
        let end = self.so_far.until().unwrap_or(at);
        for explained in self.explainer.finish(end, &self.so_far) {
            self.so_far.explain(explained);
        }
        self.so_far.close();
        let verdict = judge::run(&self.view(at));
        let longest_gap_ms = self.so_far.longest_gap_ms();
        let timeline = self.so_far.timeline.unwrap_or_else(|| empty(at));
        let explained = timeline.syncs.iter().filter(|s| s.explained).count();
        RunResult {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            verdict,
            expectation: self.expectation,
            setting: self.so_far.setting,
            evaluated: Some(self.evaluated),
            replicas: replicas(&timeline, self.so_far.baseline_at),
            syncs: Syncs {
                observed: timeline.syncs.len() as u64,
                explained: explained as u64,
            },
            longest_gap_ms,
            load: self.so_far.load_result,
            timeline,
        }
    }

    fn view(&self, at: Timestamp) -> RunView<'_> {
        RunView {
            expectation: &self.expectation,
            state: &self.so_far,
            until: self.so_far.until().unwrap_or(at),
        }
    }
}

/// Whether a blocker may still end the run because no load has started yet.
fn before_load(state: &RunState, seen: &Seen) -> bool {
    let loaded = state.timeline.as_ref().is_some_and(|t| !t.load.is_empty());
    let tells = matches!(
        seen,
        Seen::Autoscaler(_)
            | Seen::AutoscalerGone
            | Seen::Target(_)
            | Seen::TargetGone
            | Seen::Pod(_)
            | Seen::Fact(_)
            | Seen::PodMetrics { .. }
            | Seen::MetricsUnavailable { .. }
    );
    tells && !loaded
}

/// The replicas over time, from their two series.
fn replicas(timeline: &Timeline, baseline: Option<Timestamp>) -> ReplicaSummary {
    let mut instants: Vec<Timestamp> = timeline
        .spec
        .iter()
        .chain(&timeline.ready)
        .map(|s| s.at)
        .collect();
    instants.sort_unstable();
    instants.dedup();
    let path: Vec<PathPoint> = instants
        .into_iter()
        .filter_map(|at| {
            Some(PathPoint {
                at,
                spec: value_at(&timeline.spec, at)?,
                ready: value_at(&timeline.ready, at)?,
            })
        })
        .collect();
    let first_ready = baseline.and_then(|at| value_at(&timeline.ready, at));
    let later = timeline.ready.iter().filter(|s| Some(s.at) >= baseline);
    let min_ready = baseline.and(later.map(|s| s.value).chain(first_ready).min());
    ReplicaSummary {
        min_ready,
        max_ready: timeline.ready.iter().map(|s| s.value).max(),
        first_ready,
        last_ready: timeline.ready.last().map(|s| s.value),
        path,
    }
}

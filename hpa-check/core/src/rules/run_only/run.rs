//! A run as its rules see it.

use std::time::Duration;

use jiff::Timestamp;

use crate::expectation::{Expectation, ScaleDown};
use crate::observation::{Fact, Phase, PodSample};
use crate::rules::view::View;
use crate::run::budget::{Budget, with_budget};
use crate::run::demand;
use crate::run::state::{Poll, RunState};
use crate::run::timeline::Gap;
use crate::spec::{AutoscalerSpec, MetricSpec};
use crate::units::Millicores;
use crate::verdict::clock;

/// A run: what was asserted and what was observed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RunView<'a> {
    /// What is asserted.
    pub(crate) expectation: &'a Expectation,
    /// Everything observed.
    pub(crate) state: &'a RunState,
    /// The last instant.
    pub(crate) until: Timestamp,
}

impl<'a> RunView<'a> {
    /// The spec in force.
    pub(crate) fn spec(&self) -> Option<&'a AutoscalerSpec> {
        self.state.spec()
    }

    /// Whether the full way up and down was observed.
    pub(crate) fn complete(&self) -> bool {
        self.state.baseline_at.is_some() && self.reached_max() && self.came_back()
    }

    /// Whether the maximum number of pods were ready at once.
    pub(crate) fn reached_max(&self) -> bool {
        self.state.most_ready >= self.expectation.max_replicas
    }

    /// Whether the required part of the scale-down was observed.
    pub(crate) fn came_back(&self) -> bool {
        let Some(target) = &self.state.target else {
            return false;
        };
        let min = self.expectation.min_replicas;
        match self.expectation.scale_down {
            ScaleDown::Full => target.spec_replicas == min && self.state.ready() == min,
            ScaleDown::OneStep => target.spec_replicas < self.expectation.max_replicas,
            ScaleDown::Skip => true,
        }
    }

    /// Whether there was load, so that the autoscaler had something to do.
    pub(crate) fn loaded(&self) -> bool {
        self.state.entered(Phase::Up).is_some()
    }

    /// Whether the metric ever asked for the maximum: by the model's proposal, the controller's decision, or
    /// the plain ratio, of which the first two are conservative versions.
    pub(crate) fn asked_for_max(&self) -> bool {
        let max = self.expectation.max_replicas;
        let Some(timeline) = &self.state.timeline else {
            return false;
        };
        timeline.proposals.iter().any(|p| p.high >= max)
            || self
                .state
                .statuses
                .iter()
                .any(|(_, s)| s.desired_replicas >= max)
    }

    /// The gaps in the watch that contain an instant, including their last instants, when lists are read.
    pub(crate) fn gaps_at(&self, at: Timestamp) -> impl Iterator<Item = &Gap> {
        let gaps = self.state.gaps();
        gaps.filter(move |gap| gap.from <= at && at <= gap.until)
    }

    /// How long something may take. Without the autoscaler's spec it is unlimited, so nothing is late.
    pub(crate) fn budget(&self, ask: impl FnOnce(&Budget<'_>) -> Duration) -> Duration {
        const FOREVER: Duration = Duration::from_hours(24 * 365);
        match self.state.spec() {
            Some(_) => with_budget(self.state, ask),
            None => FOREVER,
        }
    }

    /// The CPU request of a pod, if all living pods have one.
    pub(crate) fn request(&self) -> Option<Millicores> {
        self.state.request()
    }

    /// The total use of all pods up to which this many pods are enough by the target alone. Above it the metric
    /// asks for more, unless that many run already: see [`Self::use_beyond_tolerance`].
    pub(crate) fn use_enough_for(&self, pods: i32) -> Option<Millicores> {
        // If there are several metrics, another one may ask for pods whatever the CPU.
        let view: &dyn View = self;
        view.only_cpu()
            .then(|| demand::use_enough_for(self.state, pods))?
    }

    /// Whether the newest samples since an instant show a use that this many pods can handle, if CPU is the
    /// only metric.
    pub(crate) fn use_fits_since(&self, pods: i32, since: Timestamp) -> bool {
        let mut metrics = self.spec().into_iter().flat_map(|s| &s.metrics);
        let newest = self.uses().next_back().filter(|(_, at)| *at >= since);
        let fits = newest.zip(self.use_enough_for(pods));
        metrics.all(MetricSpec::is_cpu) && fits.is_some_and(|((used, _), enough)| used <= enough)
    }

    /// Since when, but not before an instant, every answer of the metrics API has had samples of all pods that show a use
    /// that this many can handle, if CPU is the only metric.
    pub(crate) fn use_fits_from(&self, pods: i32, since: Timestamp) -> Option<Timestamp> {
        let enough = self.use_enough_for(pods)?;
        let fits = |poll: &Poll| {
            let Ok(samples) = &poll.answer else {
                return false;
            };
            let there = self.state.pods.values().filter(|p| {
                let gone = p.gone_at.is_some_and(|gone| gone <= poll.at);
                p.first_seen <= poll.at && !gone && !p.pod.has_ended()
            });
            let mut names = there.map(|p| &p.pod.name);
            let used: Millicores = samples.iter().map(PodSample::cpu).sum();
            used <= enough && names.all(|name| samples.iter().any(|s| s.pod == *name))
        };
        let polls = &self.state.polls;
        let beyond = polls.iter().rposition(|poll| !fits(poll));
        let first = polls.get(beyond.map_or(0, |beyond| beyond + 1))?;
        Some(first.at.max(since))
    }

    /// The total use of all pods above which this many running pods ask for one more: it must exceed the target
    /// by more than the tolerance.
    pub(crate) fn use_beyond_tolerance(&self, pods: i32) -> Option<Millicores> {
        let view: &dyn View = self;
        let band = 1.0 + view.tolerances()?.scale_up;
        Some(Millicores(scaled(self.use_enough_for(pods)?.0, band)))
    }

    /// The total CPU of the pods in each answer of the metrics API, and when.
    pub(crate) fn uses(&self) -> impl DoubleEndedIterator<Item = (Millicores, Timestamp)> + 'a {
        self.state.polls.iter().filter_map(|poll| {
            let samples = poll.answer.as_ref().ok()?;
            Some((samples.iter().map(PodSample::cpu).sum(), poll.at))
        })
    }

    /// All CPU available to the pods, and the evidence for it.
    pub(crate) fn capacity(&self) -> Option<(Millicores, &'a str)> {
        self.state.facts.iter().rev().find_map(|fact| match fact {
            Fact::CpuCapacity { total, how } => Some((*total, how.as_str())),
            _ => None,
        })
    }

    /// All CPU that the pods can use: the environment's, or the load's if that is less.
    pub(crate) fn usable(&self) -> Option<(Millicores, &'a str)> {
        let load = self.state.facts.iter().rev().find_map(|fact| match fact {
            Fact::LoadLimit { total, how } => Some((*total, how.as_str())),
            _ => None,
        });
        let both = self.capacity().into_iter().chain(load);
        both.min_by_key(|(total, _)| *total)
    }

    /// Seconds from the run's first instant, for evidence.
    pub(crate) fn clock(&self, at: Timestamp) -> String {
        let from = self.state.timeline.as_ref().map_or(at, |t| t.from);
        clock(Duration::try_from(at.duration_since(from)).unwrap_or_default())
    }
}

/// An amount times a factor, rounded to the nearest integer.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "millicores are far below 2^52"
)]
fn scaled(amount: i64, factor: f64) -> i64 {
    (amount as f64 * factor).round() as i64
}

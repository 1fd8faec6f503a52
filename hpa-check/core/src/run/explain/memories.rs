//! The set of possible memories of the controller, and how a sync advances it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::memory::{ControllerMemory, SyncOutcome, Variant, Windows};
use super::sightings::{Answer, Look, Looked, ReadingSearch, Sightings, Span};
use crate::model::conditions::{ABLE_TO_SCALE, SCALED_TO_ZERO, SCALING_ACTIVE, SCALING_LIMITED};
use crate::model::decision::Decision;
use crate::model::pods::ModelPod;
use crate::model::proposal::Readings;
use crate::model::reconcile::{Controller, ScaleSubresource, Sync};
use crate::model::selector::TargetSelector;
use crate::observation::{AutoscalerStatus, Condition, MetricReading};
use crate::run::timeline::Range;
use crate::spec::AutoscalerSpec;

/// The most memories kept apart. More are merged into one that covers them all: its bounds are wider, so it
/// excludes less and proves less.
pub(super) const MOST: usize = 64;

/// Unobserved changes of more replicas than this are not guessed.
const MOST_UNSEEN: i32 = 64;

/// The memories that are consistent with all observations.
#[derive(Debug, Clone)]
pub(super) struct Memories {
    all: Vec<ControllerMemory>,
}

/// A status to explain: what was written, from which inputs, and by which rules.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'a> {
    pub(super) spec: &'a AutoscalerSpec,
    pub(super) selector: &'a TargetSelector,
    pub(super) namespace: &'a str,
    /// How many pods the target may have counted.
    pub(super) observed: &'a [i32],
    /// The custom and external metrics.
    pub(super) others: &'a [MetricReading],
    /// A controller with the current settings and no memory.
    pub(super) controller: &'a Controller,
    pub(super) windows: &'a Windows,
    pub(super) status: &'a AutoscalerStatus,
    pub(super) previous: &'a AutoscalerStatus,
}

/// What a sync may have read. Readings that lead to the same proposal are merged.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pods: Arc<[ModelPod]>,
    answer: Arc<Answer>,
    observed: i32,
    now: Timestamp,
    far: SignedDuration,
    /// The decision of a controller without memory on this reading.
    decision: Decision,
}

/// The readings that a sync may have made: one for each resulting proposal, the nearest first.
#[derive(Debug, Clone, Default)]
pub(super) struct Gathered {
    pub(super) readings: Vec<Reading>,
    looked: Looked,
    /// Whether all of them could be evaluated; false if there were too many.
    pub(super) all: bool,
}

/// The result of applying the memories and readings to a status.
#[derive(Debug)]
pub(super) struct Advance {
    /// The memories afterwards, from those that explain the status; empty if none does.
    pub(super) memories: Memories,
    /// The decision on the nearest reading that explains it.
    pub(super) nearest: Option<Decision>,
    /// What the metrics asked for in all of these.
    pub(super) proposed: Option<Range>,
    /// The decisions of all memories on readings that match the status' metrics, explained or not.
    pub(super) modeled: Option<Range>,
    /// Whether every explanation relies on a guess about something unobserved.
    pub(super) guessed: bool,
    /// The model's decision on the nearest reading that matches the status' metrics.
    pub(super) other: Option<Decision>,
}

impl Memories {
    pub(super) fn one(memory: ControllerMemory) -> Self {
        Self { all: vec![memory] }
    }

    #[cfg(test)]
    pub(super) fn iter(&self) -> impl Iterator<Item = &ControllerMemory> {
        self.all.iter()
    }

    /// An empty set, to be extended.
    pub(super) fn none() -> Self {
        Self { all: Vec::new() }
    }

    /// Adds the members of another set.
    pub(super) fn extend(&mut self, other: Self) {
        for memory in other.all {
            self.or(memory);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Adds a memory that is possible as well.
    pub(super) fn or(&mut self, memory: ControllerMemory) {
        match self.all.iter_mut().find(|known| known.is_like(&memory)) {
            Some(known) => known.cover(&memory),
            None => self.all.push(memory),
        }
        if self.all.len() > MOST {
            self.collapse();
        }
    }

    fn collapse(&mut self) {
        let (fresh, mut known): (Vec<ControllerMemory>, Vec<ControllerMemory>) =
            self.all.drain(..).partition(|m| m.fresh);
        if let Some(mut one) = known.pop() {
            for other in &known {
                one.cover(other);
            }
            self.all.push(one);
        }
        self.all.extend(fresh);
    }

    /// Changes each memory, and merges those that become equal.
    pub(super) fn map(&mut self, mut change: impl FnMut(&mut ControllerMemory)) {
        for mut memory in std::mem::take(&mut self.all) {
            change(&mut memory);
            self.or(memory);
        }
    }

    /// The least that the scale-down window certainly holds at a sync in every memory, and since when.
    pub(super) fn certainly_held(&self, windows: &Windows, when: Span) -> Option<(i32, Timestamp)> {
        let held: Option<Vec<_>> = self
            .all
            .iter()
            .map(|m| m.certainly_held(windows, when))
            .collect();
        held?.into_iter().min_by_key(|(replicas, _)| *replicas)
    }

    /// Advances every memory with every reading, and keeps those that explain the status.
    pub(super) fn advance(
        &self,
        question: &Question<'_>,
        readings: &[Reading],
        when: Span,
    ) -> Advance {
        let mut advance = Advance {
            memories: Self::none(),
            nearest: None,
            proposed: None,
            modeled: None,
            guessed: false,
            other: None,
        };
        let mut all = self.clone();
        all.map(|memory| {
            memory.begin(question.current(), when);
            memory.forget(question.windows, when.from);
        });
        let mut nearest: Option<(Likelihood, &Reading, Variant)> = None;
        let mut first: Option<(&Reading, Variant)> = None;
        for reading in readings.iter().filter(|r| r.shows(question.status)) {
            for memory in &all.all {
                let (memory, variants) = question.readable(memory, reading, when);
                if first.is_none() {
                    first = variants.first().map(|variant| (reading, variant.clone()));
                }
                let unseen = || question.with_unseen(&memory, &variants);
                let fits = |variant: &Variant| {
                    let decision = question.decide(reading, variant);
                    Range::widen(&mut advance.modeled, decision.desired);
                    question.is_answered_by(&decision).then_some(decision)
                };
                let Some((variant, decision)) = first_that(fits, &variants, unseen) else {
                    continue;
                };
                if let Some(proposed) = decision.proposed {
                    Range::widen(&mut advance.proposed, proposed);
                }
                advance
                    .memories
                    .or(question.remember(&memory, &decision, when));
                let likelihood = (variant.guessed, reading.far);
                if nearest
                    .as_ref()
                    .is_none_or(|(known, ..)| likelihood < *known)
                {
                    nearest = Some((likelihood, reading, variant));
                }
            }
        }
        advance.guessed = nearest
            .as_ref()
            .is_some_and(|(_, _, variant)| variant.guessed);
        advance.nearest = nearest.map(|(_, reading, variant)| question.tell(reading, &variant));
        if advance.nearest.is_none() {
            advance.other = first.map(|(reading, variant)| question.tell(reading, &variant));
        }
        advance
    }

    /// What syncs without a trace may have recommended, if there were any: those that repeat the decision on
    /// metrics that look the same.
    pub(super) fn silently(
        &self,
        question: &Question<'_>,
        readings: &[Reading],
        when: Span,
    ) -> Vec<i32> {
        let mut proposed = Vec::new();
        for reading in readings.iter().filter(|r| r.shows(question.status)) {
            let Some(replicas) = reading.decision.proposed else {
                continue;
            };
            let same = self.all.iter().any(|memory| {
                let (memory, variants) = question.readable(memory, reading, when);
                let unseen = || question.with_unseen(&memory, &variants);
                let fits = |variant: &Variant| {
                    let decision = question.decide(reading, variant);
                    let same = !decision.scaled && question.is_answered_by(&decision);
                    same.then_some(decision)
                };
                first_that(fits, &variants, unseen).is_some()
            });
            if same {
                proposed.push(replicas);
            }
        }
        proposed
    }
}

impl Question<'_> {
    fn current(&self) -> i32 {
        self.status.current_replicas.unwrap_or_default()
    }

    fn readable(
        &self,
        memory: &ControllerMemory,
        reading: &Reading,
        when: Span,
    ) -> (ControllerMemory, Vec<Variant>) {
        let outcome = SyncOutcome {
            proposed: reading.decision.proposed.unwrap_or_default(),
            desired: self.status.desired_replicas,
        };
        memory.readable(self.windows, when, outcome)
    }

    /// The decision of a controller with this memory, without the metrics' arithmetic.
    fn decide(&self, reading: &Reading, variant: &Variant) -> Decision {
        let mut controller = variant.controller(self.controller, self.windows, reading.now);
        let conditions = self.conditions();
        let sync = self.sync(
            reading.now,
            &reading.pods,
            &reading.answer,
            reading.observed,
            &conditions,
        );
        controller.sync_as(sync, &reading.decision)
    }

    /// The same with the arithmetic, for display.
    fn tell(&self, reading: &Reading, variant: &Variant) -> Decision {
        let mut controller = variant.controller(self.controller, self.windows, reading.now);
        let conditions = self.conditions();
        controller.sync(self.sync(
            reading.now,
            &reading.pods,
            &reading.answer,
            reading.observed,
            &conditions,
        ))
    }

    /// Conditions that a sync does not set are not part of its decision, except for the one that it reads.
    fn conditions(&self) -> Vec<Condition> {
        let asked_for = self
            .previous
            .conditions
            .iter()
            .filter(|c| c.kind == SCALED_TO_ZERO);
        asked_for.cloned().collect()
    }

    fn sync<'a>(
        &'a self,
        now: Timestamp,
        pods: &'a [ModelPod],
        answer: &'a Answer,
        observed: i32,
        conditions: &'a [Condition],
    ) -> Sync<'a> {
        let refused = self
            .condition(ABLE_TO_SCALE)
            .is_some_and(|c| c.reason == "FailedUpdateScale");
        Sync {
            now,
            namespace: self.namespace,
            spec: self.spec,
            scale: Ok(ScaleSubresource {
                replicas: self.current(),
                observed,
                selector: self.selector,
            }),
            pods,
            metrics: Readings {
                resources: answer.as_deref().map_err(String::as_str),
                others: self.others,
            },
            shares_pods: false,
            update_error: refused.then_some("refused"),
            conditions,
            desired_before: self.previous.desired_replicas,
        }
    }

    fn condition(&self, kind: &str) -> Option<&Condition> {
        self.status.conditions.iter().find(|c| c.kind == kind)
    }

    /// Whether a decision matches the status: the replicas, and the conditions with their reasons.
    fn is_answered_by(&self, decision: &Decision) -> bool {
        let kinds = [ABLE_TO_SCALE, SCALING_ACTIVE, SCALING_LIMITED];
        let mut set = decision
            .conditions
            .iter()
            .filter(|c| kinds.contains(&&*c.kind));
        decision.desired == self.status.desired_replicas
            // Old recordings have no conditions.
            && (self.status.conditions.is_empty() || set.all(|set| {
                let written = self.condition(&set.kind);
                written.is_some_and(|w| (&w.status, &w.reason) == (&set.status, &set.reason))
            }))
    }

    /// If scalings may have been missed: the variants with one more scaling each. One in the decision's
    /// direction makes a policy limit it, which the controller reports; one in the other direction makes room.
    fn with_unseen(&self, memory: &ControllerMemory, variants: &[Variant]) -> Vec<Variant> {
        let held = self.condition(SCALING_LIMITED).map(|c| &*c.reason);
        let by_policy = matches!(held, Some("ScaleUpLimit" | "ScaleDownLimit"));
        if memory.any_scaling.is_none() || self.spec.behavior.is_none() {
            return Vec::new();
        }
        let moves = self.status.desired_replicas - self.current();
        let makes_room = |up: bool| if up { moves < 0 } else { moves > 0 };
        let changes = 1..=self.spec.max_replicas.min(MOST_UNSEEN);
        let with = |variant: &Variant, change| {
            let up =
                (by_policy || makes_room(true)).then(|| variant.with_unseen(Some(change), None));
            let down =
                (by_policy || makes_room(false)).then(|| variant.with_unseen(None, Some(change)));
            up.into_iter().chain(down)
        };
        variants
            .iter()
            .flat_map(|variant| changes.clone().flat_map(|change| with(variant, change)))
            .collect()
    }

    /// The memory after a sync with that decision.
    fn remember(
        &self,
        memory: &ControllerMemory,
        decision: &Decision,
        when: Span,
    ) -> ControllerMemory {
        let mut memory = memory.clone();
        if let Some(proposed) = decision.proposed {
            memory.recommend(proposed.max(0), when);
        }
        if decision.scaled && self.spec.behavior.is_some() {
            memory.scale(decision.current, decision.desired, when);
        }
        memory.forget(self.windows, when.from);
        memory
    }

    /// Adds the readings that the sync may have made and that were not evaluated yet.
    pub(super) fn gather(&self, sightings: &Sightings, search: ReadingSearch, into: &mut Gathered) {
        let Gathered {
            readings,
            looked,
            all,
        } = into;
        *all = sightings.each(search, looked, |look| {
            for observed in self.observed {
                self.add(&look, *observed, readings);
            }
        });
        readings.sort_by_key(|reading| reading.far);
    }

    fn add(&self, look: &Look<'_>, observed: i32, readings: &mut Vec<Reading>) {
        let conditions = self.conditions();
        let sync = self.sync(look.now, look.pods, look.answer, observed, &conditions);
        let decision = self.controller.clone().sync(sync);
        let mut known = readings.iter_mut();
        let known = known.find(|known| are_alike(&known.decision, &decision));
        if known.as_ref().is_some_and(|known| known.far <= look.far) {
            return;
        }
        let reading = Reading {
            pods: look.pods.into(),
            answer: look.answer.clone(),
            observed,
            now: look.now,
            far: look.far,
            decision,
        };
        match known {
            Some(known) => *known = reading,
            None => readings.push(reading),
        }
    }
}

/// Whether it relies on a guess, and how far its reading is from the sync; lower is more likely.
type Likelihood = (bool, SignedDuration);

/// The first variant with a result, and the result. Variants that need a guess are tried only if no other
/// works.
fn first_that(
    mut leads: impl FnMut(&Variant) -> Option<Decision>,
    variants: &[Variant],
    unseen: impl FnOnce() -> Vec<Variant>,
) -> Option<(Variant, Decision)> {
    let mut lead = |variant: &Variant| Some((variant.clone(), leads(variant)?));
    let found = variants.iter().find_map(&mut lead);
    found.or_else(|| unseen().iter().find_map(lead))
}

impl Reading {
    /// Whether it has the same metrics as the status.
    pub(super) fn shows(&self, status: &AutoscalerStatus) -> bool {
        shows(&self.decision, status)
    }

    pub(super) fn decision(&self) -> &Decision {
        &self.decision
    }
}

/// Whether a decision's metrics have the values in the status, as far as the status has any.
fn shows(decision: &Decision, status: &AutoscalerStatus) -> bool {
    let written = &status.current_metrics;
    let same_values = || *written == decision.current_metrics();
    decision.utilization == status.cpu_utilization && (written.is_empty() || same_values())
}

/// Whether the metrics have the same result, so that the decision is the same for any memory.
fn are_alike(a: &Decision, b: &Decision) -> bool {
    let values = |d: &Decision| d.current_metrics();
    let active = |d: &Decision| {
        let condition = d.conditions.iter().find(|c| c.kind == SCALING_ACTIVE);
        condition.map(|c| (c.status.clone(), c.reason.clone()))
    };
    (a.proposed, a.utilization, a.failed_at) == (b.proposed, b.utilization, b.failed_at)
        && active(a) == active(b)
        && values(a) == values(b)
}

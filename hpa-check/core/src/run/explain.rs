//! Why the controller decided as it did: each sync that shows in the autoscaler's status is run
//! again by the model, on the pods and metrics that were seen around it.
//!
//! The controller reads pods and metrics at instants that nobody sees, and it remembers what nobody can ask it
//! for. So the explainer keeps a set of memories, each of them consistent with all that was observed:
//!
//! ```text
//! memories ─┐
//!           ├─ every memory × every reading ─ those that match the status ─▶ memories
//! readings ─┘
//! ```
//!
//! A reading is a state of the pods with an answer of the metrics API, where both may have held at the sync. Syncs
//! in between that decide the same again leave no trace in the status, but they do make recommendations, which
//! each memory holds as possible. The set has at most [`memories::MOST`] members. A sync is explained when at least
//! one member explains it. If none does, the set goes on from what the status itself proves.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::reconcile::Controller;
use crate::model::{after, before};
use crate::observation::{
    Autoscaler, AutoscalerStatus, CONTROLLER, ControllerConfig, Event, Fact, Observation,
    ScaleTarget, Seen,
};
use crate::run::state::RunState;
use crate::run::timeline::{ProposalStep, Range, Step, SyncRecord};
use crate::spec::{AutoscalerSpec, MetricSpec};

mod memories;
mod memory;
mod readings;
mod sightings;
#[cfg(test)]
mod tests;

use memories::{Advance, Gathered, Memories, Question, Reading};
use memory::{ControllerMemory, Windows};
use sightings::{NEAR, ReadingSearch, Sightings, Span};

/// The clocks of observer and controller differ by less.
const CLOCKS: Duration = Duration::from_secs(1);

/// From a recommendation to the status that shows it: two writes through the API server.
const WRITING: Duration = Duration::from_secs(2);

/// Syncs that are still open at once; more come only where nothing was read of the metrics for long.
const MOST_OPEN: usize = 8;

/// Explains syncs as they are seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Explainer {
    sightings: Sightings,
    /// What the controller may remember after the last sync that is settled; `None` before anything is known.
    memories: Option<Memories>,
    /// Up to when syncs without a trace are accounted for in these.
    accounted: Option<Timestamp>,
    /// When the last sync was seen that is settled.
    settled: Option<Timestamp>,
    /// The newest syncs, of which what is seen later may still tell more.
    open: VecDeque<Open>,
    /// How many syncs were seen.
    syncs: usize,
    last: Option<Autoscaler>,
    /// When it was seen that the API server refused a status.
    refused: Vec<Timestamp>,
    /// The specs that were in force before the newest since the last sync that was seen.
    former: Vec<AutoscalerSpec>,
}

/// What can be said of a sync now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Explained {
    /// Of one that the status shows.
    Sync {
        /// Its number; one that was told of before is told of anew.
        number: usize,
        /// The sync.
        record: SyncRecord,
    },
    /// What syncs without a trace may have proposed from an instant on.
    Silent(ProposalStep),
}

/// A sync that waits for what is seen later.
#[derive(Debug, Clone)]
struct Open {
    number: usize,
    /// When the recommendation was made.
    when: Span,
    seen_at: Timestamp,
    object: Autoscaler,
    /// The specs that syncs before it which left no trace may have gone by instead.
    former: Vec<AutoscalerSpec>,
    selector: String,
    status: AutoscalerStatus,
    previous: AutoscalerStatus,
    /// Whether anything explains it so far.
    explained: bool,
    /// The memories after it as far as is known, until it is settled.
    after: Option<Memories>,
    /// What it may have read so far, and what the syncs before it that left no trace.
    gathered: Gathered,
    silent: Gathered,
    /// What these may have proposed, and whether nothing else is possible.
    silence: Option<(Range, bool)>,
}

impl Explainer {
    /// Takes in what was seen, after the state has; gives what can be said of syncs now.
    pub(crate) fn observe(
        &mut self,
        observation: &Observation,
        state: &RunState,
    ) -> Vec<Explained> {
        let at = observation.at;
        let new = match &observation.seen {
            Seen::Pod(pod) => self.sightings.pod(at, pod),
            Seen::PodGone { name } => {
                self.sightings.pod_gone(at, name);
                true
            }
            Seen::PodMetrics { samples } => {
                let answer = samples.iter().map(Into::into).collect();
                self.sightings.answer(at, Ok(answer))
            }
            Seen::MetricsUnavailable { error, .. } => self.sightings.answer(at, Err(error.clone())),
            Seen::Event(event) if is_refused_status(event) => {
                self.refused.push(at);
                if let (Some(memories), None) = (&mut self.memories, self.accounted) {
                    // It may have been the first of all.
                    memories.or(ControllerMemory::unknown(at));
                }
                false
            }
            Seen::Fact(Fact::ControllerRestarted { .. }) => {
                if let Some(memories) = &mut self.memories {
                    // The old one may write for a moment yet.
                    memories.or(ControllerMemory::fresh());
                }
                false
            }
            _ => false,
        };
        if matches!(
            observation.seen,
            Seen::Pod(_) | Seen::PodGone { .. } | Seen::Target(_)
        ) {
            self.sightings.count(at, state);
        }
        let mut explained = self.settle(at, state, false);
        if let Seen::Autoscaler(autoscaler) = &observation.seen {
            explained.extend(self.autoscaler(at, autoscaler, state));
        } else if new {
            explained.extend(self.retry(at, state));
        }
        explained
    }

    /// Says the last of the syncs that are still open: nothing more will be seen.
    pub(crate) fn finish(&mut self, at: Timestamp, state: &RunState) -> Vec<Explained> {
        self.settle(at, state, true)
    }

    fn autoscaler(
        &mut self,
        at: Timestamp,
        object: &Autoscaler,
        state: &RunState,
    ) -> Option<Explained> {
        let remade = self.last.as_ref().is_some_and(|l| l.uid != object.uid);
        if remade {
            self.memories = Some(Memories::one(ControllerMemory::fresh()));
            self.open.clear();
            self.last = None;
        }
        let previous = self.last.replace(object.clone());
        let Some(status) = object.status.clone() else {
            if previous.is_none() {
                self.memories = Some(Memories::one(ControllerMemory::fresh()));
            }
            return None;
        };
        if let Some(previous) = &previous {
            self.widen(previous, object, at, state);
            if previous.spec != object.spec {
                self.former.push(previous.spec.clone());
            }
        }
        let written = |a: &Autoscaler| (a.status_written, a.status.clone());
        if previous.as_ref().map(&written) == Some(written(object)) {
            return None;
        }
        let known = previous.and_then(|p| p.status);
        if known.is_none() && self.memories.is_none() {
            self.memories = Some(Memories::one(ControllerMemory::unknown(at)));
            // What the first status tells was decided before anybody watched.
            let fresh = object.status_written.is_some_and(|w| w >= before(at, NEAR));
            if !fresh || state.targets.is_empty() {
                return None;
            }
        }
        let open = self.opened(at, object, status, known.unwrap_or_default(), state);
        self.open.push_back(open);
        self.explain_newest(at, state)
    }

    /// Longer windows bring back what was forgotten.
    fn widen(
        &mut self,
        previous: &Autoscaler,
        object: &Autoscaler,
        at: Timestamp,
        state: &RunState,
    ) {
        let controller = fresh(state);
        let (old, new) = (
            Windows::of(&previous.spec, &controller),
            Windows::of(&object.spec, &controller),
        );
        if let Some(memories) = self
            .memories
            .as_mut()
            .filter(|_| new.remember_longer_than(&old))
        {
            memories.map(|memory| {
                memory.lose_recommendations(at);
                memory.lose_scalings(at);
            });
        }
    }

    fn opened(
        &mut self,
        seen_at: Timestamp,
        object: &Autoscaler,
        status: AutoscalerStatus,
        previous: AutoscalerStatus,
        state: &RunState,
    ) -> Open {
        let number = self.syncs;
        self.syncs += 1;
        Open {
            number,
            when: instants(object.status_written, seen_at),
            seen_at,
            object: object.clone(),
            former: std::mem::take(&mut self.former),
            selector: selector(state),
            status,
            previous,
            explained: false,
            after: None,
            gathered: Gathered::default(),
            silent: Gathered::default(),
            silence: None,
        }
    }

    /// Tries the newest sync again on what has been seen since, if nothing explains it yet.
    fn retry(&mut self, now: Timestamp, state: &RunState) -> Option<Explained> {
        if self.open.back()?.explained {
            return None;
        }
        self.explain_newest(now, state)
    }

    /// What is known of the newest sync by now, from what is known of the one before it.
    fn explain_newest(&mut self, now: Timestamp, state: &RunState) -> Option<Explained> {
        let settled = (self.memories.as_ref()?, self.accounted);
        let mut newest = self.open.pop_back()?;
        let earlier = self.open.back();
        let known = earlier.and_then(|open| Some((open.after.as_ref()?, Some(open.when.from))));
        let (memories, accounted) = known.unwrap_or(settled);
        let earlier = (memories, accounted, self.refused.as_slice());
        let (memories, record) = newest.step(earlier, &self.sightings, now, state);
        newest.explained = record.explained;
        newest.after = Some(memories);
        let number = newest.number;
        self.open.push_back(newest);
        Some(Explained::Sync { number, record })
    }

    /// Settles the syncs of which nothing more will be seen.
    fn settle(&mut self, now: Timestamp, state: &RunState, over: bool) -> Vec<Explained> {
        let mut explained = Vec::new();
        let patience = patience(state);
        while let (Some(memories), Some(open)) = (&self.memories, self.open.front()) {
            let seen =
                self.sightings.answered_since(open.when.until) && now >= after(open.seen_at, NEAR);
            let late = now >= after(open.seen_at, patience * 2);
            if !(over || seen || late || self.open.len() > MOST_OPEN) {
                break;
            }
            let Some(mut open) = self.open.pop_front() else {
                break;
            };
            let earlier = (memories, self.accounted, self.refused.as_slice());
            let (memories, record) = open.step(earlier, &self.sightings, now, state);
            explained.extend(self.silent(open.silence));
            explained.push(Explained::Sync {
                number: open.number,
                record,
            });
            self.settled = Some(open.seen_at);
            (self.memories, self.accounted) = (Some(memories), Some(open.when.from));
        }
        explained.extend(self.account(now, state));
        if let Some(accounted) = self.accounted {
            self.sightings
                .forget_before(before(accounted, around(state) + NEAR + NEAR));
        }
        explained
    }

    /// Accounts for syncs without a trace, a period at a time.
    fn account(&mut self, now: Timestamp, state: &RunState) -> Option<Explained> {
        let (accounted, last) = (self.accounted?, self.last.clone()?);
        let until = before(now, patience(state));
        if !self.open.is_empty() || until < after(accounted, period(state)) {
            return None;
        }
        let status = last.status.clone()?;
        let mut memories = self.memories.take()?;
        let stretch = Span {
            from: accounted,
            until,
        };
        let silence = Silence {
            spec: &last.spec,
            selector: &selector(state),
            status: &status,
            stretch,
            refused: is_in(&self.refused, stretch, state),
        };
        let gathered = &mut Gathered::default();
        let by_former = silence.keep_by(&self.former, &mut memories, &self.sightings, now, state);
        let proposed = silence.keep(&mut memories, &self.sightings, gathered, now, state);
        let proposed = either(proposed, by_former);
        (self.memories, self.accounted) = (Some(memories), Some(until));
        let silent = self.silent(proposed);
        // What follows comes after it.
        self.settled = Some(stretch.until);
        silent
    }

    /// What may have been proposed since the last sync that was seen.
    fn silent(&self, proposed: Option<(Range, bool)>) -> Option<Explained> {
        let (range, certain) = proposed?;
        Some(Explained::Silent(ProposalStep {
            at: after(self.settled?, Duration::from_micros(1)),
            low: range.low,
            high: range.high,
            certain,
        }))
    }
}

/// A stretch between two syncs, in which others may have decided the same again.
#[derive(Clone, Copy)]
struct Silence<'a> {
    spec: &'a AutoscalerSpec,
    selector: &'a str,
    status: &'a AutoscalerStatus,
    stretch: Span,
    /// Whether the API server refused the status of a sync in it, which then decided whatever it did.
    refused: bool,
}

impl<'a> Silence<'a> {
    /// The same by specs that were in force before.
    fn keep_by(
        self,
        former: &'a [AutoscalerSpec],
        memories: &mut Memories,
        sightings: &Sightings,
        now: Timestamp,
        state: &RunState,
    ) -> Option<(Range, bool)> {
        let of = |spec| Self { spec, ..self };
        let mut all = None;
        for silence in former.iter().map(of) {
            let gathered = &mut Gathered::default();
            all = either(all, silence.keep(memories, sightings, gathered, now, state));
        }
        all
    }

    /// Adds to the memories what was recommended in it, if anything was; the bounds of that, and whether nothing
    /// else is possible.
    fn keep(
        &self,
        memories: &mut Memories,
        sightings: &Sightings,
        gathered: &mut Gathered,
        now: Timestamp,
        state: &RunState,
    ) -> Option<(Range, bool)> {
        let stretch = self.stretch;
        // After a scaling the next sync finds another size, and says so if it may.
        let after_scaling = self.status.current_replicas != Some(self.status.desired_replicas);
        if (after_scaling && !self.refused) || stretch.until <= stretch.from {
            return None;
        }
        let found = AutoscalerStatus {
            current_replicas: Some(self.status.desired_replicas),
            ..self.status.clone()
        };
        let status = &found;
        let controller = fresh(state);
        let windows = Windows::of(self.spec, &controller);
        let observed = observed(state, self.spec, stretch);
        let question = Question {
            spec: self.spec,
            selector: self.selector,
            namespace: namespace(state),
            observed: &observed,
            others: &readings::at_a_sync(
                self.spec,
                status,
                (stretch.from, stretch.until),
                &observed,
                state,
            ),
            controller: &controller,
            windows: &windows,
            status,
            previous: status,
        };
        let search = search(stretch, stretch.until, self.spec, state);
        question.gather(sightings, search, gathered);
        let lack = sightings.lack(state, stretch, search.samples, now);
        // What a refused status would have said of a custom metric is not known.
        let mut metrics = self.spec.metrics.iter();
        let untold = self.refused && metrics.any(|m| m.resource().is_none());
        let certain =
            gathered.all && lack.is_none() && !untold && unfollowed(self.spec, status).is_none();
        let mut proposed = memories.silently(&question, &gathered.readings, stretch);
        if self.refused {
            let any = gathered.readings.iter();
            proposed.extend(any.filter_map(|reading| reading.decision().proposed));
        }
        memories.map(|memory| {
            for replicas in &proposed {
                memory.may_recommend((*replicas).max(0), stretch.until);
            }
            if !certain {
                memory.lose_recommendations(stretch.until);
            }
        });
        Some((Range::of(proposed)?, certain))
    }
}

impl Open {
    /// Whether the controller has scaled since the status before and could not write the status of that: the size that
    /// this sync found is not the one that the last one decided, and the controller wrote it. The API server refuses a
    /// status on a conflict (event `FailedUpdateStatus`), and the controller remembers what it did all the same.
    fn scaled_unseen(&self, state: &RunState) -> bool {
        let Some(found) = self.status.current_replicas else {
            return false;
        };
        let decided = self.previous.desired_replicas;
        let known = self.previous.current_replicas.is_some();
        let by_controller = |target: &ScaleTarget| {
            let writer = target.replicas_writer.as_ref();
            target.spec_replicas == found && writer.is_some_and(|w| w.manager == CONTROLLER)
        };
        let from = before(self.when.from, period(state) * 2);
        let targets = state.targets.iter().rev();
        let mut recent = targets.filter(|(at, _)| from <= *at && *at <= self.seen_at);
        known && found != decided && recent.any(|(_, target)| by_controller(target))
    }

    /// The memories after it, from those before it, the instant up to which they account for syncs without a trace,
    /// and when statuses were refused; and what there is to say of it.
    fn step(
        &mut self,
        (memories, accounted, refused): (&Memories, Option<Timestamp>, &[Timestamp]),
        sightings: &Sightings,
        now: Timestamp,
        state: &RunState,
    ) -> (Memories, SyncRecord) {
        let mut memories = memories.clone();
        if let Some(from) = accounted {
            let until = self.when.from.min(self.seen_at);
            let refused = refused.iter().any(|at| from <= *at && *at <= self.seen_at);
            let silence = Silence {
                spec: &self.object.spec,
                selector: &self.selector,
                status: &self.previous,
                stretch: Span {
                    from,
                    until: if refused { self.seen_at } else { until },
                },
                refused,
            };
            let by_former = silence.keep_by(&self.former, &mut memories, sightings, now, state);
            let kept = silence.keep(&mut memories, sightings, &mut self.silent, now, state);
            self.silence = either(kept, by_former);
            if refused {
                // It may have scaled as well.
                memories.map(|memory| memory.lose_scalings(self.seen_at));
            }
        }
        if self.scaled_unseen(state) {
            memories.map(|memory| {
                memory.lose_recommendations(self.when.from);
                memory.lose_scalings(self.when.from);
            });
        }
        let controller = fresh(state);
        let windows = Windows::of(&self.object.spec, &controller);
        let mut gathered = std::mem::take(&mut self.gathered);
        let observed = observed(state, &self.object.spec, self.when);
        let question = Question {
            spec: &self.object.spec,
            selector: &self.selector,
            namespace: namespace(state),
            observed: &observed,
            others: &readings::at_a_sync(
                &self.object.spec,
                &self.status,
                (self.when.from, self.when.until),
                &observed,
                state,
            ),
            controller: &controller,
            windows: &windows,
            status: &self.status,
            previous: &self.previous,
        };
        let likeliest = self.seen_at.min(self.when.until);
        let search = search(self.when, likeliest, &self.object.spec, state);
        question.gather(sightings, search, &mut gathered);
        let unfollowed = unfollowed(&self.object.spec, &self.status);
        let unseen = || {
            let lack = sightings.lack(state, self.when, search.samples, now);
            lack.map(str::to_owned)
        };
        let many = || {
            (!gathered.all).then(|| "too many pods changed at once to try each state".to_owned())
        };
        let lack = unfollowed.or_else(unseen).or_else(many);
        let judged = self.judge(&question, &memories, &gathered.readings, lack);
        self.gathered = gathered;
        judged
    }

    fn judge(
        &self,
        question: &Question<'_>,
        before: &Memories,
        readings: &[Reading],
        lack: Option<String>,
    ) -> (Memories, SyncRecord) {
        let advance = before.advance(question, readings, self.when);
        let mut record = self.record();
        record.certain = lack.is_none();
        record.held = before
            .certainly_held(question.windows, self.when)
            .map(|(value, at)| Step { at, value });
        let mut memories = Memories::none();
        if let Some(decision) = &advance.nearest {
            record.model = Some(decision.desired);
            record.model_utilization = decision.utilization;
            memories.extend(advance.memories.clone());
            record.explained = true;
            record.proposed = advance.proposed;
            record.likeliest = decision.proposed;
            record.sentence = decision.explain();
            if advance.guessed {
                record.sentence += "; by what it remembers of a time that was not seen whole";
            }
            if let Some(range) = advance.proposed.filter(|range| range.low < range.high) {
                record.sentence +=
                    &format!(" (the nearest reading; others that fit ask for {range})");
            }
        } else if let Some(why) = self.refusal() {
            record.explained = true;
            record.sentence = format!("decided nothing: {why}");
            memories = self.after_refusal(before);
        } else {
            self.leave_open(&mut record, question, readings, &advance, lack.as_deref());
            memories = self.after_unexplained(question, before, readings, record.certain);
        }
        if lack.is_some() {
            memories.map(|memory| memory.lose_recommendations(self.when.until));
        }
        (memories, record)
    }

    fn record(&self) -> SyncRecord {
        SyncRecord {
            at: self.seen_at,
            current: self.status.current_replicas.unwrap_or_default(),
            desired: self.status.desired_replicas,
            model: None,
            utilization: self.status.cpu_utilization,
            model_utilization: None,
            explained: false,
            sentence: String::new(),
            proposed: None,
            likeliest: None,
            certain: false,
            modeled: None,
            held: None,
        }
    }

    /// Says of an unexplained sync what the model makes of it, if the two can be compared at all.
    fn leave_open(
        &self,
        record: &mut SyncRecord,
        question: &Question<'_>,
        readings: &[Reading],
        advance: &Advance,
        lack: Option<&str>,
    ) {
        let same = readings.iter().find(|r| r.shows(&self.status));
        let (Some(reading), None) = (same.or(readings.first()), lack) else {
            let lack = lack.unwrap_or("nothing was seen of the pods and their metrics");
            record.sentence = format!("too little was seen to explain it: {lack}");
            return;
        };
        let decision = advance.other.as_ref().unwrap_or(reading.decision());
        record.model_utilization = decision.utilization;
        record.sentence = format!("not explained; the model says: {}", decision.explain());
        // On other metrics than the controller read, the model's word is no measure.
        if same.is_some() {
            record.proposed = Range::of(self.shown(readings));
            record.likeliest = decision.proposed;
            let held = |range: &Range| self.is_held_by_the_unseen(question, *range);
            record.modeled = advance.modeled.filter(|range| !held(range));
            record.model = record.modeled.map(|range| range.low);
        }
    }

    /// What the metrics ask for in the readings that show those of the status.
    fn shown(&self, readings: &[Reading]) -> impl Iterator<Item = i32> {
        let same = readings.iter().filter(|r| r.shows(&self.status));
        same.filter_map(|r| r.decision().proposed)
    }

    /// Why the controller says it could not decide, if it left all as it was.
    fn refusal(&self) -> Option<&str> {
        let refused = |kind: &str| {
            let mut all = self.status.conditions.iter();
            all.find(|c| c.kind == kind && c.status == "False")
                .map(|c| c.message.as_str())
        };
        let unchanged = self.status.desired_replicas == self.previous.desired_replicas;
        refused("AbleToScale")
            .or_else(|| refused("ScalingActive"))
            .filter(|_| unchanged)
    }

    fn says(&self, reason: &str) -> bool {
        self.status.conditions.iter().any(|c| c.reason == reason)
    }

    /// Whether earlier recommendations or scalings that nobody saw can make the difference: the metric is the
    /// same, and the controller itself says that its memory held it back. Without `behavior` it remembers
    /// recommendations only, and these only ever hold a scale-down.
    fn is_held_by_the_unseen(&self, question: &Question<'_>, modeled: Range) -> bool {
        let policies = question.spec.behavior.is_some();
        let (down, up) = (
            self.says("ScaleDownStabilized"),
            self.says("ScaleUpStabilized"),
        );
        let (down_limit, up_limit) = (self.says("ScaleDownLimit"), self.says("ScaleUpLimit"));
        let desired = self.status.desired_replicas;
        (desired > modeled.low && (down || (policies && down_limit)))
            || (desired < modeled.high && policies && (up || up_limit))
    }

    /// A sync that came to no decision leaves the memory as it was; the first one ever has noted the size that
    /// it found. One that could not write its decision has made a recommendation.
    fn after_refusal(&self, before: &Memories) -> Memories {
        let mut memories = before.clone();
        let current = self.status.current_replicas.unwrap_or_default();
        memories.map(|memory| {
            memory.begin(current, self.when);
            if self.says("FailedUpdateScale") {
                memory.lose_recommendations(self.when.until);
            }
        });
        memories
    }

    /// What the status itself proves: where a reading shows its metrics, what these ask for; else only that there
    /// was a sync, and what it did to the replicas.
    fn after_unexplained(
        &self,
        question: &Question<'_>,
        before: &Memories,
        readings: &[Reading],
        certain: bool,
    ) -> Memories {
        let (current, desired) = (
            self.status.current_replicas.unwrap_or_default(),
            self.status.desired_replicas,
        );
        let held = self.says("ScaleDownStabilized") || self.says("ScaleUpStabilized");
        let shown: Vec<i32> = self.shown(readings).collect();
        let mut memories = before.clone();
        memories.map(|memory| {
            memory.begin(current, self.when);
            if held || shown.is_empty() || !certain {
                memory.lose_recommendations(self.when.until);
            }
            if question.spec.behavior.is_some() {
                if self.says("ScaleUpLimit") || self.says("ScaleDownLimit") {
                    memory.lose_scalings(self.when.until);
                }
                if current != desired {
                    memory.scale(current, desired, self.when);
                }
            }
            memory.forget(question.windows, self.when.from);
        });
        let mut all = Memories::none();
        for replicas in &shown {
            let mut with = memories.clone();
            with.map(|memory| memory.recommend((*replicas).max(0), self.when));
            all.extend(with);
        }
        if all.is_empty() { memories } else { all }
    }
}

/// When the recommendation behind a status can have been made. A status write's server time has whole seconds;
/// the observer's own is finer when this near.
fn instants(written: Option<Timestamp>, seen_at: Timestamp) -> Span {
    let second = Duration::from_secs(1);
    let seen = Span {
        from: before(seen_at, WRITING),
        until: after(seen_at, CLOCKS),
    };
    let Some(written) = written else {
        return seen;
    };
    let stamped = Span {
        from: before(written, WRITING),
        until: after(written, second + CLOCKS),
    };
    if written <= seen_at && seen_at < after(written, NEAR) {
        Span {
            from: seen.from.max(stamped.from),
            until: seen.until.min(stamped.until),
        }
    } else {
        stamped
    }
}

fn selector(state: &RunState) -> String {
    let target = state.target.as_ref();
    target.map_or_else(String::new, |target| target.selector.clone())
}

/// A look for what was read at a sync.
fn search(when: Span, at: Timestamp, spec: &AutoscalerSpec, state: &RunState) -> ReadingSearch {
    ReadingSearch {
        when,
        at,
        around: around(state),
        initialization: fresh(state).settings.cpu_initialization_period,
        samples: spec.metrics.iter().any(|m| m.resource().is_some()),
    }
}

/// A controller that has just started, with the settings given.
fn fresh(state: &RunState) -> Controller {
    let setting = state.setting.as_ref();
    let settings = setting.map_or_else(ControllerConfig::default, |s| s.controller.clone());
    Controller::new(settings, state.gates())
}

/// What may have been proposed by one or by the other, and whether nothing else is possible.
fn either(one: Option<(Range, bool)>, other: Option<(Range, bool)>) -> Option<(Range, bool)> {
    let (Some((one, certain)), Some((other, as_certain))) = (one, other) else {
        return one.or(other);
    };
    let both = Range {
        low: one.low.min(other.low),
        high: one.high.max(other.high),
    };
    Some((both, certain && as_certain))
}

/// Whether a status was refused in a stretch, as far as its event was seen: that follows it.
fn is_in(refused: &[Timestamp], stretch: Span, state: &RunState) -> bool {
    let until = after(stretch.until, period(state));
    let mut refused = refused.iter();
    refused.any(|at| stretch.from <= *at && *at <= until)
}

/// A sync that can't write its status decided and remembers all the same.
fn is_refused_status(event: &Event) -> bool {
    event.reason == "FailedUpdateStatus" && event.about.starts_with("HorizontalPodAutoscaler/")
}

fn period(state: &RunState) -> Duration {
    let setting = state.setting.as_ref();
    setting.map_or(Duration::from_secs(15), |s| s.controller.sync_period)
}

/// How long after a sync what it read may first be seen.
fn patience(state: &RunState) -> Duration {
    let resolution = state
        .setting
        .as_ref()
        .map_or(Duration::from_secs(15), |s| s.metrics_resolution);
    resolution.max(NEAR)
}

/// How old the answer of the metrics API may be that a sync goes by. Between two polls an answer may have come and
/// gone, and an API that is slow may have been asked a whole sync before.
fn around(state: &RunState) -> Duration {
    let resolution = state
        .setting
        .as_ref()
        .map_or(Duration::from_secs(15), |s| s.metrics_resolution);
    NEAR + resolution * 2 + period(state)
}

/// The metric that can't be followed to the replica, if there is one: the status does not tell its value, or only
/// one for each pod, which is rounded.
fn unfollowed(spec: &AutoscalerSpec, status: &AutoscalerStatus) -> Option<String> {
    let values = &status.current_metrics;
    let mut metrics = spec.metrics.iter().enumerate();
    let is_open = |(index, metric): &(usize, &MetricSpec)| {
        let told = values.get(*index);
        let exact = told.is_some_and(|value| value.is_empty() || value.value.is_some());
        metric.resource().is_none() && !exact
    };
    let (_, metric) = metrics.find(is_open)?;
    let (kind, name) = (metric.source.kind(), metric.source.name());
    Some(format!(
        "the {kind} metric {name} can't be followed to the replica by what the status tells of it"
    ))
}

fn namespace(state: &RunState) -> &str {
    state.setting.as_ref().map_or("", |s| s.namespace.as_str())
}

/// How many pods the target may have counted at a sync, where a metric is divided by them.
fn observed(state: &RunState, spec: &AutoscalerSpec, when: Span) -> Vec<i32> {
    let mut counts = Vec::new();
    let matters = spec
        .metrics
        .iter()
        .any(|m| m.source.is_object_or_external());
    for (at, target) in state.targets.iter().rev() {
        if *at <= after(when.until, NEAR) && !counts.contains(&target.replicas) {
            counts.push(target.replicas);
        }
        if !matters || *at < before(when.from, NEAR) {
            break;
        }
    }
    if counts.is_empty() {
        counts.extend(state.target.as_ref().map(|target| target.replicas));
    }
    counts
}

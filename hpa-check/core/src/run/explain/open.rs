//! A sync that the status shows, from its observation until later observations can't explain it any further.

use std::time::Duration;

use jiff::Timestamp;

use super::assumed::{Assumed, another_controller};
use super::circumstances::{fresh, namespace, observed, period, search, unfollowed};
use super::memories::{Advance, Gathered, Memories, Question, Reading};
use super::memory::Windows;
use super::readings;
use super::sightings::{NEAR, ReadingSearch, Sightings, Span};
use super::silence::{Silence, either};
use crate::model::selector::TargetSelector;
use crate::model::{after, before};
use crate::observation::{Autoscaler, AutoscalerStatus};
use crate::run::state::RunState;
use crate::run::timeline::{Range, Step, SyncRecord};
use crate::spec::AutoscalerSpec;

/// The clocks of observer and controller differ by less than this.
const CLOCKS: Duration = Duration::from_secs(1);

/// From a recommendation to the status that shows it: two writes through the API server.
const WRITING: Duration = Duration::from_secs(2);

/// A sync that waits for later observations.
#[derive(Debug, Clone)]
pub(super) struct Open {
    pub(super) number: usize,
    /// When the recommendation was made.
    pub(super) when: Span,
    pub(super) seen_at: Timestamp,
    pub(super) object: Autoscaler,
    /// Earlier specs that syncs without a trace before it may have used.
    pub(super) former: Vec<AutoscalerSpec>,
    pub(super) selector: TargetSelector,
    pub(super) status: AutoscalerStatus,
    pub(super) previous: AutoscalerStatus,
    /// Whether anything explains it so far.
    pub(super) explained: bool,
    /// The memories after it as far as known, until it is settled.
    pub(super) after: Option<Memories>,
    /// The memories before it, when it was last explained.
    pub(super) before: Option<Memories>,
    /// What it, and the syncs without a trace before it, may have read so far.
    pub(super) gathered: Gathered,
    pub(super) silent: Gathered,
    /// What those syncs may have proposed, and whether nothing else is possible.
    pub(super) silence: Option<(Range, bool)>,
}

impl Open {
    /// Whether the controller has scaled since the previous status and could not write the status for it: the
    /// replicas at this sync differ from the last decision, and the controller wrote them. The API server
    /// rejects a status on a conflict (event `FailedUpdateStatus`), but the controller still remembers its
    /// decision.
    fn scaled_unseen(&self, state: &RunState) -> bool {
        let Some(found) = self.status.current_replicas else {
            return false;
        };
        let decided = self.previous.desired_replicas;
        let known = self.previous.current_replicas.is_some();
        let from = before(self.when.from, period(state) * 2);
        let mut pairs = state.targets.windows(2).rev();
        known
            && found != decided
            && pairs.any(|pair| {
                let [(_, old), (at, new)] = pair else {
                    return false;
                };
                let writer = new.changed_by(old);
                let by_controller = writer.is_none_or(|w| self.object.is_controller(&w.manager));
                let during = from <= *at && *at <= self.seen_at;
                let to_it = new.spec_replicas == found && old.spec_replicas != found;
                during && to_it && by_controller
            })
    }

    /// Computes the memories after it, from the memories before it, the instant up to which they account for
    /// syncs without a trace, and the times of rejected statuses; also returns its explanation.
    pub(super) fn step(
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
        let mut gathered = std::mem::take(&mut self.gathered);
        let judged = self.ask(state, |question| {
            let search = self.search(state);
            question.gather(sightings, search, &mut gathered);
            let lack = self.lack((sightings, search), gathered.all, now, state);
            self.judge(question, &memories, &gathered.readings, lack)
        });
        self.gathered = gathered;
        self.before = Some(memories);
        judged
    }

    /// Whether it can only be explained by another value of an assumed flag of the controller.
    pub(super) fn doubt(&self, record: &mut SyncRecord, sightings: &Sightings, state: &RunState) {
        let assumed = state.setting.as_ref().map(Assumed::of);
        let Some(before) = self.before.as_ref().zip(assumed) else {
            return;
        };
        let search = self.search(state);
        record.doubt = self.ask(state, |question| {
            another_controller(question, before, (sightings, search), self.when)
        });
        if let Some(other) = &record.doubt {
            record.sentence += &format!("; {other} explains it");
        }
    }

    fn search(&self, state: &RunState) -> ReadingSearch {
        let likeliest = self.seen_at.min(self.when.until);
        search(self.when, likeliest, &self.object.spec, state)
    }

    /// Asks about its status.
    fn ask<T>(&self, state: &RunState, about: impl FnOnce(&Question<'_>) -> T) -> T {
        let controller = fresh(state);
        let windows = Windows::of(&self.object.spec, &controller);
        let observed = observed(state, &self.object.spec, self.when);
        about(&Question {
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
        })
    }

    /// Why other readings than these are possible; `None` if none are.
    fn lack(
        &self,
        (sightings, search): (&Sightings, ReadingSearch),
        all: bool,
        now: Timestamp,
        state: &RunState,
    ) -> Option<String> {
        let unseen = || {
            let lack = sightings.lack(state, self.when, search.samples, now);
            lack.map(str::to_owned)
        };
        let many = || (!all).then(|| "too many pods changed at once to try every state".to_owned());
        let unfollowed = unfollowed(&self.object.spec, &self.status);
        unfollowed.or_else(unseen).or_else(many)
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
                record.sentence += "; based on decisions from a time that was not fully observed";
            }
            if let Some(range) = advance.proposed.filter(|range| range.low < range.high) {
                record.sentence +=
                    &format!(" (the nearest reading; other consistent ones ask for {range})");
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
            if record.explained {
                // What explains it need not be what the controller read.
                memories.extend(self.after_unexplained(question, before, readings, false));
            }
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
            doubt: None,
        }
    }

    /// Compares an unexplained sync with the model, if the two can be compared.
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
            let lack = lack.unwrap_or("the pods and their metrics were not observed");
            record.sentence = format!("too little was observed to explain it: {lack}");
            return;
        };
        let decision = advance.other.as_ref().unwrap_or(reading.decision());
        record.model_utilization = decision.utilization;
        record.sentence = format!("not explained; the model says: {}", decision.explain());
        // With metrics other than the controller's, the model's decision can't be compared.
        if same.is_some() {
            record.proposed = Range::of(self.shown(readings));
            record.likeliest = decision.proposed;
            let held = |range: &Range| self.is_held_by_the_unseen(question, *range);
            record.modeled = advance.modeled.filter(|range| !held(range));
            record.model = record.modeled.map(|range| range.low);
        }
    }

    /// What the metrics ask for in the readings that match the status.
    fn shown(&self, readings: &[Reading]) -> impl Iterator<Item = i32> {
        let same = readings.iter().filter(|r| r.shows(&self.status));
        same.filter_map(|r| r.decision().proposed)
    }

    /// The controller's reason for making no decision, if it changed nothing.
    fn refusal(&self) -> Option<&str> {
        let refused = |kind: &str| {
            let mut all = self.status.conditions.iter();
            all.find(|c| c.kind == kind && c.status == "False")
                .map(|c| &*c.message)
        };
        let unchanged = self.status.desired_replicas == self.previous.desired_replicas;
        refused("AbleToScale")
            .or_else(|| refused("ScalingActive"))
            .filter(|_| unchanged)
    }

    fn says(&self, reason: &str) -> bool {
        self.status.conditions.iter().any(|c| c.reason == reason)
    }

    /// Whether unobserved recommendations or scalings can explain the difference: the metric is the same, and
    /// the controller itself reports that its history held it back. Without `behavior` it remembers only
    /// recommendations, which only delay scale-downs.
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

    /// A sync without a decision leaves the memory as it was; the very first one has recorded the current
    /// replicas. One that could not write its decision has made a recommendation.
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

    /// What the status itself proves: what its metrics ask for, if a reading matches them; otherwise only that
    /// there was a sync, and its effect on the replicas.
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
        if !certain {
            // Other readings may show the same status, and ask for something else.
            return memories;
        }
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
/// the observer's clock is more precise if it is this close.
pub(super) fn instants(written: Option<Timestamp>, seen_at: Timestamp) -> Span {
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

//! Why the controller decided as it did. Each sync that shows in the autoscaler's status is run again by the
//! model, on the pods and metrics observed around it.
//!
//! The controller reads pods and metrics at instants that nobody can observe, and nobody can ask it what it
//! remembers. So the explainer keeps a set of possible memories, each consistent with all observations.
//!
//! ```text
//! memories ─┐
//!           ├─ every memory × every reading ─ those that match the status ─▶ memories
//! readings ─┘
//! ```
//!
//! A reading is a state of the pods plus an answer of the metrics API, both of which may have held at the sync. A sync
//! asks once for each metric, so it may read one resource from an answer and the other from the next.
//! A sync that repeats the previous decision leaves no trace in the status, but it makes recommendations, which
//! each memory keeps as possible. The set has at most [`memories::MOST`] members. A sync is explained if at
//! least one member explains it. If none does, the set continues from what the status itself proves.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{after, before};
use crate::observation::{Autoscaler, AutoscalerStatus, Event, Fact, Observation, Seen};
use crate::run::state::RunState;
use crate::run::timeline::{ProposalStep, Range, SyncRecord};
use crate::spec::AutoscalerSpec;

pub(crate) mod assumed;
mod calls;
mod circumstances;
mod memories;
mod memory;
mod open;
mod readings;
mod sightings;
mod silence;
#[cfg(test)]
mod tests;

use circumstances::{around, fresh, patience, period, selector};
use memories::{Gathered, Memories};
use memory::{ControllerMemory, Windows};
use open::{Open, instants};
use sightings::{NEAR, Sightings, Span};
use silence::{Silence, either, is_in};

/// Syncs that are open at once; there are more only if no metrics were read for a long time.
const MOST_OPEN: usize = 8;

/// Explains syncs as they are observed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Explainer {
    sightings: Sightings,
    /// What the controller may remember after the last settled sync; `None` before anything is known.
    memories: Option<Memories>,
    /// The instant up to which these account for syncs without a trace.
    accounted: Option<Timestamp>,
    /// When the last settled sync was observed.
    settled: Option<Timestamp>,
    /// The newest syncs, which later observations may still explain.
    open: VecDeque<Open>,
    /// How many syncs were observed.
    syncs: usize,
    last: Option<Autoscaler>,
    /// When the API server was observed to reject a status.
    refused: Vec<Timestamp>,
    /// The specs that were in force between the last observed sync and the newest spec.
    former: Vec<AutoscalerSpec>,
}

/// What is known about a sync now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Explained {
    /// A sync that the status shows.
    Sync {
        /// Its number; it may be explained again under the same number.
        number: usize,
        /// The sync.
        record: SyncRecord,
    },
    /// What syncs without a trace may have proposed from an instant on.
    Silent(ProposalStep),
}

impl Explainer {
    /// Takes an observation that the state already contains, and returns what is now known about syncs.
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
            Seen::PodMetrics { samples } => self.sightings.answer(at, Ok(samples.clone())),
            Seen::MetricsUnavailable { error, .. } => self.sightings.answer(at, Err(error.clone())),
            Seen::Event(event) if is_refused_status(event) => {
                self.refused.push(at);
                if let (Some(memories), None) = (&mut self.memories, self.accounted) {
                    // It may have been the very first sync.
                    memories.or(ControllerMemory::unknown(at));
                }
                false
            }
            Seen::Fact(Fact::ControllerRestarted { .. }) => {
                if let Some(memories) = &mut self.memories {
                    // The old controller may still write for a moment.
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

    /// Returns the final explanations of open syncs: nothing more will be observed.
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
            // What the first status shows was decided before the watch began.
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
            before: None,
            gathered: Gathered::default(),
            silent: Gathered::default(),
            silence: None,
        }
    }

    /// Tries again to explain the newest sync with what was observed since, if nothing explains it yet.
    fn retry(&mut self, now: Timestamp, state: &RunState) -> Option<Explained> {
        if self.open.back()?.explained {
            return None;
        }
        self.explain_newest(now, state)
    }

    /// Explains the newest sync, based on what is known about the one before it.
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

    /// Settles the syncs that later observations can't explain any further.
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
            let (memories, mut record) = open.step(earlier, &self.sightings, now, state);
            if !record.explained {
                open.doubt(&mut record, &self.sightings, state);
            }
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

    /// Accounts for syncs without a trace, one period at a time.
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

    /// What may have been proposed since the last observed sync.
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

/// A sync that can't write its status still decides and remembers.
fn is_refused_status(event: &Event) -> bool {
    event.reason == "FailedUpdateStatus" && event.about.starts_with("HorizontalPodAutoscaler/")
}

//! Syncs without a trace in the status: what they may have proposed, and what the controller remembers of them.

use jiff::Timestamp;

use super::circumstances::{fresh, namespace, observed, period, search, unfollowed};
use super::memories::{Gathered, Memories, Question};
use super::memory::Windows;
use super::readings;
use super::sightings::{Sightings, Span};
use crate::model::after;
use crate::model::selector::TargetSelector;
use crate::observation::AutoscalerStatus;
use crate::run::state::RunState;
use crate::run::timeline::Range;
use crate::spec::AutoscalerSpec;

/// A stretch between two syncs in which others may have repeated the decision.
#[derive(Clone, Copy)]
pub(super) struct Silence<'a> {
    pub(super) spec: &'a AutoscalerSpec,
    pub(super) selector: &'a TargetSelector,
    pub(super) status: &'a AutoscalerStatus,
    pub(super) stretch: Span,
    /// Whether the API server rejected the status of a sync in it, which may have decided anything.
    pub(super) refused: bool,
}

impl<'a> Silence<'a> {
    /// The same with specs that were in force before.
    pub(super) fn keep_by(
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

    /// Adds what may have been recommended in it to the memories; returns the bounds, and whether nothing else
    /// is possible.
    pub(super) fn keep(
        &self,
        memories: &mut Memories,
        sightings: &Sightings,
        gathered: &mut Gathered,
        now: Timestamp,
        state: &RunState,
    ) -> Option<(Range, bool)> {
        let stretch = self.stretch;
        // After a scaling the next sync finds other replicas, and reports it unless its status was rejected.
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
        // The value of a custom metric in a rejected status is unknown.
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

/// What may have been proposed by one or the other, and whether nothing else is possible.
pub(super) fn either(
    one: Option<(Range, bool)>,
    other: Option<(Range, bool)>,
) -> Option<(Range, bool)> {
    let (Some((one, certain)), Some((other, as_certain))) = (one, other) else {
        return one.or(other);
    };
    let both = Range {
        low: one.low.min(other.low),
        high: one.high.max(other.high),
    };
    Some((both, certain && as_certain))
}

/// Whether a status was rejected in a stretch, as far as its event was observed; the event comes later.
pub(super) fn is_in(refused: &[Timestamp], stretch: Span, state: &RunState) -> bool {
    let until = after(stretch.until, period(state));
    let mut refused = refused.iter();
    refused.any(|at| stretch.from <= *at && *at <= until)
}

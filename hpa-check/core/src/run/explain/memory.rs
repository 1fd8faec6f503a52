//! What the controller may remember: its recommendations and scalings, each with bounds on its instant.
//!
//! Only what can make a difference is kept. Among recommendations of one size only the newest counts, because
//! the controller takes the maximum or minimum of a window. A record outside every window is dropped.

use jiff::{SignedDuration, Timestamp};

use super::sightings::Span;
use crate::model::before;
use crate::model::normalize::{
    FullBehavior, FullRules, Recommendation, ScaleEvent, longest_period, seconds,
};
use crate::model::reconcile::Controller;
use crate::spec::AutoscalerSpec;

use std::time::Duration;

/// A memory with more variants than this becomes unknown.
const MOST_VARIANTS: usize = 256;

/// The newest recommendation of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recommended {
    pub(super) replicas: i32,
    /// One was certainly made at or after this instant; `None` if there may be none.
    pub(super) since: Option<Timestamp>,
    /// None was made after this instant.
    pub(super) until: Timestamp,
}

/// A scaling that the controller made, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scaled {
    pub(super) change: i32,
    pub(super) when: Span,
}

/// A possible memory of the controller, consistent with all observations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ControllerMemory {
    /// From the largest to the smallest.
    pub(super) recommended: Vec<Recommended>,
    pub(super) ups: Vec<Scaled>,
    pub(super) downs: Vec<Scaled>,
    /// Up to this instant, unobserved recommendations of any size may have been made.
    pub(super) any_recommendation: Option<Timestamp>,
    /// Up to this instant, unobserved scalings of any size may have been made.
    pub(super) any_scaling: Option<Timestamp>,
    /// The controller has not synced yet: its first sync records the current replicas.
    pub(super) fresh: bool,
}

/// One variant of a memory at a sync: which records the windows still hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variant {
    /// The largest recommendation in the scale-down window.
    highest: Option<i32>,
    /// The smallest recommendation in the scale-up window.
    lowest: Option<i32>,
    /// Changes with their ages.
    ups: Vec<(i32, Duration)>,
    downs: Vec<(i32, Duration)>,
    /// Whether one of them is unobserved, so that its size is a guess.
    pub(super) guessed: bool,
}

/// The result of a sync: what its metrics asked for, and what it wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SyncOutcome {
    pub(super) proposed: i32,
    pub(super) desired: i32,
}

/// The windows and policies in force.
#[derive(Debug, Clone)]
pub(super) struct Windows {
    behavior: Option<FullBehavior>,
    down: Duration,
    up: Duration,
    /// The policies' periods in order.
    periods: Vec<Duration>,
    max_replicas: i32,
}

impl Windows {
    pub(super) fn of(spec: &AutoscalerSpec, controller: &Controller) -> Self {
        let settings = &controller.settings;
        let behavior = spec
            .behavior
            .as_ref()
            .map(|b| FullBehavior::of(b, settings));
        let of = |rules: &FullRules| {
            rules
                .policies
                .iter()
                .map(|p| seconds(p.period_seconds))
                .collect::<Vec<_>>()
        };
        let mut periods: Vec<Duration> = behavior
            .as_ref()
            .map_or_else(Vec::new, |b| [of(&b.up), of(&b.down)].concat());
        periods.sort_unstable();
        periods.dedup();
        Self {
            down: behavior
                .as_ref()
                .map_or(settings.downscale_stabilization, |b| b.down.window),
            up: behavior.as_ref().map_or(Duration::ZERO, |b| b.up.window),
            behavior,
            periods,
            max_replicas: spec.max_replicas,
        }
    }

    /// Whether only the largest recommendations can matter.
    pub(super) fn holds_maxima_only(&self) -> bool {
        self.up.is_zero()
    }

    /// How long a recommendation can matter.
    pub(super) fn longest_window(&self) -> Duration {
        self.down.max(self.up)
    }

    /// How long a scaling can matter.
    pub(super) fn longest_period(&self) -> Duration {
        let behavior = self.behavior.as_ref();
        behavior.map_or(Duration::ZERO, |b| {
            longest_period(&b.up).max(longest_period(&b.down))
        })
    }

    /// Whether anything is remembered longer than with the other windows.
    pub(super) fn remember_longer_than(&self, other: &Self) -> bool {
        self.longest_window() > other.longest_window()
            || self.longest_period() > other.longest_period()
    }
}

impl ControllerMemory {
    /// The memory of a controller that has not synced yet.
    pub(super) fn fresh() -> Self {
        Self {
            fresh: true,
            ..Self::default()
        }
    }

    /// The memory of a controller that is unknown up to an instant.
    pub(super) fn unknown(until: Timestamp) -> Self {
        Self {
            any_recommendation: Some(until),
            any_scaling: Some(until),
            ..Self::default()
        }
    }

    /// The very first sync records the current replicas.
    pub(super) fn begin(&mut self, current: i32, when: Span) {
        if std::mem::take(&mut self.fresh) {
            self.recommend(current, when);
        }
    }

    /// A recommendation that was certainly made.
    pub(super) fn recommend(&mut self, replicas: i32, when: Span) {
        self.add(Recommended {
            replicas,
            since: Some(when.from),
            until: when.until,
        });
    }

    /// A recommendation that a sync without a trace may have made.
    pub(super) fn may_recommend(&mut self, replicas: i32, until: Timestamp) {
        self.add(Recommended {
            replicas,
            since: None,
            until,
        });
    }

    fn add(&mut self, new: Recommended) {
        let place = self
            .recommended
            .partition_point(|r| r.replicas > new.replicas);
        match self
            .recommended
            .get_mut(place)
            .filter(|r| r.replicas == new.replicas)
        {
            Some(old) => {
                old.since = old.since.max(new.since);
                old.until = old.until.max(new.until);
            }
            None => self.recommended.insert(place, new),
        }
    }

    /// A scaling from one size to another.
    pub(super) fn scale(&mut self, current: i32, desired: i32, when: Span) {
        let list = if desired > current {
            &mut self.ups
        } else {
            &mut self.downs
        };
        let change = desired.wrapping_sub(current).wrapping_abs();
        list.push(Scaled { change, when });
    }

    /// Any recommendation may have been made until now.
    pub(super) fn lose_recommendations(&mut self, until: Timestamp) {
        self.any_recommendation = self.any_recommendation.max(Some(until));
    }

    /// Which recommendations the scale-down window holds is unknown.
    pub(super) fn lose_order(&mut self, until: Timestamp) {
        self.recommended.clear();
        self.lose_recommendations(until);
    }

    /// Any scaling may have been made until now.
    pub(super) fn lose_scalings(&mut self, until: Timestamp) {
        self.any_scaling = self.any_scaling.max(Some(until));
    }

    /// Drops what no later sync can use.
    pub(super) fn forget(&mut self, windows: &Windows, now: Timestamp) {
        let window = before(now, windows.longest_window());
        self.recommended.retain(|r| r.until >= window);
        if windows.holds_maxima_only() {
            self.keep_only_maxima();
        }
        self.any_recommendation = self.any_recommendation.filter(|until| *until >= window);
        let period = before(now, windows.longest_period());
        self.ups.retain(|e| e.when.until > period);
        self.downs.retain(|e| e.when.until > period);
        self.any_scaling = self.any_scaling.filter(|until| *until > period);
    }

    /// For a maximum, a record does not matter next to a larger one that is certainly as new.
    fn keep_only_maxima(&mut self) {
        let mut newest: Option<Timestamp> = None;
        self.recommended.retain(|r| {
            let counts = newest.is_none_or(|newest| r.until > newest);
            newest = newest.max(r.since);
            counts
        });
    }

    /// The least that the scale-down window certainly held at a sync, and when it was recommended.
    pub(super) fn certainly_held(&self, windows: &Windows, when: Span) -> Option<(i32, Timestamp)> {
        let from = before(when.until, windows.down);
        let mut held = self.recommended.iter();
        held.find_map(|r| Some((r.replicas, r.since.filter(|since| *since > from)?)))
    }

    /// Every way in which the windows can hold its records at a sync that wrote this many replicas, observed
    /// ones first; `None` if there are too many.
    fn variants(
        &self,
        windows: &Windows,
        when: Span,
        outcome: SyncOutcome,
    ) -> Option<Vec<Variant>> {
        let highest = self.held(windows, when, true, outcome);
        let lowest = if windows.behavior.is_some() {
            self.held(windows, when, false, outcome)
        } else {
            vec![(None, false)]
        };
        let ages = self.ages(windows, when)?;
        if highest.len() * lowest.len() * ages.len() > MOST_VARIANTS {
            return None;
        }
        let mut variants = Vec::new();
        for (highest, guessed) in &highest {
            for (lowest, also_guessed) in &lowest {
                // The longer window holds everything that the shorter one holds.
                let consistent = match (highest, lowest) {
                    (Some(highest), Some(lowest)) => lowest <= highest,
                    (None, Some(_)) => windows.up > windows.down,
                    (Some(_), None) => windows.down > windows.up,
                    (None, None) => true,
                };
                if consistent {
                    variants.extend(ages.iter().map(|(ups, downs)| Variant {
                        highest: *highest,
                        lowest: *lowest,
                        ups: ups.clone(),
                        downs: downs.clone(),
                        guessed: *guessed || *also_guessed,
                    }));
                }
            }
        }
        variants.sort_by_key(|variant| variant.guessed);
        Some(variants)
    }

    /// The same; if there are too many, the variants of a completely unknown memory.
    pub(super) fn readable(
        &self,
        windows: &Windows,
        when: Span,
        outcome: SyncOutcome,
    ) -> (Self, Vec<Variant>) {
        if let Some(variants) = self.variants(windows, when, outcome) {
            return (self.clone(), variants);
        }
        let any = Self::unknown(when.until);
        let variants = any.variants(windows, when, outcome).unwrap_or_default();
        (any, variants)
    }

    /// The possible extremes of the recommendations in the scale-down or scale-up window, each with whether it
    /// is a guess about something unobserved.
    fn held(
        &self,
        windows: &Windows,
        when: Span,
        down: bool,
        outcome: SyncOutcome,
    ) -> Vec<(Option<i32>, bool)> {
        let window = if down { windows.down } else { windows.up };
        if window.is_zero() {
            return vec![(None, false)];
        }
        let (certain, possible) = (before(when.until, window), before(when.from, window));
        let mut all: Vec<&Recommended> = self.recommended.iter().collect();
        if !down {
            all.reverse();
        }
        let end = all
            .iter()
            .position(|r| r.since.is_some_and(|since| since > certain));
        let extreme = end.map(|end| all[end].replicas);
        let known = all[..end.map_or(all.len(), |end| end + 1)].iter();
        let possible_ones = known
            .filter(|r| r.until >= possible)
            .map(|r| (Some(r.replicas), false));
        let mut held: Vec<(Option<i32>, bool)> = possible_ones.collect();
        if extreme.is_none() {
            held.push((None, false));
        }
        if self
            .any_recommendation
            .is_some_and(|until| until >= possible)
        {
            // Any of them: either it equals the decision, or a limit cuts it off.
            let beyond = if down {
                outcome.proposed.max(windows.max_replicas).saturating_add(1)
            } else {
                0
            };
            let further = |guess: &i32| {
                extreme.is_none_or(|known| if down { *guess > known } else { *guess < known })
            };
            held.extend(
                [outcome.desired, beyond]
                    .into_iter()
                    .filter(further)
                    .map(|guess| (Some(guess), true)),
            );
        }
        held
    }

    /// Every combination of the scalings' ages that the policies' periods distinguish.
    fn ages(&self, windows: &Windows, when: Span) -> Option<Vec<Ages>> {
        let mut all: Vec<Ages> = vec![(Vec::new(), Vec::new())];
        let events = self.ups.iter().map(|e| (true, e));
        for (up, event) in events.chain(self.downs.iter().map(|e| (false, e))) {
            let ages = possible_ages(event, windows, when);
            if all.len() * ages.len() > MOST_VARIANTS {
                return None;
            }
            all = all
                .iter()
                .flat_map(|(ups, downs)| {
                    ages.iter().map(|age| {
                        let (mut ups, mut downs) = (ups.clone(), downs.clone());
                        let list = if up { &mut ups } else { &mut downs };
                        list.push((event.change, *age));
                        (ups, downs)
                    })
                })
                .collect();
        }
        Some(all)
    }

    /// Whether two memories hold the same records, apart from their instants.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let sizes = |m: &Self| m.recommended.iter().map(|r| r.replicas).collect::<Vec<_>>();
        let changes = |list: &[Scaled]| list.iter().map(|e| e.change).collect::<Vec<_>>();
        self.fresh == other.fresh
            && sizes(self) == sizes(other)
            && changes(&self.ups) == changes(&other.ups)
            && changes(&self.downs) == changes(&other.downs)
    }

    /// Widens the bounds to cover another memory as well.
    pub(super) fn cover(&mut self, other: &Self) {
        for record in &other.recommended {
            if !self
                .recommended
                .iter()
                .any(|r| r.replicas == record.replicas)
            {
                self.may_recommend(record.replicas, record.until);
            }
        }
        for record in &mut self.recommended {
            match other
                .recommended
                .iter()
                .find(|r| r.replicas == record.replicas)
            {
                Some(same) => {
                    record.since = record.since.min(same.since);
                    record.until = record.until.max(same.until);
                }
                None => record.since = None,
            }
        }
        self.any_recommendation = self.any_recommendation.max(other.any_recommendation);
        self.any_scaling = self.any_scaling.max(other.any_scaling);
        for (ours, theirs) in [(&mut self.ups, &other.ups), (&mut self.downs, &other.downs)] {
            let alike = ours.len() == theirs.len()
                && ours.iter().zip(theirs).all(|(a, b)| a.change == b.change);
            if alike {
                for (ours, theirs) in ours.iter_mut().zip(theirs) {
                    ours.when = ours.when.covering(theirs.when);
                }
            } else {
                let last = ours.iter().chain(theirs).map(|e| e.when.until).max();
                self.any_scaling = self.any_scaling.max(last);
                ours.clear();
            }
        }
        if self.fresh != other.fresh {
            self.fresh = false;
        }
    }
}

/// Scale-ups and scale-downs, each with its age.
type Ages = (Vec<(i32, Duration)>, Vec<(i32, Duration)>);

/// The possible ages of a scaling at a sync, one for each set of periods that still contain it.
fn possible_ages(event: &Scaled, windows: &Windows, when: Span) -> Vec<Duration> {
    let age = |later: Timestamp, earlier: Timestamp| {
        Duration::try_from(later.duration_since(earlier)).unwrap_or_default()
    };
    let (youngest, oldest) = (
        age(when.from, event.when.until),
        age(when.until, event.when.from),
    );
    let begins = std::iter::once(Duration::ZERO).chain(windows.periods.iter().copied());
    let ends = windows.periods.iter().copied().chain([Duration::MAX]);
    // A period contains the changes that are younger than its length.
    begins
        .zip(ends)
        .filter(|(begin, end)| *begin <= oldest && youngest < *end)
        .map(|(begin, _)| begin)
        .collect()
}

impl Variant {
    /// The controller with this memory, at an instant.
    pub(super) fn controller(
        &self,
        fresh: &Controller,
        windows: &Windows,
        now: Timestamp,
    ) -> Controller {
        let event = |(change, age): &(i32, Duration)| ScaleEvent {
            change: *change,
            at: before(now, *age),
        };
        let inside = |longer: Duration, shorter: Duration| {
            // Old enough to have left the shorter window, if the lengths differ.
            let age = if longer > shorter {
                shorter
            } else {
                Duration::ZERO
            };
            before(now, age.max(JUST_NOW))
        };
        let highest = self.highest.map(|replicas| Recommendation {
            replicas,
            at: inside(windows.down, windows.up),
        });
        let lowest = self.lowest.map(|replicas| Recommendation {
            replicas,
            at: inside(windows.up, windows.down),
        });
        Controller {
            recommendations: Some(highest.into_iter().chain(lowest).collect()),
            ups: self.ups.iter().map(event).collect(),
            downs: self.downs.iter().map(event).collect(),
            ..fresh.clone()
        }
    }

    /// With one more scaling in each given direction, made just now.
    pub(super) fn with_unseen(&self, up: Option<i32>, down: Option<i32>) -> Self {
        let mut variant = self.clone();
        variant.ups.extend(up.map(|change| (change, JUST_NOW)));
        variant.downs.extend(down.map(|change| (change, JUST_NOW)));
        variant.guessed = true;
        variant
    }
}

/// Younger than any window.
const JUST_NOW: Duration = Duration::from_micros(1);

impl Span {
    /// The span from the earlier start to the later end.
    pub(super) fn covering(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            until: self.until.max(other.until),
        }
    }

    /// The longest time from an instant to one in this span.
    pub(super) fn distance(self, at: Timestamp) -> SignedDuration {
        let (ended, to_come) = (at.duration_since(self.until), self.from.duration_since(at));
        ended.max(to_come).max(SignedDuration::ZERO)
    }
}

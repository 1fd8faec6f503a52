//! What the controller may remember: its recommendations and scalings, each within the bounds that the
//! observations set to its instant.
//!
//! Only what can make a difference is kept. Of the recommendations of one size the newest counts, because the
//! controller takes the maximum or the minimum of a window. A record that has left every window is dropped.

use jiff::{SignedDuration, Timestamp};

use super::sightings::Span;
use crate::model::before;
use crate::model::normalize::{
    FullBehavior, FullRules, Recommendation, ScaleEvent, longest_period, seconds,
};
use crate::model::reconcile::Controller;
use crate::spec::AutoscalerSpec;

use std::time::Duration;

/// More ways than this to read one memory make it unknown.
const MOST_VARIANTS: usize = 256;

/// The newest recommendation of one size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Recommended {
    pub(super) replicas: i32,
    /// One was certainly made at this instant or later; `None` if perhaps none was.
    pub(super) since: Option<Timestamp>,
    /// None was made later.
    pub(super) until: Timestamp,
}

/// A scaling that the controller made, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Scaled {
    pub(super) change: i32,
    pub(super) when: Span,
}

/// One memory of the controller that fits all that was observed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ControllerMemory {
    /// From the largest to the smallest.
    pub(super) recommended: Vec<Recommended>,
    pub(super) ups: Vec<Scaled>,
    pub(super) downs: Vec<Scaled>,
    /// Up to this instant recommendations of any size may have been made that nobody saw.
    pub(super) any_recommendation: Option<Timestamp>,
    /// Up to this instant the controller may have scaled by any number without being seen.
    pub(super) any_scaling: Option<Timestamp>,
    /// The controller has not synced yet: its first sync records the size that it finds.
    pub(super) fresh: bool,
}

/// One reading of a memory at a sync: which records the windows still hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Variant {
    /// The largest recommendation that the scale-down window holds.
    highest: Option<i32>,
    /// The smallest recommendation that the scale-up window holds.
    lowest: Option<i32>,
    /// Changes with their ages.
    ups: Vec<(i32, Duration)>,
    downs: Vec<(i32, Duration)>,
    /// Whether one of them was not seen, so that its number is a guess.
    pub(super) guessed: bool,
}

/// What a sync came to: what its metrics asked for, and what it wrote.
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

    /// Whether anything is remembered for longer than by other windows.
    pub(super) fn remember_longer_than(&self, other: &Self) -> bool {
        self.longest_window() > other.longest_window()
            || self.longest_period() > other.longest_period()
    }
}

impl ControllerMemory {
    /// That of a controller that has not synced yet.
    pub(super) fn fresh() -> Self {
        Self {
            fresh: true,
            ..Self::default()
        }
    }

    /// That of a controller of which nothing is known up to an instant.
    pub(super) fn unknown(until: Timestamp) -> Self {
        Self {
            any_recommendation: Some(until),
            any_scaling: Some(until),
            ..Self::default()
        }
    }

    /// The first sync ever records the size that it finds.
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

    /// A recommendation that may have been made, by a sync that left no trace.
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

    /// Any recommendation may have been made up to now.
    pub(super) fn lose_recommendations(&mut self, until: Timestamp) {
        self.any_recommendation = self.any_recommendation.max(Some(until));
    }

    /// Any scaling may have been made up to now.
    pub(super) fn lose_scalings(&mut self, until: Timestamp) {
        self.any_scaling = self.any_scaling.max(Some(until));
    }

    /// Drops what no later sync can look at.
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

    /// For a maximum a record does not count beside a larger one that is certainly as new.
    fn keep_only_maxima(&mut self) {
        let mut newest: Option<Timestamp> = None;
        self.recommended.retain(|r| {
            let counts = newest.is_none_or(|newest| r.until > newest);
            newest = newest.max(r.since);
            counts
        });
    }

    /// The least that the scale-down window certainly held at a sync, and when that was recommended.
    pub(super) fn certainly_held(&self, windows: &Windows, when: Span) -> Option<(i32, Timestamp)> {
        let from = before(when.until, windows.down);
        let mut held = self.recommended.iter();
        held.find_map(|r| Some((r.replicas, r.since.filter(|since| *since > from)?)))
    }

    /// Every way in which the windows can hold its records at a sync that wrote that many replicas, those that
    /// were seen first; `None` for too many.
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
                // What one window holds, the longer one holds as well.
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

    /// The same, and where that is too many those of a memory that is known to be any.
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

    /// The extremes of the recommendations that the scale-down window can hold, or the scale-up window, each with
    /// whether it is a guess at one that was not seen.
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
            // Any of them, which is as good as what was decided on, or what a limit then cuts off.
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

    /// Every combination of the scalings' ages that the policies' periods tell apart.
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

    /// Whether two of them tell of the same records, apart from their instants.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let sizes = |m: &Self| m.recommended.iter().map(|r| r.replicas).collect::<Vec<_>>();
        let changes = |list: &[Scaled]| list.iter().map(|e| e.change).collect::<Vec<_>>();
        self.fresh == other.fresh
            && sizes(self) == sizes(other)
            && changes(&self.ups) == changes(&other.ups)
            && changes(&self.downs) == changes(&other.downs)
    }

    /// Widens the bounds so that they cover another memory as well.
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

/// Changes upwards and downwards, each with its age.
type Ages = (Vec<(i32, Duration)>, Vec<(i32, Duration)>);

/// The ages that a scaling can have at a sync, one for each set of periods that it is still in.
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
    // In a period are the changes younger than it is long.
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
            // Old enough to have left the shorter window, where there is one.
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

    /// With one more change of each direction's kind, made just now.
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
    /// The span from the earlier beginning to the later end.
    pub(super) fn covering(self, other: Self) -> Self {
        Self {
            from: self.from.min(other.from),
            until: self.until.max(other.until),
        }
    }

    /// How long it is at most from an instant to one in this span.
    pub(super) fn distance(self, at: Timestamp) -> SignedDuration {
        let (ended, to_come) = (at.duration_since(self.until), self.from.duration_since(at));
        ended.max(to_come).max(SignedDuration::ZERO)
    }
}

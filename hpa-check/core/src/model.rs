//! What the autoscaler's controller decides, integer for integer.
//!
//! ```text
//! pods + metrics ─ proposal ─┐
//!                            ├─ reconcile ─ normalize (stabilize, rate limit) ─ Decision
//! spec + history ────────────┘
//! ```
//!
//! Every formula follows `pkg/controller/podautoscaler` of Kubernetes, from 1.30 to master after 1.37
//! ([`VersionGates`] has what changed); the item's documentation names the function. Nothing here reads a
//! clock: the time of a sync is an argument.

pub mod by_pod;
pub mod conditions;
pub mod counted;
pub mod decision;
mod error;
pub mod explain;
mod gates;
pub mod history;
pub mod instant;
pub(crate) mod metrics;
pub mod normalize;
pub mod pods;
pub mod proposal;
pub(crate) mod ratio;
pub mod reconcile;
pub mod requests;
pub mod selector;

pub use error::{MetricError, SelectorError};
pub use gates::VersionGates;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// Go's zero time: set, and older than everything else.
pub const ZERO_TIME: Timestamp = Timestamp::MIN;

/// The bands around a ratio of 1 in which the controller does nothing. `Tolerances.isWithin` in
/// `replica_calculator.go`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tolerances {
    /// Above 1.
    pub scale_up: f64,
    /// Below 1.
    pub scale_down: f64,
    /// Whether to compare the distance from 1, as before 1.33 ([`VersionGates::tolerance_band`]). With doubles
    /// the two differ at the ends of the band: 55 % of a 50 % target is in the band, but further than 0.1 from
    /// 1.
    pub by_distance: bool,
}

impl Tolerances {
    /// Whether a ratio of current to target use is close enough to 1; both ends belong to the band.
    pub fn contain(self, ratio: f64) -> bool {
        if self.by_distance {
            return (1.0 - ratio).abs() <= self.scale_up;
        }
        (1.0 - self.scale_down) <= ratio && ratio <= (1.0 + self.scale_up)
    }
}

/// Go's conversion of a float to an `int32` on amd64: it truncates, and gives the smallest number if the value
/// does not fit.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the range is checked first"
)]
pub(crate) fn go_int32(value: f64) -> i32 {
    if value.is_nan() || value >= 2_147_483_648.0 || value <= -2_147_483_649.0 {
        i32::MIN
    } else {
        value as i32
    }
}

/// `now − age`, or the zero time if that is out of range.
pub(crate) fn before(now: Timestamp, age: Duration) -> Timestamp {
    SignedDuration::try_from(age)
        .ok()
        .and_then(|age| now.as_duration().checked_sub(age))
        .and_then(|earlier| Timestamp::from_duration(earlier).ok())
        .unwrap_or(ZERO_TIME)
}

/// `instant + span`, or the end of time if that is out of range.
pub(crate) fn after(instant: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span)
        .ok()
        .and_then(|span| instant.as_duration().checked_add(span))
        .and_then(|later| Timestamp::from_duration(later).ok())
        .unwrap_or(Timestamp::MAX)
}

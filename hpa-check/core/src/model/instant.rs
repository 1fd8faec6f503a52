//! Instants as the controller's rules need them: ordered, and movable by a duration. A cluster uses timestamps;
//! a simulation counts nanoseconds from its start.

use std::time::Duration;

use jiff::Timestamp;

/// An instant of the rules' clock.
pub trait Instant: Copy + Ord {
    /// The instant `age` earlier, or the earliest possible.
    #[must_use]
    fn before(self, age: Duration) -> Self;
    /// The instant `span` later, or the latest possible.
    #[must_use]
    fn after(self, span: Duration) -> Self;
}

impl Instant for Timestamp {
    fn before(self, age: Duration) -> Self {
        super::before(self, age)
    }

    fn after(self, span: Duration) -> Self {
        super::after(self, span)
    }
}

/// Nanoseconds since the start of a simulation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Nanos(i64);

impl Nanos {
    /// This many seconds after the start; negative is before it.
    pub(crate) const fn of_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1_000_000_000))
    }
}

impl Instant for Nanos {
    fn before(self, age: Duration) -> Self {
        Self(self.0.saturating_sub(nanoseconds(age)))
    }

    fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(nanoseconds(span)))
    }
}

fn nanoseconds(span: Duration) -> i64 {
    let seconds = i64::try_from(span.as_secs()).unwrap_or(i64::MAX);
    let whole = seconds.saturating_mul(1_000_000_000);
    whole.saturating_add(i64::from(span.subsec_nanos()))
}

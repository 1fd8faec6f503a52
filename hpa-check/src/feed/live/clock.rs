//! One clock for the whole run: this machine's, adjusted to the API server's if the two differ.
//!
//! Pods, samples and events carry the cluster's time. An age is correct only if both instants come from the
//! same clock, and the clock of the machine that runs the check may be off.

use jiff::{SignedDuration, Timestamp};

/// The `Date` header has whole seconds, so a smaller difference may just be rounding.
const RESOLUTION: SignedDuration = SignedDuration::from_secs(2);

/// A clock adjusted to the API server's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    machine: fn() -> Timestamp,
    offset: SignedDuration,
}

impl Clock {
    /// The machine's own clock: [`Timestamp::now`], except in tests.
    pub(crate) fn new(machine: fn() -> Timestamp) -> Self {
        Self {
            machine,
            offset: SignedDuration::ZERO,
        }
    }

    /// The same, adjusted by a `Date` header (RFC 9110, such as `Tue, 24 Nov 2026 04:00:00 GMT`) of the answer
    /// to a request sent at `sent` and answered at `received`, both by this machine's clock. A header that is
    /// missing, unreadable or within rounding changes nothing.
    pub(crate) fn set_by(self, date: Option<&str>, sent: Timestamp, received: Timestamp) -> Self {
        let Some(server) = date.and_then(parse_date) else {
            return self;
        };
        // The server truncated the fraction, which is half a second on average.
        let server = server + SignedDuration::from_millis(500);
        let midpoint = sent + received.duration_since(sent) / 2;
        let offset = server.duration_since(midpoint);
        let noise = RESOLUTION + received.duration_since(sent) / 2;
        if offset.abs() <= noise {
            return self;
        }
        Self { offset, ..self }
    }

    /// The current time by the server's clock.
    pub(crate) fn now(self) -> Timestamp {
        let now = (self.machine)();
        now.checked_add(self.offset).unwrap_or(now)
    }
}

fn parse_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text)
        .ok()
        .map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    impl Clock {
        /// Whether the server's clock is ahead, and by how much it differs; `None` if it does not.
        fn difference(self) -> Option<(bool, Duration)> {
            (!self.offset.is_zero())
                .then(|| (self.offset.is_positive(), self.offset.unsigned_abs()))
        }
    }

    fn machine() -> Clock {
        Clock::new(|| at(0))
    }

    fn at(second: i64) -> Timestamp {
        // 2026-11-24T04:00:00Z
        Timestamp::from_second(1_795_492_800 + second).unwrap()
    }

    const DATE: &str = "Tue, 24 Nov 2026 04:00:00 GMT";

    #[test]
    fn a_server_in_step_to_the_second_does_not_adjust_the_clock() {
        let clock = machine().set_by(Some(DATE), at(0), at(1));
        assert_eq!(clock.difference(), None);
    }

    #[test]
    fn a_server_five_minutes_ahead_moves_the_clock_ahead() {
        let clock = machine().set_by(Some(DATE), at(-300), at(-300));
        let (ahead, by) = clock.difference().unwrap();
        assert!(ahead);
        assert_eq!(by, Duration::from_millis(300_500));
    }

    #[test]
    fn a_server_behind_moves_the_clock_back() {
        let clock = machine().set_by(Some(DATE), at(60), at(60));
        let (ahead, by) = clock.difference().unwrap();
        assert!(!ahead);
        assert_eq!(by, Duration::from_millis(59_500));
    }

    #[test]
    fn a_slow_answer_does_not_prove_a_difference() {
        let clock = machine().set_by(Some(DATE), at(0), at(8));
        assert_eq!(clock.difference(), None);
    }

    #[test]
    fn a_missing_or_unreadable_header_does_not_adjust_the_clock() {
        for date in [None, Some("yesterday"), Some("")] {
            let clock = machine().set_by(date, at(900), at(900));
            assert_eq!(clock.difference(), None);
        }
    }
}

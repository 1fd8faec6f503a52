//! How long a connection lives.

use std::time::{Duration, Instant};

use crate::chance::{self, Purpose};

/// When to close a connection on our side, so that new pods get their share.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Life {
    /// After this many requests, drawn from this range for each connection.
    pub requests: Option<(u64, u64)>,
    /// After this time, drawn likewise.
    pub age: Option<(Duration, Duration)>,
}

/// Why a connection is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GivenUp {
    /// It has carried its number of requests.
    Count,
    /// It is old enough.
    Age,
}

/// The lifetime of one connection.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    born: Instant,
    used: u64,
    limit: Option<u64>,
    oldest: Option<Duration>,
}

impl Span {
    /// Draws the lifetime of the connection with this number.
    pub fn drawn(life: &Life, seed: u64, number: u64, now: Instant) -> Self {
        let share = chance::unit(seed, Purpose::Connection, number);
        Self {
            born: now,
            used: 0,
            limit: life.requests.map(|(from, to)| between(from, to, share)),
            oldest: life
                .age
                .map(|(from, to)| from + to.saturating_sub(from).mul_f64(share)),
        }
    }

    /// Call before each request: returns why it is the last on its connection, if it is.
    pub fn last_request(&mut self, now: Instant) -> Option<GivenUp> {
        self.used += 1;
        if self.limit.is_some_and(|limit| self.used >= limit) {
            Some(GivenUp::Count)
        } else if self.oldest.is_some_and(|oldest| now - self.born >= oldest) {
            Some(GivenUp::Age)
        } else {
            None
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share below 1 of a count of requests"
)]
fn between(from: u64, to: u64, share: f64) -> u64 {
    from + ((to - from + 1) as f64 * share) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_closed_after_its_number_of_requests() {
        let life = Life {
            requests: Some((3, 3)),
            age: None,
        };
        let now = Instant::now();
        for number in 0..2 {
            let mut span = Span::drawn(&life, 1, number, now);
            assert_eq!(span.last_request(now), None);
            assert_eq!(span.last_request(now), None);
            assert_eq!(span.last_request(now), Some(GivenUp::Count));
        }
    }

    #[test]
    fn a_connection_is_closed_when_it_is_old() {
        let life = Life {
            requests: None,
            age: Some((Duration::from_secs(5), Duration::from_secs(9))),
        };
        let now = Instant::now();
        let mut span = Span::drawn(&life, 1, 0, now);
        assert_eq!(span.last_request(now), None);
        assert_eq!(span.last_request(now + Duration::from_secs(4)), None);
        assert_eq!(
            span.last_request(now + Duration::from_secs(9)),
            Some(GivenUp::Age)
        );
    }
}

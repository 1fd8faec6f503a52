//! How long to wait after a failed call.

use std::time::Duration;

/// The first wait; a restarted API server is often back by then.
const FIRST: Duration = Duration::from_millis(200);

/// The longest wait of our own; what happens in the meantime is a gap in the proof.
const LONGEST: Duration = Duration::from_secs(5);

/// The longest wait accepted from a server's `Retry-After`.
const LONGEST_ASKED: Duration = Duration::from_secs(15);

/// The wait after `failures` failures in a row (from 1), or what the server asked for. There is no jitter,
/// because there is only one observer.
pub(super) fn delay(failures: u32, asked: Option<Duration>) -> Duration {
    let own = FIRST
        .saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1)))
        .min(LONGEST);
    asked.map_or(own, |asked| asked.clamp(FIRST, LONGEST_ASKED))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let waits: Vec<u128> = (1..=7).map(|n| delay(n, None).as_millis()).collect();
        assert_eq!(waits, [200, 400, 800, 1600, 3200, 5000, 5000]);
        assert_eq!(delay(u32::MAX, None), LONGEST);
    }

    #[test]
    fn retry_after_is_honored_up_to_a_limit() {
        assert_eq!(
            delay(1, Some(Duration::from_secs(3))),
            Duration::from_secs(3)
        );
        assert_eq!(delay(1, Some(Duration::from_hours(1))), LONGEST_ASKED);
        assert_eq!(delay(1, Some(Duration::ZERO)), FIRST);
    }
}

//! Flags that are times: with a unit, or a bare number of seconds.

use std::ops::RangeInclusive;
use std::time::Duration;

pub(crate) use program_common::duration::{parse as duration, positive};

/// Parses a time above zero that may be long: `7d` and `2w`, and everything that other times accept.
pub(crate) fn long_duration(text: &str) -> Result<Duration, String> {
    let days = |unit: char, days: u64| {
        let count: u64 = text.strip_suffix(unit)?.parse().ok()?;
        count
            .checked_mul(days)
            .filter(|days| (1..=36_500).contains(days))
    };
    match days('d', 1).or_else(|| days('w', 7)) {
        Some(days) => Ok(Duration::from_hours(24 * days)),
        None => positive(text).map_err(|e| format!("{e}, 7d or 2w")),
    }
}

/// Parses a time within bounds, in seconds.
pub(crate) fn within(
    seconds: RangeInclusive<u64>,
) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    let (least, most) = seconds.into_inner();
    move |text| {
        let time = duration(text)?;
        let fits = time >= Duration::from_secs(least) && time <= Duration::from_secs(most);
        fits.then_some(time)
            .ok_or_else(|| format!("{text} is not between {least}s and {most}s"))
    }
}

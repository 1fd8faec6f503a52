//! Durations as people write them.

use std::time::Duration;

/// Parses a duration with its unit, such as `90s`, `3.5ms`, `2m` or `1h30m`; a bare number is seconds. The
/// error is one sentence.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a time: write it as 90s, 3.5ms, 2m or 1h30m");
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    let parsed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
    Duration::try_from(parsed).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_a_unit_and_a_bare_number_is_seconds() {
        for (text, millis) in [
            ("90s", 90_000),
            ("90", 90_000),
            ("0", 0),
            ("1.5", 1_500),
            ("3.5ms", 3),
            ("2m", 120_000),
            ("1h30m", 5_400_000),
            ("5m0s", 300_000),
        ] {
            assert_eq!(parse(text).map(|t| t.as_millis()), Ok(millis), "{text}");
        }
        for text in ["", "s", "-1s", "-1", "5 parsecs", "1e99", "nan", "5d"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

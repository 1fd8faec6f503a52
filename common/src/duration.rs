//! Durations on command lines and in settings files.

use std::time::Duration;

use jiff::fmt::friendly::SpanParser;

/// Parses a duration: `500ms`, `90s`, `1m30s`, `2h`, or a bare number of seconds.
///
/// # Errors
///
/// One sentence that says what was expected.
pub fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a duration: write it like 500ms, 30s, 1m30s or 2h");
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| wrong());
    }
    // jiff also accepts prose such as `2 hours ago`; here one word is one value.
    let one_word = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'.');
    SpanParser::new()
        .parse_unsigned_duration(text)
        .ok()
        .filter(|_| one_word)
        .ok_or_else(wrong)
}

/// Parses a duration above zero.
///
/// # Errors
///
/// One sentence that says what was expected.
pub fn positive(text: &str) -> Result<Duration, String> {
    let duration = parse(text)?;
    (duration > Duration::ZERO)
        .then_some(duration)
        .ok_or_else(|| format!("`{text}` is no time at all: write a duration above 0, such as 30s"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_must_pass_is_above_zero() {
        assert_eq!(positive("1ms"), Ok(Duration::from_millis(1)));
        for text in ["0", "0s", "0h0m"] {
            assert!(positive(text).unwrap_err().contains("above 0"), "{text}");
        }
    }

    #[test]
    fn durations_are_read_in_the_usual_forms() {
        let cases = [
            ("90s", 90_000),
            ("1m30s", 90_000),
            ("500ms", 500),
            ("1.5s", 1_500),
            ("2h", 7_200_000),
            ("1h30m", 5_400_000),
            ("5m0s", 300_000),
            ("1.5", 1_500),
            ("0", 0),
        ];
        for (text, ms) in cases {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        assert_eq!(parse("250us"), Ok(Duration::from_micros(250)));
        assert_eq!(parse("3.5ms"), Ok(Duration::from_micros(3_500)));
    }

    #[test]
    fn text_that_is_not_a_duration_is_refused() {
        for text in [
            "", "s", "5x", "-1s", "-1", "5s3", "nan", "inf", "1e300h", "5 s", "5s ago", "5d",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}

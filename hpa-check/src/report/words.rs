//! Numbers and times for people.

use jiff::Timestamp;

/// Time since the start as `1:05`, or `1:02:05` from one hour on.
pub(crate) fn clock(since: Timestamp, at: Timestamp) -> String {
    clock_seconds((at.as_millisecond() - since.as_millisecond()).max(0) / 1000)
}

/// Whole seconds as `1:05` or `1:02:05`.
pub(crate) fn clock_seconds(seconds: i64) -> String {
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// A label of the time axis: `1:05`, `1:02:05`, and from a day on `1 d` or `1 d 12 h`.
pub(crate) fn tick(seconds: i64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    match (days, rest % 3600) {
        (0, _) | (_, 1..) => clock_seconds(seconds),
        _ if rest == 0 => format!("{days} d"),
        _ => format!("{days} d {} h", rest / 3600),
    }
}

/// A duration with about three digits: `0 ms`, `420 ms`, `4.2 s`, `61 s`, `12 min`, `5 h 30 min`, `6 d 23 h`.
pub(crate) fn milliseconds(ms: u64) -> String {
    match ms {
        0..1_000 => format!("{ms} ms"),
        1_000..10_000 => format!("{}.{} s", ms / 1_000, ms % 1_000 / 100),
        10_000..600_000 => format!("{} s", ms / 1_000),
        600_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
        _ => format!("{} d {} h", ms / 86_400_000, ms / 3_600_000 % 24),
    }
}

/// A response time: `850 µs`, `4.2 ms`, `38 ms`, `1.2 s`.
pub(crate) fn microseconds(us: u64) -> String {
    match us {
        0..1_000 => format!("{us} µs"),
        1_000..10_000 => format!("{}.{} ms", us / 1_000, us % 1_000 / 100),
        _ => milliseconds(us / 1_000),
    }
}

/// A time that can't be known exactly: `about 40 s`, `about 7 min`.
pub(crate) fn about(time: std::time::Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..=90 => format!("about {} s", seconds.next_multiple_of(5)),
        _ => format!("about {} min", seconds.div_ceil(60)),
    }
}

/// The time between two instants: `420 ms`, `64 s`, `12 min`.
pub(crate) fn length(from: Timestamp, until: Timestamp) -> String {
    let ms = until.as_millisecond() - from.as_millisecond();
    milliseconds(u64::try_from(ms).unwrap_or(0))
}

/// A count with separated thousands: `64 310`, with a non-breaking space.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}

/// The text in lines of at most this many letters, wrapped between words; a longer word stays whole.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map_or(0, |l| l.chars().count());
        if line > 0 && line + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else if let Some(last) = lines.last_mut() {
            if line > 0 {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

/// The instant for people: `2026-03-04 10:20:30 UTC`.
pub(crate) fn date_and_time(at: Timestamp) -> String {
    let text = format!("{at:.0}");
    text.replacen('T', " ", 1).replacen('Z', " UTC", 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_at_a_glance() {
        assert_eq!(clock_seconds(0), "0:00");
        assert_eq!(clock_seconds(125), "2:05");
        assert_eq!(clock_seconds(3_725), "1:02:05");
        assert_eq!(
            [7_200, 86_400, 129_600, 86_460].map(tick),
            ["2:00:00", "1 d", "1 d 12 h", "24:01:00"]
        );
        assert_eq!(milliseconds(19_800_000), "5 h 30 min");
        assert_eq!(milliseconds(604_500_000), "6 d 23 h");
        assert_eq!(milliseconds(0), "0 ms");
        assert_eq!(milliseconds(4_250), "4.2 s");
        assert_eq!(milliseconds(61_000), "61 s");
        assert_eq!(milliseconds(720_000), "12 min");
        assert_eq!(microseconds(850), "850 µs");
        assert_eq!(microseconds(4_250), "4.2 ms");
        assert_eq!(microseconds(38_900), "38 ms");
        assert_eq!(microseconds(1_250_000), "1.2 s");
    }

    #[test]
    fn a_long_sentence_is_wrapped_between_words() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("unbreakable", 4), ["unbreakable"]);
    }

    #[test]
    fn thousands_stand_apart() {
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1\u{a0}000");
        assert_eq!(count(64_310_007), "64\u{a0}310\u{a0}007");
    }

    #[test]
    fn instants_are_utc() {
        let at: Timestamp = "2026-03-04T10:20:30.5Z".parse().unwrap();
        assert_eq!(date_and_time(at), "2026-03-04 10:20:30 UTC");
    }
}

//! One line of the generator's live output.

use hpa_check_core::observation::LoadSecond;

/// The second of load in the line, if there is one. The line has more keys than that.
pub(crate) fn read(line: &str) -> Option<LoadSecond> {
    serde_json::from_str(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_is_read_whatever_else_its_line_contains() {
        let line = r#"{"at":"2026-01-01T00:00:00.000Z","elapsed_ms":1000,"users":500,"offered_rps":160.0,
            "rps":158.5,"sent":158,"ok":158,"failed":1,"wrong":2,"verified":155,"p50_us":4000,"p99_us":null,
            "in_flight":2,"phase":"hold","pods":{"fib-server-01":53}}"#;
        let second = read(line).unwrap();
        assert_eq!((second.failed, second.wrong, second.verified), (1, 2, 155));
        assert_eq!(second.p99_us, None);
        assert_eq!(second.pods["fib-server-01"], 53);
    }
}

//! The notation of rates and shares on command lines.

/// Requests per second: `430/s`, `120/m`, or a bare number per second.
///
/// # Errors
///
/// One sentence that says what was expected.
pub fn rate(text: &str) -> Result<f64, String> {
    let bad =
        || format!("`{text}` is not a rate: write it like 430/s or 120/m, at most 10000000/s");
    let (number, seconds) = match text.split_once('/') {
        Some((number, "s")) => (number, 1.0),
        Some((number, "m")) => (number, 60.0),
        Some(_) => return Err(bad()),
        None => (text, 1.0),
    };
    let number: f64 = number.parse().map_err(|_| bad())?;
    let rate = number / seconds;
    // Above this, 64-bit microsecond arithmetic and any one machine are far beyond their limits.
    if (0.0..=1e7).contains(&rate) {
        Ok(rate)
    } else {
        Err(bad())
    }
}

/// A share: `5%`, or a number such as 0.05.
///
/// # Errors
///
/// One sentence that says what was expected.
pub fn share(text: &str) -> Result<f64, String> {
    let (number, of) = text
        .strip_suffix('%')
        .map_or((text, 1.0), |number| (number, 100.0));
    number
        .parse::<f64>()
        .ok()
        .map(|number| number / of)
        .filter(|share| (0.0..=10.0).contains(share))
        .ok_or_else(|| format!("`{text}` is not a share: write it like 5% or 0.05"))
}

/// A percentage: `0.5%`, or `0.5`, is half a percent.
///
/// # Errors
///
/// One sentence that says what was expected.
pub fn percentage(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').unwrap_or(text);
    let number = number.parse::<f64>().ok();
    number
        .filter(|number| (0.0..=1e6).contains(number))
        .ok_or_else(|| format!("`{text}` is not a percentage: write it like 0.5% or 0.5"))
}

/// A whole percentage: `70%`, or `70`.
///
/// # Errors
///
/// One sentence that says what was expected.
pub fn whole_percent(text: &str) -> Result<i32, String> {
    let number = text.strip_suffix('%').unwrap_or(text);
    number
        .parse()
        .map_err(|_| format!("`{text}` is not a whole percentage: write it like 70% or 70"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_per_second_or_per_minute_and_within_reason() {
        assert_eq!(rate("430/s"), Ok(430.0));
        assert_eq!(rate("120/m"), Ok(2.0));
        assert_eq!(rate("0.5"), Ok(0.5));
        for text in ["", "-1", "5/h", "nan", "inf", "1e9"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_percent_or_a_number() {
        assert_eq!((share("5%"), share("0.05")), (Ok(0.05), Ok(0.05)));
        for text in ["", "%", "-1%", "x", "nan", "1e9%"] {
            assert!(share(text).is_err(), "{text}");
        }
    }

    #[test]
    fn percentages_need_no_percent_sign() {
        assert_eq!((percentage("0.5%"), percentage("0.5")), (Ok(0.5), Ok(0.5)));
        assert!(percentage("nan").is_err() && percentage("-1").is_err());
        assert_eq!(
            (whole_percent("70%"), whole_percent("70")),
            (Ok(70), Ok(70))
        );
        for text in ["", "%", "0.7", "x%"] {
            assert!(whole_percent(text).is_err(), "{text}");
        }
    }
}

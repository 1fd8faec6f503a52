//! How spans, counts and rates are written on the command line.

/// A span `A` or `A:B` (or `A..B`) of anything, with `A` at most `B`.
pub fn span<T: PartialOrd + Copy>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Result<(T, T), String> {
    let (from, to) = text
        .split_once("..")
        .or_else(|| text.split_once(':'))
        .unwrap_or((text, text));
    let (from, to) = (parse(from)?, parse(to)?);
    if from > to {
        return Err(format!(
            "`{text}` is empty: the first bound is above the second"
        ));
    }
    Ok((from, to))
}

/// A whole number of at least one: `500`, `10k`, `1m`, `1_000`.
pub fn count(text: &str) -> Result<u64, String> {
    let bad =
        || format!("`{text}` is no count: write a whole number above 0, such as 500, 10k or 1m");
    let lower = text.to_ascii_lowercase();
    let (digits, factor) = match lower.as_bytes().last() {
        Some(b'k') => (&lower[..lower.len() - 1], 1_000),
        Some(b'm') => (&lower[..lower.len() - 1], 1_000_000),
        _ => (&lower[..], 1),
    };
    let number: u64 = digits.replace('_', "").parse().map_err(|_| bad())?;
    number
        .checked_mul(factor)
        .filter(|n| *n > 0)
        .ok_or_else(bad)
}

/// Requests a second: `430/s`, `120/m`, or a bare number a second.
pub fn rate(text: &str) -> Result<f64, String> {
    let bad = || format!("`{text}` is no rate: write it like 430/s or 120/m, at most 10000000/s");
    let (number, seconds) = match text.split_once('/') {
        Some((number, "s")) => (number, 1.0),
        Some((number, "m")) => (number, 60.0),
        Some(_) => return Err(bad()),
        None => (text, 1.0),
    };
    let number: f64 = number.parse().map_err(|_| bad())?;
    let rate = number / seconds;
    // Above this, 64-bit microsecond arithmetic and any one machine are long exhausted.
    if (0.0..=1e7).contains(&rate) {
        Ok(rate)
    } else {
        Err(bad())
    }
}

/// A share: `5%`, or a number such as 0.05.
pub fn percent(text: &str) -> Result<f64, String> {
    let (number, of) = text
        .strip_suffix('%')
        .map_or((text, 1.0), |number| (number, 100.0));
    number
        .parse::<f64>()
        .ok()
        .map(|number| number / of)
        .filter(|share| (0.0..=10.0).contains(share))
        .ok_or_else(|| format!("`{text}` is no share: write it like 5% or 0.05"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_take_k_and_m_and_are_never_zero() {
        assert_eq!(count("10k"), Ok(10_000));
        assert_eq!(count("1M"), Ok(1_000_000));
        for text in ["0", "", "k", "-5", "1.5", "99999999999999999999"] {
            assert!(count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn rates_are_a_second_or_a_minute_and_possible() {
        assert_eq!(rate("430/s"), Ok(430.0));
        assert_eq!(rate("120/m"), Ok(2.0));
        assert_eq!(rate("0.5"), Ok(0.5));
        for text in ["", "-1", "5/h", "nan", "inf", "1e9"] {
            assert!(rate(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_percent_or_a_number() {
        assert_eq!((percent("5%"), percent("0.05")), (Ok(0.05), Ok(0.05)));
        for text in ["", "%", "-1%", "x", "nan", "1e9%"] {
            assert!(percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_span_may_be_one_value_or_two_in_order() {
        assert_eq!(span("5", count), Ok((5, 5)));
        assert_eq!(span("5:9", count), Ok((5, 9)));
        assert_eq!(span("5..9", count), Ok((5, 9)));
        assert!(span("9:5", count).is_err());
    }
}

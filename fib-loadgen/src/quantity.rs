//! The notation of ranges and counts on the command line; rates and shares are the same in every program.

pub use program_common::quantity::{rate, share};

/// A range `A` or `A:B` (or `A..B`) of anything, with `A` at most `B`.
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
        || format!("`{text}` is not a count: write a whole number above 0, such as 500, 10k or 1m");
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
    fn a_range_is_one_value_or_two_in_order() {
        assert_eq!(span("5", count), Ok((5, 5)));
        assert_eq!(span("5:9", count), Ok((5, 9)));
        assert_eq!(span("5..9", count), Ok((5, 9)));
        assert!(span("9:5", count).is_err());
    }
}

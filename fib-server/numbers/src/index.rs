//! The requested index.

use thiserror::Error;

/// The index of a Fibonacci number: F(0) = 0, F(1) = 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(u64);

/// Why a text is not an index.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadIndex {
    /// The text is empty.
    #[error("it is empty")]
    Empty,
    /// It contains something other than the digits 0 to 9: a sign, a point, a space, a letter.
    #[error("it has a character that is not a digit 0 to 9")]
    NotDigits,
    /// It starts with a zero and has more digits.
    #[error("it has leading zeros")]
    LeadingZero,
    /// It has more digits than any limit can have.
    #[error("it has {digits} digits, more than any index has")]
    TooLong {
        /// The number of digits.
        digits: usize,
    },
    /// It is above the limit.
    #[error("it is above the limit of {max}")]
    AboveMax {
        /// The limit.
        max: u64,
    },
}

impl Index {
    /// Parses decimal digits, without sign, space or leading zero, up to a limit.
    ///
    /// # Errors
    /// What about the text is not an index.
    pub fn parse(text: &str, max: u64) -> Result<Self, BadIndex> {
        // The decimal digits of the largest u64.
        const MOST_DIGITS: usize = 20;
        if text.is_empty() {
            return Err(BadIndex::Empty);
        }
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BadIndex::NotDigits);
        }
        if text.len() > MOST_DIGITS {
            return Err(BadIndex::TooLong { digits: text.len() });
        }
        if text.len() > 1 && text.starts_with('0') {
            return Err(BadIndex::LeadingZero);
        }
        match text.parse() {
            Ok(n) if n <= max => Ok(Self(n)),
            _ => Err(BadIndex::AboveMax { max }),
        }
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_index_is_plain_digits() {
        assert_eq!(Index::parse("0", 10), Ok(Index(0)));
        assert_eq!(Index::parse("10", 10), Ok(Index(10)));
        assert_eq!(Index::parse("", 10), Err(BadIndex::Empty));
        for text in [
            "-1", "+1", " 1", "1 ", "1.5", "1e3", "0x10", "abc", "1\0", "١",
        ] {
            assert_eq!(Index::parse(text, 10), Err(BadIndex::NotDigits), "{text:?}");
        }
        assert_eq!(Index::parse("007", 10), Err(BadIndex::LeadingZero));
        assert_eq!(Index::parse("11", 10), Err(BadIndex::AboveMax { max: 10 }));
        assert_eq!(
            Index::parse("99999999999999999999", 10),
            Err(BadIndex::AboveMax { max: 10 })
        );
        assert_eq!(
            Index::parse(&"9".repeat(10_000), 10),
            Err(BadIndex::TooLong { digits: 10_000 })
        );
    }

    proptest! {
        #[test]
        fn an_index_is_read_back_as_it_was_written(n: u64) {
            prop_assert_eq!(Index::parse(&n.to_string(), u64::MAX), Ok(Index(n)));
        }

        #[test]
        fn whatever_is_read_is_within_the_limit(text in "\\PC{0,25}", max: u64) {
            if let Ok(index) = Index::parse(&text, max) {
                prop_assert!(index.get() <= max);
                prop_assert_eq!(index.get().to_string(), text);
            }
        }
    }
}

//! The number itself: which one is asked for, and how it is computed and written, stoppable at any time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use malachite::Natural;
use malachite::base::num::arithmetic::traits::{DivRem, Fibonacci, Pow, Square};
use malachite::base::num::basic::traits::{One, Zero};
use malachite::base::num::conversion::traits::ToStringBase;
use malachite::base::num::logic::traits::SignificantBits;
use thiserror::Error;

/// Which Fibonacci number: F(0) = 0, F(1) = 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Index(u64);

/// Why a text is not an index.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BadIndex {
    /// Nothing is there.
    #[error("it is empty")]
    Empty,
    /// Something other than the digits 0 to 9 is there: a sign, a point, a space, a letter.
    #[error("it has a character that is not a digit 0 to 9")]
    NotDigits,
    /// There is a zero before the number.
    #[error("it has leading zeros")]
    LeadingZero,
    /// More digits than any limit could have.
    #[error("it has {digits} digits, more than any index has")]
    TooLong {
        /// How many.
        digits: usize,
    },
    /// A number, and above the limit.
    #[error("it is above the limit of {max}")]
    AboveMax {
        /// The limit.
        max: u64,
    },
}

impl Index {
    /// Reads decimal digits, without sign, space or leading zero, up to a limit.
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

/// Says to a computation that nobody waits for it any more.
#[derive(Debug, Clone)]
pub struct Cancel {
    flag: Arc<AtomicBool>,
    deadline: Instant,
}

/// Why a computation ended before its result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Stopped {
    /// Its time was up.
    #[error("the deadline passed")]
    Deadline,
    /// The client went away.
    #[error("the client went away")]
    Abandoned,
}

impl Cancel {
    /// Not cancelled, until a deadline.
    pub fn until(deadline: Instant) -> Self {
        Self {
            flag: Arc::new(AtomicBool::new(false)),
            deadline,
        }
    }

    /// Nobody waits any more.
    pub fn abandon(&self) {
        self.flag.store(true, Ordering::Relaxed);
    }

    /// Whether to go on.
    pub fn check(&self) -> Result<(), Stopped> {
        // The deadline first: who waits gives up at the deadline too, and that is why.
        if Instant::now() >= self.deadline {
            Err(Stopped::Deadline)
        } else if self.flag.load(Ordering::Relaxed) {
            Err(Stopped::Abandoned)
        } else {
            Ok(())
        }
    }
}

/// Up to here malachite's own function takes a few milliseconds, and a check in between saves nothing.
const WHOLE_UP_TO: u64 = 1 << 20;

/// F(n). Large ones by doubling, with a check before each step:
/// F(2k) = F(k)·(2·F(k+1) − F(k)), F(2k+1) = F(k)² + F(k+1)².
pub fn nth(index: Index, cancel: &Cancel) -> Result<Natural, Stopped> {
    let n = index.get();
    cancel.check()?;
    if n <= WHOLE_UP_TO {
        return Ok(Natural::fibonacci(n));
    }
    // Begin where one call is still quick, and double from there.
    let shift = n.significant_bits() - WHOLE_UP_TO.significant_bits() + 1;
    let k = n >> shift;
    let (mut a, mut b) = (Natural::fibonacci(k), Natural::fibonacci(k + 1));
    for bit in (0..shift).rev() {
        cancel.check()?;
        let even = &a * ((&b << 1u32) - &a);
        cancel.check()?;
        let odd = (&a).square() + (&b).square();
        (a, b) = if n >> bit & 1 == 0 {
            (even, odd)
        } else {
            let next = even + &odd;
            (odd, next)
        };
    }
    Ok(a)
}

/// Numbers of up to this many bits (about 60,000 digits) are written in a few milliseconds at once.
const WRITTEN_AT_ONCE_BITS: u64 = 200_000;

/// The decimal digits. Large numbers are split by powers of ten, with a check before each division.
pub fn decimal(value: &Natural, cancel: &Cancel) -> Result<String, Stopped> {
    cancel.check()?;
    if value.significant_bits() <= WRITTEN_AT_ONCE_BITS {
        return Ok(value.to_string());
    }
    // powers[i] = 10^(width · 2^i), up to about the square root of the value.
    let width = 30_000_usize;
    let mut powers = vec![Natural::from(10u32).pow(width as u64)];
    while let Some(last) = powers.last()
        && last.significant_bits() * 2 <= value.significant_bits() + 1
    {
        cancel.check()?;
        let next = last.square();
        powers.push(next);
    }
    let mut text = String::with_capacity(digits_at_most(value));
    write_digits(value, &powers, width, cancel, &mut text)?;
    Ok(text)
}

fn write_digits(
    value: &Natural,
    powers: &[Natural],
    width: usize,
    cancel: &Cancel,
    text: &mut String,
) -> Result<(), Stopped> {
    cancel.check()?;
    let Some((power, smaller)) = powers.split_last() else {
        let digits = value.to_string();
        // Only the very first digits of the whole stand without their zeros.
        if !text.is_empty() {
            text.extend(std::iter::repeat_n('0', width.saturating_sub(digits.len())));
        }
        if !(text.is_empty() && *value == Natural::ZERO) {
            text.push_str(&digits);
        }
        return Ok(());
    };
    let (high, low) = value.div_rem(power);
    write_digits(&high, smaller, width, cancel, text)?;
    write_digits(&low, smaller, width, cancel, text)
}

/// Room enough for the decimal digits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an estimate of a capacity"
)]
fn digits_at_most(value: &Natural) -> usize {
    (value.significant_bits() as f64 * std::f64::consts::LOG10_2) as usize + 2
}

/// The hexadecimal digits, in lower case.
pub fn hexadecimal(value: &Natural, cancel: &Cancel) -> Result<String, Stopped> {
    cancel.check()?;
    Ok(value.to_string_base(16))
}

/// F(0), F(1), F(2), … one after the other.
pub fn sequence() -> impl Iterator<Item = Natural> + Send {
    let (mut a, mut b) = (Natural::ZERO, Natural::ONE);
    std::iter::from_fn(move || {
        let next = &a + &b;
        Some(std::mem::replace(&mut a, std::mem::replace(&mut b, next)))
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    fn patient() -> Cancel {
        Cancel::until(Instant::now() + Duration::from_mins(10))
    }

    fn f(n: u64) -> Natural {
        nth(Index(n), &patient()).unwrap()
    }

    #[test]
    fn the_first_numbers_are_those_of_the_definition() {
        let first: Vec<_> = (0..11).map(|n| f(n).to_string()).collect();
        assert_eq!(
            first,
            ["0", "1", "1", "2", "3", "5", "8", "13", "21", "34", "55"]
        );
        assert_eq!(f(90).to_string(), "2880067194370816120");
    }

    #[test]
    fn doubling_gives_what_malachite_gives() {
        for n in [WHOLE_UP_TO + 1, WHOLE_UP_TO * 3 + 7] {
            assert_eq!(f(n), Natural::fibonacci(n));
        }
    }

    #[test]
    fn a_large_number_is_written_as_malachite_writes_it() {
        for n in [300_000, 700_001, 1_500_000] {
            let value = f(n);
            assert_eq!(decimal(&value, &patient()).unwrap(), value.to_string());
        }
    }

    #[test]
    fn zeros_inside_a_split_number_are_kept() {
        for zeros in [59_999, 60_000, 60_001, 119_999, 120_000, 240_000] {
            let value = Natural::from(10u32).pow(zeros) + Natural::ONE;
            assert_eq!(decimal(&value, &patient()).unwrap(), value.to_string());
        }
    }

    #[test]
    fn hexadecimal_and_decimal_are_the_same_number() {
        let value = f(5_000);
        let hex = hexadecimal(&value, &patient()).unwrap();
        let back =
            <Natural as malachite::base::num::conversion::traits::FromStringBase>::from_string_base(
                16, &hex,
            );
        assert_eq!(back, Some(value));
    }

    #[test]
    fn an_abandoned_computation_stops() {
        let cancel = patient();
        cancel.abandon();
        assert_eq!(nth(Index(1 << 40), &cancel), Err(Stopped::Abandoned));
        assert_eq!(decimal(&f(2_000_000), &cancel), Err(Stopped::Abandoned));
    }

    #[test]
    fn a_passed_deadline_stops_a_computation() {
        assert_eq!(
            nth(Index(5), &Cancel::until(Instant::now())),
            Err(Stopped::Deadline)
        );
    }

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
        fn each_number_is_the_sum_of_the_two_before(n in 2_u64..4_000) {
            prop_assert_eq!(f(n), f(n - 1) + f(n - 2));
        }

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

//! The digits of a natural.

use malachite::Natural;
use malachite::base::num::arithmetic::traits::{DivRem, Pow, Square};
use malachite::base::num::conversion::traits::ToStringBase;
use malachite::base::num::logic::traits::SignificantBits;

use crate::Checkpoint;

/// Up to this many limbs, repeated division by 10^19 is faster than malachite's own conversion. Measured: 0.8
/// of its time at 8 limbs, equal at 25.
const SHORT_LIMBS: usize = 24;

/// Numbers of up to this many bits (about 60,000 digits) are written in a few milliseconds, without a
/// checkpoint.
const WRITTEN_AT_ONCE_BITS: u64 = 200_000;

/// Digits per piece of a large number.
const PIECE: usize = 30_000;

/// Appends the decimal digits. A large number is split by powers of ten, with a checkpoint before each division.
///
/// # Errors
/// What the checkpoint returned.
pub fn write_decimal<E>(
    value: &Natural,
    text: &mut Vec<u8>,
    check: Checkpoint<'_, E>,
) -> Result<(), E> {
    check()?;
    if value.limb_count() <= SHORT_LIMBS as u64 {
        short(value, text);
        return Ok(());
    }
    if value.significant_bits() <= WRITTEN_AT_ONCE_BITS {
        text.extend_from_slice(value.to_string().as_bytes());
        return Ok(());
    }
    // powers[i] = 10^(PIECE · 2^i), up to about the square root of the value.
    let mut powers = vec![Natural::from(10u32).pow(PIECE as u64)];
    while let Some(last) = powers.last()
        && last.significant_bits() * 2 <= value.significant_bits() + 1
    {
        check()?;
        let next = last.square();
        powers.push(next);
    }
    let start = text.len();
    split(value, &powers, start, text, check)
}

/// Writes a value below the square of the last power; leading zeros are omitted at `start` only.
fn split<E>(
    value: &Natural,
    powers: &[Natural],
    start: usize,
    text: &mut Vec<u8>,
    check: Checkpoint<'_, E>,
) -> Result<(), E> {
    check()?;
    let Some((power, smaller)) = powers.split_last() else {
        let digits = value.to_string();
        if text.len() > start {
            text.resize(text.len() + PIECE.saturating_sub(digits.len()), b'0');
        } else if digits == "0" {
            return Ok(());
        }
        text.extend_from_slice(digits.as_bytes());
        return Ok(());
    };
    let (high, low) = value.div_rem(power);
    split(&high, smaller, start, text, check)?;
    split(&low, smaller, start, text, check)
}

/// The hexadecimal digits, in lower case.
///
/// # Errors
/// What the checkpoint returned.
pub fn write_hexadecimal<E>(value: &Natural, check: Checkpoint<'_, E>) -> Result<Vec<u8>, E> {
    check()?;
    Ok(value.to_string_base(16).into_bytes())
}

/// Digits per remainder in [`short`].
const WIDTH: usize = 19;
/// 10^19, whose top bit is set as the division below requires.
const BASE: u64 = 10_000_000_000_000_000_000;
const DIVISOR: Divisor = Divisor::new(BASE);

/// Appends the digits of a number of at most [`SHORT_LIMBS`] limbs.
fn short(value: &Natural, text: &mut Vec<u8>) {
    const MOST_PIECES: usize = SHORT_LIMBS * 64 / 63 + 1;
    let mut limbs = [0; SHORT_LIMBS];
    let mut count = 0;
    for (place, limb) in limbs.iter_mut().zip(value.limbs()) {
        *place = limb;
        count += 1;
    }
    let mut pieces = [[b'0'; WIDTH]; MOST_PIECES];
    let mut first = MOST_PIECES;
    while count > 0 {
        let mut remainder = 0;
        for limb in limbs[..count].iter_mut().rev() {
            (*limb, remainder) = DIVISOR.divide(remainder, *limb);
        }
        first -= 1;
        write_piece(remainder, &mut pieces[first]);
        count -= usize::from(limbs[count - 1] == 0);
    }
    let digits = pieces[first.min(MOST_PIECES - 1)..].as_flattened();
    let zeros = digits.iter().position(|d| *d != b'0');
    text.extend_from_slice(&digits[zeros.unwrap_or(digits.len() - 1)..]);
}

/// A number with its top bit set, prepared so that dividing by it takes only multiplications.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Divisor {
    value: u64,
    /// ⌊(2^128 − 1) / value⌋ − 2^64.
    reciprocal: u64,
}

impl Divisor {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the quotient is below 2^65"
    )]
    pub(crate) const fn new(value: u64) -> Self {
        assert!(value >> 63 == 1, "the top bit is set");
        Self {
            value,
            reciprocal: ((u128::MAX / value as u128) - (1 << 64)) as u64,
        }
    }

    /// Quotient and remainder of `high·2^64 + low`, where `high` is below the divisor: algorithm 4 of Möller and
    /// Granlund, "Improved Division by Invariant Integers".
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the words of a double word"
    )]
    #[inline]
    pub(crate) fn divide(self, high: u64, low: u64) -> (u64, u64) {
        let estimate = u128::from(self.reciprocal) * u128::from(high)
            + (u128::from(high) << 64 | u128::from(low));
        let mut quotient = ((estimate >> 64) as u64).wrapping_add(1);
        let mut remainder = low.wrapping_sub(quotient.wrapping_mul(self.value));
        if remainder > estimate as u64 {
            quotient = quotient.wrapping_sub(1);
            remainder = remainder.wrapping_add(self.value);
        }
        if remainder >= self.value {
            quotient += 1;
            remainder -= self.value;
        }
        (quotient, remainder)
    }
}

/// All numbers below 100, two digits each.
static PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[b'0'; 2]; 100];
    let mut i = 0_u8;
    while i < 100 {
        pairs[i as usize] = [b'0' + i / 10, b'0' + i % 10];
        i += 1;
    }
    pairs
};

/// Writes a number below 10^19 with leading zeros.
fn write_piece(value: u64, digits: &mut [u8; WIDTH]) {
    const REST: u64 = BASE / 10;
    let (first, rest) = digits.split_at_mut(1);
    first[0] = b'0' + (value / REST) as u8;
    write_eighteen(value % REST, rest);
}

/// Writes a number below 10^18 with leading zeros.
#[expect(clippy::cast_possible_truncation, reason = "each part is below 10^8")]
pub(crate) fn write_eighteen(value: u64, digits: &mut [u8]) {
    const PART: u64 = 100_000_000;
    let (high, low) = (value / PART, (value % PART) as u32);
    let (high, middle) = ((high / PART) as u32, (high % PART) as u32);
    digits[..2].copy_from_slice(&PAIRS[high as usize]);
    for (part, at) in [(middle, 2), (low, 10)] {
        write_four(part / 10_000, &mut digits[at..at + 4]);
        write_four(part % 10_000, &mut digits[at + 4..at + 8]);
    }
}

/// Writes a number below 10,000 with leading zeros.
pub(crate) fn write_four(value: u32, digits: &mut [u8]) {
    digits[..2].copy_from_slice(&PAIRS[(value / 100) as usize]);
    digits[2..].copy_from_slice(&PAIRS[(value % 100) as usize]);
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use malachite::base::num::arithmetic::traits::Fibonacci;
    use malachite::base::num::basic::traits::{One, Zero};
    use malachite::base::num::conversion::traits::FromStringBase;
    use proptest::prelude::*;

    use super::*;

    fn decimal(value: &Natural) -> String {
        let mut text = b"before ".to_vec();
        write_decimal::<Infallible>(value, &mut text, &mut || Ok(())).unwrap();
        let text = String::from_utf8(text).unwrap();
        text.strip_prefix("before ").unwrap().to_owned()
    }

    #[test]
    fn a_large_number_is_written_as_by_malachite() {
        for n in [300_000, 700_001, 1_500_000] {
            let value = Natural::fibonacci(n);
            assert_eq!(decimal(&value), value.to_string());
        }
    }

    #[test]
    fn zeros_inside_a_number_are_kept() {
        for zeros in [
            0, 18, 19, 20, 38, 400, 460, 59_999, 60_000, 60_001, 119_999, 240_000,
        ] {
            let power = Natural::from(10u32).pow(zeros);
            for value in [&power - Natural::ONE, power.clone(), power + Natural::ONE] {
                assert_eq!(decimal(&value), value.to_string());
            }
        }
        assert_eq!(decimal(&Natural::ZERO), "0");
    }

    #[test]
    fn hexadecimal_and_decimal_are_the_same_number() {
        let value = Natural::fibonacci(5_000);
        let hex = write_hexadecimal::<Infallible>(&value, &mut || Ok(())).unwrap();
        let back = Natural::from_string_base(16, std::str::from_utf8(&hex).unwrap());
        assert_eq!(back, Some(value));
    }

    proptest! {
        #[test]
        fn a_short_number_is_written_as_malachite_writes_it(
            limbs in prop::collection::vec(
                prop_oneof![any::<u64>(), Just(0), Just(u64::MAX)], 0..=SHORT_LIMBS,
            ),
        ) {
            let value = Natural::from_limbs_asc(&limbs);
            prop_assert_eq!(decimal(&value), value.to_string());
        }
    }
}

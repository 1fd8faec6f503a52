//! The length of an answer, without computing it: the number of digits of F(n) follows from n alone.
//!
//! By Binet's formula F(n) is φⁿ/√5 to within ½, so it has ⌊n·log(φ) − log(√5)⌋ + 1 digits, the logarithms being in
//! the base of the digits.

use std::sync::LazyLock;

/// The logarithms in one base, as fixed-point numbers with 64 fractional bits.
struct Base {
    /// log(φ): the first 64 fractional bits.
    phi_high: u64,
    /// The next 64 bits.
    phi_low: u64,
    /// log(√5).
    root5: u64,
}

const DECIMAL: Base = Base {
    phi_high: 0x3580_36c8_2451_b7f3,
    phi_low: 0x65d3_db23_8455_99f5,
    root5: 0x5977_d95e_c10c_0219,
};

const HEXADECIMAL: Base = Base {
    phi_high: 0x2c6e_75a2_a394_d097,
    phi_low: 0x7923_f1d0_9bc3_110a,
    root5: 0x4a4d_3c25_e68d_c57f,
};

impl Base {
    /// The number of digits of F(n); `None` in the rare case that the fixed-point numbers can't decide.
    fn digits(&self, n: u64) -> Option<u64> {
        if n < 2 {
            return Some(1);
        }
        let wide = u128::from(n);
        // In units of 2^-64. The truncated parts are less than two of them, and that of `root5` less than one.
        let power = wide * u128::from(self.phi_high) + ((wide * u128::from(self.phi_low)) >> 64);
        let log = power.saturating_sub(u128::from(self.root5));
        let digits = |log: u128| u64::try_from(log >> 64).ok()?.checked_add(1);
        let (least, most) = (digits(log.saturating_sub(4)), digits(log + 4));
        most.filter(|_| least == most)
    }
}

/// The decimal digits of F(n).
pub fn decimal(n: u64) -> Option<u64> {
    DECIMAL.digits(n)
}

/// The hexadecimal digits of F(n).
pub fn hexadecimal(n: u64) -> Option<u64> {
    HEXADECIMAL.digits(n)
}

/// Roughly the number of decimal digits of F(n), for estimates.
pub fn about(n: u64) -> u64 {
    decimal(n).unwrap_or(n / 4)
}

/// The largest n for which [`of_sequence`] knows the sum.
const SUMMED_UP_TO: u64 = 100_000;

/// The interval at which sums are stored.
const STEP: u64 = 64;

/// The total digits of all numbers below each multiple of [`STEP`].
static SUMS: LazyLock<Vec<u64>> = LazyLock::new(|| {
    let mut sum = 0;
    (0..=SUMMED_UP_TO / STEP)
        .map(|i| {
            let before = sum;
            sum += (i * STEP..(i + 1) * STEP).filter_map(decimal).sum::<u64>();
            before
        })
        .collect()
});

/// The total decimal digits of F(0) to F(n); `None` above some large n.
pub fn of_sequence(n: u64) -> Option<u64> {
    if n > SUMMED_UP_TO {
        return None;
    }
    let before = SUMS.get(usize::try_from(n / STEP).ok()?)?;
    let rest = (n / STEP * STEP..=n).map(decimal).sum::<Option<u64>>()?;
    Some(before + rest)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use fib_numbers::{Index, Modulus, Numbers, Sequence};
    use proptest::prelude::*;

    use super::*;

    fn written(n: u64) -> (u64, u64) {
        let index = Index::parse(&n.to_string(), u64::MAX).unwrap();
        let numbers = Numbers::new(Modulus::drawn_from(1));
        let check = &mut || Ok::<_, Infallible>(());
        let decimal = numbers.decimal(index, check).unwrap().digits.len();
        let hexadecimal = fib_numbers::hexadecimal(index, check).unwrap().len();
        (decimal as u64, hexadecimal as u64)
    }

    /// The lengths of F(0), F(1), F(2), …
    fn lengths() -> impl Iterator<Item = u64> {
        let (mut sequence, mut text) = (Sequence::default(), Vec::new());
        std::iter::repeat_with(move || {
            text.clear();
            sequence.write_next(&mut text);
            text.len() as u64
        })
    }

    #[test]
    fn the_formula_counts_the_digits_of_every_small_number() {
        for (n, digits) in (0..3_000).zip(lengths()) {
            assert_eq!(decimal(n), Some(digits), "{n}");
        }
        for n in 0..500 {
            let (dec, hex) = written(n);
            assert_eq!((decimal(n), hexadecimal(n)), (Some(dec), Some(hex)), "{n}");
        }
    }

    #[test]
    fn the_documented_sizes_are_correct() {
        for (n, digits) in [(1_000_000, 208_988), (10_000_000, 2_089_877)] {
            assert_eq!(decimal(n), Some(digits));
        }
    }

    #[test]
    fn the_largest_index_does_not_overflow() {
        // 2^64 · 0.20898764024997873
        assert_eq!(
            decimal(u64::MAX).map(|d| d / 1_000_000_000),
            Some(3_855_141_514)
        );
    }

    #[test]
    fn the_digits_of_a_sequence_are_those_of_its_numbers() {
        let digits = |n: usize| lengths().take(n + 1).sum::<u64>();
        for n in [0, 1, 10, 63, 64, 65, 1_000] {
            assert_eq!(of_sequence(n as u64), Some(digits(n)));
        }
        assert_eq!(of_sequence(u64::MAX), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_formula_counts_the_digits_of_any_number(n in 0_u64..200_000) {
            let (dec, hex) = written(n);
            prop_assert_eq!((decimal(n), hexadecimal(n)), (Some(dec), Some(hex)));
        }
    }
}

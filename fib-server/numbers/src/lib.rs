//! Fibonacci numbers: F(0) = 0, F(1) = 1, F(n) = F(n−1) + F(n−2).
//!
//! ```text
//!                 ┌ n ≤ 186: a table of u128
//! decimal digits ─┼ below the crossover: doubling in base 10^18 by long multiplication
//!                 └ above: doubling in base 10,000 by a real FFT, checked by a residue
//! hexadecimal ───── a malachite natural
//! ```
//!
//! The crate has no clock, thread or global state. The caller passes a [`Checkpoint`], which is called every
//! few milliseconds of work and stops the work by returning an error.

mod direct;
mod index;
mod long;
mod natural;
mod residue;
mod sequence;
mod transform;
mod write;

use malachite::Natural;

use direct::{LARGEST, direct};
pub use index::{BadIndex, Index};
pub use natural::{nth, small};
pub use residue::Modulus;
pub use sequence::Sequence;
use transform::Plans;
pub use write::{write_decimal, write_hexadecimal};

/// Called between pieces of work of at most a few milliseconds; an error stops the work and is returned.
pub type Checkpoint<'a, E> = &'a mut dyn FnMut() -> Result<(), E>;

/// From this n on, the transform is faster than long multiplication.
pub const DIRECT_FROM: u64 = 15_000;
const _: () = assert!(DIRECT_FROM <= long::LARGEST);

/// The largest n whose number fits a `u128`.
const FITS_U128: u64 = 186;

/// Computes decimal digits with what a process shares: the FFT plans and the prime for checking results.
#[derive(Debug)]
pub struct Numbers {
    plans: Plans,
    modulus: Modulus,
}

/// The decimal digits of one number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decimal {
    /// ASCII digits, without leading zeros.
    pub digits: Vec<u8>,
    /// Whether the transform's result failed its check, so that the digits were computed again with naturals.
    pub recomputed: bool,
}

impl Numbers {
    /// The modulus is drawn once per process, so no two processes share a blind spot.
    pub fn new(modulus: Modulus) -> Self {
        Self {
            plans: Plans::default(),
            modulus,
        }
    }

    /// The decimal digits of F(n).
    ///
    /// # Errors
    /// What the checkpoint returned.
    pub fn decimal<E>(&self, index: Index, check: Checkpoint<'_, E>) -> Result<Decimal, E> {
        let n = index.get();
        let digits = if let Some(value) = small(index) {
            value.to_string().into_bytes()
        } else if n < DIRECT_FROM {
            long::decimal(n, check)?
        } else if n <= LARGEST {
            let digits = direct(n, &self.plans, check)?;
            return self.settle(index, digits, check);
        } else {
            let mut digits = Vec::new();
            write_decimal(&nth(index, check)?, &mut digits, check)?;
            digits
        };
        Ok(Decimal {
            digits,
            recomputed: false,
        })
    }

    /// Keeps digits whose residue is that of F(n), and computes others again without the transform.
    fn settle<E>(
        &self,
        index: Index,
        mut digits: Vec<u8>,
        check: Checkpoint<'_, E>,
    ) -> Result<Decimal, E> {
        check()?;
        let recomputed = self.modulus.of_digits(&digits) != self.modulus.of_fibonacci(index.get());
        if recomputed {
            digits.clear();
            write_decimal(&nth(index, check)?, &mut digits, check)?;
        }
        Ok(Decimal { digits, recomputed })
    }
}

/// The peak memory for computing the decimal digits of F(n), in bytes, including the digits but not the shared
/// plans.
pub const fn working_memory(n: u64) -> u64 {
    if n < DIRECT_FROM {
        // The digits, and five numbers at most as long in base 10^18.
        n / 4 + 5 * (n / 10) + 1_024
    } else if n <= LARGEST {
        direct::working_memory(n)
    } else {
        // The natural, its split into halves, the powers of ten and the digits.
        2 * n
    }
}

/// The hexadecimal digits of F(n), in lower case.
///
/// # Errors
/// What the checkpoint returned.
pub fn hexadecimal<E>(index: Index, check: Checkpoint<'_, E>) -> Result<Vec<u8>, E> {
    let value: Natural = nth(index, check)?;
    write_hexadecimal(&value, check)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::*;

    type Never = Result<(), Infallible>;

    fn numbers() -> Numbers {
        Numbers::new(Modulus::drawn_from(7))
    }

    fn index(n: u64) -> Index {
        Index::parse(&n.to_string(), u64::MAX).unwrap()
    }

    fn by_malachite(n: u64) -> Vec<u8> {
        use malachite::base::num::arithmetic::traits::Fibonacci;
        Natural::fibonacci(n).to_string().into_bytes()
    }

    #[test]
    fn the_first_numbers_match_the_definition() {
        let of = |n| {
            String::from_utf8(
                numbers()
                    .decimal(index(n), &mut || Never::Ok(()))
                    .unwrap()
                    .digits,
            )
        };
        let first: Vec<_> = (0..11).map(|n| of(n).unwrap()).collect();
        assert_eq!(
            first,
            ["0", "1", "1", "2", "3", "5", "8", "13", "21", "34", "55"]
        );
        assert_eq!(of(90).unwrap(), "2880067194370816120");
    }

    #[test]
    fn both_sides_of_each_boundary_agree_with_malachite() {
        let numbers = numbers();
        let borders = [93, FITS_U128, 2_000, DIRECT_FROM, 131_072];
        for n in borders.iter().flat_map(|b| b - 1..=b + 1) {
            let decimal = numbers.decimal(index(n), &mut || Never::Ok(())).unwrap();
            assert_eq!(decimal.digits, by_malachite(n), "F({n})");
            assert!(!decimal.recomputed, "F({n})");
        }
    }

    #[test]
    fn digits_that_fail_their_check_are_computed_again_without_the_transform() {
        let (numbers, n) = (numbers(), 20_000);
        let right = by_malachite(n);
        for place in [0, right.len() / 2, right.len() - 1] {
            let mut wrong = right.clone();
            wrong[place] = b'0' + (wrong[place] - b'0' + 1) % 10;
            let settled = numbers
                .settle(index(n), wrong, &mut || Never::Ok(()))
                .unwrap();
            assert!(settled.recomputed);
            assert_eq!(settled.digits, right);
        }
        let kept = numbers
            .settle(index(n), right.clone(), &mut || Never::Ok(()))
            .unwrap();
        assert!(!kept.recomputed);
    }

    #[test]
    fn the_stated_memory_covers_the_digits() {
        for n in [0, 1_000, DIRECT_FROM, 1_000_000] {
            let digits = numbers()
                .decimal(index(n), &mut || Never::Ok(()))
                .unwrap()
                .digits;
            assert!(
                working_memory(n) >= digits.capacity() as u64,
                "{n}: {} bytes of digits",
                digits.capacity()
            );
        }
    }

    #[test]
    fn work_stops_at_the_checkpoint_that_returns_an_error() {
        for n in [1_000, 100_000, 3_000_000] {
            let count = |stop_at: usize| {
                let mut asked = 0;
                let outcome = numbers().decimal(index(n), &mut || {
                    asked += 1;
                    if asked < stop_at { Ok(()) } else { Err("stop") }
                });
                (outcome.map(|_| ()), asked)
            };
            let (done, all) = count(usize::MAX);
            assert_eq!(done, Ok(()));
            for stop_at in [1, all / 2 + 1, all] {
                assert_eq!(count(stop_at), (Err("stop"), stop_at), "F({n})");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn any_number_is_malachites(n in 0_u64..60_000) {
            let decimal = numbers().decimal(index(n), &mut || Never::Ok(())).unwrap();
            prop_assert_eq!(decimal.digits, by_malachite(n));
            prop_assert!(!decimal.recomputed);
        }
    }
}

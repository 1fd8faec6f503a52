//! F(n) as a malachite natural.

use malachite::Natural;
use malachite::base::num::arithmetic::traits::{Fibonacci, Square, SquareAssign};
use malachite::base::num::basic::traits::Two;
use malachite::base::num::logic::traits::SignificantBits;

use crate::{Checkpoint, FITS_U128, Index};

/// Up to here one call of malachite takes about a millisecond, so checkpoints inside are not needed.
const WHOLE_UP_TO: u64 = 1 << 18;

/// F(0) to F([`FITS_U128`]).
static SMALL: [u128; SMALL_ONES] = {
    let mut table = [0; SMALL_ONES];
    table[1] = 1;
    let mut n = 2;
    while n < table.len() {
        table[n] = table[n - 1] + table[n - 2];
        n += 1;
    }
    table
};

#[expect(
    clippy::cast_possible_truncation,
    reason = "the table is not that long"
)]
const SMALL_ONES: usize = FITS_U128 as usize + 1;

/// F(n), if it fits in 128 bits.
pub fn small(index: Index) -> Option<u128> {
    let n = usize::try_from(index.get()).ok()?;
    SMALL.get(n).copied()
}

/// F(n−1) and F(n), for n up to [`FITS_U128`]; F(−1) = 1.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the table is not that long"
)]
pub(crate) fn pair(n: u64) -> (u128, u128) {
    debug_assert!(n <= FITS_U128, "F({n}) does not fit");
    let n = n as usize;
    (n.checked_sub(1).map_or(1, |before| SMALL[before]), SMALL[n])
}

/// F(n). Large ones by doubling, with a checkpoint before each multiplication. Each step takes two squarings
/// (`mpn_fib2_ui` in GMP): F(2k+1) = 4·F(k)² − F(k−1)² + 2·(−1)^k, F(2k−1) = F(k)² + F(k−1)², and F(2k) is
/// their difference. The last step computes only the half that is needed.
///
/// # Errors
/// What the checkpoint returned.
pub fn nth<E>(index: Index, check: Checkpoint<'_, E>) -> Result<Natural, E> {
    let n = index.get();
    check()?;
    if n <= WHOLE_UP_TO {
        return Ok(Natural::fibonacci(n));
    }
    // Start where one call is still fast, and double from there.
    let doublings = n.significant_bits() - WHOLE_UP_TO.significant_bits() + 1;
    let mut k = n >> doublings;
    let (mut this, mut before) = Natural::fibonacci_pair(k);
    for left in (1..doublings).rev() {
        let (above, below) = around_double(k, &this, before, check)?;
        k = n >> left;
        (this, before) = if k & 1 == 0 {
            (&above - &below, below)
        } else {
            let even = &above - below;
            (above, even)
        };
    }
    if n & 1 == 0 {
        // F(2k) = F(k)·(F(k) + 2·F(k−1))
        check()?;
        before <<= 1u32;
        before += &this;
        Ok(this * before)
    } else {
        let square = four_squares(k, &this, check)?.0;
        check()?;
        Ok(square - before.square())
    }
}

/// F(2k+1) and F(2k−1).
fn around_double<E>(
    k: u64,
    this: &Natural,
    mut before: Natural,
    check: Checkpoint<'_, E>,
) -> Result<(Natural, Natural), E> {
    let (four, one) = four_squares(k, this, check)?;
    check()?;
    before.square_assign();
    Ok((four - &before, one + before))
}

/// 4·F(k)² + 2·(−1)^k, and F(k)².
fn four_squares<E>(
    k: u64,
    this: &Natural,
    check: Checkpoint<'_, E>,
) -> Result<(Natural, Natural), E> {
    check()?;
    let square = this.square();
    let four = &square << 2u32;
    let signed = if k & 1 == 0 {
        four + Natural::TWO
    } else {
        four - Natural::TWO
    };
    Ok((signed, square))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn f(n: u64) -> Natural {
        let index = Index::parse(&n.to_string(), u64::MAX).unwrap();
        nth::<Infallible>(index, &mut || Ok(())).unwrap()
    }

    #[test]
    fn doubling_gives_what_malachite_gives() {
        for n in WHOLE_UP_TO - 1..WHOLE_UP_TO + 6 {
            assert_eq!(f(n), Natural::fibonacci(n), "F({n})");
        }
        for n in [3, 5, 7].map(|odd| WHOLE_UP_TO * odd + odd) {
            assert_eq!(f(n), Natural::fibonacci(n), "F({n})");
            assert_eq!(f(n + 1), Natural::fibonacci(n + 1), "F({})", n + 1);
        }
    }

    #[test]
    fn the_largest_small_number_fits() {
        let index = |n: u64| Index::parse(&n.to_string(), u64::MAX).unwrap();
        for n in 0..=FITS_U128 {
            assert_eq!(small(index(n)).map(Natural::from), Some(f(n)), "F({n})");
        }
        assert_eq!(small(index(FITS_U128 + 1)), None);
        assert!(f(FITS_U128 + 1) > u128::MAX);
    }
}

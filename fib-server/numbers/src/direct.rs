//! Computes F(n) by doubling in a decimal base from the start, so that no conversion is needed at the end.

use rustfft::num_complex::Complex64;

use crate::Checkpoint;
use crate::natural::pair;
use crate::transform::{Plans, Points, length};
use crate::write::write_four;

/// The largest n: up to here rounding is proven correct ([`Base::of`]).
pub(crate) const LARGEST: u64 = 200_000_000;

/// Doubling starts from the leading bits of n whose number has about 64 bits.
const BEGIN_UP_TO: u64 = 180;

/// A power of ten. Digits are balanced, from −base/2 to base/2, so that their products and rounding errors
/// cancel out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Base {
    /// Decimal digits in one digit of the base.
    width: usize,
    /// The base.
    value: u16,
}

impl Base {
    const TEN_THOUSAND: Self = Self {
        width: 4,
        value: 10_000,
    };
    const THOUSAND: Self = Self {
        width: 3,
        value: 1_000,
    };

    /// The largest base whose products are rounded correctly for F(n) with any digits.
    const fn of(n: u64) -> Self {
        if n <= 3_700_000 {
            Self::TEN_THOUSAND
        } else {
            Self::THOUSAND
        }
    }

    /// The number of digits in this base for F(n) and its neighbors, plus one for a carry.
    const fn digits(self, n: u64) -> usize {
        // log10 φ is below 0.20898765.
        let decimal = (n as u128 * 20_898_765 / 100_000_000) as usize + 1;
        decimal.div_ceil(self.width) + 1
    }

    /// A small number's balanced digits, lowest first.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a digit is below a base of 16 bits"
    )]
    fn split(self, mut value: u128) -> Vec<i16> {
        let (base, mut carry, mut digits) = (i32::from(self.value), 0, Vec::new());
        while value > 0 || carry > 0 {
            let digit = (value % u128::from(self.value)) as i32 + carry;
            value /= u128::from(self.value);
            carry = i32::from(digit > base / 2);
            digits.push((digit - carry * base) as i16);
        }
        digits
    }

    /// Balanced digits, lowest first, as decimal text.
    fn join(self, digits: &[i16]) -> Vec<u8> {
        let mut text = vec![b'0'; digits.len() * self.width];
        let (base, mut carry) = (i32::from(self.value), 0);
        for (digit, place) in digits.iter().zip(text.rchunks_exact_mut(self.width)) {
            let value = i32::from(*digit) + carry;
            carry = value.div_euclid(base);
            let mut four = [b'0'; 4];
            write_four(value.rem_euclid(base).unsigned_abs(), &mut four);
            place.copy_from_slice(&four[4 - self.width..]);
        }
        let zeros = text.iter().position(|d| *d != b'0');
        text.drain(..zeros.unwrap_or(text.len().saturating_sub(1)));
        text
    }
}

/// The peak memory of [`direct`] in bytes: two transforms and the scratch of one, the digits of both numbers, the
/// text.
pub(crate) const fn working_memory(n: u64) -> u64 {
    let base = Base::of(n);
    let points = length(base.digits(n)) as u64;
    let complex = size_of::<Complex64>() as u64;
    3 * points * complex + 2 * 2 * points * 2 + 2 * points * base.width as u64
}

/// The two current neighbors, and the working memory.
#[derive(Debug, Default)]
struct Doubling {
    this: Vec<i16>,
    next: Vec<i16>,
    this_points: Points,
    next_points: Points,
    scratch: Points,
}

/// The decimal digits of F(n), for n from 1 to [`LARGEST`], not checked yet.
pub(crate) fn direct<E>(n: u64, plans: &Plans, check: Checkpoint<'_, E>) -> Result<Vec<u8>, E> {
    let base = Base::of(n);
    let doublings = (0..u64::BITS)
        .find(|d| n >> d <= BEGIN_UP_TO)
        .unwrap_or_default();
    let (before, this) = pair(n >> doublings);
    let mut doubling = Doubling {
        this: base.split(this),
        next: base.split(before + this),
        ..Doubling::default()
    };
    for left in (0..doublings).rev() {
        doubling.step(n >> left, left == 0, base, plans, check)?;
    }
    // The transforms take most of the memory, and the text does not need them.
    let Doubling { this, .. } = doubling;
    Ok(base.join(&this))
}

impl Doubling {
    /// From F(k), F(k+1) to F(m), F(m+1), where k is half of m; the last step only needs F(m).
    ///
    /// With a = F(k) and b = F(k+1): F(2k) = a(2b − a), F(2k+1) = a² + b², F(2k+2) = b(2a + b). All of them
    /// come from the transforms of a and b, so a step takes two transforms and one inverse transform per
    /// result.
    fn step<E>(
        &mut self,
        m: u64,
        last: bool,
        base: Base,
        plans: &Plans,
        check: Checkpoint<'_, E>,
    ) -> Result<(), E> {
        let count = base.digits(m + 1);
        let plan = plans.for_digits(count);
        let scratch = &mut self.scratch;
        plan.transform(&self.this, &mut self.this_points, scratch, check)?;
        plan.transform(&self.next, &mut self.next_points, scratch, check)?;
        check()?;
        for (a, b) in self.this_points.iter_mut().zip(&mut self.next_points) {
            let odd = *a * *a + *b * *b;
            (*a, *b) = if m & 1 == 0 {
                (*a * (*b + *b - *a), odd)
            } else {
                (odd, *b * (*a + *a + *b))
            };
        }
        let value = f64::from(base.value);
        plan.back(&mut self.this_points, scratch, check)?;
        plan.digits(&self.this_points, value, count, &mut self.this);
        if !last {
            plan.back(&mut self.next_points, scratch, check)?;
            plan.digits(&self.next_points, value, count, &mut self.next);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use malachite::Natural;
    use malachite::base::num::arithmetic::traits::Fibonacci;

    use super::*;
    use crate::transform::worst_error;

    fn digits(n: u64) -> String {
        let Ok(text) = direct::<Infallible>(n, &Plans::default(), &mut || Ok(()));
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn every_small_number_is_doubled_correctly() {
        let plans = Plans::default();
        for n in 1..3_000 {
            let Ok(text) = direct::<Infallible>(n, &plans, &mut || Ok(()));
            assert_eq!(text, Natural::fibonacci(n).to_string().as_bytes(), "F({n})");
        }
    }

    #[test]
    fn both_bases_give_malachites_digits() {
        for n in [100_000, 1_234_567, 3_700_000, 3_700_001] {
            assert_eq!(digits(n), Natural::fibonacci(n).to_string(), "F({n})");
        }
    }

    #[test]
    fn rounding_is_correct_for_every_index_up_to_the_largest() {
        for n in [10_000, 1_000_000, 3_700_000, 3_700_001, 50_000_000, LARGEST] {
            let base = Base::of(n);
            let points = length(base.digits(n + 1));
            assert!(2 * points >= base.digits(n + 1), "F({n}) fits");
            let worst = worst_error(points, u32::from(base.value));
            assert!(worst < 0.5, "F({n}): {worst}");
        }
        // The next longer transform in base 10,000 would not be safe.
        assert!(worst_error(14 << 13, 10_000) > 0.5);
    }

    #[test]
    fn balanced_digits_are_joined_to_the_number_that_was_split() {
        for base in [Base::THOUSAND, Base::TEN_THOUSAND] {
            for value in [0, 1, 499, 500, 501, 9_999, 10_000, 49_995_000, u128::MAX] {
                let text = base.join(&base.split(value));
                let shown = String::from_utf8(text).unwrap();
                assert_eq!(shown.parse().unwrap_or(0), value);
            }
        }
    }

    #[test]
    fn a_step_calls_its_checkpoint_before_every_piece_of_work() {
        let asked = |n| {
            let mut asked = 0;
            let counted = &mut || {
                asked += 1;
                Ok::<_, Infallible>(())
            };
            let Ok(_) = direct(n, &Plans::default(), counted);
            asked
        };
        // 10 doublings with two transforms and two inverse ones each, of at least two checkpoints, except for
        // the last.
        assert!(asked(100_000) >= 10 * 9 - 2, "{}", asked(100_000));
        // The top is split into blocks, so that pieces do not grow with n.
        assert!(asked(6_000_000) > asked(3_000_000) + 10);
    }
}

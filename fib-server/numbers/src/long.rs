//! F(n) doubled in base 10^18 by long multiplication: no conversion is needed at the end, and nothing is faster
//! for numbers that are too short for the transform.

use crate::Checkpoint;
use crate::natural::pair;
use crate::write::{Divisor, write_eighteen};

/// The largest n whose sums of products fit in 128 bits ([`column_fits`]).
pub(crate) const LARGEST: u64 = 29_000;

/// Doubling starts from the leading bits of n whose number has about 128 bits.
const BEGIN_UP_TO: u64 = 185;

/// Decimal digits in one digit of the base.
const WIDTH: usize = 18;
/// The base. Sixteen times the base has its top bit set, which the division needs.
const BASE: u64 = 1_000_000_000_000_000_000;
const SHIFTED: Divisor = Divisor::new(BASE << 4);

/// The most digits of the base that F(n) needs.
#[expect(clippy::cast_possible_truncation, reason = "n is at most LARGEST")]
const fn digits(n: u64) -> usize {
    // log10 φ is below 0.20898765.
    (n as usize * 20_898_765 / 100_000_000 + 1).div_ceil(WIDTH)
}

/// Whether the largest sum of products, in [`sum_of_squares`] of two numbers with this many digits, fits in 128
/// bits together with a carry.
const fn column_fits(digits: usize) -> bool {
    let product = (BASE as u128 - 1) * (BASE as u128 - 1);
    let carry = u128::MAX / BASE as u128;
    digits as u128 * 2 <= (u128::MAX - carry) / product
}
const _: () = assert!(column_fits(digits(LARGEST / 2 + 1) + 1));

/// Two neighbors, lowest digit first, with the same number of digits, and the working memory.
struct Doubling {
    this: Vec<u64>,
    next: Vec<u64>,
    sum: Vec<u64>,
    product: Vec<u64>,
    squares: Vec<u64>,
}

/// The decimal digits of F(n), for n from 1 to [`LARGEST`].
pub(crate) fn decimal<E>(n: u64, check: Checkpoint<'_, E>) -> Result<Vec<u8>, E> {
    let doublings = (0..u64::BITS)
        .find(|d| n >> d <= BEGIN_UP_TO)
        .unwrap_or_default();
    let (before, this) = pair(n >> doublings);
    let buffer = || Vec::with_capacity(digits(n) + 2);
    let mut doubling = Doubling {
        this: buffer(),
        next: buffer(),
        sum: buffer(),
        product: buffer(),
        squares: buffer(),
    };
    split(this, &mut doubling.this);
    split(before + this, &mut doubling.next);
    for left in (0..doublings).rev() {
        check()?;
        doubling.step(n >> left, left == 0);
    }
    Ok(text(&doubling.this))
}

impl Doubling {
    /// From a = F(k) and b = F(k+1) to F(m) and F(m+1), where k is half of m; the last step only needs F(m).
    /// F(2k) = a(2b − a), F(2k+1) = a² + b², F(2k+2) = b(2a + b).
    fn step(&mut self, m: u64, last: bool) {
        let (a, b) = (&mut self.this, &mut self.next);
        let even = m & 1 == 0;
        level(a, b);
        if !(last && even) {
            sum_of_squares(a, b, &mut self.squares);
        }
        if even {
            combine(a, b, |a, b| 2 * b - a, &mut self.sum);
            multiply(a, &self.sum, &mut self.product);
        } else if !last {
            combine(a, b, |a, b| 2 * a + b, &mut self.sum);
            multiply(b, &self.sum, &mut self.product);
        }
        let (this, next) = if even {
            (&mut self.product, &mut self.squares)
        } else {
            (&mut self.squares, &mut self.product)
        };
        std::mem::swap(&mut self.this, this);
        std::mem::swap(&mut self.next, next);
    }
}

/// A small number's digits.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a remainder is below a base of 60 bits"
)]
fn split(mut value: u128, digits: &mut Vec<u64>) {
    while value > 0 {
        digits.push((value % u128::from(BASE)) as u64);
        value /= u128::from(BASE);
    }
}

/// Pads the shorter number with zeros.
fn level(a: &mut Vec<u64>, b: &mut Vec<u64>) {
    let length = a.len().max(b.len());
    a.resize(length, 0);
    b.resize(length, 0);
}

/// A sum of multiples of two numbers of the same length; the sum must not be negative.
fn combine(a: &[u64], b: &[u64], of: impl Fn(i64, i64) -> i64, sum: &mut Vec<u64>) {
    const SIGNED: i64 = BASE.cast_signed();
    sum.clear();
    let mut carry = 0;
    for (a, b) in a.iter().zip(b) {
        let value = of(a.cast_signed(), b.cast_signed()) + carry;
        carry = value.div_euclid(SIGNED);
        sum.push(value.rem_euclid(SIGNED).cast_unsigned());
    }
    if carry > 0 {
        sum.push(carry.cast_unsigned());
    }
}

/// The product of two numbers with at least one digit each.
fn multiply(a: &[u64], b: &[u64], product: &mut Vec<u64>) {
    let columns = a.len() + b.len() - 1;
    write_columns(columns, product, |column| {
        let first = column.saturating_sub(b.len() - 1);
        let last = column.min(a.len() - 1);
        dot(&a[first..=last], &b[column - last..=column - first])
    });
}

/// a² + b² of two numbers of the same length.
fn sum_of_squares(a: &[u64], b: &[u64], squares: &mut Vec<u64>) {
    let top = a.len() - 1;
    write_columns(2 * top + 1, squares, |column| {
        let first = column.saturating_sub(top);
        // The pairs below the middle; those above are the same.
        let (low, high) = (
            first..column.div_ceil(2),
            column / 2 + 1..column - first + 1,
        );
        let pairs = dot(&a[low.clone()], &a[high.clone()]) + dot(&b[low], &b[high]);
        let middle = if column % 2 == 0 {
            square(a[column / 2]) + square(b[column / 2])
        } else {
            0
        };
        2 * pairs + middle
    });
}

fn square(digit: u64) -> u128 {
    u128::from(digit) * u128::from(digit)
}

/// The sum of products of one number's digits upward with the other's downward.
#[inline]
fn dot(up: &[u64], down: &[u64]) -> u128 {
    let pairs = up.iter().zip(down.iter().rev());
    pairs.fold(0, |sum, (a, b)| sum + u128::from(*a) * u128::from(*b))
}

/// Turns sums of products into digits by carrying.
fn write_columns(columns: usize, digits: &mut Vec<u64>, sum: impl Fn(usize) -> u128) {
    digits.clear();
    let mut carry = 0;
    for column in 0..columns {
        let digit;
        (carry, digit) = quotient(sum(column) + carry);
        digits.push(digit);
    }
    while carry > 0 {
        let digit;
        (carry, digit) = quotient(carry);
        digits.push(digit);
    }
    while let Some(0) = digits.last() {
        digits.pop();
    }
}

/// Quotient and remainder by [`BASE`].
#[expect(
    clippy::cast_possible_truncation,
    reason = "the words of a double word"
)]
#[inline]
fn quotient(value: u128) -> (u128, u64) {
    let (high, low) = ((value >> 64) as u64, value as u64);
    let rest = high % BASE;
    let (quotient, remainder) = SHIFTED.divide(rest << 4 | low >> 60, low << 4);
    (
        u128::from(high / BASE) << 64 | u128::from(quotient),
        remainder >> 4,
    )
}

/// The digits as decimal text.
fn text(digits: &[u64]) -> Vec<u8> {
    let mut text = vec![b'0'; digits.len() * WIDTH];
    for (digit, place) in digits.iter().rev().zip(text.chunks_exact_mut(WIDTH)) {
        write_eighteen(*digit, place);
    }
    let zeros = text.iter().position(|d| *d != b'0');
    text.drain(..zeros.unwrap_or_default());
    text
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use malachite::Natural;
    use malachite::base::num::arithmetic::traits::Fibonacci;
    use proptest::prelude::*;

    use super::*;

    fn of(n: u64) -> Vec<u8> {
        let Ok(text) = decimal::<Infallible>(n, &mut || Ok(()));
        text
    }

    #[test]
    fn every_short_number_is_doubled_correctly() {
        let (mut this, mut next) = (Natural::from(1u32), Natural::from(1u32));
        for n in 1..4_000 {
            assert_eq!(of(n), this.to_string().as_bytes(), "F({n})");
            this += &next;
            std::mem::swap(&mut this, &mut next);
        }
    }

    #[test]
    fn the_largest_number_is_doubled_correctly() {
        for n in LARGEST - 3..=LARGEST {
            assert_eq!(
                of(n),
                Natural::fibonacci(n).to_string().as_bytes(),
                "F({n})"
            );
        }
    }

    #[test]
    fn the_largest_digits_are_multiplied_correctly() {
        // (10^(18·d) − 1)² twice is 2·10^(36·d) − 4·10^(18·d) + 2.
        let length = digits(LARGEST / 2 + 1);
        let nines = vec![BASE - 1; length];
        let (mut squares, mut product) = (Vec::new(), Vec::new());
        sum_of_squares(&nines, &nines, &mut squares);
        let mut expected = vec![0; 2 * length + 1];
        expected[0] = 2;
        expected[length..2 * length].fill(BASE - 1);
        expected[length] = BASE - 4;
        expected[2 * length] = 1;
        assert_eq!(squares, expected);
        multiply(&nines, &nines, &mut product);
        let mut expected = vec![0; 2 * length];
        expected[0] = 1;
        expected[length..].fill(BASE - 1);
        expected[length] = BASE - 2;
        assert_eq!(product, expected);
    }

    proptest! {
        #[test]
        fn a_double_word_is_divided_right(value in any::<u128>()) {
            let base = u128::from(BASE);
            let (quotient, remainder) = quotient(value);
            prop_assert_eq!((quotient, u128::from(remainder)), (value / base, value % base));
        }
    }
}

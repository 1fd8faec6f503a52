//! Multiplies long numbers by a right-angle convolution (Crandall and Fagin, "Discrete Weighted Transforms and
//! Large-Integer Arithmetic"): the two halves of a number become real and imaginary parts, weighted by powers
//! of a root of i, so that a complex FFT of length M multiplies numbers of 2M digits modulo `base^2M + 1`.
//!
//! ```text
//! digits ─ weigh ─ FFT ─┐
//!                       ├─ multiply point by point ─ inverse FFT ─ unweigh ─ round ─ carry ─▶ digits
//! digits ─ weigh ─ FFT ─┘
//! ```

use std::sync::{Arc, OnceLock};

use rustfft::num_complex::Complex64;
use rustfft::{Fft, FftPlanner};

use crate::Checkpoint;

/// A transform's points.
pub(crate) type Points = Vec<Complex64>;

/// Lengths are one of these times a power of two: at most a fifth longer than needed, and quick to transform.
const MULTIPLES: [usize; 6] = [8, 9, 10, 12, 14, 15];

/// Powers of two among the lengths. The longest transform fits numbers of 15.7 million digits.
const POWERS: usize = 20;

/// Longer transforms are split into ones of at most this length, each of which takes about a millisecond and
/// fits in a core's cache, with a checkpoint between them.
const LONGEST_WHOLE: usize = 1 << 16;

/// The plans of all lengths needed so far, shared by all threads.
#[derive(Debug, Default)]
pub(crate) struct Plans {
    slots: [[OnceLock<Arc<Plan>>; MULTIPLES.len()]; POWERS],
}

impl Plans {
    /// The plan with the shortest length that fits numbers of this many digits, or the longest of all.
    pub(crate) fn for_digits(&self, digits: usize) -> Arc<Plan> {
        let (power, multiple) = slot(digits);
        let plan = self.slots[power][multiple]
            .get_or_init(|| Arc::new(Plan::new(MULTIPLES[multiple] << power)));
        Arc::clone(plan)
    }
}

/// Power and multiple of the shortest length that fits numbers of this many digits.
const fn slot(digits: usize) -> (usize, usize) {
    let mut power = 0;
    while power < POWERS {
        let mut multiple = 0;
        while multiple < MULTIPLES.len() {
            if 2 * (MULTIPLES[multiple] << power) >= digits {
                return (power, multiple);
            }
            multiple += 1;
        }
        power += 1;
    }
    (POWERS - 1, MULTIPLES.len() - 1)
}

/// The number of points of the transform for numbers of this many digits.
pub(crate) const fn length(digits: usize) -> usize {
    let (power, multiple) = slot(digits);
    MULTIPLES[multiple] << power
}

/// The worst-case distance of a coefficient from its integer, for digits of a balanced base and the largest
/// product in doubling, b·(2a + b): Percival, "Rapid multiplication modulo the sum and difference of highly
/// composite numbers", theorem 5.1, with one more level for the weights and one for the sums. Rounding is
/// correct as long as this is below ½.
#[cfg(test)]
#[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
pub(crate) fn worst_error(length: usize, base: u32) -> f64 {
    let (largest, points) = (f64::from(base / 2 + 1), length as f64);
    let norms = 3.0 * largest * largest * 2.0 * points;
    let roundings = 3.0 * (1.0 + 5.0_f64.sqrt() + 1.5) * (points.log2() + 2.0) + 5.0;
    norms * roundings * f64::EPSILON / 2.0
}

/// What transforms of one length share.
pub(crate) struct Plan {
    length: usize,
    /// exp(πi·j / 2M): the weights, and every twiddle factor.
    weights: Vec<Complex64>,
    /// FFTs of the whole length, or of the blocks into which it is split.
    block: usize,
    forward: Arc<dyn Fft<f64>>,
    inverse: Arc<dyn Fft<f64>>,
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan")
            .field("length", &self.length)
            .field("block", &self.block)
            .finish_non_exhaustive()
    }
}

impl Plan {
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    fn new(length: usize) -> Self {
        let mut block = length;
        while block > LONGEST_WHOLE {
            block /= 2;
        }
        let angle = |j: usize| std::f64::consts::FRAC_PI_2 * j as f64 / length as f64;
        let mut planner = FftPlanner::new();
        Self {
            length,
            weights: (0..length)
                .map(|j| Complex64::from_polar(1.0, angle(j)))
                .collect(),
            block,
            forward: planner.plan_fft_forward(block),
            inverse: planner.plan_fft_inverse(block),
        }
    }

    /// The transform of a number, given by its digits, lowest first.
    pub(crate) fn transform<E>(
        &self,
        digits: &[i16],
        points: &mut Points,
        scratch: &mut Points,
        check: Checkpoint<'_, E>,
    ) -> Result<(), E> {
        check()?;
        let (low, high) = digits.split_at(digits.len().min(self.length));
        let high = high.iter().map(|d| f64::from(*d));
        let high = high.chain(std::iter::repeat(0.0));
        let parts = low.iter().map(|d| f64::from(*d)).zip(high);
        points.clear();
        points.extend(
            parts
                .zip(&self.weights)
                .map(|((re, im), weight)| Complex64::new(re, im) * weight),
        );
        points.resize(self.length, Complex64::ZERO);
        let mut whole = self.length;
        while whole > self.block {
            check()?;
            self.split(points, whole);
            whole /= 2;
        }
        each_block(self.forward.as_ref(), points, scratch, check)
    }

    /// The inverse transform, not yet divided by the length.
    pub(crate) fn back<E>(
        &self,
        points: &mut Points,
        scratch: &mut Points,
        check: Checkpoint<'_, E>,
    ) -> Result<(), E> {
        each_block(self.inverse.as_ref(), points, scratch, check)?;
        let mut whole = 2 * self.block;
        while whole <= self.length {
            check()?;
            self.join(points, whole);
            whole *= 2;
        }
        check()
    }

    /// One step of decimation in frequency, which leaves two transforms of half the length.
    fn split(&self, points: &mut [Complex64], whole: usize) {
        for points in points.chunks_exact_mut(whole) {
            let (low, high) = points.split_at_mut(whole / 2);
            for (j, (low, high)) in low.iter_mut().zip(high).enumerate() {
                let difference = *low - *high;
                *low += *high;
                *high = difference * self.twiddle(j, whole);
            }
        }
    }

    /// The inverse of [`Self::split`], times two.
    fn join(&self, points: &mut [Complex64], whole: usize) {
        for points in points.chunks_exact_mut(whole) {
            let (low, high) = points.split_at_mut(whole / 2);
            for (j, (low, high)) in low.iter_mut().zip(high).enumerate() {
                let turned = *high * self.twiddle(j, whole).conj();
                *high = *low - turned;
                *low += turned;
            }
        }
    }

    /// exp(−2πi·j / whole), for j below half of it.
    fn twiddle(&self, j: usize, whole: usize) -> Complex64 {
        let at = 4 * j * (self.length / whole);
        match at.checked_sub(self.length) {
            None => self.weights[at].conj(),
            // A quarter turn further: exp(−πi/2) = −i.
            Some(at) => {
                let weight = self.weights[at];
                Complex64::new(-weight.im, -weight.re)
            }
        }
    }

    /// The digits of the number that the points represent, lowest first, each at most half the base. The two
    /// halves carry independently, so neither waits for the other.
    pub(crate) fn digits(&self, points: &Points, base: f64, count: usize, digits: &mut Vec<i16>) {
        digits.clear();
        digits.resize(2 * self.length, 0);
        let (low, high) = digits.split_at_mut(self.length);
        let (mut low_carry, mut high_carry) = (0.0, 0.0);
        let places = low.iter_mut().zip(high.iter_mut());
        for ((point, weight), (low, high)) in points.iter().zip(&self.weights).zip(places) {
            let value = self.coefficient(*point, *weight);
            *low = carry(rounded(value.re) + low_carry, base, &mut low_carry);
            *high = carry(rounded(value.im) + high_carry, base, &mut high_carry);
        }
        for high in high {
            if low_carry == 0.0 {
                break;
            }
            *high = carry(f64::from(*high) + low_carry, base, &mut low_carry);
        }
        digits.truncate(count);
    }

    /// Two coefficients of the product, as real and imaginary parts.
    #[expect(clippy::cast_precision_loss, reason = "lengths are far below 2^53")]
    fn coefficient(&self, point: Complex64, weight: Complex64) -> Complex64 {
        point * weight.conj() * (1.0 / self.length as f64)
    }
}

fn each_block<E>(
    fft: &dyn Fft<f64>,
    points: &mut Points,
    scratch: &mut Points,
    check: Checkpoint<'_, E>,
) -> Result<(), E> {
    let needed = fft.get_inplace_scratch_len();
    if scratch.len() < needed {
        scratch.resize(needed, Complex64::ZERO);
    }
    for block in points.chunks_exact_mut(fft.len()) {
        check()?;
        fft.process_with_scratch(block, scratch);
    }
    Ok(())
}

/// The remaining digit of a value, and its carry.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a digit is below half a base of at most 10,000"
)]
#[inline]
fn carry(value: f64, base: f64, carried: &mut f64) -> i16 {
    *carried = rounded(value * (1.0 / base));
    (value - *carried * base) as i16
}

/// The nearest integer to a number below 2^51, by two additions: above 2^52 the spacing of doubles is 1.
#[inline]
fn rounded(value: f64) -> f64 {
    // 1.5 · 2^52
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    (value + SHIFT) - SHIFT
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    type Never = Result<(), Infallible>;

    /// The square of a number, and its coefficients before rounding.
    fn square(digits: &[i16], base: u32) -> (Vec<Complex64>, Vec<i16>) {
        let plan = Plans::default().for_digits(2 * digits.len());
        let (mut points, mut scratch) = (Vec::new(), Vec::new());
        let Ok(()) = plan.transform(digits, &mut points, &mut scratch, &mut || Never::Ok(()));
        for point in &mut points {
            *point = *point * *point;
        }
        let Ok(()) = plan.back(&mut points, &mut scratch, &mut || Never::Ok(()));
        let mut product = Vec::new();
        plan.digits(&points, f64::from(base), 2 * digits.len(), &mut product);
        let coefficients = points.iter().zip(&plan.weights);
        let coefficients = coefficients.map(|(p, w)| plan.coefficient(*p, *w));
        (coefficients.collect(), product)
    }

    #[test]
    fn a_square_has_the_digits_of_long_multiplication() {
        // 12,345,678 and a number with a negative digit: 5,000·10^4 − 1.
        for (digits, value) in [
            (vec![5_678, 1_234], 12_345_678_i64),
            (vec![-1, 5_000], 49_999_999),
        ] {
            let (_, product) = square(&digits, 10_000);
            let whole = product.iter().rev();
            let whole = whole.fold(0_i64, |sum, d| sum * 10_000 + i64::from(*d));
            assert_eq!(whole, value * value);
        }
    }

    #[test]
    fn coefficients_of_the_largest_digits_stay_within_the_bound_at_every_kind_of_length() {
        for length in [8 << 4, 15 << 8, 9 << 11, 12 << 13] {
            let digits: Vec<i16> = (0..length)
                .map(|j| if j * j % 7 < 3 { 5_001 } else { -5_001 })
                .collect();
            let (coefficients, _) = square(&digits, 10_000);
            let parts = coefficients.iter().flat_map(|c| [c.re, c.im]);
            let worst = parts.map(|c| (c - c.round()).abs()).fold(0.0, f64::max);
            let bound = worst_error(length, 10_000);
            assert!(worst < bound && bound < 0.5, "{length}: {worst} of {bound}");
        }
    }

    #[test]
    fn a_split_transform_multiplies_like_a_whole_one() {
        // 131,072 points: two blocks. All digits 1 gives 1, 2, 3, … up to the middle and down again.
        let (coefficients, _) = square(&vec![1; 131_072], 10_000);
        let mut up = 0.0;
        for value in coefficients {
            let down = 131_071.0 - up;
            up += 1.0;
            assert!((value.re - up).abs() < 0.5 && (value.im - down).abs() < 0.5);
        }
    }

    #[test]
    fn a_length_is_at_most_a_fifth_longer_than_needed() {
        let mut before = 8;
        for digits in (17..1_000_000).step_by(977) {
            let fits = length(digits);
            assert!(2 * fits >= digits && fits >= before);
            assert!(2 * fits <= digits + digits / 5 + 2, "{digits}: {fits}");
            before = fits;
        }
    }
}

//! Two facts about F(n) that are cheap for any `n`.

use super::field::Field;

/// log10 of the golden ratio, times 10^28, rounded down.
const LOG_PHI: u128 = 2_089_876_402_499_787_337_692_720_892;
/// log10 of the square root of five, times 10^28, rounded down.
const LOG_SQRT5: u128 = 3_494_850_021_680_094_023_931_305_526;
const ONE: u128 = 10_u128.pow(28);

/// F(n) modulo the field's prime, by fast doubling.
pub fn residue(field: &Field, n: u32) -> u64 {
    // Invariant: (a, b) = (F(k), F(k+1)) for the bits of n read so far, from the highest.
    let (mut a, mut b) = (field.scaled(0), field.scaled(1));
    for bit in (0..32 - n.leading_zeros()).rev() {
        // F(2k) = F(k)·(2F(k+1) − F(k)), F(2k+1) = F(k)² + F(k+1)²
        let twice = field.mul(a, field.sub(field.add(b, b), a));
        let next = field.add(field.mul(a, a), field.mul(b, b));
        (a, b) = if n >> bit & 1 == 1 {
            (next, field.add(twice, next))
        } else {
            (twice, next)
        };
    }
    field.plain(a)
}

/// How many decimal digits F(n) has, exactly, for every `n`.
///
/// F(n) is φ^n/√5 rounded (Binet), so for n ≥ 2 the count is ⌊n·log10 φ − log10 √5⌋ + 1, unless that value is
/// so close to an integer that the truncation of the constants (10^-28 each, below 5·10^-19 for n < 2^32) or
/// the rounding (φ^-2n relative) decides. It never is: a search through every n from 41 to 2^32 finds no
/// distance below 2.8·10^-11 (at n = 3,316,234,264), where φ^-82 is 8·10^-18; below 41, and for thousands of n
/// above, the tests count the digits of F(n) itself.
pub fn digits(n: u32) -> u64 {
    if n < 2 {
        return 1;
    }
    let whole = (u128::from(n) * LOG_PHI - LOG_SQRT5.min(u128::from(n) * LOG_PHI)) / ONE;
    u64::try_from(whole).unwrap_or(u64::MAX).saturating_add(1)
}

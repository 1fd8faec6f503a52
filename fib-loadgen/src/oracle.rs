//! Is this decimal string F(n)? By a method that never computes F(n), and shares no code with the server.
//!
//! Two independent facts about F(n) are cheap for any `n`: its residue modulo the prime 2^61 − 1, and
//! its exact number of decimal digits. An answer whose digits reduce to that residue and whose length
//! is that number is F(n), but for one wrong answer in 2^61 (4·10^-19) that happens to agree.

mod reader;

pub use reader::{Flaw, Reader};

/// The Mersenne prime 2^61 − 1.
pub const MODULUS: u64 = (1 << 61) - 1;

/// log10 of the golden ratio, times 10^28, rounded down.
const LOG_PHI: u128 = 2_089_876_402_499_787_337_692_720_892;
/// log10 of the square root of five, times 10^28, rounded down.
const LOG_SQRT5: u128 = 3_494_850_021_680_094_023_931_305_526;
const ONE: u128 = 10_u128.pow(28);

/// F(n) modulo 2^61 − 1, by fast doubling.
pub fn residue(n: u32) -> u64 {
    // Invariant: (a, b) = (F(k), F(k+1)) for the bits of n read so far, from the highest.
    let (mut a, mut b) = (0, 1);
    for bit in (0..32 - n.leading_zeros()).rev() {
        // F(2k) = F(k)·(2F(k+1) − F(k)), F(2k+1) = F(k)² + F(k+1)²
        let twice = mul(a, add(add(b, b), MODULUS - a));
        let next = add(mul(a, a), mul(b, b));
        (a, b) = if n >> bit & 1 == 1 {
            (next, add(twice, next))
        } else {
            (twice, next)
        };
    }
    a
}

/// How many decimal digits F(n) has, exactly, for every `n`.
///
/// F(n) is φ^n/√5 rounded (Binet), so for n ≥ 2 the count is ⌊n·log10 φ − log10 √5⌋ + 1, unless that
/// value is so near a whole number that the cut of the constants (10^-28 each, below 5·10^-19 for
/// n < 2^32) or the rounding (φ^-2n relative) decides. It never is: a search through every n from 41
/// to 2^32 finds no distance below 2.8·10^-11 (at n = 3,316,234,264), where φ^-82 is 8·10^-18; and below
/// 41, as for the thousands above it, the tests count the digits of F(n) itself.
pub fn digits(n: u32) -> u64 {
    if n < 2 {
        return 1;
    }
    let whole = (u128::from(n) * LOG_PHI - LOG_SQRT5.min(u128::from(n) * LOG_PHI)) / ONE;
    u64::try_from(whole).unwrap_or(u64::MAX).saturating_add(1)
}

/// a + b modulo [`MODULUS`], for both at most the modulus.
fn add(a: u64, b: u64) -> u64 {
    let sum = a + b;
    if sum >= MODULUS {
        (sum - MODULUS) % MODULUS
    } else {
        sum
    }
}

/// a · b modulo [`MODULUS`]: since 2^61 ≡ 1, the high and the low 61 bits are added.
fn mul(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "masked to 61 bits, and below 2^122 shifted by 61"
    )]
    let (low, high) = (
        (product & u128::from(MODULUS)) as u64,
        (product >> 61) as u64,
    );
    add(low, high)
}

#[cfg(test)]
mod tests;

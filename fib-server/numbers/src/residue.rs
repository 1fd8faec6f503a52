//! Checks a result by its residue modulo a prime that nobody knows in advance: wrong digits agree with the
//! correct ones modulo a random 62-bit prime about once in 2^56 times.

/// A prime between 2^61 and 2^62, with the constants for Montgomery multiplication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Modulus {
    prime: u64,
    /// −prime⁻¹ modulo 2^64.
    inverse: u64,
    /// 2^128 modulo the prime: converts a number to Montgomery form.
    square: u64,
}

/// The number of decimal digits per step of [`Modulus::of_digits`].
const STEP: usize = 18;

impl Modulus {
    /// A prime that depends on all bits of a seed; draw the seed at random, once per process.
    pub fn drawn_from(seed: u64) -> Self {
        let mut candidate = (1 << 61) | (mixed(seed) >> 3) | 1;
        while !is_prime(candidate) {
            candidate += 2;
        }
        Self::new(candidate)
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a remainder of a 64-bit number"
    )]
    fn new(prime: u64) -> Self {
        // Each step of Newton's iteration doubles the number of correct bits, starting from the 3 of an odd
        // number.
        let inverse = (0..5).fold(prime, |x, _| {
            x.wrapping_mul(2_u64.wrapping_sub(prime.wrapping_mul(x)))
        });
        let square = ((u128::MAX % u128::from(prime) + 1) % u128::from(prime)) as u64;
        Self {
            prime,
            inverse: inverse.wrapping_neg(),
            square,
        }
    }

    /// a·b / 2^64 modulo the prime, where a·b is below 2^64 times the prime.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the words of a double word"
    )]
    fn times(self, a: u64, b: u64) -> u64 {
        let product = u128::from(a) * u128::from(b);
        let multiple = u128::from((product as u64).wrapping_mul(self.inverse));
        // Below 2·prime·2^64, so nothing is lost.
        let sum = ((product + multiple * u128::from(self.prime)) >> 64) as u64;
        self.below(sum)
    }

    fn plus(self, a: u64, b: u64) -> u64 {
        self.below(a + b)
    }

    /// Subtracts the prime from a number below twice the prime, if needed.
    fn below(self, sum: u64) -> u64 {
        if sum < self.prime {
            sum
        } else {
            sum - self.prime
        }
    }

    /// A number in Montgomery form.
    fn form(self, value: u64) -> u64 {
        self.times(value, self.square)
    }

    /// The residue of a number given by its ASCII digits.
    pub fn of_digits(self, digits: &[u8]) -> u64 {
        let value = |part: &[u8]| {
            let digit = |d: &u8| u64::from(d.wrapping_sub(b'0'));
            part.iter().fold(0, |sum, d| sum * 10 + digit(d))
        };
        let (first, rest) = digits.split_at(digits.len() % STEP);
        let shift = self.form(10_u64.pow(18) % self.prime);
        let steps = rest.chunks_exact(STEP);
        // The sum stays in plain form: a plain number times one in Montgomery form is plain.
        steps.fold(value(first), |sum, part| {
            self.plus(self.times(sum, shift), value(part) % self.prime)
        })
    }

    /// The residue of F(n), by doubling: F(2k) = F(k)·(2·F(k+1) − F(k)), F(2k+1) = F(k)² + F(k+1)².
    pub fn of_fibonacci(self, n: u64) -> u64 {
        let (mut this, mut next) = (0, self.form(1));
        for bit in (0..u64::BITS - n.leading_zeros()).rev() {
            let twice = self.plus(next, next);
            let even = self.times(this, self.plus(twice, self.prime - this));
            let odd = self.plus(self.times(this, this), self.times(next, next));
            (this, next) = if n >> bit & 1 == 0 {
                (even, odd)
            } else {
                (odd, self.plus(even, odd))
            };
        }
        // Converts from Montgomery form.
        self.times(this, 1)
    }
}

/// The output function of `SplitMix64` (Steele, Lea and Flood): every bit depends on every bit of the seed.
fn mixed(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The Miller-Rabin test with the bases that are exact for every 64-bit number (Sinclair).
fn is_prime(n: u64) -> bool {
    const BASES: [u64; 7] = [2, 325, 9_375, 28_178, 450_775, 9_780_504, 1_795_265_022];
    let twos = (n - 1).trailing_zeros();
    let odd = (n - 1) >> twos;
    BASES.iter().all(|base| {
        let mut x = power(base % n, odd, n);
        base % n == 0
            || x == 1
            || (0..twos).any(|_| {
                let found = x == n - 1;
                x = product(x, x, n);
                found
            })
    })
}

fn power(mut base: u64, mut exponent: u64, modulus: u64) -> u64 {
    let mut result = 1;
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = product(result, base, modulus);
        }
        base = product(base, base, modulus);
        exponent >>= 1;
    }
    result
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a remainder of a 64-bit number"
)]
fn product(a: u64, b: u64, modulus: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(modulus)) as u64
}

#[cfg(test)]
mod tests {
    use malachite::Natural;
    use malachite::base::num::arithmetic::traits::Fibonacci;
    use proptest::prelude::*;

    use super::*;

    fn residue(value: &Natural, modulus: Modulus) -> u64 {
        u64::try_from(&(value % Natural::from(modulus.prime))).unwrap()
    }

    #[test]
    fn known_primes_and_composites_are_distinguished() {
        for prime in [
            3,
            5,
            7,
            13,
            1_000_003,
            (1 << 61) - 1,
            18_446_744_073_709_551_557,
        ] {
            assert!(is_prime(prime), "{prime}");
        }
        for composite in [
            9,
            341,
            3_215_031_751,
            3_825_123_056_546_413_051,
            (1 << 61) + 1,
        ] {
            assert!(!is_prime(composite), "{composite}");
        }
    }

    #[test]
    fn different_seeds_give_different_62_bit_primes() {
        let mut primes: Vec<_> = (0..100).map(|s| Modulus::drawn_from(s).prime).collect();
        assert!(primes.iter().all(|p| (1 << 61..1 << 62).contains(p)));
        primes.sort_unstable();
        primes.dedup();
        assert_eq!(primes.len(), 100);
    }

    proptest! {
        #[test]
        fn both_residues_are_those_of_the_number(n in 0_u64..5_000, seed: u64) {
            let (modulus, value) = (Modulus::drawn_from(seed), Natural::fibonacci(n));
            prop_assert_eq!(modulus.of_fibonacci(n), residue(&value, modulus));
            let digits = value.to_string();
            prop_assert_eq!(modulus.of_digits(digits.as_bytes()), residue(&value, modulus));
        }

        #[test]
        fn one_wrong_digit_changes_the_residue(n in 100_u64..5_000, seed: u64, place: prop::sample::Index) {
            let modulus = Modulus::drawn_from(seed);
            let mut digits = Natural::fibonacci(n).to_string().into_bytes();
            let at = place.index(digits.len());
            digits[at] = b'0' + (digits[at] - b'0' + 1) % 10;
            prop_assert_ne!(modulus.of_digits(&digits), modulus.of_fibonacci(n));
        }
    }
}

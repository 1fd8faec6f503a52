//! Arithmetic modulo a 61-bit prime that is drawn for each run.

/// The residues modulo one prime between 2^60 and 2^61.
///
/// Products are Montgomery's (1985): `mul(a, b)` is a·b/2^64. A value that is `scaled` has the factor 2^64; the
/// product of two scaled values is scaled, and that of a scaled and a plain one is plain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    prime: u64,
    /// −1/prime modulo 2^64.
    inverse: u64,
    /// 2^128 modulo the prime.
    square: u64,
}

/// Enough bases for every number below 3.3·10^24 (Sorenson, Webster 2015).
const BASES: [u64; 12] = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37];

impl Field {
    /// The first prime at or above a random starting point.
    pub fn drawn(bits: u64) -> Self {
        let mut candidate = (1 << 60) | (bits >> 4) | 1;
        while !is_prime(candidate) {
            candidate += 2;
            if candidate >> 61 != 0 {
                candidate = (1 << 60) | 1;
            }
        }
        Self::of(candidate)
    }

    fn of(prime: u64) -> Self {
        // Newton's iteration: each step doubles the number of correct bits, and an odd number is its own
        // inverse modulo 8.
        let mut inverse = prime;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2_u64.wrapping_sub(prime.wrapping_mul(inverse)));
        }
        let radix = (1_u128 << 64) % u128::from(prime);
        #[expect(clippy::cast_possible_truncation, reason = "below the prime")]
        let square = (radix * radix % u128::from(prime)) as u64;
        Self {
            prime,
            inverse: inverse.wrapping_neg(),
            square,
        }
    }

    /// The prime.
    pub fn prime(&self) -> u64 {
        self.prime
    }

    /// a + b, for both below the prime.
    pub fn add(&self, a: u64, b: u64) -> u64 {
        let sum = a + b;
        if sum >= self.prime {
            sum - self.prime
        } else {
            sum
        }
    }

    /// a − b, for both below the prime.
    pub fn sub(&self, a: u64, b: u64) -> u64 {
        if a >= b { a - b } else { a + self.prime - b }
    }

    /// a·b/2^64, for both below the prime.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the low half, and then what is below 2^62"
    )]
    pub fn mul(&self, a: u64, b: u64) -> u64 {
        let product = u128::from(a) * u128::from(b);
        let factor = (product as u64).wrapping_mul(self.inverse);
        let reduced = ((product + u128::from(factor) * u128::from(self.prime)) >> 64) as u64;
        if reduced >= self.prime {
            reduced - self.prime
        } else {
            reduced
        }
    }

    /// A number with the factor 2^64.
    pub fn scaled(&self, number: u64) -> u64 {
        self.mul(number % self.prime, self.square)
    }

    /// A scaled number without its factor.
    pub fn plain(&self, scaled: u64) -> u64 {
        self.mul(scaled, 1)
    }
}

/// The Miller-Rabin test, which is exact with these bases.
fn is_prime(number: u64) -> bool {
    if number < 2 || BASES.iter().any(|base| number.is_multiple_of(*base)) {
        return BASES.contains(&number);
    }
    let twos = (number - 1).trailing_zeros();
    let odd = (number - 1) >> twos;
    #[expect(clippy::cast_possible_truncation, reason = "below the modulus")]
    let times = |a: u64, b: u64| (u128::from(a) * u128::from(b) % u128::from(number)) as u64;
    BASES.iter().all(|base| {
        let (mut power, mut square, mut exponent) = (1, *base, odd);
        while exponent > 0 {
            if exponent & 1 == 1 {
                power = times(power, square);
            }
            square = times(square, square);
            exponent >>= 1;
        }
        let mut rounds = (0..twos).scan(power, |power, _| {
            let now = *power;
            *power = times(now, now);
            Some(now)
        });
        power == 1 || rounds.any(|power| power == number - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::{self, Purpose};

    #[test]
    fn primes_are_distinguished_from_strong_pseudoprimes() {
        for prime in [
            2,
            3,
            37,
            41,
            1_000_000_007,
            (1 << 61) - 1,
            18_446_744_073_709_551_557,
        ] {
            assert!(is_prime(prime), "{prime}");
        }
        // Including strong pseudoprimes to all bases up to 31 and 37 (OEIS A014233).
        for composite in [
            0,
            1,
            4,
            2_047,
            3_215_031_751,
            3_825_123_056_546_413_051,
            u64::MAX,
        ] {
            assert!(!is_prime(composite), "{composite}");
        }
    }

    #[test]
    fn each_run_has_its_own_61_bit_prime() {
        let drawn: std::collections::HashSet<u64> = (0..200)
            .map(|run| Field::drawn(chance::bits(run, Purpose::Prime, 0)).prime())
            .collect();
        assert_eq!(drawn.len(), 200);
        assert!(
            drawn
                .iter()
                .all(|prime| prime >> 60 == 1 && is_prime(*prime))
        );
        assert!(is_prime(Field::drawn(u64::MAX).prime()));
    }

    #[test]
    fn products_and_sums_are_those_of_the_integers() {
        let field = Field::drawn(12_345);
        let prime = u128::from(field.prime());
        for index in 0..1_000 {
            let a = chance::bits(1, Purpose::Prime, index) % field.prime();
            let b = chance::bits(2, Purpose::Prime, index) % field.prime();
            let product = field.mul(field.scaled(a), b);
            assert_eq!(u128::from(product), u128::from(a) * u128::from(b) % prime);
            assert_eq!(field.plain(field.scaled(a)), a);
            assert_eq!(field.sub(field.add(a, b), b), a);
        }
    }
}

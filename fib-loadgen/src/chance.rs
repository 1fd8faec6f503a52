//! Reproducible randomness: one number per (seed, purpose, index), without shared state.
//!
//! Every draw depends only on its index, so the order in which users draw changes nothing: with the same seed,
//! request 17 has the same `n` in every run.

/// What a draw is for, so that two purposes never see the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Which `n` to request.
    Workload,
    /// How long until the next arrival.
    Arrival,
    /// How long to think.
    Think,
    /// Whether to verify this answer.
    Sample,
    /// When to close a connection.
    Connection,
    /// The prime modulo which values are verified.
    Prime,
    /// Which request of several to send.
    Request,
    /// The value of a template's placeholder.
    Template,
    /// Which stretch of a run replaces another.
    Resample,
}

/// 64 random bits for the `index`-th draw for `purpose`.
///
/// `SplitMix64`'s output function (Steele, Lea, Flood 2014) over a Weyl sequence.
pub fn bits(seed: u64, purpose: Purpose, index: u64) -> u64 {
    let stream = mix(seed ^ mix(purpose as u64 + 1));
    mix(stream.wrapping_add(index.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// A number in [0, 1) for the `index`-th draw for `purpose`.
#[expect(clippy::cast_precision_loss, reason = "53 bits are exact in an f64")]
pub fn unit(seed: u64, purpose: Purpose, index: u64) -> f64 {
    (bits(seed, purpose, index) >> 11) as f64 / (1_u64 << 53) as f64
}

/// 64 random bits, from the entropy with which the standard library keys its hash maps.
pub fn entropy() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one("entropy")
}

/// A random seed.
pub fn fresh_seed() -> u64 {
    // Short enough to type again, and exact in a JSON reader that stores numbers as f64.
    entropy() >> 32
}

fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_purpose_and_index_give_the_same_number() {
        assert_eq!(bits(7, Purpose::Workload, 3), bits(7, Purpose::Workload, 3));
        assert_ne!(bits(7, Purpose::Workload, 3), bits(8, Purpose::Workload, 3));
        assert_ne!(bits(7, Purpose::Workload, 3), bits(7, Purpose::Think, 3));
        assert_ne!(bits(7, Purpose::Workload, 3), bits(7, Purpose::Workload, 4));
    }

    #[test]
    fn draws_are_spread_evenly_over_the_unit_interval() {
        let mut tenths = [0_u32; 10];
        for index in 0..100_000 {
            let at = unit(1, Purpose::Arrival, index) * 10.0;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 ≤ at < 10"
            )]
            {
                tenths[at as usize] += 1;
            }
        }
        assert!(
            tenths.iter().all(|count| (9_600..10_400).contains(count)),
            "{tenths:?}"
        );
    }
}

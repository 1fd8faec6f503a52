//! Reproducible randomness: a number for each (seed, purpose, index), with no state to share.
//!
//! Because every draw depends on its index alone, the order in which users happen to ask changes
//! nothing: the same seed gives request 17 the same `n` in every run.

/// What a draw is for, so that two purposes never see the same numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Which `n` to ask for.
    Workload,
    /// How long until the next arrival.
    Arrival,
    /// How long to think.
    Think,
    /// Whether to verify this answer.
    Sample,
    /// When to give up a connection.
    Connection,
    /// Modulo which prime to prove values.
    Prime,
    /// Which request of several to send.
    Request,
    /// What stands in the place of a template.
    Template,
    /// Which stretch of a run stands in for another.
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

/// 64 bits nobody chose, from the entropy the standard library keys its hash maps with.
pub fn entropy() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one("entropy")
}

/// A seed nobody chose.
pub fn fresh_seed() -> u64 {
    // Short enough to be typed again, and exact in a JSON reader that keeps numbers as f64.
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

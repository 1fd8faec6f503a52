//! Which `n` to request next: a distribution and a seed, so that the same seed gives the same requests.

use std::str::FromStr;

use crate::chance::{self, Purpose};

/// The distribution of `n`.
#[derive(Debug, Clone, PartialEq)]
pub enum Workload {
    /// Every `n` from the first to the second with equal probability.
    Uniform(u32, u32),
    /// From the first to the second, with equal probability for every order of magnitude.
    Log(u32, u32),
    /// Parts, each with its cumulative probability; the last one has 1.
    Mix(Vec<(f64, Workload)>),
}

impl Workload {
    /// The `n` of the `index`-th request.
    pub fn n(&self, seed: u64, index: u64) -> u32 {
        self.pick(chance::unit(seed, Purpose::Workload, index))
    }

    /// The smallest `n` that can be drawn.
    pub fn smallest(&self) -> u32 {
        match self {
            Self::Uniform(low, _) | Self::Log(low, _) => *low,
            Self::Mix(parts) => parts
                .iter()
                .map(|(_, part)| part.smallest())
                .min()
                .unwrap_or(0),
        }
    }

    /// The `n` at `quantile` (0 to 1, 1 excluded) of the distribution.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a quantile below 1 stays within the bounds, which are u32"
    )]
    fn pick(&self, quantile: f64) -> u32 {
        match self {
            Self::Uniform(low, high) => {
                let width = f64::from(high - low) + 1.0;
                low + ((width * quantile) as u32).min(high - low)
            }
            Self::Log(low, high) => {
                let (from, to) = (f64::from(*low).ln(), (f64::from(*high) + 1.0).ln());
                ((from + (to - from) * quantile).exp() as u32).clamp(*low, *high)
            }
            Self::Mix(parts) => {
                let mut below = 0.0;
                for (upto, part) in parts {
                    if quantile < *upto {
                        return part.pick((quantile - below) / (upto - below));
                    }
                    below = *upto;
                }
                // Rounding at the last bound: the last part takes the rest.
                parts.last().map_or(0, |(_, part)| part.pick(0.0))
            }
        }
    }
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(parts) = text.strip_prefix("mix:") {
            return mix(parts);
        }
        if let Some(bounds) = text.strip_prefix("log:") {
            let (low, high) = range(bounds)?;
            if low == 0 {
                return Err("log: has no zero: start at 1 or above".to_owned());
            }
            return Ok(Self::Log(low, high));
        }
        range(text).map(|(low, high)| Self::Uniform(low, high))
    }
}

fn mix(text: &str) -> Result<Workload, String> {
    let mut upto = 0.0;
    let mut parts = Vec::new();
    for part in text.split(',') {
        let (percent, of) = part
            .split_once("%=")
            .ok_or_else(|| format!("`{part}` is not a part of a mix: write it like 90%=100"))?;
        let share: f64 = percent
            .parse()
            .ok()
            .filter(|share| *share > 0.0 && *share <= 100.0)
            .ok_or_else(|| format!("`{percent}` is not a share: write a percentage above 0"))?;
        upto += share / 100.0;
        let (low, high) = range(of)?;
        parts.push((upto, Workload::Uniform(low, high)));
    }
    if (upto - 1.0).abs() > 1e-9 {
        return Err(format!(
            "the parts of the mix add up to {:.3} %, not 100 %",
            upto * 100.0
        ));
    }
    Ok(Workload::Mix(parts))
}

fn range(text: &str) -> Result<(u32, u32), String> {
    let one = |text: &str| {
        text.parse::<u32>().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit())).ok_or_else(|| {
            format!("`{text}` is not an index: write a whole number up to {}, a range like 1..=1000, log:10..=100000 or mix:90%=100,10%=100000", u32::MAX)
        })
    };
    let (low, high) = match text.split_once("..=") {
        Some((low, high)) => (one(low)?, one(high)?),
        None => (one(text)?, one(text)?),
    };
    if low > high {
        return Err(format!(
            "`{text}` is empty: the first bound is above the second"
        ));
    }
    Ok((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(spec: &str, times: u64) -> Vec<u32> {
        let workload: Workload = spec.parse().unwrap();
        (0..times).map(|index| workload.n(42, index)).collect()
    }

    #[test]
    fn one_seed_gives_the_same_requests_in_the_same_order() {
        assert_eq!(drawn("1..=1000", 100), drawn("1..=1000", 100));
        let other: Workload = "1..=1000".parse().unwrap();
        assert_ne!(
            drawn("1..=1000", 100)[..20],
            (0..20).map(|i| other.n(43, i)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_range_reaches_both_its_ends() {
        let seen = drawn("3..=5", 1000);
        assert_eq!((seen.iter().min(), seen.iter().max()), (Some(&3), Some(&5)));
        assert!(drawn("0..=4294967295", 100).len() == 100);
    }

    #[test]
    fn a_mix_keeps_its_shares() {
        let large = drawn("mix:90%=100,10%=100000", 10_000)
            .iter()
            .filter(|n| **n == 100_000)
            .count();
        assert!((900..1100).contains(&large), "{large}");
    }

    #[test]
    fn log_gives_every_decade_the_same_weight() {
        let seen = drawn("log:10..=9999", 9_000);
        let hundreds = seen.iter().filter(|n| (100..1000).contains(*n)).count();
        assert!((2_800..3_200).contains(&hundreds), "{hundreds}");
        assert!(seen.iter().all(|n| (10..=9999).contains(n)));
    }

    #[test]
    fn an_invalid_distribution_is_refused() {
        for spec in [
            "",
            "-1",
            "+1",
            "5..=1",
            "log:0..=9",
            "mix:50%=1",
            "mix:150%=1",
            "1..5",
            "4294967296",
        ] {
            assert!(spec.parse::<Workload>().is_err(), "{spec}");
        }
    }
}

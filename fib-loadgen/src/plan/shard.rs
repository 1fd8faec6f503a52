//! A run divided among several generators that do not communicate: each knows its part from its number, and
//! together they are the whole.

use std::fmt;
use std::str::FromStr;

use super::{Model, Plan};

/// Part `index` of `of`: the tickets whose number is `index` modulo `of`, and the same share of the users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shard {
    /// Counted from 0.
    pub index: u32,
    /// How many parts there are; at least 1.
    pub of: u32,
}

/// More generators than this are probably a mistake.
const MOST: u32 = 10_000;

impl Shard {
    /// The whole run.
    pub const WHOLE: Self = Self { index: 0, of: 1 };

    /// The number of its `own`-th ticket among all tickets.
    pub(super) fn global(self, own: u64) -> u64 {
        own * u64::from(self.of) + u64::from(self.index)
    }

    /// Its own share of a whole number.
    fn part(self, whole: u64) -> u64 {
        whole
            .saturating_sub(u64::from(self.index))
            .div_ceil(u64::from(self.of))
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || {
            format!(
                "`{text}` is not a shard: write it like 0/4 (0/4 to 3/4 are four shards), with at most {MOST} shards"
            )
        };
        let (index, of) = text.split_once('/').ok_or_else(bad)?;
        let (index, of) = (
            index.parse().map_err(|_| bad())?,
            of.parse().map_err(|_| bad())?,
        );
        if index < of && of <= MOST {
            Ok(Self { index, of })
        } else {
            Err(bad())
        }
    }
}

impl Plan {
    /// The part of this plan that a shard executes.
    pub fn part(mut self, shard: Shard) -> Result<Self, String> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "users are u32 by construction"
        )]
        let users = |level: f64| shard.part(level.round() as u64) as f64;
        match &mut self.model {
            Model::Closed { .. } => self.shape = self.shape.map(users),
            Model::Open { workers, .. } => {
                self.shape = self.shape.map(|rate| rate / f64::from(shard.of));
                let part = shard.part(u64::from(*workers));
                *workers = u32::try_from(part).unwrap_or(u32::MAX);
                if *workers == 0 {
                    return Err(too_few(shard));
                }
            }
        }
        if self.shape.peak() <= 0.0 {
            return Err(too_few(shard));
        }
        self.requests = self.requests.map(|requests| shard.part(requests));
        self.shard = shard;
        Ok(self)
    }
}

fn too_few(shard: Shard) -> String {
    format!(
        "shard {shard} has no user: give at least as many --users as there are shards, or fewer shards"
    )
}

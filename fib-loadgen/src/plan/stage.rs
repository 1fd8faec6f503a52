//! One `--stage`: `60s:500` ramps to 500 users within 60 s, `60s@500` jumps to them and holds.

use std::str::FromStr;
use std::time::Duration;

use program_common::duration;

use super::FOREVER;
use crate::quantity;

/// A step of the plan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// How long it takes.
    pub length: Duration,
    /// Its final level.
    pub target: StageLevel,
    /// Whether it has the level from the start (`@`) instead of ramping to it (`:`).
    pub jump: bool,
}

/// The level that a stage leads to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum StageLevel {
    /// This many users.
    Users(u32),
    /// This many requests per second.
    Rate(f64),
}

impl StageLevel {
    /// Users, or requests per second.
    pub fn level(self) -> f64 {
        match self {
            Self::Users(users) => f64::from(users),
            Self::Rate(rate) => rate,
        }
    }
}

impl FromStr for Stage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = text.find([':', '@']).ok_or_else(|| {
            format!("`{text}` is not a stage: write D:TARGET to ramp or D@TARGET to hold, such as 30s:500 users or 60s@430/s")
        })?;
        let (length, target) = (&text[..at], &text[at + 1..]);
        let length = duration::parse(length)?;
        if length > FOREVER {
            return Err(format!(
                "`{text}` is longer than a year: give a shorter stage, or --run-time 0 to run until stopped"
            ));
        }
        let target = if target.contains('/') {
            StageLevel::Rate(quantity::rate(target)?)
        } else {
            let users = target.parse().map_err(|_| {
                format!(
                    "`{target}` is not a target: write a number of users or a rate such as 430/s"
                )
            })?;
            StageLevel::Users(users)
        };
        Ok(Self {
            length,
            target,
            jump: text[at..].starts_with('@'),
        })
    }
}

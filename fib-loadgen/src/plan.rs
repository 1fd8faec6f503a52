//! The load at every instant: validated, pure, and the same for `plan` and `run`.

use std::time::Duration;

pub mod profile;
mod schedule;
mod shape;
mod shard;
mod stage;

pub use profile::Profile;
pub use schedule::{Arrival, Schedule, Ticket};
pub use shape::{Piece, Shape};
pub use shard::Shard;
pub use stage::{Stage, StageLevel};

/// The load of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What decides when the next request is sent.
    pub model: Model,
    /// Users (closed model) or requests per second (open model) over time.
    pub shape: Shape,
    /// The leading part that is recorded separately and not judged.
    pub warmup: Duration,
    /// Stop once exactly this many requests were sent.
    pub requests: Option<u64>,
    /// The part of a divided run.
    pub shard: Shard,
    /// The load of all shards together, from which each shard knows its arrivals.
    pub whole: Shape,
}

/// What decides when the next request is sent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Model {
    /// Each user sends its next request after the answer to the previous one, plus a pause from this range.
    Closed {
        /// Shortest and longest pause.
        think: (Duration, Duration),
    },
    /// Requests have times of their own; users are just workers that send them.
    Open {
        /// The most requests in flight.
        workers: u32,
        /// How arrivals are spaced.
        arrival: Arrival,
    },
}

/// The load flags of the command line.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// `--users`
    pub users: Option<u32>,
    /// `--rate`, requests per second
    pub rate: Option<f64>,
    /// `--stage`, in order
    pub stages: Vec<Stage>,
    /// `--profile`
    pub profile: Option<Profile>,
    /// `--run-time`
    pub run_time: Option<Duration>,
    /// `--ramp-up`
    pub ramp_up: Option<Duration>,
    /// `--ramp-down`
    pub ramp_down: Duration,
    /// `--warmup`
    pub warmup: Duration,
    /// `--requests`
    pub requests: Option<u64>,
    /// `--think`
    pub think: Option<(Duration, Duration)>,
    /// `--arrival`
    pub arrival: Arrival,
}

/// The default number of users.
const USERS: u32 = 50;
/// The default number of workers for a rate: 2,000 requests per second at 100 ms each.
const WORKERS: u32 = 200;
/// The default time to start one user. 500 users are up within 5 s, without a stampede on the server.
const RAMP_PER_USER: Duration = Duration::from_millis(10);
/// The longest default ramp.
const LONGEST_RAMP: Duration = Duration::from_secs(8);
/// The default time to hold the load.
const RUN_TIME: Duration = Duration::from_secs(30);
/// A year, which stands for "until stopped" in arithmetic, and is the longest stage: instants overflow far beyond it.
pub const FOREVER: Duration = Duration::from_hours(8760);

impl Plan {
    /// Builds the plan, or says in one sentence why that is impossible.
    pub fn new(wanted: &Wanted) -> Result<Self, String> {
        if let Some(profile) = &wanted.profile {
            if !wanted.stages.is_empty() || wanted.rate.is_some() {
                return Err(
                    "a profile sets the load over time: omit --stage and --rate, or --profile"
                        .to_owned(),
                );
            }
            let stages = profile.stages.clone();
            return Self::new(&Wanted {
                profile: None,
                stages,
                ..wanted.clone()
            });
        }
        let open = wanted.rate.is_some()
            || wanted
                .stages
                .iter()
                .any(|stage| matches!(stage.target, StageLevel::Rate(_)));
        if open
            && wanted
                .stages
                .iter()
                .any(|stage| matches!(stage.target, StageLevel::Users(_)))
        {
            return Err("stages of users and of a rate can't be mixed: write every stage as D:USERS or as D:RATE/s".to_owned());
        }
        if !wanted.stages.is_empty()
            && (wanted.run_time.is_some()
                || wanted.ramp_up.is_some()
                || !wanted.ramp_down.is_zero())
        {
            return Err("stages set the length of the run: omit --run-time, --ramp-up and --ramp-down, or the stages".to_owned());
        }
        let shape = if open {
            open_shape(wanted)?
        } else {
            closed_shape(wanted)?
        };
        if shape.peak() <= 0.0 {
            return Err(
                "the plan sends nothing: give a stage, --users or --rate above 0".to_owned(),
            );
        }
        if wanted.warmup >= shape.end() {
            return Err(
                "the warm-up is as long as the run, so nothing would be judged: shorten --warmup"
                    .to_owned(),
            );
        }
        let model = if open {
            if wanted.think.is_some() {
                return Err("--think applies to users, not to a rate: omit one of them".to_owned());
            }
            Model::Open {
                workers: wanted.users.unwrap_or(WORKERS),
                arrival: wanted.arrival,
            }
        } else {
            Model::Closed {
                think: wanted.think.unwrap_or_default(),
            }
        };
        Ok(Self {
            model,
            whole: shape.clone(),
            shape,
            warmup: wanted.warmup,
            requests: wanted.requests,
            shard: Shard::WHOLE,
        })
    }

    /// The most simultaneous users.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "users are u32 by construction"
    )]
    pub fn users(&self) -> u32 {
        match self.model {
            Model::Closed { .. } => self.shape.peak().ceil() as u32,
            Model::Open { workers, .. } => workers,
        }
    }

    /// The names of the phases, in order; [`Plan::phase_at`] gives indices into them.
    pub fn phases(&self) -> Vec<Phase> {
        let warmup = (!self.warmup.is_zero()).then(|| Phase {
            name: "warmup".to_owned(),
            start: Duration::ZERO,
            end: self.warmup,
            judged: false,
        });
        let mut phases: Vec<Phase> = warmup.into_iter().collect();
        for piece in self
            .shape
            .pieces()
            .iter()
            .filter(|piece| piece.end() > self.warmup)
        {
            let kind = piece.kind();
            let before = phases
                .iter()
                .filter(|phase| {
                    phase
                        .name
                        .trim_end_matches(|c: char| c == '-' || c.is_ascii_digit())
                        == kind
                })
                .count();
            let name = if before == 0 {
                kind.to_owned()
            } else {
                format!("{kind}-{}", before + 1)
            };
            let start = piece.start.max(self.warmup);
            phases.push(Phase {
                name,
                start,
                end: piece.end(),
                judged: true,
            });
        }
        phases
    }
}

/// A stretch of the run that is recorded on its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phase {
    /// `warmup`, `ramp-up`, `hold`, `ramp-down`, numbered if there are several.
    pub name: String,
    /// Its start, counted from the start of the load.
    pub start: Duration,
    /// Its end.
    pub end: Duration,
    /// Whether it counts for thresholds and latencies.
    pub judged: bool,
}

/// The index of the phase at `elapsed`; anything after the end belongs to the last one.
pub fn phase_at(phases: &[Phase], elapsed: Duration) -> usize {
    phases
        .iter()
        .position(|phase| elapsed < phase.end)
        .unwrap_or(phases.len().saturating_sub(1))
}

fn hold_time(wanted: &Wanted) -> Duration {
    match wanted.run_time {
        Some(Duration::ZERO) => FOREVER,
        Some(time) => time,
        // With a number of requests, that number ends the run.
        None if wanted.requests.is_some() => FOREVER,
        None => RUN_TIME,
    }
}

fn open_shape(wanted: &Wanted) -> Result<Shape, String> {
    if wanted.stages.is_empty() {
        let rate = wanted.rate.unwrap_or_default();
        return Shape::trapezoid(
            rate,
            wanted.ramp_up.unwrap_or_default(),
            hold_time(wanted),
            wanted.ramp_down,
        );
    }
    Shape::from_stages(wanted.rate.unwrap_or_default(), &wanted.stages)
}

fn closed_shape(wanted: &Wanted) -> Result<Shape, String> {
    if wanted.stages.is_empty() {
        let users = wanted.users.unwrap_or(USERS);
        let ramp = wanted
            .ramp_up
            .unwrap_or_else(|| (RAMP_PER_USER * users).min(LONGEST_RAMP));
        return Shape::trapezoid(f64::from(users), ramp, hold_time(wanted), wanted.ramp_down);
    }
    if wanted.users.is_some() {
        return Err(
            "--users and stages of users both set the number of users: omit one of them".to_owned(),
        );
    }
    Shape::from_stages(0.0, &wanted.stages)
}

#[cfg(test)]
mod tests;

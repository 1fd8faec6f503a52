//! Tickets: the next request, and in the open model when it is due.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Model, Plan, Shape, Shard};
use crate::chance::{self, Purpose};

/// How the arrivals of an open model are spaced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Arrival {
    /// Evenly, as the rate says
    #[default]
    Uniform,
    /// Like independent people: exponential gaps drawn from the seed
    Poisson,
}

impl Arrival {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Poisson => "poisson",
        }
    }
}

/// The right to send one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// Its number, which decides its `n`.
    pub index: u64,
    /// When it is due, counted from the start of the load; `None` if it is due as soon as a user is free.
    pub due: Option<Duration>,
}

/// Hands out tickets in order; shared by all users.
#[derive(Debug)]
pub struct Schedule {
    pacing: Pacing,
    next: AtomicU64,
    limit: u64,
    shard: Shard,
}

#[derive(Debug)]
enum Pacing {
    /// No times: the closed model.
    Free,
    Uniform(Shape),
    /// In addition to the shape: the index of the next arrival of all shards, and the area at the previous one.
    Poisson {
        shape: Shape,
        seed: u64,
        arrivals: Mutex<(u64, f64)>,
    },
}

impl Schedule {
    /// The schedule of a plan; the seed decides Poisson gaps.
    pub fn new(plan: &Plan, seed: u64) -> Self {
        let shape = plan.whole.clone();
        let pacing = match plan.model {
            Model::Closed { .. } => Pacing::Free,
            Model::Open {
                arrival: Arrival::Uniform,
                ..
            } => Pacing::Uniform(shape),
            Model::Open {
                arrival: Arrival::Poisson,
                ..
            } => Pacing::Poisson {
                shape,
                seed,
                arrivals: Mutex::new((0, 0.0)),
            },
        };
        Self {
            pacing,
            next: AtomicU64::new(0),
            limit: plan.requests.unwrap_or(u64::MAX),
            shard: plan.shard,
        }
    }

    /// The next ticket; `None` if the plan has no more.
    #[expect(
        clippy::cast_precision_loss,
        reason = "below 2^53 tickets, and far below in practice"
    )]
    pub fn take(&self) -> Option<Ticket> {
        let shard = self.shard;
        match &self.pacing {
            Pacing::Free => self.claim().map(|own| Ticket {
                index: shard.global(own),
                due: None,
            }),
            Pacing::Uniform(shape) => {
                let own = self.claim()?;
                let index = shard.global(own);
                let due = shape.inverse(index as f64)?;
                Some(Ticket {
                    index,
                    due: Some(due),
                })
            }
            Pacing::Poisson {
                shape,
                seed,
                arrivals,
            } => {
                let mut arrivals = arrivals
                    .lock()
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
                let own = self.claim()?;
                let index = shard.global(own);
                // All shards step through the same arrivals, and each takes its own.
                while arrivals.0 <= index {
                    // A Poisson process with any rate is one with rate 1 on the axis of the rate's area.
                    let gap = -(1.0 - chance::unit(*seed, Purpose::Arrival, arrivals.0)).ln();
                    *arrivals = (arrivals.0 + 1, arrivals.1 + gap);
                }
                let area = arrivals.1;
                drop(arrivals);
                Some(Ticket {
                    index,
                    due: Some(shape.inverse(area)?),
                })
            }
        }
    }

    fn claim(&self) -> Option<u64> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        (index < self.limit).then_some(index)
    }
}

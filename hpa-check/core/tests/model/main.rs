//! The controller's rules, one sentence each, asked through `decide`.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod behavior;
mod case;
mod conditions;
mod front_door;
mod legacy;
mod memory;
mod metrics;
mod properties;
mod proposal;
mod readiness;
mod recorded;

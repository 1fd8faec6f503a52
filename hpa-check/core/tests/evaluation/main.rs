//! The evaluator as a whole, on recordings of a small simulated cluster: every finding has a broken run that
//! ends in it, and a healthy run that differs in one respect.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod borders;
mod environment;
mod flags;
mod healthy;
mod keda;
mod lifecycle;
mod limits;
mod nodes;
mod pairs;
mod recorded;
mod schedule;
mod setup;
mod weak_load;
mod world;
mod writers;
mod wrong;

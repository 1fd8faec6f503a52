//! When a run goes on and when it ends: deadlines and the phases that they bound.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod budget;
mod phases;
mod scene;
mod weak_load;

//! When a run goes on and when it ends: phases and their deadlines.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod budget;
mod phases;
mod scene;
mod weak_load;

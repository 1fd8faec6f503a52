//! The pure part of `hpa-check`: no cluster, no clock, no file, no task.
//!
//! ```text
//! Observation ─ Trace ─ Timeline ─ model (what the controller must decide) ─ findings ─ Verdict
//! ```

pub mod decide;
pub mod expectation;
pub mod millis;
pub mod model;
pub mod observation;
pub mod result;
pub mod spec;
pub mod timeline;
pub mod units;
pub mod verdict;

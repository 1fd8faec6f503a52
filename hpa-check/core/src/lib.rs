//! The pure part of `hpa-check`: no cluster, no clock, no file, no task.
//!
//! ```text
//! Observation ─ Trace ─ Timeline ─ model (what the controller must decide) ─ findings ─ Verdict
//! ```

pub mod budget;
pub mod conductor;
pub mod decide;
pub mod demand;
pub mod doctor;
pub mod evaluator;
pub mod expectation;
mod explanation;
pub mod findings;
pub mod manifests;
pub mod millis;
pub mod model;
pub mod observation;
pub mod quantity;
pub mod result;
mod rules;
pub mod simulate;
pub mod spec;
pub mod timeline;
pub mod trace;
pub mod units;
pub mod verdict;
pub mod what_if;

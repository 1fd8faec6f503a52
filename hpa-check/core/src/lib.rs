//! The pure part of `hpa-check`: no cluster, no clock, no files, no async tasks.
//!
//! ```text
//! Observation ─ Trace ─ Timeline ─ model (what the controller must decide) ─ findings ─ Verdict
//! ```

pub mod compare;
pub mod condition;
pub mod decide;
pub mod deployer;
pub mod doctor;
pub mod documents;
pub mod expectation;
pub mod findings;
pub mod judge;
pub mod keda;
pub mod manifests;
pub mod metrics_server;
pub mod millis;
pub mod model;
mod nulls;
pub mod observation;
pub mod quantity;
pub mod quota;
mod rules;
pub mod run;
pub mod settings;
pub mod sim;
pub mod snapshot;
pub mod spec;
pub mod units;
pub mod verdict;

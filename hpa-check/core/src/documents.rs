//! The formats of a run's output, each with its version.

pub mod doctor;
pub mod result;
pub mod trace;

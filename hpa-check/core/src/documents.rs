//! The formats that a run leaves behind, each with its version.

pub mod doctor;
pub mod result;
pub mod trace;

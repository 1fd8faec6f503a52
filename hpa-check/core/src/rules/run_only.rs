//! Findings that only a run can make: it watches from start to end, drives the load, and sees what the
//! controller decides and when.

mod as_view;
pub(crate) mod containers;
pub(crate) mod decisions;
pub(crate) mod keda;
pub(crate) mod load;
pub(crate) mod nodes;
pub(crate) mod path;
pub(crate) mod proofs;
pub(crate) mod reach;
pub(crate) mod run;
pub(crate) mod setup;
pub(crate) mod watching;

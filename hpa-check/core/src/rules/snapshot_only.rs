//! Findings that only a snapshot can make: from objects that no run reads, such as managed fields,
//! templates, other scalers and budgets, and from a single look at what a run would follow over time.

mod as_view;
pub(super) mod conflicts;
pub(crate) mod keda;
pub(crate) mod look;
pub(super) mod manifests;
pub(super) mod notes;
pub(super) mod pods;
pub(super) mod second_look;
pub(super) mod usage;
mod writers;

//! What only a snapshot can know: objects that no run asks for, such as managed fields, templates,
//! other scalers and budgets; and what one look at the present says by itself, where a run follows it
//! over time.

mod as_view;
pub(super) mod conflicts;
pub(crate) mod keda;
pub(crate) mod look;
pub(super) mod manifests;
pub(super) mod notes;
pub(super) mod pods;
pub(super) mod usage;
mod writers;

//! What only a run can know: it watched from its beginning to its end, it made the load, and it saw
//! what the controller decided and when.

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

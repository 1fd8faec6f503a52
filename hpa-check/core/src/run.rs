//! One run: the state so far, why the controller decided as it did, and what to do next.
//!
//! ```text
//! Observation ─ apply ─▶ state ─▶ explain ─▶ conductor ─▶ Action
//! ```

mod apply;
pub mod budget;
pub mod conductor;
pub mod demand;
pub mod evaluator;
pub(crate) mod explain;
pub mod state;
pub mod timeline;

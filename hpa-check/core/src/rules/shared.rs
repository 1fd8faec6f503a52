//! Findings of both a run and a snapshot, evaluated only here.

pub(super) mod bounds;
pub(super) mod containers;
mod failing;
pub(super) mod keda;
pub(super) mod lasting;
pub(super) mod metrics;
pub(super) mod nodes;
pub(super) mod pods;
mod quota_room;
pub(super) mod replicas;
pub(super) mod requests;
pub(super) mod room;
pub(super) mod selectors;
pub(super) mod spread;
pub(super) mod uncomputed;
pub(super) mod wiring;

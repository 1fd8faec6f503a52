//! The rehearsal: the whole job on one machine, with no cluster.
//!
//! ```text
//! fib-loadgen ─► balancer ─► fib-server × 3..10      real processes, real load
//!                              │ CPU time
//!                  metrics window ─► autoscaler (the model) ─► replicas ─┐
//!                              ▲                                         │
//!                              └──────── started, drained ◄──────────────┘
//! ```
//!
//! It rehearses settings with the controller's own arithmetic; it is no cluster, and says so. The
//! [`engine`] runs in any [`world`]: real processes on this [`machine`], or a simulated plant in a test.

pub(crate) mod balancer;
pub(crate) mod controller;
pub(crate) mod deployment;
pub(crate) mod engine;
pub(crate) mod fault;
pub(crate) mod machine;
pub(crate) mod manifest;
pub(crate) mod metrics;
pub(crate) mod pace;
#[cfg(test)]
mod plant;
pub(crate) mod run;
mod scene;
pub(crate) mod settings;
pub(crate) mod sizing;
#[cfg(test)]
mod tests;
pub(crate) mod world;

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
//! It rehearses settings with the controller's own arithmetic; it is not a cluster, and says so. The
//! simulated cluster of the core runs here on real processes on this [`machine`].

pub(crate) mod balancer;
pub(crate) mod machine;
pub(crate) mod manifest;
pub(crate) mod run;
mod scene;
pub(crate) mod settings;
#[cfg(test)]
mod tests;

//! The rehearsal: a full run on one machine, without a cluster.
//!
//! ```text
//! fib-loadgen ─► balancer ─► fib-server × 3..10      real processes, real load
//!                              │ CPU time
//!                  metrics window ─► autoscaler (the model) ─► replicas ─┐
//!                              ▲                                         │
//!                              └──────── started, drained ◄──────────────┘
//! ```
//!
//! It rehearses settings with the controller's own arithmetic; it is not a cluster, and says so. The core's
//! simulated cluster runs here on real processes on this [`machine`].

pub(crate) mod balancer;
pub(crate) mod machine;

use hpa_check_core::run::conductor::Action;
use hpa_check_core::sim::engine::Engine;
use jiff::Timestamp;

use super::{Feed, Next};
use crate::failure::Failure;
use machine::Machine;

/// A rehearsal on this machine as a feed.
pub(crate) struct Rehearsal(pub(crate) Engine<Machine>);

impl Feed for Rehearsal {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    async fn next(&mut self) -> Result<Next, Failure> {
        Feed::next(&mut self.0).await
    }

    fn act(&mut self, action: &Action) {
        self.0.act(action);
    }

    async fn close(self) {
        self.0.into_world().end().await;
    }
}

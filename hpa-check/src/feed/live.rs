//! A live cluster as a source. Only this module uses kube.
//!
//! ```text
//! autoscaler ─ scaleTargetRef ─► target ─ selector ─► pods
//!                                    └───────────────► pods' CPU (polled)
//! events of the namespace · the controller's lease · facts about the environment (asked once)
//! ```
//!
//! Each arrow is a value that may change during the run; whatever depends on it is then restarted.

mod backoff;
mod backup;
mod capacity;
mod chain;
mod clock;
mod connect;
mod controller;
mod convert;
mod cpu;
mod custom;
mod facts;
mod feed;
mod find;
mod follow;
pub(crate) mod job;
mod keda;
mod known;
mod link;
mod reporter;
mod retry_after;
mod scale;
mod servers;
mod survey;
mod target;
mod timing;
mod trouble;

#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use hpa_check_core::keda::ScaledObject;
use hpa_check_core::observation::{ControllerConfig, Observation, RunContext};
use hpa_check_core::spec::AutoscalerSpec;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

pub(crate) use backup::{Backup, Restored};
pub(crate) use clock::Clock;
pub(crate) use connect::ClusterArgs;
pub(crate) use feed::{LiveFeed, is_loopback};
pub(crate) use find::did_you_mean;
pub(crate) use survey::{Assumed, Surveyor};
pub(crate) use timing::Timing;

use crate::failure::Failure;
use crate::load::job::LoadJob;
use chain::Chain;
use connect::Cluster;
use job::JobLoad;
use link::Link;
use reporter::Reporter;

/// A cluster that answered and has the requested autoscaler.
pub(crate) struct LiveCluster {
    cluster: Cluster,
    autoscaler: String,
    spec: AutoscalerSpec,
    scaled_object: Option<ScaledObject>,
    timing: Timing,
    link: Link,
}

/// The running watches. Dropping it ends them.
pub(crate) struct Watching {
    /// The observations, in order.
    pub observations: UnboundedReceiver<Observation>,
    _tasks: JoinSet<()>,
}

impl LiveCluster {
    /// Connects and finds the autoscaler: the named one, or the only one in the namespace.
    pub(crate) async fn find(
        args: &ClusterArgs,
        autoscaler: Option<&str>,
        timing: Timing,
    ) -> Result<Self, Failure> {
        let timing = timing.waiting(args.deadline());
        let cluster = connect::connect(args, timing.call).await?;
        Self::on(cluster, autoscaler, timing).await
    }

    async fn on(
        cluster: Cluster,
        autoscaler: Option<&str>,
        timing: Timing,
    ) -> Result<Self, Failure> {
        let found = find::autoscaler(&cluster, autoscaler, timing).await?;
        let link = link::probe(&cluster, &found.name).await;
        Ok(Self {
            cluster,
            autoscaler: found.name,
            spec: found.spec,
            scaled_object: found.scaled_object,
            timing,
            link,
        })
    }

    /// The autoscaler's spec when it was found.
    pub(crate) fn spec(&self) -> &AutoscalerSpec {
        &self.spec
    }

    /// The context of a run on it, with the controller's settings and whether they were stated.
    pub(crate) fn context(
        &self,
        (controller, controller_stated): (ControllerConfig, bool),
        metrics_resolution: Duration,
    ) -> RunContext {
        RunContext {
            source: "cluster".to_owned(),
            namespace: self.cluster.namespace.clone(),
            autoscaler: self.autoscaler.clone(),
            kubernetes: self.cluster.kubernetes.clone(),
            controller,
            controller_stated,
            metrics_resolution,
        }
    }

    /// A Job that generates load on this cluster.
    pub(crate) fn job(&self, load: LoadJob) -> JobLoad {
        JobLoad::new(self.cluster.clone(), load, self.timing.call)
    }

    /// The clock for all instants of the run.
    pub(crate) fn clock(&self) -> Clock {
        self.cluster.clock
    }

    /// Starts watching on the caller's runtime.
    pub(crate) fn watch(self) -> Watching {
        let (sender, observations) = unbounded_channel();
        let chain = Chain {
            reporter: Reporter::new(sender, self.cluster.clock),
            cluster: self.cluster,
            autoscaler: self.autoscaler,
            scaled_object: self.scaled_object,
            timing: self.timing,
            link: self.link,
        };
        Watching {
            observations,
            _tasks: chain.start(),
        }
    }
}

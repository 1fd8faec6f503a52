//! What a simulated cluster consists of.

use std::time::Duration;

use jiff::Timestamp;

use super::fault::Fault;
use crate::observation::{ControllerConfig, Fact};
use crate::spec::{AutoscalerSpec, ContainerResources};

/// The error of a missing metrics API, in the API server's words.
pub(super) const NO_METRICS: &str =
    "the server could not find the requested resource (get pods.metrics.k8s.io)";

/// The error of a metrics API that does not answer for a while.
const LOST_METRICS: &str =
    "the server is currently unable to handle the request (get pods.metrics.k8s.io)";

/// The parts of the cluster.
#[derive(Debug, Clone)]
pub struct Scene {
    /// `rehearsal` or `simulation`.
    pub source: &'static str,
    /// The name of the autoscaler and of its Deployment.
    pub name: String,
    /// The Kubernetes version whose rules apply, as `1.36`; the newest if none is given.
    pub kubernetes: Option<String>,
    /// The autoscaler's spec.
    pub spec: AutoscalerSpec,
    /// Its controller's settings.
    pub controller: ControllerConfig,
    /// Time between two scrapes of the metrics API, which is also a sample's window.
    pub metrics_resolution: Duration,
    /// From the start to the first scrape.
    pub first_scrape: Duration,
    /// From the start to the first sync.
    pub first_sync: Duration,
    /// The replicas' container.
    pub container: ContainerResources,
    /// Replicas at the start.
    pub replicas: i32,
    /// Since when these have been ready; with `None` there are no pods at the start.
    pub ready_since: Option<Duration>,
    /// Facts about the environment.
    pub facts: Vec<Fact>,
    /// The injected fault.
    pub fault: Option<Fault>,
    /// The times during which the metrics API does not answer.
    pub metrics_lost: Vec<(Timestamp, Timestamp)>,
    /// How long it lasts; with `None`, until the conductor ends it.
    pub length: Option<Duration>,
    /// Whether observations are recorded.
    pub watched: bool,
}

impl Scene {
    /// The metrics API's error, if it does not answer with metrics.
    pub(super) fn metrics_error(&self, now: Timestamp) -> Option<&'static str> {
        if self.fault == Some(Fault::NoMetrics) {
            return Some(NO_METRICS);
        }
        let mut lost = self.metrics_lost.iter();
        lost.any(|(from, until)| (*from..*until).contains(&now))
            .then_some(LOST_METRICS)
    }
}

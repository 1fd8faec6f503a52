//! Where a simulated cluster runs its pods and its load: processes on a machine, or modeled pods.

use std::time::Duration;

use jiff::Timestamp;

use crate::observation::{LoadResult, LoadSecond};

/// An event in the world.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// A pod's container runs.
    Running(String),
    /// A pod's readiness probe has a new result.
    Ready {
        /// The pod.
        pod: String,
        /// The result.
        ready: bool,
    },
    /// A pod's container exited unexpectedly and will be restarted after a delay.
    Crashed {
        /// The pod.
        pod: String,
        /// How it exited, with its last output.
        how: String,
    },
    /// A stopped pod is gone.
    Gone(String),
    /// A second of load.
    Load(LoadSecond),
    /// The load is over; an error says why there is no result.
    LoadEnded(Result<LoadResult, String>),
    /// The user interrupted the run.
    Interrupted,
}

/// Where pods live and the load runs.
pub trait World {
    /// The current time.
    fn now(&self) -> Timestamp;
    /// Lets time pass until something happens, or until this instant. Events at this very instant belong to the
    /// next call.
    fn wait(&mut self, until: Timestamp) -> Option<Happening>;
    /// Starts a pod; it takes new connections once its readiness probe succeeds.
    fn start_pod(&mut self, name: &str);
    /// Adopts a running, ready pod that has worked at the initial load for this long.
    fn adopt_pod(&mut self, name: &str, worked: Duration);
    /// Removes a pod from the endpoints and shuts it down gracefully.
    fn stop_pod(&mut self, name: &str);
    /// The CPU time that each running pod has used since its start.
    fn cpu_times(&mut self) -> Vec<(String, Duration)>;
    /// Starts the load; returns the duration of its plan.
    fn start_load(&mut self) -> Duration;
    /// Stops the load before its plan ends.
    fn stop_load(&mut self);
}

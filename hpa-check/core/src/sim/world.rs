//! What a simulated cluster runs its pods and its load in: processes on a machine, or modeled pods.

use std::time::Duration;

use jiff::Timestamp;

use crate::observation::{LoadResult, LoadSecond};

/// Something that happened by itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// A pod's container runs.
    Running(String),
    /// A pod's readiness probe has a new answer.
    Ready {
        /// Which pod.
        pod: String,
        /// The answer.
        ready: bool,
    },
    /// A pod's container ended though nobody asked for it, and will be started anew after a pause.
    Crashed {
        /// Which pod.
        pod: String,
        /// How it ended, with what it said last.
        how: String,
    },
    /// A pod that was to stop is gone.
    Gone(String),
    /// A second of load.
    Load(LoadSecond),
    /// The load is over; an error says why there is no account of it.
    LoadEnded(Result<LoadResult, String>),
    /// The user wants an end.
    Interrupted,
}

/// Where pods live and the load runs.
pub trait World {
    /// The instant.
    fn now(&self) -> Timestamp;
    /// Lets time pass until something happens, or until that instant. What happens at that very
    /// instant comes with the next call.
    fn wait(&mut self, until: Timestamp) -> Option<Happening>;
    /// Starts a pod; it takes new connections once its readiness probe says so.
    fn start_pod(&mut self, name: &str);
    /// Takes over a pod that runs and is ready, and has worked at the load of the beginning for that
    /// long.
    fn adopt_pod(&mut self, name: &str, worked: Duration);
    /// Takes a pod from the endpoints and shuts it down gracefully.
    fn stop_pod(&mut self, name: &str);
    /// The CPU time that each running pod has used since its start.
    fn cpu_times(&mut self) -> Vec<(String, Duration)>;
    /// Starts the load; how long it lasts by its own plan.
    fn start_load(&mut self) -> Duration;
    /// Ends the load before its plan does.
    fn stop_load(&mut self);
}

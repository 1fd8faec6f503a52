//! What a rehearsal happens in: real processes on this machine, or a simulated plant in a test.

use std::collections::BTreeMap;
use std::time::Duration;

use hpa_check_core::observation::{LoadResult, LoadSecond};
use jiff::Timestamp;

use super::sizing::LoadPlan;

/// Something that happened by itself.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Happening {
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
    /// A pod that was told to stop is gone.
    Gone(String),
    /// A second of load.
    Load(LoadSecond),
    /// The load is over; an error says why there is no account of it.
    LoadEnded(Result<LoadResult, String>),
    /// The user wants an end.
    Interrupted,
}

/// What a rehearsal happens in.
pub(crate) trait World {
    /// The instant.
    fn now(&self) -> Timestamp;
    /// Lets time pass until something happens, or until that instant.
    fn wait(&mut self, until: Timestamp) -> Option<Happening>;
    /// Starts a pod; it takes new connections once its readiness probe says so.
    fn start_pod(&mut self, name: &str);
    /// Takes a pod from the endpoints and ends it in peace.
    fn stop_pod(&mut self, name: &str);
    /// The CPU time that each running pod has used since its start.
    fn cpu_times(&mut self) -> BTreeMap<String, Duration>;
    /// Starts the load.
    fn start_load(&mut self, plan: &LoadPlan);
    /// Ends the load before its plan does.
    fn stop_load(&mut self);
}

//! What a run asserts: the bounds, the target, and how far down it has to see the replicas go.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The assertion of one run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expectation {
    /// The spec's lower bound, in pods, and where a run begins and ends.
    pub min_replicas: i32,
    /// The spec's upper bound, in pods, which the load has to reach.
    pub max_replicas: i32,
    /// The spec's CPU target, in percent of the request.
    pub cpu_target_percent: i32,
    /// How much of the way down is to be seen.
    pub scale_down: ScaleDown,
    /// Longest time, for each phase, that the tool waits past the computed deadline.
    #[schemars(with = "u64")]
    #[serde(rename = "patience_ms", with = "crate::millis")]
    pub patience: Duration,
}

/// How much of the scale-down a run waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScaleDown {
    /// Down to the minimum.
    Full,
    /// Until the first step down.
    OneStep,
    /// Not at all.
    Skip,
}

impl Default for Expectation {
    /// Three to ten pods at half of their CPU request, there and back.
    fn default() -> Self {
        Self {
            min_replicas: 3,
            max_replicas: 10,
            cpu_target_percent: 50,
            scale_down: ScaleDown::Full,
            patience: Duration::from_mins(1),
        }
    }
}

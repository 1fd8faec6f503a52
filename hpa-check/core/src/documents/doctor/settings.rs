//! What a cluster was judged by.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observation::ControllerConfig;

/// What was assumed and asserted when the API was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DoctorSettings {
    /// How the program was called, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The settings of the cluster's controller, given or assumed.
    pub controller: ControllerConfig,
    /// The time between two samples of the metrics server, given or assumed.
    #[schemars(with = "u64")]
    #[serde(rename = "metrics_resolution_ms", with = "crate::millis")]
    pub metrics_resolution: Duration,
    /// The lower bound in pods that was asserted of every autoscaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_min: Option<i32>,
    /// The upper bound in pods that was asserted of every autoscaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_max: Option<i32>,
    /// The CPU target in percent of the request that was asserted of every autoscaler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_cpu: Option<i32>,
}

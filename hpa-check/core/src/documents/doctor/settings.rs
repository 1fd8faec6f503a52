//! The settings of a cluster check.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observation::ControllerConfig;

/// What was assumed and asserted about the cluster.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DoctorSettings {
    /// The command line, without secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The controller's settings, given or assumed.
    pub controller: ControllerConfig,
    /// The metrics server's time between two samples, given or assumed.
    #[schemars(with = "u64")]
    #[serde(rename = "metrics_resolution_ms", with = "crate::millis")]
    pub metrics_resolution: Duration,
    /// The lower bound asserted for every autoscaler, in pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_min: Option<i32>,
    /// The upper bound asserted for every autoscaler, in pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_max: Option<i32>,
    /// The CPU target asserted for every autoscaler, in percent of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect_cpu: Option<i32>,
}

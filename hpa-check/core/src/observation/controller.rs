//! The flags of the autoscaler's controller.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The flags of kube-controller-manager that affect autoscaling, with the controller's defaults
/// (`pkg/controller/podautoscaler/config/v1alpha1/defaults.go`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ControllerConfig {
    /// `--horizontal-pod-autoscaler-sync-period`.
    #[schemars(with = "u64")]
    #[serde(rename = "sync_period_ms", with = "crate::millis")]
    pub sync_period: Duration,
    /// `--horizontal-pod-autoscaler-tolerance`, a fraction.
    pub tolerance: f64,
    /// `--horizontal-pod-autoscaler-downscale-stabilization`.
    #[schemars(with = "u64")]
    #[serde(rename = "downscale_stabilization_ms", with = "crate::millis")]
    pub downscale_stabilization: Duration,
    /// `--horizontal-pod-autoscaler-cpu-initialization-period`.
    #[schemars(with = "u64")]
    #[serde(rename = "cpu_initialization_period_ms", with = "crate::millis")]
    pub cpu_initialization_period: Duration,
    /// `--horizontal-pod-autoscaler-initial-readiness-delay`.
    #[schemars(with = "u64")]
    #[serde(rename = "initial_readiness_delay_ms", with = "crate::millis")]
    pub initial_readiness_delay: Duration,
    /// Without `behavior`: the largest factor of one step up. A constant of the controller.
    #[serde(skip, default = "scale_up_limit_factor")]
    pub scale_up_limit_factor: f64,
    /// Without `behavior`: a step up may always reach this many replicas. A constant of the controller.
    #[serde(skip, default = "scale_up_limit_minimum")]
    pub scale_up_limit_minimum: f64,
}

/// `scaleUpLimitFactor` in `horizontal.go`.
const fn scale_up_limit_factor() -> f64 {
    2.0
}

/// `scaleUpLimitMinimum` in `horizontal.go`.
const fn scale_up_limit_minimum() -> f64 {
    4.0
}

impl Default for ControllerConfig {
    fn default() -> Self {
        Self {
            sync_period: Duration::from_secs(15),
            tolerance: 0.1,
            downscale_stabilization: Duration::from_mins(5),
            cpu_initialization_period: Duration::from_mins(5),
            initial_readiness_delay: Duration::from_secs(30),
            scale_up_limit_factor: scale_up_limit_factor(),
            scale_up_limit_minimum: scale_up_limit_minimum(),
        }
    }
}

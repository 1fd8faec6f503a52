//! The flags for the settings of the cluster's controller and metrics server, which no API reveals.

use std::time::Duration;

use hpa_check_core::observation::ControllerConfig;
use program_common::quantity::share;

use super::time::within;
use crate::failure::Failure;

/// The flags; `#[command(flatten)]` them.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "How the controller and the metrics server are set")]
pub(crate) struct ControllerArgs {
    /// The controller's sync period
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = within(1..=3_600))]
    sync_period: Duration,
    /// The controller's downscale stabilization
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = within(0..=86_400))]
    downscale_stabilization: Duration,
    /// The controller's CPU initialization period
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = within(0..=86_400))]
    cpu_initialization_period: Duration,
    /// The controller's initial readiness delay
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = within(0..=86_400))]
    initial_readiness_delay: Duration,
    /// The controller's tolerance, such as 0.1 or 10%
    #[arg(long, value_name = "SHARE", default_value_t = 0.1, value_parser = share)]
    tolerance: f64,
    /// metrics-server's resolution, the time between two samples
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = within(1..=3_600))]
    metrics_resolution: Duration,
}

impl ControllerArgs {
    /// The controller's settings.
    pub(crate) fn settings(&self) -> Result<ControllerConfig, Failure> {
        if !(0.0..10.0).contains(&self.tolerance) {
            return Err(Failure::usage("--tolerance is a fraction, such as 0.1"));
        }
        Ok(ControllerConfig {
            sync_period: self.sync_period,
            tolerance: self.tolerance,
            downscale_stabilization: self.downscale_stabilization,
            cpu_initialization_period: self.cpu_initialization_period,
            initial_readiness_delay: self.initial_readiness_delay,
            ..ControllerConfig::default()
        })
    }

    /// Time between two samples.
    pub(crate) fn resolution(&self) -> Duration {
        self.metrics_resolution
    }
}

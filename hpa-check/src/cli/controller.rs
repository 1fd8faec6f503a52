//! The flags that say how the cluster's controller and metrics server are set, which no API tells.

use std::time::Duration;

use hpa_check_core::observation::ControllerConfig;

use crate::failure::Failure;

/// The flags; `#[command(flatten)]` them.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct ControllerArgs {
    /// Seconds between two syncs of the controller
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3600))]
    sync_period: u64,
    /// The controller's downscale stabilization, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(..=86_400))]
    downscale_stabilization: u64,
    /// The controller's CPU initialization period, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(..=86_400))]
    cpu_initialization_period: u64,
    /// The controller's initial readiness delay, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=86_400))]
    initial_readiness_delay: u64,
    /// The controller's tolerance, a fraction
    #[arg(long, value_name = "FRACTION", default_value_t = 0.1)]
    tolerance: f64,
    /// Seconds between two samples of the metrics server
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u64).range(1..=3600))]
    metrics_resolution: u64,
}

impl ControllerArgs {
    /// The controller's settings.
    pub(crate) fn settings(&self) -> Result<ControllerConfig, Failure> {
        if !(0.0..10.0).contains(&self.tolerance) {
            return Err(Failure::usage("--tolerance is a fraction, such as 0.1"));
        }
        let seconds = Duration::from_secs;
        Ok(ControllerConfig {
            sync_period: seconds(self.sync_period),
            tolerance: self.tolerance,
            downscale_stabilization: seconds(self.downscale_stabilization),
            cpu_initialization_period: seconds(self.cpu_initialization_period),
            initial_readiness_delay: seconds(self.initial_readiness_delay),
            ..ControllerConfig::default()
        })
    }

    /// Time between two samples.
    pub(crate) fn resolution(&self) -> Duration {
        Duration::from_secs(self.metrics_resolution)
    }
}

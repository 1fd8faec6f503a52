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
    /// The controller's sync period [default: 15s]
    #[arg(long, value_name = "DURATION", value_parser = within(1..=3_600))]
    sync_period: Option<Duration>,
    /// The controller's downscale stabilization [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = within(0..=86_400))]
    downscale_stabilization: Option<Duration>,
    /// The controller's CPU initialization period [default: 5m]
    #[arg(long, value_name = "DURATION", value_parser = within(0..=86_400))]
    cpu_initialization_period: Option<Duration>,
    /// The controller's initial readiness delay [default: 30s]
    #[arg(long, value_name = "DURATION", value_parser = within(0..=86_400))]
    initial_readiness_delay: Option<Duration>,
    /// The controller's tolerance, such as 0.1 or 10% [default: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    tolerance: Option<f64>,
    /// metrics-server's resolution, the time between two samples
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = within(1..=3_600))]
    metrics_resolution: Duration,
}

impl ControllerArgs {
    /// The controller's settings.
    pub(crate) fn settings(&self) -> Result<ControllerConfig, Failure> {
        let usual = ControllerConfig::default();
        let tolerance = self.tolerance.unwrap_or(usual.tolerance);
        if !(0.0..10.0).contains(&tolerance) {
            return Err(Failure::usage("--tolerance is a fraction, such as 0.1"));
        }
        Ok(ControllerConfig {
            sync_period: self.sync_period.unwrap_or(usual.sync_period),
            tolerance,
            downscale_stabilization: self
                .downscale_stabilization
                .unwrap_or(usual.downscale_stabilization),
            cpu_initialization_period: self
                .cpu_initialization_period
                .unwrap_or(usual.cpu_initialization_period),
            initial_readiness_delay: self
                .initial_readiness_delay
                .unwrap_or(usual.initial_readiness_delay),
            ..usual
        })
    }

    /// Whether any of them was stated. Whoever states one knows the controller's flags, so the others have their
    /// defaults.
    pub(crate) fn is_stated(&self) -> bool {
        let times = [
            self.sync_period,
            self.downscale_stabilization,
            self.cpu_initialization_period,
            self.initial_readiness_delay,
        ];
        self.tolerance.is_some() || times.iter().any(Option::is_some)
    }

    /// Time between two samples.
    pub(crate) fn resolution(&self) -> Duration {
        self.metrics_resolution
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        controller: ControllerArgs,
    }

    #[test]
    fn the_flags_are_stated_if_one_is_even_with_its_default() {
        for (args, stated) in [
            (&["x"][..], false),
            (&["x", "--metrics-resolution", "1m"], false),
            (&["x", "--downscale-stabilization", "5m"], true),
            (&["x", "--tolerance", "0.1"], true),
        ] {
            let controller = Program::parse_from(args).controller;
            assert_eq!(controller.is_stated(), stated, "{args:?}");
            assert_eq!(
                controller.settings().ok(),
                Some(ControllerConfig::default())
            );
        }
    }
}

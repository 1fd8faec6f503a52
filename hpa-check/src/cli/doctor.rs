//! `hpa-check doctor`: what is wrong with autoscalers, from one look at the API or two.

use std::time::Duration;

use hpa_check_core::snapshot::Assertions;

use super::controller::ControllerArgs;
use super::time::within;
use crate::doctor::{self, Visit};
use crate::failure::Failure;
use crate::feed::live::{Assumed, ClusterArgs};
use crate::outputs::Files;

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Look at every namespace
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    all_namespaces: bool,
    /// Look at this autoscaler only
    #[arg(long, value_name = "NAME", conflicts_with = "all_namespaces")]
    autoscaler: Option<String>,
    /// Look a second time after this long, to judge what shows only in motion
    #[arg(long, value_name = "TIME", value_parser = within(1..=600))]
    again: Option<Duration>,

    /// Fewest replicas, as asserted [default: any]
    #[arg(long, alias = "min", value_name = "PODS")]
    expect_min: Option<i32>,
    /// Most replicas, as asserted [default: any]
    #[arg(long, alias = "max", value_name = "PODS")]
    expect_max: Option<i32>,
    /// CPU target in percent of the request, as asserted [default: any]
    #[arg(long, alias = "cpu", value_name = "PERCENT")]
    expect_cpu: Option<i32>,

    #[command(flatten)]
    controller: ControllerArgs,
    #[command(flatten)]
    files: Files,
}

/// Looks, tells, and ends with the weightiest finding's exit code.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    doctor::visit(Visit {
        cluster: args.cluster,
        all_namespaces: args.all_namespaces,
        again: args.again,
        asked: Assertions {
            autoscaler: args.autoscaler,
            min_replicas: args.expect_min,
            max_replicas: args.expect_max,
            cpu_target_percent: args.expect_cpu,
        },
        assumed: Assumed {
            controller: args.controller.settings()?,
            metrics_resolution: args.controller.resolution(),
        },
        files: args.files,
    })
}

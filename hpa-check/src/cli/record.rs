//! `hpa-check record`: watch an autoscaler and write down what is seen. No load, no judgement.

use std::time::Duration;

use super::controller::ControllerArgs;
use super::simulate::duration;
use crate::failure::Failure;
use crate::feed::live::ClusterArgs;
use crate::outputs::Files;
use crate::recording::{self, Recording};

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The autoscaler [default: the only one in the namespace]
    #[arg(long, value_name = "NAME")]
    autoscaler: Option<String>,
    /// End after this time [default: when told to stop, by Ctrl-C]
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    length: Option<Duration>,
    #[command(flatten)]
    controller: ControllerArgs,
    #[command(flatten)]
    files: Files,
}

/// Records.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    recording::record(Recording {
        cluster: args.cluster,
        autoscaler: args.autoscaler,
        length: args.length,
        controller: args.controller.settings()?,
        metrics_resolution: args.controller.resolution(),
        files: args.files,
    })
}

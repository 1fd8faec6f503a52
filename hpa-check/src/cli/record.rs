//! `hpa-check record`: watches an autoscaler and writes a trace, without load or verdict.

use std::time::Duration;

use super::controller::ControllerArgs;
use super::name::NameArgs;
use super::time::positive;
use crate::drive::drive;
use crate::drive::recording::Recording;
use crate::failure::Failure;
use crate::feed::live::{ClusterArgs, LiveCluster, LiveFeed, Timing};
use crate::notice::notice;
use crate::outputs::Files;
use crate::runtime::runtime;
use crate::signals::Signals;

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    autoscaler: NameArgs,
    /// Stop after this time [default: on Ctrl-C]
    #[arg(help_heading = "Output", long = "for", value_name = "DURATION", value_parser = positive)]
    length: Option<Duration>,
    #[command(flatten)]
    controller: ControllerArgs,
    #[command(flatten)]
    files: Files,
}

/// Records, and exits with 0 however it is stopped, since the file has the observations.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    let opened = args.files.open()?;
    let Some(destination) = opened.trace.filter(|_| opened.reports.is_empty()) else {
        return Err(Failure::usage(
            "record writes only a trace: give -o trace=FILE",
        ));
    };
    let (controller, resolution) = (args.controller.settings()?, args.controller.resolution());
    let recording = Recording::new(destination, args.length);
    let runtime = runtime()?;
    let count = runtime.block_on(async {
        let timing = Timing::of(&controller, resolution);
        let mut signals = Signals::catch()?;
        let live = LiveCluster::find(&args.cluster, args.autoscaler.name(), timing).await?;
        let context = live.context((controller, args.controller.is_stated()), resolution);
        let feed = LiveFeed::new(live, context, None, &mut signals);
        let mut recording = recording;
        drive(feed, &mut recording).await?;
        recording.finish()
    })?;
    notice(&format!(
        "hpa-check: {count} observations recorded; `hpa-check replay` explains them, and `what-if` varies the settings"
    ));
    Ok(0)
}

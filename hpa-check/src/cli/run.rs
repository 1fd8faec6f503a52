//! `hpa-check run`: the whole check on a cluster.

mod check;

use std::path::PathBuf;
use std::time::Duration;

use hpa_check_core::expectation::{Expectation, ScaleDown};

use self::check::{Load, Run};
use super::controller::ControllerArgs;
use crate::failure::Failure;
use crate::feed::live::ClusterArgs;
use crate::outputs::Outputs;
use crate::sinks::page::ServeArgs;

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// The autoscaler [default: the only one in the namespace]
    #[arg(long, value_name = "NAME")]
    autoscaler: Option<String>,
    /// Fewest replicas, as asserted
    #[arg(long, value_name = "PODS", default_value_t = 3)]
    min: i32,
    /// Most replicas, as asserted
    #[arg(long, value_name = "PODS", default_value_t = 10)]
    max: i32,
    /// CPU target in percent of the request, as asserted
    #[arg(long, value_name = "PERCENT", default_value_t = 50)]
    cpu: i32,
    /// How much of the scale-down to wait for: full, one-step or skip
    #[arg(long, value_name = "HOW", default_value = "full", value_parser = scale_down)]
    scale_down: ScaleDown,
    /// Wait this much longer than each phase's computed deadline, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u64,
    /// Seconds for which the load stays up once the maximum is ready [default: three syncs]
    #[arg(long, value_name = "SECONDS")]
    hold: Option<u64>,

    #[command(flatten)]
    controller: ControllerArgs,
    /// Address of the service that the load goes to
    #[arg(long, value_name = "URL", required_unless_present = "external_load")]
    target: Option<String>,
    /// Start no load: somebody else does
    #[arg(long, conflicts_with_all = ["target", "generator_flags"])]
    external_load: bool,
    /// The load generator [default: fib-loadgen beside this program]
    #[arg(long, value_name = "PROGRAM")]
    fib_loadgen: Option<PathBuf>,
    /// Try a refused connection again so often, 50 ms apart, as a gateway would; without it a pod that dies loses them
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with_all = ["external_load", "generator_flags"])]
    retry_refused: u32,
    /// Keep the load generator's own result; that of the low load after the height lies beside it (-rest)
    #[arg(long, value_name = "FILE")]
    load_result: Option<PathBuf>,
    #[command(flatten)]
    outputs: Outputs,
    #[command(flatten)]
    serve: ServeArgs,
    /// Flags for the load generator [default: 500 users at a rate that asks for the maximum, then a tenth of it until the end]
    #[arg(last = true, value_name = "LOAD FLAGS")]
    generator_flags: Vec<String>,
}

fn scale_down(text: &str) -> Result<ScaleDown, String> {
    match text {
        "full" => Ok(ScaleDown::Full),
        "one-step" => Ok(ScaleDown::OneStep),
        "skip" => Ok(ScaleDown::Skip),
        _ => Err("expected full, one-step or skip".to_owned()),
    }
}

/// Checks, and ends in the verdict.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    let counts = args.min >= 1 && args.max >= args.min && args.cpu >= 1;
    if !counts {
        return Err(Failure::usage(
            "--min, --max and --cpu have to be at least 1, and --max no less than --min",
        ));
    }
    let seconds = Duration::from_secs;
    let load = args.target.map(|url| Load {
        program: args.fib_loadgen,
        url,
        args: args.generator_flags,
        retry_refused: args.retry_refused,
        result: args.load_result,
    });
    check::run(Run {
        cluster: args.cluster,
        autoscaler: args.autoscaler,
        expectation: Expectation {
            min_replicas: args.min,
            max_replicas: args.max,
            cpu_target_percent: args.cpu,
            scale_down: args.scale_down,
            patience: seconds(args.patience),
        },
        controller: args.controller.settings()?,
        metrics_resolution: args.controller.resolution(),
        hold: args.hold.map(seconds),
        load,
        outputs: args.outputs,
        serve: args.serve,
    })
}

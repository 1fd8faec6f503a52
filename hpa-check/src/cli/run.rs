//! `hpa-check run`: the whole check on a cluster.

mod check;

use std::path::PathBuf;
use std::time::Duration;

use hpa_check_core::expectation::{AssertedMetric, Expectation, ScaleDown};

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
    /// Take the bounds and the CPU target to assert from the autoscaler itself: spec
    #[arg(long, value_name = "WHERE", value_parser = ["spec"], conflicts_with_all = ["min", "max", "cpu"])]
    expect: Option<String>,
    /// Fewest replicas, as asserted [default: 3]
    #[arg(long, value_name = "PODS")]
    min: Option<i32>,
    /// Most replicas, as asserted [default: 10]
    #[arg(long, value_name = "PODS")]
    max: Option<i32>,
    /// CPU target in percent of the request, as asserted where the autoscaler has one [default: 50]
    #[arg(long, value_name = "PERCENT")]
    cpu: Option<i32>,
    /// A metric that the autoscaler has to have, with its target if that is asserted too: cpu, memory=60%, cpu/CONTAINER=50%, queue=100
    #[arg(long = "metric", value_name = "NAME[=TARGET]")]
    metrics: Vec<AssertedMetric>,
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
    let default = Expectation::default();
    let expectation = Expectation {
        min_replicas: args.min.unwrap_or(default.min_replicas),
        max_replicas: args.max.unwrap_or(default.max_replicas),
        cpu_target_percent: args.cpu.unwrap_or(default.cpu_target_percent),
        metrics: args.metrics,
        scale_down: args.scale_down,
        patience: Duration::from_secs(args.patience),
    };
    let (min, max) = (expectation.min_replicas, expectation.max_replicas);
    let counts = min >= 1 && max >= min && expectation.cpu_target_percent >= 1;
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
        expectation,
        as_spec: args.expect.is_some(),
        controller: args.controller.settings()?,
        metrics_resolution: args.controller.resolution(),
        hold: args.hold.map(seconds),
        load,
        outputs: args.outputs,
        serve: args.serve,
    })
}

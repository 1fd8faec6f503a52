//! `hpa-check run`: the whole check on a cluster.

mod check;

use std::path::PathBuf;
use std::time::Duration;

use hpa_check_core::expectation::{Expectation, ScaleDown};

use self::check::{Load, LoadgenArgs, Run};
use super::controller::ControllerArgs;
use super::time::duration;
use crate::failure::Failure;
use crate::feed::live::ClusterArgs;
use crate::load::command::LoadCommand;
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
    #[arg(long, alias = "min", value_name = "PODS", default_value_t = 3)]
    expect_min: i32,
    /// Most replicas, as asserted
    #[arg(long, alias = "max", value_name = "PODS", default_value_t = 10)]
    expect_max: i32,
    /// CPU target in percent of the request, as asserted
    #[arg(long, alias = "cpu", value_name = "PERCENT", default_value_t = 50)]
    expect_cpu: i32,
    /// How much of the scale-down to wait for
    #[arg(long, value_enum, value_name = "HOW", default_value_t = WaitFor::Full)]
    scale_down: WaitFor,
    /// Wait this much longer than each phase's computed deadline
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    patience: Duration,
    /// How long the load stays up once the maximum is ready [default: three syncs]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    hold: Option<Duration>,

    #[command(flatten)]
    controller: ControllerArgs,
    /// Address of the service that the load goes to
    #[arg(long, value_name = "URL", required_unless_present_any = ["external_load", "load_command"])]
    target: Option<String>,
    /// Load with this command, such as 'k6 run x.js': it starts with the load and gets SIGTERM at its end
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["target", "external_load", "generator_flags", "fib_loadgen", "retry_refused", "load_result"])]
    load_command: Option<String>,
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

/// How much of the scale-down is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum WaitFor {
    /// All of it, to the minimum
    Full,
    /// Its first step
    OneStep,
    /// None of it
    Skip,
}

impl From<WaitFor> for ScaleDown {
    fn from(wait: WaitFor) -> Self {
        match wait {
            WaitFor::Full => Self::Full,
            WaitFor::OneStep => Self::OneStep,
            WaitFor::Skip => Self::Skip,
        }
    }
}

/// Checks, and ends in the verdict.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    let counts = args.expect_min >= 1 && args.expect_max >= args.expect_min && args.expect_cpu >= 1;
    if !counts {
        return Err(Failure::usage(
            "--expect-min, --expect-max and --expect-cpu must be at least 1, and --expect-max no less than --expect-min",
        ));
    }
    let command = args
        .load_command
        .map(|line| Load::Command(LoadCommand { line }));
    let loadgen = args.target.map(|url| {
        Load::Loadgen(LoadgenArgs {
            program: args.fib_loadgen,
            url,
            args: args.generator_flags,
            retry_refused: args.retry_refused,
            result: args.load_result,
        })
    });
    let load = command.or(loadgen);
    check::run(Run {
        cluster: args.cluster,
        autoscaler: args.autoscaler,
        expectation: Expectation {
            min_replicas: args.expect_min,
            max_replicas: args.expect_max,
            cpu_target_percent: args.expect_cpu,
            scale_down: args.scale_down.into(),
            patience: args.patience,
        },
        controller: args.controller.settings()?,
        metrics_resolution: args.controller.resolution(),
        hold: args.hold,
        load,
        outputs: args.outputs,
        serve: args.serve,
    })
}

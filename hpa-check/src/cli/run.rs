//! `hpa-check run`: the whole check on a cluster.

mod check;

use std::path::{Path, PathBuf};
use std::time::Duration;

use hpa_check_core::expectation::{AssertedMetric, Expectation, ScaleDown};

use self::check::{Load, LoadgenArgs, Run};
use super::controller::ControllerArgs;
use super::manifest;
use super::time::duration;
use crate::failure::Failure;
use crate::feed::live::{ClusterArgs, is_loopback};
use crate::load::command::LoadCommand;
use crate::load::job::{self, LoadJob};
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
    /// Assert the autoscaler's own bounds and CPU target: spec
    #[arg(long, value_name = "WHERE", value_parser = ["spec"], conflicts_with_all = ["expect_min", "expect_max", "expect_cpu"])]
    expect: Option<String>,
    /// Asserted minimum number of replicas [default: 3]
    #[arg(long, alias = "min", value_name = "PODS")]
    expect_min: Option<i32>,
    /// Asserted maximum number of replicas [default: 10]
    #[arg(long, alias = "max", value_name = "PODS")]
    expect_max: Option<i32>,
    /// Asserted CPU target in percent of the request, if the autoscaler has one [default: 50]
    #[arg(long, alias = "cpu", value_name = "PERCENT")]
    expect_cpu: Option<i32>,
    /// Assert a metric, with or without its target: cpu, memory=60%, cpu/CONTAINER=50%, queue=100
    #[arg(long = "metric", value_name = "NAME[=TARGET]")]
    metrics: Vec<AssertedMetric>,
    /// How much of the scale-down to wait for
    #[arg(long, value_enum, value_name = "HOW", default_value_t = WaitFor::Full)]
    scale_down: WaitFor,
    /// Wait this much longer than each phase's computed deadline
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    patience: Duration,
    /// How long to hold the load once the maximum is ready [default: three syncs]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    hold: Option<Duration>,

    #[command(flatten)]
    controller: ControllerArgs,
    /// URL of the service to load
    #[arg(long, value_name = "URL", required_unless_present_any = ["external_load", "load_command", "load_job"])]
    target: Option<String>,
    /// Load with this command, such as 'k6 run x.js'; it gets SIGTERM at the end of the load
    #[arg(long, value_name = "COMMAND", conflicts_with_all = ["target", "external_load", "generator_flags", "fib_loadgen", "retry_refused", "load_result"])]
    load_command: Option<String>,
    /// Load with a Job in the cluster: FILE is its manifest, with its ConfigMaps; for a URL, a Job with fib-loadgen's image loads it
    #[arg(long, value_name = "FILE|URL", conflicts_with_all = ["target", "load_command", "external_load", "fib_loadgen", "retry_refused", "load_result"])]
    load_job: Option<String>,
    /// The image for --load-job URL
    #[arg(long, value_name = "IMAGE", default_value = job::IMAGE, requires = "load_job")]
    load_image: String,
    /// Start no load; it comes from elsewhere
    #[arg(long, conflicts_with_all = ["target", "generator_flags"])]
    external_load: bool,
    /// The load generator [default: fib-loadgen next to this program]
    #[arg(long, value_name = "PROGRAM")]
    fib_loadgen: Option<PathBuf>,
    /// Retry a refused connection this many times, 50 ms apart, as a gateway would when a pod crashes
    #[arg(long, value_name = "N", default_value_t = 0, conflicts_with_all = ["external_load", "generator_flags"])]
    retry_refused: u32,
    /// Keep the load generator's own result in this file; that of the low load after the peak gets the suffix -rest
    #[arg(long, value_name = "FILE")]
    load_result: Option<PathBuf>,
    #[command(flatten)]
    outputs: Outputs,
    #[command(flatten)]
    serve: ServeArgs,
    /// Flags for the load generator [default: 500 users at a rate that needs the maximum, then a tenth of it until the end]
    #[arg(last = true, value_name = "LOAD FLAGS")]
    generator_flags: Vec<String>,
}

/// How much of the scale-down to wait for.
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

/// Checks, and returns the verdict's exit code.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    let default = Expectation::default();
    let expectation = Expectation {
        min_replicas: args.expect_min.unwrap_or(default.min_replicas),
        max_replicas: args.expect_max.unwrap_or(default.max_replicas),
        cpu_target_percent: args.expect_cpu.unwrap_or(default.cpu_target_percent),
        metrics: args.metrics,
        scale_down: args.scale_down.into(),
        patience: args.patience,
    };
    let (min, max) = (expectation.min_replicas, expectation.max_replicas);
    let counts = min >= 1 && max >= min && expectation.cpu_target_percent >= 1;
    if !counts {
        return Err(Failure::usage(
            "--expect-min, --expect-max and --expect-cpu must be at least 1, and --expect-max no less than --expect-min",
        ));
    }
    let generator_flags = args.generator_flags;
    let command = args
        .load_command
        .map(|line| Load::Command(LoadCommand { line }));
    let loadgen = args.target.map(|url| {
        Load::Loadgen(LoadgenArgs {
            program: args.fib_loadgen,
            url,
            args: generator_flags.clone(),
            retry_refused: args.retry_refused,
            result: args.load_result,
        })
    });
    let in_cluster = args
        .load_job
        .map(|what| load_job(&what, &args.load_image, &generator_flags))
        .transpose()?;
    let load = command.or(in_cluster.map(Load::Job)).or(loadgen);
    check::run(Run {
        cluster: args.cluster,
        autoscaler: args.autoscaler,
        expectation,
        as_spec: args.expect.is_some(),
        controller: args.controller.settings()?,
        metrics_resolution: args.controller.resolution(),
        hold: args.hold,
        load,
        outputs: args.outputs,
        serve: args.serve,
    })
}

/// The Job of a manifest, or one that loads a URL.
fn load_job(what: &str, image: &str, flags: &[String]) -> Result<LoadJob, Failure> {
    if job::is_url(what) {
        if is_loopback(what) {
            return Err(Failure::usage(format!(
                "{what} is the Job's own pod when it is asked from inside the cluster: give --load-job the address of the Service, such as http://NAME.NAMESPACE.svc"
            )));
        }
        return Ok(LoadJob::loading(what, image, flags));
    }
    if !flags.is_empty() {
        return Err(Failure::usage(
            "flags after `--` are fib-loadgen's, and the Job of a manifest has its own: write them in the manifest, or give --load-job a URL",
        ));
    }
    manifest::of(Path::new(what), LoadJob::of)
}

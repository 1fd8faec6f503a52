//! `hpa-check rehearse`: a full run on this machine, without a cluster.

mod run;
mod scene;
pub(crate) mod settings;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use self::run::Programs;
use self::settings::Flags;
use crate::failure::Failure;
use crate::outputs::Outputs;
use crate::sinks::page::ServeArgs;

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    flags: Flags,
    #[command(flatten)]
    outputs: Outputs,
    #[command(flatten)]
    serve: ServeArgs,
    /// Keep the load generator's own result in this file
    #[arg(help_heading = "Load", long, value_name = "FILE")]
    load_result: Option<PathBuf>,
    /// The server to start as replicas [default: fib-server next to this program]
    #[arg(help_heading = "Programs", long, value_name = "PROGRAM")]
    fib_server: Option<PathBuf>,
    /// The load generator [default: fib-loadgen next to this program]
    #[arg(help_heading = "Programs", long, value_name = "PROGRAM")]
    fib_loadgen: Option<PathBuf>,
    /// Exit when the parent process exits
    #[arg(help_heading = "Programs", long)]
    exit_with_parent: bool,
}

/// Rehearses, and returns the verdict's exit code.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    let programs = Programs {
        fib_server: args.fib_server,
        fib_loadgen: args.fib_loadgen,
        load_result: args.load_result,
        exit_with_parent: args.exit_with_parent,
    };
    run::run(&args.flags, args.outputs, &args.serve, programs)
}

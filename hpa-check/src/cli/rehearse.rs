//! `hpa-check rehearse`: the whole job on this machine, with no cluster.

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
    /// Keep the load generator's own result
    #[arg(help_heading = "Load", long, value_name = "FILE")]
    load_result: Option<PathBuf>,
    /// The service to start as replicas [default: beside this program]
    #[arg(help_heading = "Programs", long, value_name = "PROGRAM")]
    fib_server: Option<PathBuf>,
    /// The load generator [default: beside this program]
    #[arg(help_heading = "Programs", long, value_name = "PROGRAM")]
    fib_loadgen: Option<PathBuf>,
    /// End when the program that started this one does
    #[arg(help_heading = "Programs", long)]
    exit_with_parent: bool,
}

/// Rehearses, and ends in the verdict.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    let programs = Programs {
        fib_server: args.fib_server,
        fib_loadgen: args.fib_loadgen,
        load_result: args.load_result,
        exit_with_parent: args.exit_with_parent,
    };
    run::run(&args.flags, args.outputs, &args.serve, programs)
}

//! `hpa-check rehearse`: a full run on this machine, without a cluster.

mod run;
mod scene;
pub(crate) mod settings;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

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
    // The processes mostly wait; one thread is enough for them and leaves the CPUs to the pods.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| Failure::internal(format!("no thread can be started: {e}")))?;
    runtime.block_on(run::rehearse(args))
}

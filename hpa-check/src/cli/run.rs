//! `hpa-check run`: the complete check on a cluster.

mod asserted;
mod check;
mod load;

use self::asserted::AssertedArgs;
use self::load::LoadArgs;
use super::controller::ControllerArgs;
use super::name::NameArgs;
use crate::failure::Failure;
use crate::feed::live::ClusterArgs;
use crate::outputs::Outputs;
use crate::runtime::runtime;
use crate::sinks::page::ServeArgs;

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    load: LoadArgs,
    #[command(flatten)]
    asserted: AssertedArgs,
    #[command(flatten)]
    outputs: Outputs,
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    autoscaler: NameArgs,
    #[command(flatten)]
    cluster: ClusterArgs,
    #[command(flatten)]
    controller: ControllerArgs,
}

/// Checks, and returns the verdict's exit code.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    args.asserted.check()?;
    runtime()?.block_on(check::check(args))
}

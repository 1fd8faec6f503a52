//! `hpa-check replay`: judges a recorded run again, with the same evaluator.

use std::path::PathBuf;

use crate::cli::command_line::command_line;
use crate::drive::drive_through;
use crate::drive::session::Session;
use crate::failure::Failure;
use crate::feed::replay::Replay;
use crate::outputs::Outputs;

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The recording, made with `-o trace=FILE`; `-` reads standard input
    trace: PathBuf,
    #[command(flatten)]
    outputs: Outputs,
}

/// Feeds the recording to a session, and returns the verdict's exit code.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    let opened = args.outputs.files.open()?;
    let trace = Replay::open(&args.trace)?;
    let expectation = trace.expectation().clone();
    // Recordings of earlier versions do not contain the command line of the run, so this one is used.
    let command = trace.command().map_or_else(command_line, str::to_owned);
    let mut session = Session::start(opened, args.outputs.ui, expectation, command, None)?;
    if trace.version() != env!("CARGO_PKG_VERSION") {
        session = session.recorded_by(trace.version().to_owned());
    }
    let end = drive_through(trace, &mut session)?;
    Ok(session.finish(end)?.exit_code)
}

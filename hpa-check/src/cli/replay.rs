//! `hpa-check replay`: a recorded run, judged again by the same evaluator.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::PathBuf;

use hpa_check_core::documents::trace::{ReadError, Reader};
use hpa_check_core::run::conductor::{Conductor, Pace};
use jiff::Timestamp;

use crate::failure::Failure;
use crate::outputs::Outputs;
use crate::session::Session;
use crate::sinks::screen::notice;

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The recording, made with `-o trace=FILE`; `-` reads standard input
    trace: PathBuf,
    #[command(flatten)]
    outputs: Outputs,
}

/// Feeds the recording to a session, and ends in its verdict.
pub(crate) fn execute(args: Args) -> Result<u8, Failure> {
    let input: Box<dyn BufRead> = if args.trace.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(&args.trace).map_err(|e| {
            let path = args.trace.display();
            Failure::usage(format!("the trace `{path}` can't be opened: {e}"))
        })?))
    };
    let opened = args.outputs.files.open()?;
    let damaged = |e: ReadError| Failure::usage(format!("`{}`: {e}", args.trace.display()));
    let mut trace = Reader::new(input).map_err(damaged)?;
    let expectation = trace.header().expectation.clone();
    // The recording has its own phases; the conductor is never asked.
    let conductor = Conductor::new(expectation.clone(), Pace::Computed);
    let mut session = Session::start(opened, args.outputs.ui, expectation, conductor)?;
    let mut end = Timestamp::UNIX_EPOCH;
    for observation in trace.by_ref() {
        let observation = observation.map_err(damaged)?;
        end = observation.at;
        session.observe(observation);
    }
    if trace.torn() {
        notice("hpa-check: the trace's last line was torn off and is left out");
    }
    Ok(session.finish(end)?.exit_code)
}

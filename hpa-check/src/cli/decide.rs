//! `hpa-check decide`: controller decisions as data, one JSON object a line.

use std::io;

use crate::failure::{Failure, exit};

/// No flags: cases on standard input, answers on standard output.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Answers every line. The exit code is 2 when one was not of the form.
pub(crate) fn execute(_: &Args) -> Result<u8, Failure> {
    let output = io::BufWriter::new(io::stdout().lock());
    let all = hpa_check_core::decide::run(io::stdin().lock(), output)
        .map_err(|e| Failure::internal(format!("standard input or output failed: {e}")))?;
    Ok(if all { 0 } else { exit::USAGE })
}

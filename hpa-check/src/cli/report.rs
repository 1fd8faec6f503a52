//! `hpa-check report RESULT`: draws the reports again from a stored result.

use std::path::PathBuf;

use hpa_check_core::documents::result::{RunResult, SCHEMA, is_readable};

use crate::failure::Failure;
use crate::outputs::Files;
use crate::report;

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A result of an earlier run (-o json=FILE)
    result: PathBuf,
    #[command(flatten)]
    files: Files,
}

/// Writes the reports.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    let place = args.result.display();
    let text = std::fs::read_to_string(&args.result).map_err(|e| {
        Failure::usage(format!(
            "the result `{place}` can't be read ({e}): give a file written with -o json=FILE"
        ))
    })?;
    let result: RunResult = serde_json::from_str(&text).map_err(|e| {
        Failure::usage(format!(
            "`{place}` is no result of this program ({e}): give a file written with -o json=FILE"
        ))
    })?;
    if !is_readable(&result.schema) {
        return Err(Failure::usage(format!(
            "`{place}` has the schema `{}`, and this program reads {SCHEMA}",
            result.schema
        )));
    }
    if args.files.output.is_empty() {
        return Err(Failure::usage(
            "no report was asked for: give one with -o, such as -o html=report.html",
        ));
    }
    let opened = args.files.open()?;
    if opened.trace.is_some() {
        return Err(Failure::usage(
            "a trace can't be made from a result: ask for one when the run is made",
        ));
    }
    match report::write(&opened, &result).into_iter().next() {
        Some(failure) => Err(Failure::internal(failure)),
        None => Ok(0),
    }
}

//! `hpa-check schema`: the JSON Schema of the result document.

use std::io::Write;

use hpa_check_core::result::RunResult;

use crate::failure::Failure;

/// No flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

/// Prints the schema to standard output.
pub(crate) fn execute(_: &Args) -> Result<u8, Failure> {
    let schema = serde_json::to_string_pretty(&schemars::schema_for!(RunResult))
        .map_err(|e| Failure::internal(format!("the schema can't be written as JSON: {e}")))?;
    writeln!(std::io::stdout().lock(), "{schema}")
        .map_err(|e| Failure::usage(format!("standard output can't be written: {e}")))?;
    Ok(0)
}

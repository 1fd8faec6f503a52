//! `hpa-check schema`: the JSON Schema of a document that this program writes.

use hpa_check_core::compare::Comparison;
use hpa_check_core::documents::doctor::Report;
use hpa_check_core::documents::result::RunResult;
use hpa_check_core::sim::Simulation;

use crate::failure::Failure;
use crate::notice::answer;

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which document
    #[arg(value_enum, value_name = "DOCUMENT", default_value_t = Document::Run)]
    document: Document,
}

/// The documents.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Document {
    /// The result of run, rehearse and replay
    Run,
    /// The result of doctor
    Doctor,
    /// The result of simulate
    Simulate,
    /// The result of compare
    Compare,
}

/// Prints the schema to standard output.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    let schema = match args.document {
        Document::Run => schemars::schema_for!(RunResult),
        Document::Doctor => schemars::schema_for!(Report),
        Document::Compare => schemars::schema_for!(Comparison),
        Document::Simulate => schemars::schema_for!(Simulation),
    };
    let schema = serde_json::to_string_pretty(&schema)
        .map_err(|e| Failure::internal(format!("the schema can't be written as JSON: {e}")))?;
    answer(&schema, false)?;
    Ok(0)
}

//! `hpa-check report RESULT`: draws the reports again from a stored result, of a run or of doctor.

use std::path::{Path, PathBuf};

use hpa_check_core::documents::{doctor, result};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::file;
use crate::failure::Failure;
use crate::outputs::{Files, Opened, ReportFormat};
use crate::report::{self, fleet};

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A result of an earlier run or of doctor (-o json=FILE)
    result: PathBuf,
    #[command(flatten)]
    files: Files,
}

/// What can be rendered from the result of a run, which has no observations.
pub(super) const KINDS: [ReportFormat; 7] = [
    ReportFormat::Json,
    ReportFormat::Html,
    ReportFormat::Svg,
    ReportFormat::Md,
    ReportFormat::Junit,
    ReportFormat::Sarif,
    ReportFormat::Github,
];

/// The beginning of every document.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// Writes the reports.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    let place = args.result.display();
    let shown = format!("the result `{place}`");
    let text = file::text(&args.result, &shown, "a file written with -o json=FILE")?;
    let Head { schema } = parsed(&text, &args.result)?;
    if doctor::is_readable(&schema) {
        let fleet: doctor::Report = parsed(&text, &args.result)?;
        let fleet = fleet.grouped();
        args.files.only(&fleet::KINDS, "a result of doctor")?;
        report::write_all(&opened(&args.files)?, |kind| fleet::render(kind, &fleet))?;
    } else if result::is_readable(&schema) {
        let run: result::RunResult = parsed(&text, &args.result)?;
        report::write_all(&opened(&args.files)?, |kind| report::render(kind, &run))?;
    } else {
        return Err(Failure::usage(format!(
            "`{place}` has the schema `{schema}`, and this program reads {} and {}: give a file that run, rehearse, replay or doctor wrote with -o json=",
            result::SCHEMA,
            doctor::SCHEMA
        )));
    }
    Ok(0)
}

fn parsed<T: DeserializeOwned>(text: &str, file: &Path) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|e| {
        Failure::usage(format!(
            "`{}` is not a result of this program ({e}): give a file written with -o json=FILE",
            file.display()
        ))
    })
}

fn opened(files: &Files) -> Result<Opened, Failure> {
    if files.output.is_empty() {
        return Err(Failure::usage(
            "no report was requested: request one with -o, such as -o html=report.html",
        ));
    }
    if files
        .output
        .iter()
        .any(|output| output.kind == ReportFormat::Trace)
    {
        return Err(Failure::usage(
            "a trace can't be made from a result: request one with the run itself",
        ));
    }
    files.open()
}

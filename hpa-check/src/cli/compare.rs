//! `hpa-check compare A B`: how two runs or simulations differ, and whether the second is a regression.

use std::path::{Path, PathBuf};

use hpa_check_core::compare::{Side, compare};
use hpa_check_core::documents::result::{self, RunResult};
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::sim::{self, Simulation};
use program_common::quantity::share;
use serde_json::Value;

use super::command_line::command_line;
use super::file;
use crate::drive::drive_through;
use crate::failure::{Failure, exit};
use crate::feed::replay::Replay;
use crate::notice::answer;
use crate::outputs::Files;
use crate::report::compared::{KINDS, terminal, write};
use crate::simulation::watched;

/// The flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The baseline: a result of run, rehearse, replay or simulate (-o json=), or a trace
    #[arg(value_name = "A")]
    a: PathBuf,
    /// The result to compare with the baseline
    #[arg(value_name = "B")]
    b: PathBuf,
    /// Changes up to this share count as equal
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "5%")]
    tolerance: f64,
    #[command(flatten)]
    files: Files,
}

/// The exit code of an inconclusive comparison.
const INCONCLUSIVE: u8 = 93;

/// Compares and reports: 0, 99 for a regression, 93 if inconclusive.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    args.files.only(&KINDS, "a comparison")?;
    let opened = args.files.open()?;
    let (a, b) = (read(&args.a)?, read(&args.b)?);
    let mut comparison = compare(&a, &b, env!("CARGO_PKG_VERSION"), args.tolerance);
    comparison.command = Some(command_line());
    write(&opened, &comparison, &a, &b)?;
    answer(&terminal(&comparison), opened.is_piped())?;
    Ok(
        match (comparison.is_conclusive(), comparison.is_regression()) {
            (false, _) => INCONCLUSIVE,
            (true, true) => exit::THRESHOLD,
            (true, false) => 0,
        },
    )
}

/// What can be compared.
const WANTED: &str = "a file written with -o json= or -o trace=";

/// Reads a result, a simulation or a trace, depending on its contents.
fn read(path: &Path) -> Result<Side, Failure> {
    let place = path.display();
    let name = path.file_name().unwrap_or(path.as_os_str());
    let name = name.to_string_lossy();
    let text = file::text(path, &format!("`{place}`"), WANTED)?;
    let unreadable = |e: serde_json::Error| {
        Failure::usage(format!("`{place}` is incomplete ({e}): give {WANTED}"))
    };
    // A trace is JSON Lines, which is not one JSON document.
    let Ok(document) = serde_json::from_str::<Value>(&text) else {
        if !text.starts_with('{') {
            return Err(Failure::usage(format!(
                "`{place}` is neither a result nor a trace: give {WANTED}"
            )));
        }
        return trace(path, &name);
    };
    let schema = document["schema"].as_str().unwrap_or_default().to_owned();
    if schema == sim::SCHEMA {
        let simulation: Simulation = serde_json::from_value(document).map_err(unreadable)?;
        let timeline = watched(&simulation.scenario)?;
        return Ok(Side::of_simulation(&name, &simulation, timeline));
    }
    if result::is_readable(&schema) {
        let result: RunResult = serde_json::from_value(document).map_err(unreadable)?;
        return Ok(Side::of_run(&name, result));
    }
    let advice = if schema.starts_with("fib-loadgen/") {
        "compare it with fib-loadgen compare".to_owned()
    } else if schema.starts_with("hpa-check-doctor/") {
        "use hpa-check doctor --baseline".to_owned()
    } else {
        format!("give {WANTED}")
    };
    Err(Failure::usage(format!(
        "`{place}` is neither a run nor a simulation (its schema is `{schema}`): {advice}"
    )))
}

fn trace(path: &Path, name: &str) -> Result<Side, Failure> {
    let trace = Replay::open(path)?;
    let mut evaluator = Evaluator::new(trace.expectation().clone());
    let end = drive_through(trace, &mut evaluator)?;
    Ok(Side::of_run(name, evaluator.finish(end)))
}

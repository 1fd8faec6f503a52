//! A simulation, told: on the terminal, as JSON, and by the reports of a run.

mod text;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::expectation::{Expectation, ScaleDown};
use hpa_check_core::findings::catalog;
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::sim::{Bound, Grid, SCHEMA, Scenario, Simulation, Summary, search};
use hpa_check_core::verdict::{Outcome, Reason, Verdict};

use crate::drive::drive_through;
use crate::failure::{Failure, exit};
use crate::notice::answer;
use crate::outputs::{Files, Kind};
use crate::report;

pub(crate) use text::{Row, table};

/// What is asked.
pub(crate) struct Ask {
    pub(crate) scenario: Scenario,
    pub(crate) bound: Bound,
    /// What to try, if cheaper settings are searched for.
    pub(crate) grid: Option<Grid>,
    pub(crate) files: Files,
}

/// Simulates and tells; the number is the exit code.
pub(crate) fn simulate(ask: &Ask) -> Result<u8, Failure> {
    if let Some(other) = ask
        .files
        .output
        .iter()
        .find(|o| matches!(o.kind, Kind::Trace | Kind::Junit))
    {
        return Err(Failure::usage(format!(
            "a simulation has no {}: give json, html, svg or md",
            other.kind.word()
        )));
    }
    let opened = ask.files.open()?;
    let (result, summary) = watched(&ask.scenario)?;
    let simulation = Simulation {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scenario: ask.scenario.clone(),
        summary,
        search: ask
            .grid
            .clone()
            .map(|grid| search(&ask.scenario, grid, ask.bound)),
    };
    let mut piped = false;
    for (kind, destination) in &opened.reports {
        piped |= destination.path().is_none();
        let content = match kind {
            Kind::Json => serde_json::to_string_pretty(&simulation)
                .ok()
                .map(|json| json + "\n"),
            kind => report::render(*kind, &result),
        };
        let written = destination.write(content.unwrap_or_default().as_bytes());
        written.map_err(|e| {
            let kind = kind.word();
            Failure::internal(format!(
                "the {kind} report can't be written ({e}); nothing half-written is left"
            ))
        })?;
    }
    answer(&text::terminal(&simulation, ask.bound), piped)?;
    if ask.bound.is_kept(&simulation.summary) {
        Ok(0)
    } else {
        Ok(exit::THRESHOLD)
    }
}

/// The simulation as a watcher of a cluster would have seen it, for the reports of a run.
fn watched(scenario: &Scenario) -> Result<(RunResult, Summary), Failure> {
    let spec = &scenario.spec;
    let expectation = Expectation {
        scale_down: ScaleDown::Skip,
        ..Expectation::default()
    };
    let mut evaluator = Evaluator::new(expectation.of_spec(spec));
    let summary = scenario.run();
    let end = drive_through(scenario.engine(true), &mut evaluator)?;
    let mut result = evaluator.finish(end);
    // Nothing was proved of any cluster.
    result.verdict = Verdict {
        outcome: Outcome::Pass,
        exit_code: 0,
        reasons: vec![Reason {
            id: catalog::SIMULATED.id.to_owned(),
            message: text::sentence(&summary),
            evidence: Vec::new(),
            fix: None,
            outcome: Outcome::Pass,
        }],
    };
    Ok((result, summary))
}

//! Simulates, and reports on the terminal, as JSON, and with the reports of a run.

use hpa_check_core::expectation::Expectation;
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::run::timeline::Timeline;
use hpa_check_core::sim::{Bound, Grid, SCHEMA, Scenario, Simulation, search};

use crate::cli::command_line::command_line;
use crate::drive::drive_through;
use crate::failure::{Failure, exit};
use crate::notice::answer;
use crate::outputs::{Files, ReportFormat};
use crate::report;
use crate::report::simulated::{KINDS, Simulated, render, text};

/// Simulates and reports; returns the exit code.
/// With a grid it also searches for cheaper settings.
pub(crate) fn simulate(
    scenario: Scenario,
    bound: Bound,
    grid: Option<Grid>,
    files: &Files,
) -> Result<u8, Failure> {
    files.only(&KINDS, "a simulation")?;
    let opened = files.open()?;
    let mut simulation = document(scenario);
    let scenario = &simulation.scenario;
    simulation.bound = bound;
    simulation.kept = bound.is_kept(&simulation.summary);
    simulation.search = grid.map(|grid| search(scenario, grid, bound));
    // Watching takes much longer than simulating, and only drawings need it.
    if opened
        .reports
        .iter()
        .any(|(kind, _)| *kind != ReportFormat::Json)
    {
        let simulated = Simulated {
            simulation: &simulation,
            timeline: &watched(&simulation.scenario)?,
        };
        report::write_all(&opened, |kind| render(kind, &simulated))?;
    } else {
        report::write_all(&opened, |_| Some(report::json(&simulation)))?;
    }
    answer(&text::terminal(&simulation), opened.is_piped())?;
    if simulation.kept {
        Ok(0)
    } else {
        Ok(exit::THRESHOLD)
    }
}

/// A scenario that was run, as its document.
pub(crate) fn document(scenario: Scenario) -> Simulation {
    Simulation {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: Some(command_line()),
        summary: scenario.run(),
        scenario,
        bound: Bound::default(),
        kept: true,
        search: None,
    }
}

/// What a watcher of a cluster would have observed of the simulation, with the controller's own explanations: nothing
/// has to be inferred about what a simulated controller read.
pub(crate) fn watched(scenario: &Scenario) -> Result<Timeline, Failure> {
    let mut evaluator = Evaluator::new(Expectation::default().of_spec(&scenario.spec));
    let mut engine = scenario.engine(true);
    let end = drive_through(&mut engine, &mut evaluator)?;
    let mut timeline = evaluator.finish(end).timeline;
    let explanations = engine.explanations();
    for sync in &mut timeline.syncs {
        if let Ok(known) = explanations.binary_search_by_key(&sync.at, |one| one.at) {
            sync.sentence.clone_from(&explanations[known].value);
        }
    }
    Ok(timeline)
}

//! A simulation, told: on the terminal, as JSON, and by the reports of a run.

use hpa_check_core::expectation::Expectation;
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::run::timeline::Timeline;
use hpa_check_core::sim::{Bound, Grid, SCHEMA, Scenario, Simulation, Summary, search};

use crate::cli::command_line::command_line;
use crate::drive::drive_through;
use crate::failure::{Failure, exit};
use crate::notice::answer;
use crate::outputs::Files;
use crate::report;
use crate::report::simulated::{KINDS, Simulated, render, text};

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
    ask.files.only(&KINDS, "a simulation")?;
    let opened = ask.files.open()?;
    let (mut simulation, timeline) = document(ask.scenario.clone())?;
    simulation.bound = ask.bound;
    simulation.kept = ask.bound.is_kept(&simulation.summary);
    let grid = ask.grid.clone();
    simulation.search = grid.map(|grid| search(&ask.scenario, grid, ask.bound));
    let simulated = Simulated {
        simulation: &simulation,
        timeline: &timeline,
    };
    report::write_all(&opened, |kind| render(kind, &simulated))?;
    answer(&text::terminal(&simulation), opened.is_piped())?;
    if simulation.kept {
        Ok(0)
    } else {
        Ok(exit::THRESHOLD)
    }
}

/// A scenario that was run, as the document that stands for it, with what a watcher would have seen.
pub(crate) fn document(scenario: Scenario) -> Result<(Simulation, Timeline), Failure> {
    let (timeline, summary) = watched(&scenario)?;
    let simulation = Simulation {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: Some(command_line()),
        scenario,
        summary,
        bound: Bound::default(),
        kept: true,
        search: None,
    };
    Ok((simulation, timeline))
}

/// What a watcher of a cluster would have seen of the simulation.
pub(crate) fn watched(scenario: &Scenario) -> Result<(Timeline, Summary), Failure> {
    let mut evaluator = Evaluator::new(Expectation::default().of_spec(&scenario.spec));
    let summary = scenario.run();
    let end = drive_through(scenario.engine(true), &mut evaluator)?;
    Ok((evaluator.finish(end).timeline, summary))
}

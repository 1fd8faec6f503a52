//! The command line: one file a command, each with its flags and an `execute`.

use clap::{Parser, Subcommand};

use crate::failure::Failure;

mod decide;
mod doctor;
mod rehearse;
mod replay;
mod report;
mod run;
mod schema;

/// Proves that a Kubernetes HorizontalPodAutoscaler does what it was set up to do.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 pass, 1 internal error, 2 usage, 90 target not usable, \
91 the autoscaler or its set-up is wrong, 92 the surroundings were the limit, 93 inconclusive, \
105 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer controller decisions given as data: JSON lines in, JSON lines out
    Decide(decide::Args),
    /// Say what is wrong with autoscalers, from what the API shows now: no load, no wait
    Doctor(Box<doctor::Args>),
    /// Rehearse on this machine: real processes as pods, real load, no cluster
    Rehearse(Box<rehearse::Args>),
    /// Judge a recorded run again: the same evaluator, the same verdict
    Replay(replay::Args),
    /// Draw the reports again from a stored result
    Report(report::Args),
    /// Check an autoscaler on a cluster: watch, load, explain, and end in a verdict
    Run(Box<run::Args>),
    /// Print the JSON Schema of the result
    Schema(schema::Args),
}

impl Cli {
    /// Runs the command; the number is the exit code of one that came to its end.
    pub(crate) fn execute(self) -> Result<u8, Failure> {
        match self.command {
            Command::Decide(args) => decide::execute(&args),
            Command::Doctor(args) => doctor::execute(*args),
            Command::Rehearse(args) => rehearse::execute(*args),
            Command::Replay(args) => replay::execute(args),
            Command::Report(args) => report::execute(&args),
            Command::Run(args) => run::execute(*args),
            Command::Schema(args) => schema::execute(&args),
        }
    }
}

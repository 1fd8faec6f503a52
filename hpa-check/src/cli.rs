//! The command line: one file a command, each with its flags and an `execute`.

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::failure::Failure;

pub(crate) mod command_line;
mod compare;
mod completions;
mod controller;
mod decide;
mod doctor;
mod export;
mod load_from;
mod manifest;
mod record;
mod rehearse;
mod replay;
mod report;
mod run;
mod schema;
mod simulate;
pub(crate) mod time;
mod what_if;

/// Proves that a Kubernetes HorizontalPodAutoscaler does what it is configured to do.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 pass, 1 internal error, 2 usage, 90 target not usable, \
91 the autoscaler or its setup is wrong, 92 the environment was the limit, 93 inconclusive, \
99 a bound is not kept, 105 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Compare two runs or simulations, and report regressions
    Compare(compare::Args),
    /// Print shell completions
    Completions(completions::Args),
    /// Compute controller decisions from data: JSON Lines in, JSON Lines out
    Decide(decide::Args),
    /// Find what is wrong with autoscalers from what the API shows now, without load or waiting
    Doctor(Box<doctor::Args>),
    /// Export a namespace's application as clean manifests, without Secrets
    Export(export::Args),
    /// Print the manual page
    Man(completions::ManArgs),
    /// Watch an autoscaler and record a trace, without load or verdict
    Record(Box<record::Args>),
    /// Do a full run on this machine: real processes as pods, real load, no cluster
    Rehearse(Box<rehearse::Args>),
    /// Evaluate a recorded run again, with the same evaluator
    Replay(replay::Args),
    /// Render reports again from a stored result
    Report(report::Args),
    /// Ask the server what restoring exported manifests would change; nothing is written
    Restore(export::RestoreArgs),
    /// Check an autoscaler on a cluster: watch, load, explain, and end in a verdict
    Run(Box<run::Args>),
    /// Print the JSON Schema of the result
    Schema(schema::Args),
    /// Simulate how an autoscaler responds to a load, and search for cheaper settings; no cluster
    Simulate(Box<simulate::Args>),
    /// Simulate a recorded run with other settings
    WhatIf(Box<what_if::Args>),
}

/// The name under which kubectl finds this program as its plugin.
const PLUGIN: &str = "kubectl-hpa_check";

impl Cli {
    /// Reads the command line; usage and help name the program as it was called.
    pub(crate) fn read() -> Self {
        let called = std::env::args_os().next().map(std::path::PathBuf::from);
        let plugin = called.is_some_and(|path| path.file_stem().is_some_and(|name| name == PLUGIN));
        let command = Self::command();
        let command = if plugin {
            command.bin_name("kubectl hpa-check")
        } else {
            command
        };
        Self::from_arg_matches(&command.get_matches()).unwrap_or_else(|error| error.exit())
    }

    /// Runs the command, and returns its exit code.
    pub(crate) fn execute(self) -> Result<u8, Failure> {
        match self.command {
            Command::Compare(args) => compare::execute(&args),
            Command::Completions(args) => completions::execute(&args),
            Command::Decide(args) => decide::execute(&args),
            Command::Doctor(args) => doctor::execute(*args),
            Command::Export(args) => export::execute(&args),
            Command::Man(args) => completions::man(&args),
            Command::Record(args) => record::execute(*args),
            Command::Rehearse(args) => rehearse::execute(*args),
            Command::Replay(args) => replay::execute(args),
            Command::Report(args) => report::execute(&args),
            Command::Restore(args) => export::restore(&args),
            Command::Run(args) => run::execute(*args),
            Command::Schema(args) => schema::execute(&args),
            Command::Simulate(args) => simulate::execute(*args),
            Command::WhatIf(args) => what_if::execute(&args),
        }
    }
}

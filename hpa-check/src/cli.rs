//! The command line: one file per command, with its flags and an `execute` function.

use std::ffi::OsString;
use std::path::Path;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use program_common::usage;

use crate::failure::Failure;

pub(crate) mod command_line;
mod compare;
mod complete;
mod completions;
mod controller;
mod decide;
mod doctor;
mod export;
mod file;
mod help;
mod load_from;
mod manifest;
mod name;
mod order;
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
#[command(version, after_help = help::PROGRAM)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// In the order in which people first need them.
#[derive(Debug, Subcommand)]
enum Command {
    /// Find what is wrong with autoscalers from what the API shows now, without load or waiting
    #[command(after_help = help::DOCTOR)]
    Doctor(Box<doctor::Args>),
    /// Simulate how an autoscaler responds to a load, and search for cheaper settings; no cluster
    #[command(after_help = help::SIMULATE)]
    Simulate(Box<simulate::Args>),
    /// Check an autoscaler on a cluster: watch, load, explain, and end in a verdict
    #[command(after_help = help::RUN)]
    Run(Box<run::Args>),
    /// Do a full run on this machine: real processes as pods, real load, no cluster
    #[command(after_help = help::REHEARSE)]
    Rehearse(Box<rehearse::Args>),
    /// Watch an autoscaler and record a trace, without load or verdict
    #[command(after_help = help::RECORD)]
    Record(Box<record::Args>),
    /// Simulate a recorded run with other settings
    #[command(after_help = help::WHAT_IF)]
    WhatIf(Box<what_if::Args>),
    /// Evaluate a recorded run again, with the same evaluator
    #[command(after_help = help::REPLAY)]
    Replay(replay::Args),
    /// Compare two runs or simulations, and report regressions
    #[command(after_help = help::COMPARE)]
    Compare(compare::Args),
    /// Render reports again from a stored result
    #[command(after_help = help::REPORT)]
    Report(report::Args),
    /// Export a namespace's application as clean manifests, without Secrets
    #[command(after_help = help::EXPORT)]
    Export(export::Args),
    /// Ask the server what restoring exported manifests would change; nothing is written
    #[command(after_help = help::RESTORE)]
    Restore(export::RestoreArgs),
    /// Compute controller decisions from data: JSON Lines in, JSON Lines out
    #[command(after_help = help::DECIDE)]
    Decide(decide::Args),
    /// Print the JSON Schema of the result
    #[command(after_help = help::SCHEMA)]
    Schema(schema::Args),
    /// Print completions for a shell, or for kubectl
    #[command(after_help = help::COMPLETIONS)]
    Completions(completions::Args),
    /// Print a manual page, or write them all
    #[command(after_help = help::MAN)]
    Man(completions::ManArgs),
}

/// The name under which kubectl finds this program as its plugin.
const PLUGIN: &str = "kubectl-hpa_check";

/// The word before the words to complete; the script printed by `completions kubectl` passes it.
const COMPLETE: &str = "__complete";

/// The name by which this program was called, without its folder.
fn called(words: &[OsString]) -> &str {
    let path = words.first().map(Path::new);
    path.and_then(Path::file_stem)
        .and_then(|name| name.to_str())
        .unwrap_or_default()
}

impl Cli {
    /// Parses the command line; usage and help show the name by which the program was called. `None` if kubectl
    /// asked for completions, which are then printed.
    pub(crate) fn read() -> Result<Option<Self>, Failure> {
        let words: Vec<OsString> = std::env::args_os().collect();
        if let [_, first, unfinished @ ..] = words.as_slice()
            && first == COMPLETE
        {
            return complete::print(unfinished).map(|()| None);
        }
        let plugin = called(&words) == PLUGIN;
        let command = help::complete(Self::command(), plugin);
        let words = order::command_first(&command, words);
        let matches = command
            .try_get_matches_from(words)
            .unwrap_or_else(|error| usage::explained(error).exit());
        Ok(Some(
            Self::from_arg_matches(&matches).unwrap_or_else(|error| usage::explained(error).exit()),
        ))
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
            Command::Run(args) => run::execute(&args),
            Command::Schema(args) => schema::execute(&args),
            Command::Simulate(args) => simulate::execute(*args),
            Command::WhatIf(args) => what_if::execute(&args),
        }
    }
}

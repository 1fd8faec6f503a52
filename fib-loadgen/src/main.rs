//! The load generator: parses, runs, and returns the exit code.

use std::process::ExitCode;

use clap::Parser;
use fib_loadgen::args::Cli;
use fib_loadgen::{commands, live};
use program_common::usage;

fn main() -> ExitCode {
    let cli = Cli::try_parse().unwrap_or_else(|error| usage::explained(error).exit());
    match commands::dispatch(cli, std::env::args().collect()) {
        Ok(code) => code.into(),
        Err(failure) => {
            live::say(&format!("fib-loadgen: {failure}"));
            failure.exit_code()
        }
    }
}

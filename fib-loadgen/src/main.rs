//! The load generator's program: parse, do it, say how it ended.

use std::process::ExitCode;

use clap::Parser;
use fib_loadgen::args::Cli;
use fib_loadgen::{commands, live};

fn main() -> ExitCode {
    match commands::dispatch(Cli::parse(), std::env::args().collect()) {
        Ok(code) => code.into(),
        Err(failure) => {
            live::say(&format!("fib-loadgen: {failure}"));
            failure.exit_code()
        }
    }
}

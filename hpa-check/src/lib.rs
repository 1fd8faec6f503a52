//! Proves that a Kubernetes `HorizontalPodAutoscaler` does what it is configured to do.
//!
//! A feed (a live cluster, the rehearsal, a simulation, a recording) yields observations and carries
//! out actions; the driver passes observations to the evaluator, the recorder, the screen and the page;
//! the verdict becomes the reports and the exit code. All decisions are made in `hpa-check-core`.

use std::process::ExitCode;

#[cfg(test)]
#[path = "../tests/api_server/server.rs"]
mod api_server;
mod cli;
mod drive;
pub mod failure;
mod feed;
mod load;
mod notice;
pub mod outputs;
mod process;
mod prometheus;
mod report;
mod runtime;
mod signals;
mod simulation;
mod sinks;

/// Parses the command line, runs the command, and returns its exit code.
pub fn main() -> ExitCode {
    let ended = cli::Cli::read().and_then(|cli| cli.map_or(Ok(0), cli::Cli::execute));
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            notice::notice(&format!("hpa-check: {failure}"));
            ExitCode::from(failure.code)
        }
    }
}

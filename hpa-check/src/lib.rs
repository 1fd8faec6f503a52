//! Proves that a Kubernetes `HorizontalPodAutoscaler` does what it was set up to do.
//!
//! A source (a live cluster, the rehearsal, a recording) yields observations; a session feeds them
//! to the evaluator, the recorder and the screen; the verdict becomes the reports and the exit code.
//! All that decides anything is in `hpa-check-core`.

use std::process::ExitCode;

#[cfg(test)]
#[path = "../tests/api_server/server.rs"]
mod api_server;
mod cli;
mod cluster_run;
mod doctor;
pub mod failure;
mod feed;
mod load;
pub mod outputs;
mod process;
mod recording;
mod report;
mod session;
mod signals;
mod simulation;
mod sinks;

/// Parses the command line, runs the command, and turns its end into an exit code.
#[expect(
    clippy::print_stderr,
    reason = "the one place where a failure is told to the user"
)]
pub fn main() -> ExitCode {
    match cli::Cli::read().execute() {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("hpa-check: {failure}");
            ExitCode::from(failure.code)
        }
    }
}

//! `fib-server`: reads its settings, opens its ports, and serves until stopped.

use std::io::Write;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser};
use fib_server::args::{Args, Command};
use fib_server::config::Config;
use fib_server::lifecycle::Stop;
use fib_server::{Bound, healthcheck, runtime, telemetry};
use program_common::{pages, process, usage};
use tokio::signal::unix::{SignalKind, signal};

/// A wrong setting; clap exits with the same code.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let args = Args::try_parse().unwrap_or_else(|error| usage::explained(error).exit());
    let (check, command) = (args.check_config, args.command);
    match command {
        Some(Command::Completions { shell }) => {
            return print(&pages::completions(Args::command(), shell));
        }
        Some(Command::Man) => {
            return match pages::manual(Args::command(), None) {
                Ok(page) => print(&page),
                Err(error) => fail(1, &error),
            };
        }
        Some(Command::Healthcheck) | None => {}
    }
    let _ = process::raise_open_files_limit();
    let config = match Config::load(args) {
        Ok(config) => config,
        Err(error) => return fail(USAGE, &error),
    };
    if check {
        return print_config(&config);
    }
    if let Some(Command::Healthcheck) = command {
        return match healthcheck::ask(&config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(1, &error),
        };
    }
    let _log = match telemetry::start(config.log_format, &config.log_level) {
        Ok(guard) => guard,
        Err(error) => return fail(USAGE, &error),
    };
    match run(config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &*error),
    }
}

fn run(config: Config) -> Result<(), Box<dyn std::error::Error>> {
    if config.exit_with_stdin {
        #[expect(
            clippy::exit,
            reason = "the parent is gone, and every thread may be busy"
        )]
        process::when_stdin_ends(|| std::process::exit(0))?;
    }
    let runtime = runtime::start(config.worker_threads)?;
    tracing::info!(
        worker_threads = config.worker_threads,
        compute_threads = config.compute_threads,
        max_n = config.max_n,
        max_connections = config.max_connections,
        max_inflight_bytes = config.max_inflight_bytes,
        "starting"
    );
    runtime.block_on(async {
        let stop = Stop::default();
        // Before the port is open: from then on a signal means an orderly stop.
        let (mut term, mut int) = (
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        );
        let signalled = stop.clone();
        tokio::spawn(async move {
            loop {
                tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
                signalled.signal();
            }
        });
        let server = Bound::new(config)?;
        announce(&server)?;
        server.run(stop).await?;
        tracing::info!("stopped");
        Ok(())
    })
}

/// The only line on standard output: the addresses, now that it is listening.
fn announce(server: &Bound) -> Result<(), Box<dyn std::error::Error>> {
    let admin = server
        .admin_address()?
        .map(|a| format!(" admin http://{a}"))
        .unwrap_or_default();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "fib-server listening on {}://{}{admin}",
        if server.is_tls() { "https" } else { "http" },
        server.address()?
    )?;
    out.flush()?;
    Ok(())
}

fn print_config(config: &Config) -> ExitCode {
    let text = serde_json::to_string_pretty(config).unwrap_or_default();
    print(format!("{text}\n").as_bytes())
}

/// Prints to standard output. A reader that stops early, such as `head`, has read enough.
fn print(text: &[u8]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => fail(1, &error),
        _ => ExitCode::SUCCESS,
    }
}

fn fail(code: u8, error: &dyn std::fmt::Display) -> ExitCode {
    // If this fails, there is nobody to report it to.
    let _ = writeln!(std::io::stderr().lock(), "fib-server: {error}");
    ExitCode::from(code)
}

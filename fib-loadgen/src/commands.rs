//! The implementation of each command.

mod calibrate;
mod capacity;
mod compare;
mod load;
mod plan;
mod report;
mod run;
mod verify;

use clap::CommandFactory as _;
use program_common::pages;

use crate::args::{Cli, Command, ManArgs};
use crate::exit::Failure;
use crate::live;
use crate::result::Document;

/// Runs the requested command; returns the exit code or the failure.
pub fn dispatch(cli: Cli, argv: Vec<String>) -> Result<u8, Failure> {
    match cli.command {
        None => run::run(&cli.run, argv),
        Some(Command::Run(args)) => run::run(&args, argv),
        Some(Command::Plan(args)) => plan::plan(&args),
        Some(Command::Verify(args)) => verify::verify(&args),
        Some(Command::Capacity(args)) => capacity::capacity(&args),
        Some(Command::Report(args)) => report::report(&args),
        Some(Command::Compare(args)) => compare::compare(&args),
        Some(Command::Merge(args)) => report::merge(&args),
        Some(Command::Schema) => schema(),
        Some(Command::Completions(args)) => write(&pages::completions(Cli::command(), args.shell)),
        Some(Command::Man(args)) => man(&args),
    }
}

/// Prints to standard output.
fn print(text: &str) -> Result<u8, Failure> {
    write(format!("{text}\n").as_bytes())
}

fn write(text: &[u8]) -> Result<u8, Failure> {
    use std::io::Write;
    let mut stdout = std::io::stdout().lock();
    match stdout.write_all(text).and_then(|()| stdout.flush()) {
        // A reader that stops early, such as `head`, has read enough.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(Failure::internal(
            format!("standard output can't be written ({error})"),
        )),
        _ => Ok(0),
    }
}

/// Prints a manual page, or writes all of them.
fn man(args: &ManArgs) -> Result<u8, Failure> {
    let Some(folder) = &args.to else {
        let page = pages::manual(Cli::command(), args.command.as_deref());
        return write(&page.map_err(Failure::usage)?);
    };
    pages::write_manual(Cli::command(), folder).map_err(|error| {
        Failure::usage(format!(
            "the manual pages can't be written to `{}` ({error}): give a folder that exists",
            folder.display()
        ))
    })?;
    Ok(0)
}

fn schema() -> Result<u8, Failure> {
    // The form in which it is written: every key is present, though readers accept older documents without
    // some.
    let schema = schemars::generate::SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Document>();
    match serde_json::to_string_pretty(&schema) {
        Ok(text) => print(&text),
        Err(error) => Err(Failure::internal(format!(
            "the schema can't be written ({error})"
        ))),
    }
}

/// A multi-threaded runtime.
fn runtime(threads: usize) -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(format!("no runtime can be started ({error})")))
}

/// Prints a message on standard error.
fn say(text: &str) {
    live::say(text.trim_end());
}

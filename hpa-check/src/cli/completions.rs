//! `hpa-check completions SHELL` and `hpa-check man`.

use std::path::PathBuf;

use clap::CommandFactory as _;
use program_common::pages::{self, Shell};

use super::{Cli, help};
use crate::failure::Failure;
use crate::notice::print;

/// The flags of `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell; kubectl is the script that `kubectl hpa-check` completes with, as `kubectl_complete-hpa_check` on the PATH
    #[arg(value_enum, value_name = "SHELL")]
    shell: Kind,
}

/// What to complete for.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Kind {
    Bash,
    Elvish,
    Fish,
    Kubectl,
    Powershell,
    Zsh,
}

/// The flags of `man`.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {
    /// The command whose page to print [default: the page of the program]
    #[arg(conflicts_with = "to")]
    command: Option<String>,
    /// Write the page of the program and one for each command to this folder
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

/// kubectl calls it with the words to complete.
const KUBECTL: &str = r#"#!/bin/sh
# Completes `kubectl hpa-check`. kubectl finds it on the PATH as kubectl_complete-hpa_check.
exec hpa-check __complete "$@"
"#;

/// Prints the completions to standard output.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    let shell = match args.shell {
        Kind::Bash => Shell::Bash,
        Kind::Elvish => Shell::Elvish,
        Kind::Fish => Shell::Fish,
        Kind::Powershell => Shell::PowerShell,
        Kind::Zsh => Shell::Zsh,
        Kind::Kubectl => return print(KUBECTL.as_bytes()).map(|()| 0),
    };
    print(&pages::completions(Cli::command(), shell))?;
    Ok(0)
}

/// Prints a manual page to standard output, or writes all of them.
pub(crate) fn man(args: &ManArgs) -> Result<u8, Failure> {
    let program = help::complete(Cli::command(), false);
    if let Some(folder) = &args.to {
        pages::write_manual(program, folder).map_err(|e| {
            Failure::usage(format!(
                "the manual pages can't be written to `{}` ({e}): give a folder that exists",
                folder.display()
            ))
        })?;
        return Ok(0);
    }
    let page = pages::manual(program, args.command.as_deref()).map_err(Failure::usage)?;
    print(&page)?;
    Ok(0)
}

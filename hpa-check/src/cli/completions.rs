//! `hpa-check completions SHELL` and `hpa-check man`.

use std::io::Write as _;

use clap::CommandFactory;
use clap_complete::Shell;

use super::Cli;
use crate::failure::Failure;

/// The flags of `completions`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// No flags.
#[derive(Debug, clap::Args)]
pub(crate) struct ManArgs {}

/// Prints the completions to standard output.
pub(crate) fn execute(args: &Args) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hpa-check", &mut script);
    print(&script)
}

/// Prints the manual page, all commands in one, to standard output.
pub(crate) fn man(_: &ManArgs) -> Result<u8, Failure> {
    let mut command = Cli::command();
    command.build();
    let mut page = Vec::new();
    let failure = |e| Failure::internal(format!("the manual page can't be made: {e}"));
    clap_mangen::Man::new(command.clone())
        .render(&mut page)
        .map_err(failure)?;
    for sub in command.get_subcommands().filter(|c| c.get_name() != "help") {
        writeln!(page, ".SH \"COMMAND {}\"", sub.get_name().to_uppercase()).map_err(failure)?;
        let sub = clap_mangen::Man::new(sub.clone());
        sub.render_description_section(&mut page).map_err(failure)?;
        sub.render_synopsis_section(&mut page).map_err(failure)?;
        sub.render_options_section(&mut page).map_err(failure)?;
    }
    print(&page)
}

fn print(text: &[u8]) -> Result<u8, Failure> {
    std::io::stdout()
        .lock()
        .write_all(text)
        .map_err(|e| Failure::usage(format!("standard output can't be written: {e}")))?;
    Ok(0)
}

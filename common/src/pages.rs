//! A program's pages about itself: completions for shells, and a manual page for each command.

use std::io::{self, Write as _};
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

pub use clap_complete::Shell;

/// A program's completions for a shell.
pub fn completions(mut program: Command, shell: Shell) -> Vec<u8> {
    let name = program.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program, name, &mut script);
    script
}

/// The manual page of a program, or of one of its commands.
///
/// # Errors
///
/// One sentence, if there is no such command.
pub fn manual(program: Command, command: Option<&str>) -> Result<Vec<u8>, String> {
    let pages = pages(program);
    let name = command.map_or_else(
        || pages[0].name.clone(),
        |c| format!("{}-{c}", pages[0].name),
    );
    let page = pages.iter().find(|page| page.name == name);
    let Some(page) = page else {
        let known: Vec<&str> = pages.iter().skip(1).map(|p| p.command()).collect();
        return Err(format!(
            "there is no command `{}`: expected one of {}",
            command.unwrap_or_default(),
            known.join(", ")
        ));
    };
    page.render(&pages).map_err(|e| e.to_string())
}

/// Writes the manual page of a program and one for each of its commands, such as `hpa-check-run.1`.
///
/// # Errors
///
/// If a file can't be written.
pub fn write_manual(program: Command, folder: &Path) -> io::Result<()> {
    let pages = pages(program);
    for page in &pages {
        std::fs::write(
            folder.join(format!("{}.1", page.name)),
            page.render(&pages)?,
        )?;
    }
    Ok(())
}

/// One page.
struct Page {
    /// Its name: the program's, followed by a hyphen and the command's.
    name: String,
    program: String,
    command: Command,
}

/// The program's page first, then its commands' in their order.
fn pages(mut program: Command) -> Vec<Page> {
    program.build();
    let name = program.get_name().to_owned();
    let own = Page {
        name: name.clone(),
        program: name.clone(),
        command: program.clone().disable_help_subcommand(true),
    };
    let commands = program
        .get_subcommands()
        .filter(|c| c.get_name() != "help" && !c.is_hide_set());
    let commands = commands.map(|command| Page {
        name: format!("{name}-{}", command.get_name()),
        program: name.clone(),
        command: command.clone(),
    });
    std::iter::once(own).chain(commands).collect()
}

impl Page {
    /// The command's name alone.
    fn command(&self) -> &str {
        self.name[self.program.len()..].trim_start_matches('-')
    }

    fn render(&self, all: &[Self]) -> io::Result<Vec<u8>> {
        let is_program = self.command().is_empty();
        let man = Man::new(self.command.clone()).title(self.name.to_uppercase());
        let mut page = Vec::new();
        man.render_title(&mut page)?;
        let about = self.command.get_about().map(ToString::to_string);
        let mut names = Roff::new();
        names.control("SH", ["NAME"]);
        names.text([roman(format!(
            "{} - {}",
            self.name,
            about.unwrap_or_default()
        ))]);
        names.to_writer(&mut page)?;
        man.render_synopsis_section(&mut page)?;
        man.render_description_section(&mut page)?;
        man.render_options_section(&mut page)?;
        if is_program && all.len() > 1 {
            commands(all).to_writer(&mut page)?;
        }
        let after = self.command.get_after_help().map(ToString::to_string);
        after_help(&after.unwrap_or_default()).to_writer(&mut page)?;
        let others = all
            .iter()
            .filter(|p| p.name != self.name && (is_program || p.command().is_empty()));
        let others: Vec<String> = others.map(|p| format!("{}(1)", p.name)).collect();
        if !others.is_empty() {
            let mut also = Roff::new();
            also.control("SH", ["SEE ALSO"]);
            also.text([roman(others.join(", "))]);
            also.to_writer(&mut page)?;
        }
        page.flush()?;
        Ok(page)
    }
}

fn commands(all: &[Page]) -> Roff {
    let mut section = Roff::new();
    section.control("SH", ["COMMANDS"]);
    for page in all.iter().skip(1) {
        let about = page.command.get_about().map(ToString::to_string);
        section.control("TP", []);
        section.text([bold(format!("{}(1)", page.name))]);
        section.text([roman(about.unwrap_or_default())]);
    }
    section
}

/// The examples as typed, and the text below them.
fn after_help(text: &str) -> Roff {
    let mut section = Roff::new();
    for part in text.split("\n\n").filter(|part| !part.is_empty()) {
        if let Some(examples) = part.strip_prefix("Examples:\n") {
            section.control("SH", ["EXAMPLES"]);
            section.control("nf", []);
            for line in examples.lines() {
                section.text([roman(line)]);
            }
            section.control("fi", []);
        } else if let Some(codes) = part.strip_prefix("Exit codes: ") {
            section.control("SH", ["EXIT STATUS"]);
            section.text([roman(codes.replace('\n', " "))]);
        } else {
            section.control("SH", ["NOTES"]);
            section.text([roman(part.replace('\n', " "))]);
        }
    }
    section
}

#[cfg(test)]
mod tests {
    use clap::{Arg, Command};

    use super::*;

    fn program() -> Command {
        Command::new("x")
            .about("Does things")
            .after_help("Examples:\n  x go --fast\n\nExit codes: 0 done,\n1 not")
            .subcommand(
                Command::new("go")
                    .about("Goes")
                    .arg(Arg::new("fast").long("fast").help("Quicker")),
            )
    }

    #[test]
    fn each_command_has_its_own_page_which_the_programs_page_names() {
        let page = String::from_utf8(manual(program(), None).unwrap()).unwrap();
        for part in [
            "x\\-go(1)",
            "EXAMPLES",
            "x go \\-\\-fast",
            "EXIT STATUS",
            "0 done, 1 not",
        ] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let page = String::from_utf8(manual(program(), Some("go")).unwrap()).unwrap();
        for part in ["x\\-go \\- Goes", "\\-\\-fast", "Quicker", "x(1)"] {
            assert!(page.contains(part), "{part}: {page}");
        }
        let error = manual(program(), Some("og")).unwrap_err();
        assert!(error.contains("expected one of go"), "{error}");
    }

    #[test]
    fn all_pages_are_written_to_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        write_manual(program(), folder.path()).unwrap();
        assert!(folder.path().join("x.1").exists() && folder.path().join("x-go.1").exists());
    }

    #[test]
    fn the_completions_of_every_shell_name_the_commands() {
        for shell in [
            Shell::Bash,
            Shell::Elvish,
            Shell::Fish,
            Shell::PowerShell,
            Shell::Zsh,
        ] {
            let script = String::from_utf8(completions(program(), shell)).unwrap();
            assert!(script.contains("go"), "{shell}");
        }
    }
}

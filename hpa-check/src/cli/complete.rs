//! Completions for `kubectl hpa-check`: kubectl calls `kubectl_complete-hpa_check` with the words after the
//! plugin's name, the last one unfinished, and reads one candidate per line, then a directive. `completions
//! kubectl` prints the script.
//!
//! Source: `k8s.io/kubectl/pkg/cmd/plugin/plugin_completion.go` and cobra's `ShellCompDirective`.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory as _, ValueHint};

use super::{Cli, order};
use crate::failure::Failure;
use crate::notice;

/// What the shell may add to the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Directive {
    /// Files.
    Files = 0,
    /// Nothing.
    NoFiles = 4,
}

/// Prints the candidates for the last of these words.
pub(super) fn print(words: &[OsString]) -> Result<(), Failure> {
    let words = words.iter().map(|w| w.to_string_lossy().into_owned());
    let (candidates, directive) = candidates(&Cli::command(), &words.collect::<Vec<_>>());
    let mut text = candidates.join("\n");
    if !candidates.is_empty() {
        text.push('\n');
    }
    text += &format!(":{}\n", directive as u8);
    notice::print(text.as_bytes())
}

fn candidates(program: &Command, words: &[String]) -> (Vec<String>, Directive) {
    let (last, before) = match words.split_last() {
        Some((last, before)) => (last.as_str(), before),
        None => ("", words),
    };
    let typed = std::iter::once(OsString::new()).chain(before.iter().map(OsString::from));
    let ordered = order::command_first(program, typed.collect());
    let command = ordered
        .get(1)
        .and_then(|word| program.find_subcommand(word));
    // The value of a flag, after a space or after `=`.
    let flags: Vec<&Arg> = match command {
        Some(command) => command.get_arguments().collect(),
        None => program
            .get_subcommands()
            .flat_map(Command::get_arguments)
            .collect(),
    };
    let named = |word: &str| {
        let named = flags.iter().find(|arg| is(arg, word));
        named.filter(|arg| arg.get_action().takes_values()).copied()
    };
    if let Some((word, value)) = last.split_once('=')
        && let Some(flag) = named(word)
    {
        let (values, directive) = values(flag, value);
        let values = values.into_iter().map(|v| format!("{word}={v}"));
        return (values.collect(), directive);
    }
    if let Some(flag) = before.last().and_then(|word| named(word)) {
        return values(flag, last);
    }
    let Some(command) = command else {
        let all = program.get_subcommands();
        let all = all.filter(|c| c.get_name().starts_with(last));
        return (
            all.map(|c| told(c.get_name(), c.get_about())).collect(),
            Directive::NoFiles,
        );
    };
    if last.starts_with('-') {
        return (longs(command, last), Directive::NoFiles);
    }
    let positional = command.get_positionals().find(|arg| !arg.is_last_set());
    positional.map_or((Vec::new(), Directive::NoFiles), |arg| values(arg, last))
}

fn is(flag: &Arg, word: &str) -> bool {
    match word.strip_prefix("--") {
        Some(name) => flag.get_long() == Some(name),
        None => {
            word.len() == 2
                && word.strip_prefix('-').and_then(|s| s.chars().next()) == flag.get_short()
                && flag.get_short().is_some()
        }
    }
}

/// The possible values, or a request for files if the value is a file.
fn values(flag: &Arg, begun: &str) -> (Vec<String>, Directive) {
    let possible = flag.get_possible_values();
    let names = flag.get_value_names().unwrap_or_default();
    let file = names
        .iter()
        .any(|n| n.contains("FILE") || n.contains("PROGRAM") || *n == "TRACE" || *n == "RESULT");
    if possible.is_empty() {
        let files = file || flag.get_value_hint() == ValueHint::FilePath;
        let directive = if files {
            Directive::Files
        } else {
            Directive::NoFiles
        };
        return (Vec::new(), directive);
    }
    let fitting = possible.iter().filter(|v| v.get_name().starts_with(begun));
    let fitting = fitting.map(|v| told(v.get_name(), v.get_help()));
    (fitting.collect(), Directive::NoFiles)
}

fn longs(command: &Command, begun: &str) -> Vec<String> {
    let flags = command.get_opts().filter_map(|flag| {
        let long = format!("--{}", flag.get_long()?);
        long.starts_with(begun)
            .then(|| told(&long, flag.get_help()))
    });
    flags.collect()
}

/// A candidate with its description.
fn told(word: &str, help: Option<&clap::builder::StyledStr>) -> String {
    match help {
        Some(help) => format!("{word}\t{}", help.to_string().replace('\n', " ")),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> (Vec<String>, Directive) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let (candidates, directive) = candidates(&Cli::command(), &words);
        let words = candidates
            .iter()
            .map(|c| c.split('\t').next().unwrap().to_owned());
        (words.collect(), directive)
    }

    #[test]
    fn commands_flags_and_values_are_completed_where_they_are_allowed() {
        assert_eq!(asked("do").0, ["doctor"]);
        assert_eq!(asked("-n shop do").0, ["doctor"]);
        assert_eq!(asked("run --load-c").0, ["--load-command"]);
        assert_eq!(asked("run --scale-down o").0, ["one-step"]);
        assert_eq!(asked("run --scale-down=o").0, ["--scale-down=one-step"]);
        assert_eq!(asked("-n shop doctor --fail-on ca").0, ["cause"]);
        assert_eq!(asked("schema d").0, ["doctor"]);
        assert!(asked("").0.contains(&"simulate".to_owned()));
    }

    #[test]
    fn files_are_completed_only_where_a_file_is_expected() {
        assert_eq!(asked("simulate --hpa "), (Vec::new(), Directive::Files));
        assert_eq!(asked("replay "), (Vec::new(), Directive::Files));
        assert_eq!(asked("doctor -n "), (Vec::new(), Directive::NoFiles));
        assert_eq!(asked("doctor "), (Vec::new(), Directive::NoFiles));
    }
}

//! Moves flags behind the command: `hpa-check -n shop doctor` is `hpa-check doctor -n shop`.

use std::ffi::OsString;

use clap::{Arg, Command};

/// The same words with the command first, followed by the flags that came before it.
///
/// Words that are neither the command nor a flag of any command keep their place, so clap reports them.
pub(super) fn command_first(program: &Command, mut words: Vec<OsString>) -> Vec<OsString> {
    let mut at = 1;
    while let Some(word) = words.get(at).and_then(|word| word.to_str()) {
        if program.find_subcommand(word).is_some() {
            words[1..=at].rotate_right(1);
            break;
        }
        let Some(flag) = flag(program, word) else {
            break;
        };
        at += if takes_next(flag, word) { 2 } else { 1 };
    }
    words
}

/// The flag with this name, of any command.
fn flag<'a>(program: &'a Command, word: &str) -> Option<&'a Arg> {
    let mut all = program.get_subcommands().flat_map(Command::get_arguments);
    if let Some(long) = word.strip_prefix("--") {
        let name = long.split('=').next()?;
        return all.find(|arg| {
            arg.get_long() == Some(name)
                || arg.get_all_aliases().is_some_and(|all| all.contains(&name))
        });
    }
    let short = word.strip_prefix('-')?.chars().next()?;
    all.find(|arg| arg.get_short() == Some(short))
}

/// Whether the flag's value is the next word.
fn takes_next(flag: &Arg, word: &str) -> bool {
    let with_value = if word.starts_with("--") {
        word.contains('=')
    } else {
        word.chars().count() > 2
    };
    flag.get_action().takes_values() && !with_value
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::super::Cli;
    use super::*;

    fn ordered(line: &str) -> String {
        let words = line.split(' ').map(OsString::from).collect();
        let words = command_first(&Cli::command(), words);
        let words: Vec<String> = words
            .into_iter()
            .map(|w| w.into_string().unwrap())
            .collect();
        words.join(" ")
    }

    #[test]
    fn flags_before_the_command_are_moved_behind_it() {
        for (typed, meant) in [
            ("x -n shop doctor", "x doctor -n shop"),
            ("x -nshop doctor cart", "x doctor -nshop cart"),
            (
                "x --context=a --namespace shop run cart -- --rate 1/s",
                "x run --context=a --namespace shop cart -- --rate 1/s",
            ),
            ("x -A doctor", "x doctor -A"),
            // A value that equals a command's name is still a value.
            ("x -n run doctor", "x doctor -n run"),
        ] {
            assert_eq!(ordered(typed), meant);
        }
    }

    #[test]
    fn unknown_words_stay_in_place_for_clap_to_report() {
        for line in [
            "x",
            "x --help",
            "x --nope doctor",
            "x doctor -n shop",
            "x typo -n shop",
        ] {
            assert_eq!(ordered(line), line);
        }
    }

    #[test]
    fn a_flag_either_takes_a_value_in_every_command_or_in_none() {
        let program = Cli::command();
        let flags: Vec<&Arg> = program
            .get_subcommands()
            .flat_map(Command::get_arguments)
            .filter(|arg| arg.get_long().is_some())
            .collect();
        for one in &flags {
            for other in flags.iter().filter(|f| f.get_long() == one.get_long()) {
                assert_eq!(
                    one.get_action().takes_values(),
                    other.get_action().takes_values(),
                    "{}",
                    one.get_id()
                );
            }
        }
    }
}

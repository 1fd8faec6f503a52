//! What help texts call the values of flags and arguments, the same in every program.

use clap::Command;

/// Every word in a value's name. Quantities first, each written in one way everywhere; then things with a name, and
/// what only one flag takes.
#[rustfmt::skip]
const WORDS: &[&str] = &[
    // A time span such as 90s, a point in time such as 2026-11-20T15:00:00Z, a rate such as 400/s, a share such as 5%
    // or 0.05, a whole percentage such as 70% or 70, an amount of CPU such as 100m, an amount of memory such as 64MiB.
    "DURATION", "INSTANT", "RATE", "SHARE", "PERCENT", "CPU", "SIZE", "COUNT", "PODS", "FACTOR", "NUMBER", "INDEX",
    "VERSION", "BOOL",
    // Where something is, or what it is called.
    "FILE", "FOLDER", "URL", "ADDRESS", "HOST", "PORT", "CIDR", "ORIGIN", "NAME", "VALUE", "KEY", "ID", "UID", "USER",
    "GROUP", "IMAGE", "PROGRAM", "COMMAND", "GLOB",
    // One of a few words that the help lists.
    "HOW", "WHICH", "WHERE", "KIND", "FORMAT", "LEVEL", "SEVERITY", "SHELL", "DOCUMENT",
    // What one flag or argument takes, in a form that its help describes.
    "N", "SPEC", "TARGET", "CHECK", "RULE", "METHOD", "TEXT", "TOKEN", "REASON", "FAULT", "POLICY", "PROFILE", "PROMQL",
    "TRACE", "RESULT", "FLAGS",
];

/// The flags and arguments of a program and its commands with a word in their value's name that is not in the
/// vocabulary, such as `run --rate <R/s>`. None for a program that keeps to it.
pub fn unknown(mut program: Command) -> Vec<String> {
    program.build();
    let commands = program.get_subcommands().filter(|c| c.get_name() != "help");
    let commands = std::iter::once(&program).chain(commands);
    commands.flat_map(of_command).collect()
}

fn of_command(command: &Command) -> Vec<String> {
    let valued = command
        .get_arguments()
        .filter(|a| a.get_action().takes_values() && !a.is_hide_set());
    let strange = valued.flat_map(|argument| {
        let id = argument.get_id();
        // Without a name of its own a value is shown as its flag.
        let names = match argument.get_value_names() {
            Some(names) => names.iter().map(ToString::to_string).collect(),
            None => vec![id.to_string()],
        };
        let strange = names.into_iter().filter(|name| {
            !name
                .split(|c: char| !c.is_alphabetic() && c != '_')
                .all(known)
        });
        strange.map(move |name| format!("{} {id} <{name}>", command.get_name()))
    });
    strange.collect()
}

/// Whether a word is in the vocabulary. `A` and `B` are the two results that `compare` takes, and `LOAD FLAGS` are
/// flags of the load generator.
fn known(word: &str) -> bool {
    word.is_empty() || ["A", "B", "LOAD"].contains(&word) || WORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    #[test]
    fn a_value_is_named_by_words_of_the_vocabulary_alone() {
        let named = |name| {
            Command::new("x")
                .subcommand(Command::new("go").arg(Arg::new("y").long("y").value_name(name)))
        };
        for name in [
            "DURATION",
            "PODS,…",
            "KIND=FILE",
            "HOST:PORT:ADDRESS[,ADDRESS]",
            "NAME: VALUE",
        ] {
            assert_eq!(unknown(named(name)), [""; 0], "{name}");
        }
        assert_eq!(unknown(named("TIME")), ["go y <TIME>"]);
        assert_eq!(unknown(named("R/s")), ["go y <R/s>"]);
        let program = Command::new("x").arg(Arg::new("ui").long("ui"));
        assert_eq!(unknown(program), ["x ui <ui>"]);
    }
}

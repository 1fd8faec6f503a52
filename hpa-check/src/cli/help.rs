//! The help around the flags: commands by task, three examples each, and the exit codes.

use std::fmt::Write as _;

use clap::Command;
use clap::builder::StyledStr;

use crate::outputs::ReportFormat;
use crate::report::{compared, fleet, simulated};

/// The commands by task, in the order in which people first need them.
const TASKS: [(&str, &[&str]); 6] = [
    ("Find what is wrong", &["doctor"]),
    ("Choose settings", &["simulate", "what-if"]),
    ("Prove that it scales", &["run", "rehearse"]),
    (
        "Record, judge again, compare, report",
        &["record", "replay", "compare", "report"],
    ),
    ("Back up", &["export", "restore"]),
    (
        "For scripts and shells",
        &["decide", "schema", "completions", "man"],
    ),
];

/// The program's name in the examples.
const NAME: &str = "hpa-check ";

/// Groups the commands by task. As a kubectl plugin, usage and examples show that name.
pub(super) fn complete(program: Command, plugin: bool) -> Command {
    let template = template(&program);
    // A negative number is rejected by its flag instead of being taken for an unknown flag.
    let program = program
        .help_template(template)
        .mut_subcommands(|command| with_its_kinds(command.allow_negative_numbers(true)));
    if !plugin {
        return program;
    }
    let as_plugin = |text: Option<&StyledStr>| {
        let text = text.map(ToString::to_string).unwrap_or_default();
        text.replace(NAME, "kubectl hpa-check ")
    };
    let after = as_plugin(program.get_after_help());
    program
        .bin_name("kubectl hpa-check")
        .after_help(after)
        .mut_subcommands(move |command| {
            let after = as_plugin(command.get_after_help());
            command.after_help(after)
        })
}

/// Lists the kinds of report that the command writes, where it does not write all of them.
fn with_its_kinds(command: Command) -> Command {
    let kinds: &[ReportFormat] = match command.get_name() {
        "doctor" => &fleet::KINDS,
        "simulate" => &simulated::KINDS,
        "what-if" | "compare" => &compared::KINDS,
        "report" => &super::report::KINDS,
        "record" => &[ReportFormat::Trace],
        _ => return command,
    };
    let words: Vec<String> = kinds.iter().map(|kind| kind.word()).collect();
    let words = match words.as_slice() {
        [first @ .., last] if !first.is_empty() => format!("{} or {last}", first.join(", ")),
        words => words.concat(),
    };
    command.mut_arg("output", |output| {
        output.help(format!(
            "Write a report: {words}; `-` is standard output (repeatable)"
        ))
    })
}

fn template(program: &Command) -> StyledStr {
    let head = program.get_styles().get_header();
    let name = program.get_styles().get_literal();
    let mut text = "{about-with-newline}\n{usage-heading} {usage}\n".to_owned();
    for (task, commands) in TASKS {
        // Writing to a String can't fail.
        let _ = writeln!(text, "\n{head}{task}:{head:#}");
        for word in commands {
            let about = program.find_subcommand(word).and_then(Command::get_about);
            let about = about.map(ToString::to_string).unwrap_or_default();
            let _ = writeln!(text, "  {name}{word:<11}{name:#}  {about}");
        }
    }
    text += "\n{all-args}{after-help}";
    // The commands are already listed above.
    text.replace(
        "{all-args}",
        &format!("{head}Options:{head:#}\n{{options}}"),
    )
    .into()
}

pub(super) const PROGRAM: &str = "Examples:
  hpa-check doctor -A
  hpa-check simulate --hpa cart.yaml --load '0s:100m 1m:900m 6m:900m 6m:100m'
  hpa-check run cart -n shop --load-command 'k6 run cart.js' -o html=report.html

`hpa-check COMMAND --help` lists the flags of a command. They may stand before it too. A time has a unit, as in \
500ms, 90s or 1h30m; a bare number is seconds.

Exit codes: 0 pass, 1 internal error, 2 usage, 90 target not usable, 91 the autoscaler or its setup is wrong, \
92 the environment was the bottleneck, 93 inconclusive, 99 a bound is not kept, 105 interrupted.";

pub(super) const DOCTOR: &str = "Examples:
  hpa-check doctor -A
  hpa-check doctor cart -n shop
  hpa-check doctor -A --fail-on cause -o json=fleet.json";

pub(super) const SIMULATE: &str = "Examples:
  hpa-check simulate --hpa cart.yaml --load '0s:100m 1m:900m 6m:900m 6m:100m'
  kubectl get hpa,deployment cart -o yaml | \\
    hpa-check simulate --hpa - --load '0s:50/s 1m:400/s' --cost 20ms
  hpa-check simulate --hpa cart.yaml --load-from panel.csv --find \\
    --keep-unserved 1%";

pub(super) const RUN: &str = "Examples:
  hpa-check run cart -n shop --load-command 'k6 run cart.js' -o html=report.html
  hpa-check run cart -n shop --external-load --scale-down one-step
  hpa-check run cart -n shop --target http://cart.internal/items \\
    --expect-min 2 --expect-max 20 --expect-cpu 70";

pub(super) const REHEARSE: &str = "Examples:
  hpa-check rehearse -o html=report.html
  kubectl get hpa cart -n shop -o yaml | hpa-check rehearse --hpa -
  hpa-check rehearse --hpa cart.yaml --fault no-metrics";

pub(super) const RECORD: &str = "Examples:
  hpa-check record cart -n shop --for 30m -o trace=monday.jsonl
  hpa-check record cart -n shop -o trace=until-ctrl-c.jsonl
  hpa-check record cart -n shop --for 5m -o trace=- | gzip > monday.jsonl.gz";

pub(super) const WHAT_IF: &str = "Examples:
  hpa-check what-if monday.jsonl --cpu-target 60
  hpa-check what-if monday.jsonl --hpa cart-new.yaml
  hpa-check what-if monday.jsonl --downscale-stabilization 2m --load-scale 1.5";

pub(super) const REPLAY: &str = "Examples:
  hpa-check replay trace.jsonl
  hpa-check replay trace.jsonl -o html=report.html -o json=result.json
  gunzip < monday.jsonl.gz | hpa-check replay - -o md=-";

pub(super) const COMPARE: &str = "Examples:
  hpa-check compare monday.json tuesday.json
  hpa-check compare before.json after.json -o html=difference.html
  hpa-check compare main.jsonl branch.jsonl --tolerance 10% -o md=-";

pub(super) const REPORT: &str = "Examples:
  hpa-check report result.json -o html=report.html
  hpa-check report result.json -o junit=junit.xml -o svg=timeline.svg
  hpa-check report result.json -o md=- >> notes.md";

pub(super) const EXPORT: &str = "Examples:
  hpa-check export -n shop -o shop.yaml
  hpa-check export -n shop | less
  hpa-check export -n shop --context staging -o staging.yaml";

pub(super) const RESTORE: &str = "Examples:
  hpa-check restore shop.yaml --dry-run -n shop
  hpa-check restore shop.yaml --dry-run -n shop-copy
  hpa-check restore shop.yaml --dry-run -n shop --context staging";

pub(super) const DECIDE: &str = "Examples:
  hpa-check decide < cases.jsonl
  hpa-check decide --hpa cart.yaml < cases.jsonl
  hpa-check decide < cases.jsonl | jq .desired";

pub(super) const SCHEMA: &str = "Examples:
  hpa-check schema
  hpa-check schema doctor > doctor.schema.json
  hpa-check schema simulate | jq .properties";

pub(super) const COMPLETIONS: &str = "Examples:
  hpa-check completions bash \\
    > ~/.local/share/bash-completion/completions/hpa-check
  hpa-check completions fish > ~/.config/fish/completions/hpa-check.fish
  hpa-check completions kubectl > ~/.local/bin/kubectl_complete-hpa_check && \\
    chmod +x ~/.local/bin/kubectl_complete-hpa_check";

pub(super) const MAN: &str = "Examples:
  hpa-check man | man -l -
  hpa-check man run | man -l -
  hpa-check man --to ~/.local/share/man/man1";

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use super::super::{Cli, order};
    use super::*;

    /// The words with which an example calls this program.
    fn typed(example: &str) -> Vec<String> {
        let calls = example.split(['|', '&']);
        let call = calls
            .map(str::trim)
            .find(|part| part.starts_with(NAME))
            .unwrap();
        let end = call.find([' ']).unwrap();
        let rest = call[end..].split([">", "<"].map(|c| c.chars().next().unwrap()));
        let line = format!("hpa-check{}", rest.into_iter().next().unwrap());
        shlex::split(line.trim()).unwrap()
    }

    #[test]
    fn every_value_is_named_as_in_the_other_programs() {
        assert_eq!(program_common::vocabulary::unknown(Cli::command()), [""; 0]);
    }

    #[test]
    fn every_command_shows_three_valid_examples() {
        let program = Cli::command();
        program.clone().debug_assert();
        let mut texts: Vec<(&str, String)> = program
            .get_subcommands()
            .map(|c| (c.get_name(), c.get_after_help().unwrap().to_string()))
            .collect();
        texts.push(("hpa-check", PROGRAM.to_owned()));
        for (name, text) in texts {
            let part = text.split("\n\n").next().unwrap();
            // A line that the help wraps can't be copied.
            let longest = part.lines().map(str::len).max();
            assert!(longest <= Some(80), "{name}: {longest:?}");
            let joined = part.replace("\\\n", " ");
            let examples: Vec<&str> = joined.lines().skip(1).collect();
            assert_eq!(examples.len(), 3, "{name}");
            for example in examples {
                let words = typed(example).into_iter().map(Into::into).collect();
                let words = order::command_first(&program, words);
                let read = Cli::try_parse_from(words);
                assert!(read.is_ok(), "{example}: {}", read.unwrap_err());
            }
        }
    }

    #[test]
    fn each_command_is_listed_under_one_task() {
        let listed: Vec<&str> = TASKS
            .iter()
            .flat_map(|(_, all)| all.iter().copied())
            .collect();
        let program = Cli::command();
        for command in program.get_subcommands() {
            let name = command.get_name();
            assert_eq!(listed.iter().filter(|n| **n == name).count(), 1, "{name}");
        }
        assert_eq!(listed.len(), program.get_subcommands().count());
    }

    #[test]
    fn every_flag_of_the_larger_commands_has_a_task_heading() {
        let program = Cli::command();
        for name in ["doctor", "simulate", "what-if", "run", "rehearse", "record"] {
            let command = program.find_subcommand(name).unwrap();
            for flag in command.get_opts() {
                assert!(
                    flag.get_help_heading().is_some(),
                    "{name} --{}",
                    flag.get_id()
                );
            }
        }
    }

    #[test]
    fn each_command_lists_only_the_reports_that_it_writes() {
        let program = complete(Cli::command(), false);
        for (name, listed, not) in [
            ("doctor", "json, html, md, junit, sarif or github", "svg"),
            ("simulate", "json, html, svg or md", "junit"),
            ("compare", "json, html or md", "svg"),
            ("record", "trace", "html"),
            ("run", "github or trace", "nothing"),
        ] {
            let mut command = program.find_subcommand(name).unwrap().clone();
            let help = command.render_long_help().to_string();
            let (_, kinds) = help.split_once("Write a report: ").unwrap();
            let kinds = kinds.split(';').next().unwrap();
            assert!(
                kinds.contains(listed) && !kinds.contains(not),
                "{name}: {kinds}"
            );
        }
    }

    #[test]
    fn a_plugins_examples_call_kubectl() {
        let program = complete(Cli::command(), true);
        let run = program.find_subcommand("run").unwrap();
        let examples = run.get_after_help().unwrap().to_string();
        assert!(
            examples.contains("  kubectl hpa-check run cart"),
            "{examples}"
        );
    }
}

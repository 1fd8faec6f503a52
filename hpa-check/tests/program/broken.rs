//! `docs/rehearsal.md` says how each broken rehearsal ends. Those that end before the load, or have none, run
//! here with real processes; all of them run on a simulated plant in `src/feed/rehearsal`.

use std::process::Output;
use std::thread;

use super::calls::stderr;
use super::stand_in::{Pods, all_die, rehearse};

const PAGE: &str = include_str!("../../../docs/rehearsal.md");

/// Those that need the load take a minute with real processes.
const NEEDS_LOAD: [&str; 3] = ["--rate 60", "--fault sticky", "--fault conflicting-writer"];

/// A row of the page: the flags, the exit code, the first reason.
fn rows() -> Vec<(&'static str, i32, &'static str)> {
    let rows = PAGE.lines().filter_map(|line| {
        let mut parts = line.strip_prefix("| `--")?.split('`');
        let flags = parts.next()?;
        let code = parts.next()?.trim_matches(['|', ' ']).parse().ok()?;
        let start = line.find(flags)? - 2;
        Some((&line[start..start + 2 + flags.len()], code, parts.next()?))
    });
    rows.collect()
}

/// Scaled to this machine: what the page calls too much for two CPUs.
fn on_this_machine(flags: &str) -> String {
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    flags.replace("2000m", &format!("{}m", 1000 * cpus))
}

fn ending(output: &Output) -> (Option<i32>, String) {
    let result: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}", stderr(output)));
    let first = result["verdict"]["reasons"][0]["id"].as_str().unwrap();
    (output.status.code(), first.to_owned())
}

#[test]
fn each_ends_as_the_page_says_and_leaves_no_process_behind() {
    let rows = rows();
    assert_eq!(rows.len(), 12, "{rows:?}");
    let quick = rows.iter().filter(|row| !NEEDS_LOAD.contains(&row.0));
    let rehearsals: Vec<_> = quick
        .map(|(flags, code, first)| {
            let flags = on_this_machine(flags);
            let row = format!("{flags} | {code} `{first}`");
            let expected = (Some(*code), (*first).to_owned());
            thread::spawn(move || {
                let pods = Pods::new();
                let words: Vec<&str> = flags
                    .split(' ')
                    .chain(["--short", "-o", "json=-"])
                    .collect();
                let process = rehearse(&pods, &words).spawn().unwrap();
                let crashing = flags.contains("crash");
                let born = if crashing { Vec::new() } else { pods.born(3) };
                let output = process.wait_with_output().unwrap();
                all_die(born);
                assert_eq!(ending(&output), expected, "{row}");
            })
        })
        .collect();
    assert_eq!(rehearsals.len(), rows.len() - NEEDS_LOAD.len());
    for rehearsal in rehearsals {
        if let Err(panic) = rehearsal.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

//! What can be done with results: other formats, merging, comparing.

use std::process::{Command, Output};

use crate::odd_server::{Act, OddServer};
use crate::program::program;

/// The program without a target.
fn command(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fib-loadgen"))
        .args(arguments)
        .env_remove("FIB_TARGET")
        .output()
        .unwrap()
}

fn json(bytes: &[u8]) -> serde_json::Value {
    serde_json::from_slice(bytes).unwrap_or_default()
}

#[test]
fn every_format_is_written_by_a_run_and_again_from_its_result() {
    let folder = tempfile::tempdir().unwrap();
    let server = OddServer::start(|_, _| Act::Right);
    let kinds = ["html", "junit", "md", "csv", "k6", "log", "text"];
    let place = |prefix: &str, kind: &str| {
        let file = folder.path().join(format!("{prefix}.{kind}"));
        [String::from("-o"), format!("{kind}={}", file.display())]
    };
    let written = |prefix: &str, kind: &str| {
        std::fs::read_to_string(folder.path().join(format!("{prefix}.{kind}"))).unwrap()
    };
    let export = folder.path().join("export.json");
    let output = program(
        server.address,
        "--users 2 --rate 50/s -t 2s --n 90 --threshold wrong==0",
    )
    .args(kinds.iter().flat_map(|kind| place("run", kind)))
    .args(place("run", "json"))
    .arg("--summary-export")
    .arg(&export)
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(json(&std::fs::read(export).unwrap())["metrics"]["http_reqs"]["count"].is_u64());
    let file = folder.path().join("run.json");
    let again: Vec<String> = kinds.iter().flat_map(|kind| place("again", kind)).collect();
    let mut arguments = vec!["report", file.to_str().unwrap()];
    arguments.extend(again.iter().map(String::as_str));
    let output = command(&arguments);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    for kind in kinds {
        assert!(written("run", kind).len() > 100, "{kind}");
        assert_eq!(written("run", kind), written("again", kind), "{kind}");
    }
    assert!(written("run", "html").starts_with("<!doctype html>"));
}

#[test]
fn shards_that_ran_in_parallel_merge_to_the_requests_that_the_server_saw() {
    let folder = tempfile::tempdir().unwrap();
    let server = OddServer::start(|_, _| Act::Right);
    let start = jiff::Timestamp::now() + jiff::SignedDuration::from_secs(2);
    let shards: Vec<_> = (0..3)
        .map(|index| {
            let flags = format!(
                "--users 6 --rate 60/s -t 2s --n 1..=90 --shard {index}/3 --start-at {start}"
            );
            program(server.address, &flags)
                .args(["-o", "log=-"])
                .stdout(std::process::Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut log = String::from("a line of another program\n");
    for shard in shards {
        let output = shard.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        log += &String::from_utf8(output.stdout).unwrap();
    }
    let file = folder.path().join("pods.log");
    std::fs::write(&file, log).unwrap();
    let output = command(&["merge", file.to_str().unwrap(), "-o", "json=-"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let merged = json(&output.stdout);
    // Each shard sends one request before its load.
    let asked = u64::try_from(server.asked().len()).unwrap();
    assert_eq!(merged["totals"]["sent"].as_u64(), Some(120));
    assert_eq!(asked, 120 + 3);
    assert_eq!(
        merged["latency"]["response"]["count"].as_u64(),
        merged["totals"]["ok"].as_u64()
    );
    assert_eq!(merged["run"]["merged"].as_array().map(Vec::len), Some(3));
}

#[test]
fn runs_without_enough_data_or_with_a_limited_generator_are_not_compared() {
    let fixture = |name: &str| format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let (short, limited) = (fixture("first"), fixture("shards"));
    let code = |a: &str, b: &str| command(&["compare", a, b]).status.code();
    assert_eq!(code(&short, &short), Some(2));
    assert_eq!(code(&short, "/no/such/file"), Some(2));
    assert_eq!(code(&limited, &limited), Some(92));
}

#[test]
fn a_start_in_the_past_and_a_file_that_is_not_a_result_are_refused() {
    let server = OddServer::start(|_, _| Act::Right);
    let output = program(
        server.address,
        "--start-at 2020-01-01T00:00:00Z --requests 1 --n 90",
    )
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.json");
    for (text, said) in [
        ("{}", "no result"),
        (r#"{"schema":"k6/1"}"#, "k6/1"),
        ("", "no result"),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = command(&["report", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(
            String::from_utf8_lossy(&output.stderr).contains(said),
            "{text}: {output:?}"
        );
    }
}

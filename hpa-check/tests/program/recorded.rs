//! `hpa-check replay`: a recording ends like the run it was made from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::calls::{assert_code, stderr};
use super::stand_in::{Pods, all_die, rehearse};

/// A recorded rehearsal that ends before its load, and its result.
struct Recorded {
    folder: tempfile::TempDir,
    code: Option<i32>,
}

impl Recorded {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let output =
            |kind: &str, name: &str| format!("{kind}={}", folder.path().join(name).display());
        let (trace, result) = (
            output("trace", "trace.jsonl"),
            output("json", "result.json"),
        );
        let pods = Pods::new();
        let flags = ["--cpu-target", "80", "-o", &trace, "-o", &result];
        let process = rehearse(&pods, &flags).spawn().unwrap();
        let born = pods.born(3);
        let output = process.wait_with_output().unwrap();
        all_die(born);
        let code = output.status.code();
        assert_eq!(code, Some(91), "{}", stderr(&output));
        Self { folder, code }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn trace(&self) -> String {
        fs::read_to_string(self.file("trace.jsonl")).unwrap()
    }

    /// A changed copy of this recording.
    fn altered(&self, text: &str) -> PathBuf {
        let file = self.file("altered.jsonl");
        fs::write(&file, text).unwrap();
        file
    }
}

fn replay(trace: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hpa-check"))
        .arg("replay")
        .arg(trace)
        .args(["-o", "json=-", "--ui", "none"])
        .output()
        .unwrap()
}

#[test]
fn a_recording_has_the_same_result_byte_for_byte() {
    let recorded = Recorded::new();
    let replayed = replay(&recorded.file("trace.jsonl"));
    assert_eq!(replayed.status.code(), recorded.code);
    let result = fs::read(recorded.file("result.json")).unwrap();
    assert_eq!(
        String::from_utf8(replayed.stdout).unwrap(),
        String::from_utf8(result).unwrap()
    );
    assert_eq!(String::from_utf8_lossy(&replayed.stderr), "");
}

#[test]
fn a_recording_can_be_piped_in() {
    let recorded = Recorded::new();
    let piped = Command::new(env!("CARGO_BIN_EXE_hpa-check"))
        .args(["replay", "-", "-o", "json=-", "--ui", "none"])
        .stdin(fs::File::open(recorded.file("trace.jsonl")).unwrap())
        .output()
        .unwrap();
    assert_eq!(piped.stdout, replay(&recorded.file("trace.jsonl")).stdout);
    assert_eq!(piped.status.code(), recorded.code);
}

#[test]
fn a_truncated_last_line_is_skipped_with_a_notice() {
    let recorded = Recorded::new();
    let trace = recorded.trace();
    let torn = recorded.altered(&trace[..trace.len() - 9]);
    let output = replay(&torn);
    assert_eq!(output.status.code(), recorded.code, "{}", stderr(&output));
    assert!(
        stderr(&output).contains("is incomplete and was left out"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_file_that_is_not_a_recording_of_this_version_is_refused_in_one_line_and_nothing_is_written() {
    let recorded = Recorded::new();
    let trace = recorded.trace();
    let later = trace.replacen("hpa-check-trace/1", "hpa-check-trace/2", 1);
    let damaged = trace.replacen("\"seen\"", "\"seem\"", 1);
    for (text, says) in [
        (later.as_str(), "hpa-check-trace/2"),
        (damaged.as_str(), "is damaged"),
        ("", "is not a trace"),
        ("{\"schema\":\"hpa-check/1\"}\n", "is not a trace"),
    ] {
        let output = replay(&recorded.altered(text));
        assert_eq!(output.status.code(), Some(2), "{says}");
        let stderr = stderr(&output);
        assert!(
            stderr.contains(says) && stderr.lines().count() == 1,
            "{says}: {stderr}"
        );
        assert!(output.stdout.is_empty(), "{says}");
    }
}

#[test]
fn a_missing_file_is_named() {
    let output = replay(Path::new("/no/such/trace.jsonl"));
    assert_eq!(output.status.code(), Some(2));
    let stderr = stderr(&output);
    assert!(stderr.contains("/no/such/trace.jsonl"), "{stderr}");
}

/// A rehearsal of 66 s on two busy CPUs, recorded with version 0.1.0.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings/rehearsal.jsonl")
}

fn result(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_stored_recording_is_still_judged_as_it_was() {
    let output = replay(&kept());
    assert_code(&output, 0);
    let result = result(&output);
    let reasons = result["verdict"]["reasons"].as_array().unwrap();
    let ids: Vec<&str> = reasons.iter().filter_map(|r| r["id"].as_str()).collect();
    let proofs = [
        "path-proven",
        "bounds-held",
        "decisions-explained",
        "answers-verified",
    ];
    assert_eq!(ids, proofs);
    assert_eq!(result["syncs"]["observed"], 20);
    assert_eq!(result["syncs"]["explained"], 20);
    assert_eq!(result["load"]["verified"], 4878);
    let path = result["replicas"]["path"].as_array().unwrap();
    let mut sizes: Vec<i64> = path.iter().filter_map(|p| p["spec"].as_i64()).collect();
    sizes.dedup();
    assert_eq!(sizes, [3, 7, 10, 3]);
}

#[test]
fn a_part_of_a_recording_proves_nothing_and_blames_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read_to_string(kept()).unwrap();
    let lines: Vec<&str> = whole.split_inclusive('\n').collect();
    // After about three quarters, the way back is complete; then it may pass.
    for tenth in 1..=7 {
        let part = folder.path().join("part.jsonl");
        fs::write(&part, lines[..lines.len() * tenth / 10].concat()).unwrap();
        let output = replay(&part);
        assert_eq!(
            output.status.code(),
            Some(93),
            "{tenth}/10: {}",
            result(&output)["verdict"]
        );
    }
}

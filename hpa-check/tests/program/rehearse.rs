//! The rehearsal from outside, with real processes: what it says before it starts anything, and that none of
//! its processes survives it.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::calls::stderr;
use super::stand_in::{Pods, STANDING_STILL, all_die, rehearse, rehearse_with};

pub(crate) fn signal(process: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

#[test]
fn a_kill_that_can_t_be_caught_leaves_no_process_behind() {
    let pods = Pods::new();
    let mut process = rehearse(&pods, &STANDING_STILL).spawn().unwrap();
    let born = pods.born(3);
    process.kill().unwrap();
    process.wait().unwrap();
    all_die(born);
}

#[test]
fn a_signal_ends_it_gracefully_with_its_result_written() {
    for kind in [Signal::INT, Signal::TERM, Signal::HUP] {
        let pods = Pods::new();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("result.json");
        let output = format!("json={}", file.display());
        let process = rehearse(
            &pods,
            &[STANDING_STILL[0], STANDING_STILL[1], "-o", &output],
        )
        .spawn()
        .unwrap();
        let born = pods.born(3);
        signal(&process, kind);
        let output = process.wait_with_output().unwrap();
        assert_eq!(
            output.status.code(),
            Some(105),
            "{kind:?}: {}",
            stderr(&output)
        );
        let result: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        assert_eq!(result["verdict"]["exit_code"], 105);
        all_die(born);
    }
}

#[test]
fn it_ends_with_its_parent_on_request() {
    let pods = Pods::new();
    let rehearsal = rehearse(
        &pods,
        &["--exit-with-parent", STANDING_STILL[0], STANDING_STILL[1]],
    );
    // `; true` keeps the shell from becoming the rehearsal instead of starting it.
    let mut parent = Command::new("sh")
        .args(["-c", "\"$0\" \"$@\"; true"])
        .arg(rehearsal.get_program())
        .args(rehearsal.get_args())
        .env(
            "STAND_IN_REPORTS_TO",
            pods.0.local_addr().unwrap().to_string(),
        )
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let born = pods.born(3);
    parent.kill().unwrap();
    parent.wait().unwrap();
    all_die(born);
}

#[test]
fn an_unwritable_output_is_found_before_a_process_is_started() {
    let pods = Pods::new();
    let output = rehearse(&pods, &["-o", "json=/no/such/folder/result.json"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("/no/such/folder"),
        "{}",
        stderr(&output)
    );
    assert!(pods.none_was_born());
}

#[test]
fn a_missing_program_is_named() {
    let pods = Pods::new();
    let output = rehearse_with(&pods, Path::new("/no/such/program"), &[])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = stderr(&output);
    assert!(
        stderr.contains("`/no/such/program` does not exist"),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn contradicting_bounds_are_refused_in_one_line() {
    let pods = Pods::new();
    let output = rehearse(&pods, &["--expect-min", "11"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr(&output).lines().count(), 1);
}

//! The rehearsal from outside, with real processes: what it says before it starts anything, and that
//! none of its processes outlives it.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Far more than anything here takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(30);

/// Long enough for the test to act: nothing happens before the first sync.
const STANDING_STILL: [&str; 2] = ["--sync-period", "60"];

/// Hears of every pod's birth and death.
struct Pods(TcpListener);

impl Pods {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// The next pods that are born.
    fn born(&self, count: usize) -> Vec<TcpStream> {
        let alive: Vec<_> = (0..count).map(|_| self.0.accept().unwrap().0).collect();
        for pod in &alive {
            pod.set_read_timeout(Some(PATIENCE)).unwrap();
        }
        alive
    }

    fn none_was_born(&self) -> bool {
        self.0.set_nonblocking(true).unwrap();
        self.0.accept().is_err()
    }
}

/// Waits for the death of each.
fn all_die(pods: Vec<TcpStream>) {
    for mut pod in pods {
        let mut byte = [0];
        match pod.read(&mut byte) {
            Ok(0) => {}
            Err(e) if e.kind() == std::io::ErrorKind::ConnectionReset => {}
            other => panic!("a pod outlived its rehearsal: {other:?}"),
        }
    }
}

fn stand_in() -> PathBuf {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_hpa-check"));
    program.parent().unwrap().join("examples/stand_in")
}

/// A rehearsal with stand-ins, and nothing to measure. The generator is only started once the
/// replicas are at rest, which is never in these tests.
fn rehearse(pods: &Pods, flags: &[&str]) -> Command {
    rehearse_with(pods, &stand_in(), flags)
}

fn rehearse_with(pods: &Pods, fib_loadgen: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hpa-check"));
    command
        .args([
            "rehearse",
            "--n",
            "10",
            "--rate",
            "10",
            "--ui",
            "none",
            "--fib-server",
        ])
        .arg(stand_in())
        .arg("--fib-loadgen")
        .arg(fib_loadgen)
        .args(flags)
        .env(
            "STAND_IN_REPORTS_TO",
            pods.0.local_addr().unwrap().to_string(),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn signal(process: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn an_impossible_request_ends_it_before_any_load_with_its_name_and_no_process_left() {
    let pods = Pods::new();
    let process = rehearse(&pods, &["--cpu-request", "2000m", "-o", "json=-"])
        .spawn()
        .unwrap();
    let born = pods.born(3);
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(93), "{}", stderr(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        result["verdict"]["reasons"][0]["id"],
        "cpu-request-too-high"
    );
    all_die(born);
}

#[test]
fn a_limit_below_the_target_ends_it_before_any_load_too() {
    let pods = Pods::new();
    let process = rehearse(&pods, &["--cpu-limit", "50m", "-o", "json=-"])
        .spawn()
        .unwrap();
    let born = pods.born(3);
    let output = process.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(91), "{}", stderr(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        result["verdict"]["reasons"][0]["id"],
        "limit-caps-utilization"
    );
    all_die(born);
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
fn a_signal_ends_it_in_order_with_its_result_written() {
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
fn it_ends_with_its_parent_when_told_to() {
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
fn an_output_that_can_t_be_written_is_found_before_a_process_is_started() {
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
fn a_program_that_is_not_there_is_named() {
    let pods = Pods::new();
    let output = rehearse_with(&pods, Path::new("/no/such/program"), &[])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = stderr(&output);
    assert!(
        stderr.contains("`/no/such/program` is not there"),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn bounds_that_don_t_fit_are_refused_in_one_line() {
    let pods = Pods::new();
    let output = rehearse(&pods, &["--expect-min", "11"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(stderr(&output).lines().count(), 1);
}

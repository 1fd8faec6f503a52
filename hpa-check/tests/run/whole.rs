//! Complete runs.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};

use rustix::process::{Pid, Signal, kill_process};

use super::place::{Place, stderr};
use crate::api_server::Fault;
use crate::api_server::cluster::Load;

/// The periods of [`Place::cluster`].
pub(crate) const QUICK: [&str; 6] = [
    "--sync-period",
    "1",
    "--metrics-resolution",
    "1",
    "--downscale-stabilization",
    "2",
];

/// Follows a run by its lines: raises the load on the way up, and lowers it on the way down.
fn drive(mut run: Child, load: &Load) -> (Option<i32>, String) {
    let mut said = String::new();
    for line in BufReader::new(run.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains(" Up ") {
            load.set(650);
        } else if line.contains(" Down ") {
            load.set(30);
        }
        said += &line;
        said.push('\n');
    }
    (run.wait().unwrap().code(), said)
}

#[test]
fn a_healthy_run_goes_from_three_pods_to_ten_and_back_and_leaves_a_complete_result() {
    let place = Place::new();
    let load = place.cluster();
    let run = place.run_here(&QUICK).spawn().unwrap();
    let (code, said) = drive(run, &load);
    assert_eq!(code, Some(0), "{said}");
    assert!(
        said.starts_with("hpa-check: ") && said.lines().next().unwrap().ends_with("/fib is expected to scale from 3 to 10 replicas and back at 50 % CPU (from its spec)"),
        "{said}"
    );
    assert!(
        said.contains(" left\n"),
        "each line says how long it may still take: {said}"
    );
    assert!(
        said.contains("ended: everything required was observed"),
        "{said}"
    );
    let result = place.result();
    assert_eq!(result["schema"], "hpa-check/1.2");
    assert_eq!(result["verdict"]["outcome"], "pass");
    assert_eq!(result["setting"]["kubernetes"], "1.36");
    let replicas = &result["replicas"];
    for (key, pods) in [("first_ready", 3), ("max_ready", 10), ("last_ready", 3)] {
        assert_eq!(replicas[key], pods, "{replicas}");
    }
    let replayed = Command::new(env!("CARGO_BIN_EXE_hpa-check"))
        .args(["replay", "--ui", "none"])
        .arg(place.file("trace.jsonl"))
        .output()
        .unwrap();
    assert_eq!(replayed.status.code(), Some(0), "{}", stderr(&replayed));
}

#[test]
fn without_the_right_to_watch_a_run_polls_passes_and_names_the_missing_rules() {
    let place = Place::new();
    let load = place.cluster();
    let forbidden = ["pods", "deployments", "horizontalpodautoscalers", "events"];
    for plural in forbidden {
        place.server.forbid(&format!("watch {plural}"));
    }
    let run = place.run_here(&QUICK).spawn().unwrap();
    let (code, said) = drive(run, &load);
    assert_eq!(code, Some(0), "{said}");
    for rule in [
        "pods",
        "deployments.apps",
        "horizontalpodautoscalers.autoscaling",
        "events",
    ] {
        let line = format!("not allowed to watch {rule}: it is polled every 0.25 s instead");
        assert!(said.contains(&line), "{rule}: {said}");
    }
    let marks = place.result()["timeline"]["marks"].to_string();
    assert!(marks.contains("not allowed to watch deployments.apps"));
}

#[test]
fn a_signal_ends_a_run_gracefully_with_its_result_written() {
    for kind in [Signal::INT, Signal::TERM] {
        let place = Place::new();
        place.cluster();
        let mut run = place.run_here(&QUICK).spawn().unwrap();
        let mut lines = BufReader::new(run.stderr.take().unwrap()).lines();
        lines.find(|line| line.as_ref().unwrap().contains("Baseline"));
        signal(&run, kind);
        // The rest of its output must be read, or it blocks.
        lines.for_each(drop);
        assert_eq!(run.wait().unwrap().code(), Some(105));
        assert_eq!(place.result()["verdict"]["exit_code"], 105);
    }
}

#[test]
fn a_signal_ends_the_search_for_a_cluster_that_does_not_answer() {
    let place = Place::new();
    place.server.fail("*", Fault::Silence, usize::MAX);
    let run = place.run_here(&[]).spawn().unwrap();
    while place.server.asked("get /version").is_empty() {
        std::thread::yield_now();
    }
    signal(&run, Signal::INT);
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(105));
    assert!(stderr(&output).contains("nothing was tested"));
}

fn signal(process: &Child, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

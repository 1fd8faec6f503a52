//! `decide`, `simulate`, `what-if` and `rehearse` take the same autoscaler.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use rustix::process::Signal;

use super::calls::{hpa_check, stderr};
use super::rehearse::signal;
use super::stand_in::{Pods, STANDING_STILL, all_die, rehearse};

/// As `kubectl get -o yaml` prints it: a List with a status, other objects beside it, and several documents.
const MANIFEST: &str = r#"
apiVersion: v1
kind: List
items:
- {apiVersion: apps/v1, kind: Deployment, metadata: {name: fib-server}}
- apiVersion: autoscaling/v2
  kind: HorizontalPodAutoscaler
  metadata: {name: fib-server, resourceVersion: "7", uid: 0c1f}
  spec:
    scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: fib-server}
    minReplicas: 3
    maxReplicas: 10
    metrics:
    - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}
    - {type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 1500Mi}}}
    - {type: External, external: {metric: {name: queue}, target: {type: AverageValue, averageValue: "100"}}}
    behavior: {scaleUp: {tolerance: 100m}, scaleDown: {tolerance: "0.1"}}
  status:
    currentReplicas: 3
    desiredReplicas: 3
    conditions: [{type: AbleToScale, status: "True", reason: ReadyForNewScale, message: m, lastTransitionTime: "2026-01-01T00:00:00Z"}]
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: other}, data: {key: value}}
"#;

const HAND_WRITTEN: &str = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: fib-server}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: fib-server}
  minReplicas: 3
  maxReplicas: 10
";

const RECORDING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/core/tests/recordings/healthy.jsonl"
);

/// All but `rehearse`, which starts processes.
fn without_processes(file: &str) -> [Output; 3] {
    let decide = Command::new(env!("CARGO_BIN_EXE_hpa-check"))
        .args(["decide", "--hpa", file])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let load = "0s:50m 1m:2 5m:2 5m:50m";
    let simulate = hpa_check(&["simulate", "--hpa", file, "--load", load]);
    let what_if = hpa_check(&["what-if", RECORDING, "--hpa", file]);
    [decide, simulate, what_if]
}

fn written(folder: &Path, text: &str) -> String {
    let file = folder.join("hpa.yaml");
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn the_four_commands_take_an_autoscaler_as_kubectl_prints_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(folder.path(), MANIFEST);
    for output in without_processes(&file) {
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    }
    let pods = Pods::new();
    let flags = ["--hpa", &file, STANDING_STILL[0], STANDING_STILL[1]];
    let process = rehearse(&pods, &flags).spawn().unwrap();
    let born = pods.born(3);
    signal(&process, Signal::INT);
    let output = process.wait_with_output().unwrap();
    all_die(born);
    assert_eq!(output.status.code(), Some(105), "{}", stderr(&output));
}

#[test]
fn the_four_commands_refuse_an_unknown_key_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let by_hand = HAND_WRITTEN.replace("maxReplicas", "maxReplica");
    let file = written(folder.path(), &by_hand);
    all_refuse(&file, "unknown key `maxReplica` in spec");
}

#[test]
fn the_four_commands_refuse_an_autoscaler_of_the_api_that_lacks_a_required_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(
        folder.path(),
        &MANIFEST.replace("maxReplicas", "maxReplica"),
    );
    all_refuse(&file, "missing field `maxReplicas`");
}

fn all_refuse(file: &str, reason: &str) {
    let pods = Pods::new();
    let rehearsed = rehearse(&pods, &["--hpa", file]).output().unwrap();
    for output in without_processes(file).into_iter().chain([rehearsed]) {
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(reason), "{said}");
    }
    assert!(pods.none_was_born());
}

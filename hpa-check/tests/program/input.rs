//! `decide`, `simulate`, `what-if` and `rehearse` take the same autoscaler.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use super::calls::{hpa_check, stderr};
use super::stand_in::{Pods, all_die, rehearse};

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
    // Its target is not the one that is asserted, so it ends before its load.
    let pods = Pods::new();
    let process = rehearse(&pods, &["--hpa", &file]).spawn().unwrap();
    let born = pods.born(3);
    let output = process.wait_with_output().unwrap();
    all_die(born);
    assert_eq!(output.status.code(), Some(91), "{}", stderr(&output));
}

#[test]
fn the_four_commands_refuse_an_unknown_key_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let file = written(
        folder.path(),
        &MANIFEST.replace("maxReplicas", "maxReplica"),
    );
    let pods = Pods::new();
    let rehearsed = rehearse(&pods, &["--hpa", &file]).output().unwrap();
    for output in without_processes(&file).into_iter().chain([rehearsed]) {
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("unknown key `maxReplica` in spec"), "{said}");
    }
    assert!(pods.none_was_born());
}

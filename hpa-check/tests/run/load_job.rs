//! Runs with a Job in the cluster as their load.

use std::process::Command;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::place::{Place, stderr};
use super::whole::QUICK;
use crate::api_server::cluster::Load;
use crate::api_server::{ApiServer, NAMESPACE};

const SECOND: &str =
    r#"{"users":50,"offered_rps":null,"rps":80,"failed":0,"wrong":0,"verified":80}"#;

const RESULT: &str = r#"{"schema":"fib-loadgen/1","totals":{"sent":900,"failed":0,"wrong":0,"verified":900},"generator":{"verdict":"ok"}}"#;

/// A pod of the Job in this state.
fn pod(job: &str, state: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("{job}-1"), "namespace": NAMESPACE, "labels": {"job-name": job}},
        "spec": {"containers": [{"name": "load"}]},
        "status": {"phase": "Running", "containerStatuses": [
            {"name": "load", "ready": true, "restartCount": 0, "image": "", "imageID": "", "state": state}]}})
}

fn now() -> Value {
    json!(Timestamp::from_second(Timestamp::now().as_second()).unwrap())
}

/// The Job controller and the kubelet: the pod runs, and loads, for as long as the Job exists.
async fn play(server: ApiServer, job: &'static str, load: Load) {
    let (which, own) = (format!("jobs/{job}"), format!("{job}-1"));
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    while !server.has(&which) {
        tick.tick().await;
    }
    let began = now();
    server.put(pod(job, &json!({"running": {"startedAt": began}})));
    load.set(650);
    while server.has(&which) {
        server.print(&own, Some(SECOND));
        tick.tick().await;
    }
    load.set(30);
    server.print(&own, Some(RESULT));
    server.print(&own, None);
    let ended = json!({"terminated": {"exitCode": 105, "startedAt": began, "finishedAt": now()}});
    server.put(pod(job, &ended));
}

fn run(place: &Place, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hpa-check"));
    command
        .args(["run", "--ui", "line", "-o"])
        .arg(format!("json={}", place.file("result.json").display()))
        .arg("--kubeconfig")
        .arg(place.kubeconfig())
        .args(flags)
        .env_remove("KUBECONFIG");
    command
}

fn manifest(place: &Place) -> String {
    let text = r"
apiVersion: v1
kind: ConfigMap
metadata: {name: script}
data: {x.js: 'export default () => {}'}
---
apiVersion: batch/v1
kind: Job
metadata: {name: k6}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: load, image: 'grafana/k6'}]}}}
";
    let path = place.file("job.yaml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_load_job_is_created_followed_and_deleted_with_its_config_maps_and_the_run_passes() {
    let place = Place::new();
    let load = place.cluster();
    place.spawn(play(place.server.clone(), "k6", load));
    let job = manifest(&place);
    let output = run(
        &place,
        &[&["--load-job", job.as_str()], &QUICK[..]].concat(),
    )
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for left in ["jobs/k6", "configmaps/script"] {
        assert!(!place.server.has(left), "{left}");
    }
    let account = &place.result()["load"];
    assert_eq!(account["command"], "Job demo/k6");
    assert_eq!(
        (&account["requests"], &account["verified"]),
        (&json!(900), &json!(900))
    );
    assert_eq!(account["exit_code"], 105);
}

#[test]
fn a_url_is_loaded_by_a_job_with_the_image_of_the_generator() {
    let place = Place::new();
    let load = place.cluster();
    place.spawn(play(place.server.clone(), "hpa-check-load-x7k2p", load));
    let flags = [
        "--load-job",
        "http://app.demo.svc/",
        "--load-image",
        "registry.example/fib-loadgen:1",
    ];
    let output = run(&place, &[&flags, &QUICK[..]].concat())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(place.result()["load"]["requests"], 900);
}

#[test]
fn a_job_that_can_t_be_created_or_started_ends_the_run_with_the_reason_and_leaves_nothing_behind() {
    let place = Place::new();
    place.cluster();
    let job = manifest(&place);
    let refused = |why: &str| {
        let output = run(
            &place,
            &[&["--load-job", job.as_str()], &QUICK[..]].concat(),
        )
        .output()
        .unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(90), "{said}");
        assert!(said.contains(why), "{why}: {said}");
        assert!(!place.server.has("configmaps/script") && !place.server.has("jobs/k6"));
    };
    place.server.forbid("create jobs");
    refused("allow create and delete of jobs");
    place.server.heal("create jobs");
    place.server.put(pod(
        "k6",
        &json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}),
    ));
    refused("did not start: ImagePullBackOff: no such image");
    place.server.delete("pods/k6-1");
    place.server.put(json!({"apiVersion": "v1", "kind": "Event",
        "metadata": {"name": "k6.1", "namespace": NAMESPACE}, "type": "Warning", "reason": "FailedCreate",
        "involvedObject": {"kind": "Job", "name": "k6"}, "message": "exceeded quota: pods"}));
    refused("did not start: exceeded quota: pods");
}

#[test]
fn a_manifest_that_is_not_a_job_and_unused_flags_are_usage_errors() {
    let place = Place::new();
    let path = place.file("service.yaml");
    std::fs::write(&path, "{apiVersion: v1, kind: Service}").unwrap();
    let path = path.display().to_string();
    let job = manifest(&place);
    for (flags, expected) in [
        (
            vec!["--load-job", &path],
            "a run only creates a Job and its ConfigMaps",
        ),
        (vec!["--load-job", "/no/such/file"], "can't be read"),
        (
            vec!["--load-job", &job, "--", "--rate", "4/s"],
            "give --load-job a URL",
        ),
        (
            vec!["--load-job", "http://127.0.0.1:8080"],
            "the Job's own pod",
        ),
    ] {
        let output = run(&place, &flags).output().unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

//! Runs on an autoscaler that belongs to a `ScaledObject` of KEDA.

use std::io::{BufRead, BufReader};

use serde_json::{Value, json};

use super::place::{Place, stderr};
use crate::api_server::NAMESPACE;

const QUICK: [&str; 6] = [
    "--sync-period",
    "1",
    "--metrics-resolution",
    "1",
    "--downscale-stabilization",
    "2",
];

/// A cluster whose autoscaler is managed by KEDA, with its `ScaledObject`.
fn place(annotations: &Value) -> Place {
    let place = Place::new();
    place
        .server
        .serve("keda.sh/v1alpha1", "scaledobjects", "ScaledObject");
    place.server.put(json!({"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
        "metadata": {"name": "fib", "namespace": NAMESPACE, "annotations": annotations},
        "spec": {"scaleTargetRef": {"name": "fib"}, "minReplicaCount": 3, "maxReplicaCount": 10, "triggers": []},
        "status": {"hpaName": "fib"}}));
    place.cluster();
    place
        .server
        .change("horizontalpodautoscalers/fib", |object| {
            object["metadata"]["ownerReferences"] = json!([{"apiVersion": "keda.sh/v1alpha1",
                "kind": "ScaledObject", "name": "fib", "uid": "s", "controller": true}]);
        });
    place
}

#[test]
fn a_paused_target_is_inconclusive_before_the_load_and_the_pause_is_named() {
    let paused = json!({"autoscaling.keda.sh/paused": "true"});
    let place = place(&paused);
    let output = place.run_here(&QUICK).output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(93), "{said}");
    let result = place.result();
    let first = &result["verdict"]["reasons"][0];
    assert_eq!(first["id"], "scaling-paused", "{first}");
    let quote = "ScaledObject/fib: autoscaling.keda.sh/paused: \"true\"";
    assert_eq!(first["evidence"][0], quote);
}

#[test]
fn an_autoscaler_that_keda_removes_for_a_pause_during_the_run_was_paused_and_not_deleted() {
    let place = place(&Value::Null);
    let mut run = place.run_here(&QUICK);
    let mut run = run.args(["--patience", "1"]).spawn().unwrap();
    let mut said = String::new();
    let mut paused = false;
    for line in BufReader::new(run.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains(" Up ") && !paused {
            paused = true;
            place.server.change("scaledobjects/fib", |object| {
                object["metadata"]["annotations"] =
                    json!({"autoscaling.keda.sh/paused-replicas": "3"});
            });
            place.server.delete("horizontalpodautoscalers/fib");
        }
        said += &line;
        said.push('\n');
    }
    assert_eq!(run.wait().unwrap().code(), Some(93), "{said}");
    let first = &place.result()["verdict"]["reasons"][0];
    assert_eq!(first["id"], "scaling-paused", "{said}");
}

#[test]
fn without_the_right_to_read_scaled_objects_the_run_goes_on_and_says_what_is_missing() {
    let place = place(&Value::Null);
    place.server.forbid("get scaledobjects");
    place.server.change("deployments/fib", |object| {
        object["spec"]["replicas"] = json!(0);
    });
    let output = place
        .run_here(&QUICK)
        .args(["--patience", "1"])
        .output()
        .unwrap();
    let said = stderr(&output);
    assert!(
        said.contains("not allowed to get scaledobjects.keda.sh"),
        "{said}"
    );
    let result = place.result();
    let reasons = result["verdict"]["reasons"].as_array().unwrap();
    assert!(
        reasons.iter().all(|r| r["id"] != "scaling-disabled"),
        "{reasons:?}"
    );
}

#[test]
fn an_autoscaler_that_is_missing_because_of_a_pause_is_explained() {
    let place = place(&json!({"autoscaling.keda.sh/paused": "true"}));
    let text = place.refusal(&mut place.run_here(&["--autoscaler", "keda-hpa-fib"]), 90);
    assert!(
        text.contains("paused here: ScaledObject/fib (autoscaling.keda.sh/paused: \"true\")"),
        "{text}"
    );
}

//! `decide` itself: its format, and invalid lines.

use hpa_check_core::decide;
use serde_json::{Value, json};

use crate::case::{Reconcile, even};

#[test]
fn every_line_is_answered_in_order_and_an_invalid_one_does_not_stop_the_rest() {
    let (pods, metrics) = even(3, 92);
    let good = json!({"id": "good", "kind": "resource_replicas", "input": {
        "currentReplicas": 3, "metric": "cpu", "container": null, "targetUtilization": 50,
        "tolerance": {"scaleUp": 0.1, "scaleDown": 0.1}, "pods": pods, "podMetrics": metrics}});
    let input = format!(
        "{good}\nnot json\n{}\n{}\n\n{good}",
        json!({"id": 7, "kind": "no_such_kind", "input": {}}),
        json!({"id": "short", "kind": "reconcile", "input": {"pods": []}}),
    );
    let mut output = Vec::new();
    let all = decide::run(input.as_bytes(), &mut output, None).unwrap();
    let answers: Vec<Value> = String::from_utf8(output)
        .unwrap()
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert!(!all);
    assert_eq!(answers.len(), 5);
    assert_eq!(answers[0]["result"]["replicas"], 6);
    assert_eq!(answers[1]["id"], Value::Null);
    assert_eq!(answers[2]["id"], 7);
    assert!(
        answers[2]["error"]
            .as_str()
            .unwrap()
            .contains("no_such_kind")
    );
    assert_eq!(answers[3]["id"], "short");
    assert!(answers[3]["error"].as_str().unwrap().contains("podMetrics"));
    assert_eq!(answers[4]["result"]["replicas"], 6);
}

#[test]
fn valid_lines_are_all_answered() {
    let mut output = Vec::new();
    assert!(decide::run(&b""[..], &mut output, None).unwrap());
}

#[test]
fn a_null_member_is_a_missing_member() {
    let line = json!({"id": "n", "kind": "reconcile", "input": {
        "pods": null, "podMetrics": null, "controller": null, "featureGates": null, "fault": null,
        "recommendations": null, "scale": {"specReplicas": 2, "selector": "app=fib"},
        "hpa": {"minReplicas": null, "maxReplicas": 10, "metrics": null, "initialConditions": null,
                "behavior": {"scaleUp": {"policies": null, "selectPolicy": null}, "scaleDown": null}},
    }});
    let (answer, good) = decide::answer(&line.to_string(), None);
    assert!(good, "{answer}");
    assert_eq!(answer["result"]["statusDesiredReplicas"], 2);
    assert_eq!(
        answer["result"]["conditions"][1]["reason"],
        "FailedGetResourceMetric"
    );
}

#[test]
fn a_missing_list_of_pods_is_an_error() {
    let line = json!({"id": "n", "kind": "resource_replicas", "input": {
        "currentReplicas": 3, "metric": "cpu", "targetUtilization": 50, "podMetrics": []}});
    let (answer, good) = decide::answer(&line.to_string(), None);
    assert!(!good);
    assert_eq!(
        answer["error"],
        "\"pods\" is missing: write [] if there are none"
    );
}

#[test]
fn an_autoscaler_is_accepted_as_kubectl_prints_it() {
    let whole = json!({"apiVersion": "v1", "kind": "List", "items": [
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "shop"}},
        {"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "shop"},
         "spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"},
            "minReplicas": 3, "maxReplicas": 10, "metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}],
            "behavior": {"scaleUp": {"tolerance": "600m"}}},
         "status": {"currentReplicas": 3, "desiredReplicas": 3, "conditions": [
            {"type": "AbleToScale", "status": "True", "reason": "ReadyForNewScale", "message": "m"}]}}]});
    // 75 % of a target of 50 % is within a tolerance of 60 %.
    assert_eq!(
        Reconcile::of(3, 3, 75)
            .with("hpa", whole.clone())
            .decide()
            .desired(),
        3
    );
    assert_eq!(
        Reconcile::of(3, 3, 81)
            .with("hpa", whole)
            .decide()
            .desired(),
        5
    );
}

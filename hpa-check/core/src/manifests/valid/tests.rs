use serde_json::{Value, json};

use crate::manifests::{object, read, read_behavior};

/// An autoscaler in which the member at a path has another value; `null` removes nothing, but is what it says.
fn with(path: &str, value: Value) -> Value {
    let mut object = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": {"name": "shop"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"},
            "minReplicas": 2, "maxReplicas": 20,
            "metrics": [cpu(), external(json!({"type": "Value", "value": "30"}))],
            "behavior": {"scaleUp": {"policies": [{"type": "Pods", "value": 4, "periodSeconds": 60}]},
                "scaleDown": {"stabilizationWindowSeconds": 300}}}});
    let (parent, name) = path.rsplit_once('/').unwrap();
    let parent = object.pointer_mut(parent).unwrap();
    parent[name] = value;
    object
}

fn cpu() -> Value {
    json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}})
}

fn external(target: Value) -> Value {
    json!({"type": "External", "external": {"metric": {"name": "queue"}, "target": target}})
}

fn metric(kind: &str, member: &str, source: Value) -> Value {
    json!([cpu(), {"type": kind, member: source}])
}

const METRICS: &str = "/spec/metrics";
const TARGET: &str = "/spec/metrics/0/resource/target";
const UP: &str = "/spec/behavior/scaleUp";

#[test]
fn what_the_api_server_accepts_is_read() {
    let service = json!({"kind": "Service", "name": "shop"});
    let thing = json!({"apiVersion": "example.com/v1", "kind": "Thing", "name": "a.b"});
    let value = json!({"type": "Value", "value": "10k"});
    let average = json!({"type": "AverageValue", "averageValue": 10});
    for (path, value) in [
        ("/metadata/generateName", json!("shop-")),
        ("/metadata/labels", json!({"on": "yes"})),
        ("/metadata/annotations", Value::Null),
        ("/spec/minReplicas", Value::Null),
        ("/spec/minReplicas", json!(0)),
        ("/spec/minReplicas", json!(20)),
        ("/spec/behavior", Value::Null),
        ("/spec/behavior", json!({})),
        (UP, Value::Null),
        (
            UP,
            json!({"policies": null, "selectPolicy": null, "stabilizationWindowSeconds": null, "tolerance": null}),
        ),
        (UP, json!({"selectPolicy": "Disabled"})),
        (UP, json!({"stabilizationWindowSeconds": 0, "tolerance": 0})),
        (
            UP,
            json!({"stabilizationWindowSeconds": 3600, "tolerance": "50m"}),
        ),
        (
            UP,
            json!({"policies": [{"type": "Percent", "value": 900, "periodSeconds": 1800}]}),
        ),
        (METRICS, Value::Null),
        (
            METRICS,
            metric(
                "Object",
                "object",
                json!({"metric": {"name": "rps"}, "describedObject": service, "target": value}),
            ),
        ),
        (
            METRICS,
            metric(
                "Object",
                "object",
                json!({"metric": {"name": "rps"}, "describedObject": thing, "target": average}),
            ),
        ),
        // The controller refuses a value of the other type; the API server does not.
        (
            METRICS,
            metric(
                "Object",
                "object",
                json!({"metric": {"name": "rps"}, "describedObject": thing,
            "target": {"type": "Value", "averageValue": 10}}),
            ),
        ),
        (
            METRICS,
            metric(
                "External",
                "external",
                json!({"metric": {"name": "queue", "selector": null}, "target": average}),
            ),
        ),
        (
            METRICS,
            metric(
                "Pods",
                "pods",
                json!({"metric": {"name": "hits"}, "target": average}),
            ),
        ),
        (
            METRICS,
            metric(
                "ContainerResource",
                "containerResource",
                json!({"name": "memory", "container": "app", "target": average}),
            ),
        ),
        (
            TARGET,
            json!({"type": "Utilization", "averageUtilization": 50, "averageValue": null, "value": null}),
        ),
    ] {
        let object = with(path, value.clone());
        let result = read(&[object], None);
        assert!(result.is_ok(), "{path} {value}: {result:?}");
    }
}

/// The value at a place that makes the API server refuse the autoscaler, and a part of the error.
type Refused<'a> = ((&'static str, Value), &'a str);

#[track_caller]
fn are_refused<const N: usize>(rows: [Refused<'_>; N]) {
    for ((path, wrong), expected) in rows {
        let object = with(path, wrong.clone());
        let error = read(&[object], None).unwrap_err();
        assert!(error.contains(expected), "{path} {wrong}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn a_name_a_bound_or_a_form_that_the_api_server_refuses_is_refused_with_what_was_expected() {
    are_refused([
        (
            ("/metadata/name", json!("Shop_A")),
            "for `metadata.name`: expected lowercase letters",
        ),
        (
            ("/metadata/nmae", json!("shop")),
            "`nmae` in HorizontalPodAutoscaler/shop.metadata: did you mean `name`?",
        ),
        (
            ("/metadata/annotations", json!({"paused": true})),
            "has true for `metadata.annotations[\"paused\"]`: expected a string",
        ),
        (
            ("/spec/maxReplicas", json!(0)),
            "has 0 for `spec.maxReplicas`: expected at least 1",
        ),
        (
            ("/spec/maxReplicas", json!(1)),
            "has 2 for `spec.minReplicas`: expected at most maxReplicas, 1",
        ),
        (
            ("/spec/minReplicas", json!(-1)),
            "has -1 for `spec.minReplicas`: expected at least 0",
        ),
        (
            ("/spec/scaleTargetRef/kind", json!("")),
            "lacks `spec.scaleTargetRef.kind`",
        ),
        (
            ("/spec/scaleTargetRef/name", json!("a/b")),
            "for `spec.scaleTargetRef.name`: expected a name without / and %",
        ),
        (
            ("/spec/scaleTargetRef", json!(["Deployment", "shop"])),
            "has a list for spec.scaleTargetRef: expected an object",
        ),
        (
            (METRICS, json!({"type": "Resource"})),
            "has an object for spec.metrics: expected a list",
        ),
        (
            (METRICS, json!([null])),
            "has nothing for spec.metrics[0]: expected an object",
        ),
    ]);
}

#[test]
fn a_target_that_the_api_server_refuses_is_refused_with_what_was_expected() {
    are_refused([
        (
            (TARGET, json!({"type": "Utilization"})),
            "lacks a value in `spec.metrics[0].resource.target`: expected averageUtilization or averageValue",
        ),
        (
            (TARGET, json!({"averageUtilization": 50})),
            "lacks `spec.metrics[0].resource.target.type`: expected Utilization, Value or AverageValue",
        ),
        (
            (TARGET, json!({"type": "Percent", "averageUtilization": 50})),
            "has \"Percent\" for `spec.metrics[0].resource.target.type`",
        ),
        (
            (
                TARGET,
                json!({"type": "Utilization", "averageUtilization": 0}),
            ),
            "averageUtilization`: expected at least 1",
        ),
        (
            (
                TARGET,
                json!({"type": "AverageValue", "averageValue": "-5"}),
            ),
            "averageValue`: expected a quantity above 0",
        ),
        (
            (
                TARGET,
                json!({"type": "Utilization", "averageUtilization": 5, "averageValue": 1}),
            ),
            "has averageUtilization and averageValue in",
        ),
        (
            (TARGET, json!({"type": "Value", "value": "100m"})),
            "lacks a value in `spec.metrics[0].resource.target`",
        ),
    ]);
}

#[test]
fn a_metric_that_the_api_server_refuses_is_refused_with_what_was_expected() {
    let value = json!({"type": "Value", "value": 5});
    let thing = json!({"kind": "Thing", "name": "a"});
    let object = |source: Value| metric("Object", "object", source);
    are_refused([
        (
            (
                METRICS,
                json!([{"type": "Pods", "resource": cpu()["resource"], "pods": {"metric": {"name": "x"}, "target": value}}]),
            ),
            "has `spec.metrics[0].resource` in a metric of type Pods: expected only `pods`",
        ),
        (
            (
                METRICS,
                metric(
                    "ContainerResource",
                    "containerResource",
                    json!({"name": "cpu", "target": cpu()["resource"]["target"]}),
                ),
            ),
            "lacks `spec.metrics[1].containerResource.container`",
        ),
        (
            (
                METRICS,
                metric(
                    "Pods",
                    "pods",
                    json!({"metric": {"name": "x"}, "target": {"type": "Utilization", "averageUtilization": 5}}),
                ),
            ),
            "pods.target`: expected averageValue",
        ),
        (
            (
                METRICS,
                object(json!({"metric": {"name": "x"}, "target": value})),
            ),
            "lacks `spec.metrics[1].object.describedObject.kind`",
        ),
        (
            (
                METRICS,
                object(json!({"metric": {"name": ""}, "describedObject": thing, "target": value})),
            ),
            "lacks `spec.metrics[1].object.metric.name`",
        ),
        (
            (
                METRICS,
                json!([external(
                    json!({"type": "Value", "value": 5, "averageValue": 5})
                )]),
            ),
            "has value and averageValue in",
        ),
        (
            (
                METRICS,
                json!([external(json!({"type": "Value", "value": 0}))]),
            ),
            "has 0 for `spec.metrics[0].external.target.value`: expected a quantity above 0",
        ),
    ]);
}

#[test]
fn a_behavior_that_the_api_server_refuses_is_refused_with_what_was_expected() {
    let up = |rules: Value| (UP, rules);
    let policy = |policy: Value| (UP, json!({"policies": [policy]}));
    are_refused([
        (
            ("/spec/behavior", json!([])),
            "has a list for spec.behavior: expected an object",
        ),
        (
            up(json!({"stabilizationWindowSeconds": 3601})),
            "expected 0 to 3600",
        ),
        (
            up(json!({"stabilizationWindowSeconds": -1})),
            "expected 0 to 3600",
        ),
        (
            up(json!({"tolerance": -0.1})),
            "has -0.1 for `spec.behavior.scaleUp.tolerance`: expected at least 0",
        ),
        (
            up(json!({"policies": []})),
            "has no policy in `spec.behavior.scaleUp.policies`",
        ),
        (
            policy(json!({"type": "Pods", "value": 0, "periodSeconds": 60})),
            "policies[0].value`: expected at least 1",
        ),
        (
            policy(json!({"type": "Pods", "value": 1, "periodSeconds": 1801})),
            "policies[0].periodSeconds`: expected 1 to 1800",
        ),
        (
            policy(json!({"type": "Pods", "value": 1, "periodSeconds": 0})),
            "expected 1 to 1800",
        ),
    ]);
}

#[test]
fn a_minimum_of_zero_needs_a_metric_that_can_call_for_the_first_pod() {
    let mut object = with("/spec/minReplicas", json!(0));
    assert!(read(std::slice::from_ref(&object), None).is_ok());
    object["spec"]["metrics"] = json!([cpu()]);
    let error = read(&[object], None).unwrap_err();
    assert!(
        error.contains("a metric of type Object or External"),
        "{error}"
    );
}

#[test]
fn a_behavior_of_its_own_is_checked_too() {
    let behavior = |window: i32| json!({"scaleDown": {"stabilizationWindowSeconds": window}});
    assert!(read_behavior(&[behavior(3600)], None).is_ok());
    let error = read_behavior(&[behavior(3601)], None).unwrap_err();
    assert!(
        error.contains("behavior.scaleDown.stabilizationWindowSeconds"),
        "{error}"
    );
}

#[test]
fn metrics_of_another_versions_form_are_refused() {
    let mut old = with("/spec/behavior", Value::Null);
    old["spec"].as_object_mut().unwrap().remove("behavior");
    old["apiVersion"] = json!("autoscaling/v2beta1");
    old["spec"]["metrics"] =
        json!([{"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 50}}]);
    let spec = read(std::slice::from_ref(&old), None).unwrap().spec;
    assert_eq!(spec.cpu_target_percent(), Some(50));
    old["spec"]["metrics"] = json!([cpu()]);
    let error = read(&[old], None).unwrap_err();
    assert!(
        error.contains("`target` in spec.metrics[0].resource"),
        "{error}"
    );
}

#[test]
fn an_object_of_an_older_version_becomes_one_of_autoscaling_v2() {
    let mut old = with("/spec/behavior", Value::Null);
    old["apiVersion"] = json!("autoscaling/v1");
    old["spec"] = json!({"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "shop"},
        "maxReplicas": 5, "targetCPUUtilizationPercentage": 60});
    let new = object(&[old], None).unwrap();
    assert_eq!(new["apiVersion"], "autoscaling/v2");
    assert_eq!(
        object(std::slice::from_ref(&new), None).as_ref(),
        Ok(&new),
        "it can be read again"
    );
}

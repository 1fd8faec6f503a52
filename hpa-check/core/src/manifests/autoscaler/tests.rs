use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::manifests::PodRequest;
use crate::spec::MetricTarget;
use crate::units::Millicores;

mod workload;

/// An autoscaler with this name and these additions to its spec.
fn autoscaler(name: &str, more: Value) -> Value {
    let mut object = json!({
        "apiVersion": "autoscaling/v2", "kind": KIND, "metadata": {"name": name},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "minReplicas": 2, "maxReplicas": 20,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 70}}}]}});
    if let Value::Object(more) = more {
        for (key, value) in more {
            object["spec"][key] = value;
        }
    }
    object
}

fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": 2, "template": {"spec": {
            "initContainers": [
                {"name": "migrate", "resources": {"requests": {"cpu": "2"}}},
                {"name": "proxy", "restartPolicy": "Always", "resources": {"requests": {"cpu": "50m"}}}],
            "containers": [{"name": "app",
                "resources": {"requests": {"cpu": 0.2, "memory": "64Mi"}, "limits": {"cpu": "500m"}},
                "startupProbe": {"initialDelaySeconds": 5},
                "readinessProbe": {"initialDelaySeconds": 12, "periodSeconds": 3, "successThreshold": 2}}]}}}})
}

fn v1(annotations: &Value, spec: &Value) -> Value {
    let mut object = autoscaler("shop", json!({}));
    object["apiVersion"] = json!("autoscaling/v1");
    object["metadata"]["annotations"] = annotations.clone();
    object["spec"].as_object_mut().unwrap().remove("metrics");
    for (key, value) in spec.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    object
}

fn names(spec: &AutoscalerSpec) -> Vec<String> {
    spec.metrics
        .iter()
        .map(|m| format!("{}: {}", m.source, m.target))
        .collect()
}

#[test]
fn a_deployment_in_the_input_gives_the_requests_of_its_pods_and_when_they_can_be_ready() {
    let list = json!({"kind": "List", "items": [deployment("other"), deployment("shop"), autoscaler("shop", json!({}))]});
    let manifest = read(&[Value::Null, list], None).unwrap();
    let workload = manifest.workload.unwrap();
    assert_eq!(workload.name, "Deployment/shop");
    assert_eq!(workload.replicas, Some(2));
    // The sidecar counts; the ordinary init container does not.
    assert_eq!(workload.cpu_request(None), Some(Millicores(250)));
    assert_eq!(workload.cpu_request(Some("app")), Some(Millicores(200)));
    assert_eq!(workload.cpu_limit(None), Some(Millicores(500)));
    assert_eq!(workload.ready_after, Duration::from_secs(15));
    assert_eq!(manifest.notes, Vec::<String>::new());
}

#[test]
fn a_target_that_the_input_lacks_is_named_with_what_is_there_instead() {
    let manifest = read(&[deployment("web"), autoscaler("shop", json!({}))], None).unwrap();
    assert_eq!(manifest.workload, None);
    assert_eq!(
        manifest.notes,
        ["its target Deployment/shop is not in the input, which has Deployment/web"]
    );
}

#[test]
fn one_of_several_autoscalers_is_chosen_by_its_name() {
    let mut other = autoscaler("shop", json!({"maxReplicas": 5}));
    other["metadata"]["namespace"] = json!("test");
    let documents = [
        autoscaler("cart", json!({})),
        autoscaler("shop", json!({})),
        other,
    ];
    let max = |name: &str| read(&documents, Some(name)).map(|m| m.spec.max_replicas);
    assert_eq!(max("cart"), Ok(20));
    assert_eq!(max("test/shop"), Ok(5));
    assert_eq!(
        max("pay"),
        Err(format!(
            "has no {KIND} named pay, but cart, shop, test/shop"
        ))
    );
    assert_eq!(
        read(&documents, None).unwrap_err(),
        "has 3 of them: cart, shop, test/shop; add the NAME of one to the command"
    );
}

#[test]
fn an_autoscaler_without_metrics_gets_the_apis_default() {
    for metrics in [json!([]), Value::Null] {
        let manifest = read(&[autoscaler("shop", json!({"metrics": metrics}))], None).unwrap();
        assert_eq!(manifest.spec.cpu_target_percent(), Some(80));
        assert!(
            manifest.notes[0].contains("80 % CPU"),
            "{:?}",
            manifest.notes
        );
    }
    let manifest = read(&[v1(&json!({}), &json!({}))], None).unwrap();
    assert_eq!(manifest.spec.cpu_target_percent(), Some(80));
}

#[test]
fn a_v1_autoscaler_keeps_its_other_metrics_and_its_behavior_in_annotations() {
    let metrics = json!([
        {"type": "Pods", "pods": {"metricName": "hits", "targetAverageValue": "10"}},
        {"type": "External", "external": {"metricName": "queue", "targetValue": "100", "metricSelector": {"matchLabels": {"q": "a"}}}},
        {"type": "Object", "object": {"target": {"kind": "Ingress", "name": "shop"}, "metricName": "rps", "targetValue": "2k"}},
        {"type": "ContainerResource", "containerResource": {"name": "memory", "container": "app", "targetAverageUtilization": 60}}]);
    let behavior = json!({"ScaleDown": {"StabilizationWindowSeconds": 60, "SelectPolicy": "Max",
        "Policies": [{"Type": "Percent", "Value": 50, "PeriodSeconds": 30}]}});
    let annotations = json!({
        "autoscaling.alpha.kubernetes.io/metrics": metrics.to_string(),
        "autoscaling.alpha.kubernetes.io/behavior": behavior.to_string()});
    let object = v1(&annotations, &json!({"targetCPUUtilizationPercentage": 65}));
    let spec = read(&[object], None).unwrap().spec;
    assert_eq!(
        names(&spec),
        [
            "cpu: 65 %",
            "pods metric hits: 10 per pod",
            "external metric queue: 100 in total",
            "Ingress/shop metric rps: 2000 in total",
            "memory of container app: 60 %",
        ]
    );
    let down = spec.behavior.unwrap().scale_down.unwrap();
    assert_eq!(down.stabilization_window_seconds, Some(60));
    assert_eq!(down.policies.unwrap()[0].value, 50);
}

#[test]
fn an_unknown_key_is_refused_and_the_nearest_one_is_suggested() {
    for (more, expected) in [
        (
            json!({"behaviour": {}}),
            "`behaviour` in spec: did you mean `behavior`?",
        ),
        (
            json!({"minreplicas": 1}),
            "`minreplicas` in spec: did you mean `minReplicas`?",
        ),
        (
            json!({"behavior": {"scaleDown": {"stabilizationWindow": 5}}}),
            "in spec.behavior.scaleDown: did you mean `stabilizationWindowSeconds`?",
        ),
        (
            json!({"metrics": [{"type": "Resource", "resource": {"name": "cpu", "targetAverageUtilization": 5}}]}),
            "`targetAverageUtilization` in spec.metrics[0].resource: did you mean `target`?",
        ),
        (
            json!({"foo": 1}),
            "`foo` in spec: expected scaleTargetRef, minReplicas,",
        ),
    ] {
        let error = read(&[autoscaler("shop", more)], None).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_unknown_key_printed_by_a_newer_server_is_only_noted() {
    let mut object = autoscaler("shop", json!({"selectionStrategy": "All"}));
    object["metadata"]["uid"] = json!("u");
    let manifest = read(&[object], None).unwrap();
    assert!(
        manifest.notes[0].contains("selectionStrategy"),
        "{:?}",
        manifest.notes
    );
}

#[test]
fn a_behavior_is_read_alone_under_its_key_and_from_a_whole_autoscaler() {
    let behavior = json!({"scaleDown": {"stabilizationWindowSeconds": 30}});
    let whole = autoscaler("shop", json!({"behavior": behavior}));
    for document in [
        behavior.clone(),
        json!({"behavior": behavior}),
        json!({"spec": {"behavior": behavior}}),
        whole,
    ] {
        let down = read_behavior(&[document], None)
            .unwrap()
            .scale_down
            .unwrap();
        assert_eq!(down.stabilization_window_seconds, Some(30));
    }
    for (document, expected) in [
        (json!({"behaviour": behavior}), "did you mean `behavior`"),
        (json!({"scaleDwon": {}}), "did you mean `scaleDown`?"),
        (json!({}), "has no behavior"),
        (autoscaler("shop", json!({})), "without spec.behavior"),
    ] {
        let error = read_behavior(std::slice::from_ref(&document), None).unwrap_err();
        assert!(error.contains(expected), "{document}: {error}");
    }
}

#[test]
fn input_without_a_usable_autoscaler_is_refused_in_one_line() {
    let versioned = |version: &str| {
        let mut object = autoscaler("shop", json!({}));
        object["apiVersion"] = json!(version);
        object
    };
    let kind = json!({"metrics": [{"type": "Cpu"}]});
    for (object, expected) in [
        (
            json!({"kind": "Service"}),
            "has no HorizontalPodAutoscaler, but Service",
        ),
        (
            json!({"kind": "ScaledObject"}),
            "`kubectl get hpa/keda-hpa-NAME -o yaml`",
        ),
        (
            json!({"kind": "ScaledObject", "metadata": {"name": "cart", "namespace": "shop"},
                "spec": {"scaleTargetRef": {"name": "web"}}}),
            "`kubectl get hpa/keda-hpa-cart deployment/web -n shop -o yaml`",
        ),
        (
            json!({"kind": "ScaledObject", "metadata": {"name": "cart"}, "spec": {
                "scaleTargetRef": {"kind": "StatefulSet", "name": "web"},
                "advanced": {"horizontalPodAutoscalerConfig": {"name": "own"}}}}),
            "`kubectl get hpa/own statefulset/web -o yaml`",
        ),
        (
            json!({"kind": "List", "items": null}),
            "has no HorizontalPodAutoscaler",
        ),
        (json!("text"), "has no HorizontalPodAutoscaler"),
        (versioned("autoscaling/v3"), "of autoscaling/v3"),
        (versioned(""), "without an apiVersion"),
        (autoscaler("shop", kind), "unknown type \"Cpu\""),
        (
            autoscaler("shop", json!({"maxReplicas": "ten"})),
            "`spec` of HorizontalPodAutoscaler/shop",
        ),
    ] {
        let error = read(std::slice::from_ref(&object), None).unwrap_err();
        assert!(error.contains(expected), "{object}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn metrics_that_cannot_be_simulated_are_named_and_the_others_stay() {
    let metrics = json!([
        {"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "app",
            "target": {"type": "AverageValue", "averageValue": "100m"}}},
        {"type": "External", "external": {"metric": {"name": "queue"}, "target": {"type": "Value", "value": "5"}}}]);
    let documents = [
        autoscaler("shop", json!({"metrics": metrics})),
        deployment("shop"),
    ];
    let simulable = read(&documents, None)
        .unwrap()
        .on_cpu(PodRequest::default());
    assert_eq!(names(&simulable.spec), ["cpu: 50 %"]);
    assert_eq!(simulable.request, Some(Millicores(200)));
    let notes = simulable.notes.join("\n");
    assert!(
        notes.contains("\"external metric queue\" is left out"),
        "{notes}"
    );
    assert!(
        notes.contains("100m per pod is treated as 50 % of the request of 200m"),
        "{notes}"
    );
}

#[test]
fn an_autoscaler_without_a_cpu_metric_is_simulated_at_the_default_target_with_a_note() {
    let metrics = json!([{"type": "External", "external": {"metric": {"name": "queue"}, "target": {"type": "AverageValue", "averageValue": "5"}}}]);
    let object = autoscaler("shop", json!({"metrics": metrics, "minReplicas": 0}));
    let simulable = read(&[object], None).unwrap().on_cpu(PodRequest::default());
    assert_eq!(
        simulable.spec.metrics[0].target,
        MetricTarget::Utilization(80)
    );
    assert_eq!(simulable.spec.min_replicas, Some(1));
    assert!(
        simulable.notes[1].contains("80 % CPU replaces its metrics"),
        "{:?}",
        simulable.notes
    );
}

#[test]
fn an_amount_per_pod_is_taken_relative_to_the_request_that_is_simulated() {
    let metrics = json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "AverageValue", "averageValue": "300m"}}}]);
    let alone = [autoscaler("shop", json!({"metrics": metrics}))];
    let with = [alone[0].clone(), deployment("shop")];
    let milli = |given: Option<i64>| given.map(Millicores);
    for (documents, given, otherwise, percent, request) in [
        (&alone[..], None, None, 100, 300),
        (&alone, Some(200), None, 150, 200),
        (&alone, None, Some(600), 50, 600),
        (&with, None, Some(600), 120, 250),
        (&with, Some(100), None, 300, 100),
    ] {
        let own = PodRequest {
            given: milli(given),
            otherwise: milli(otherwise),
        };
        let simulable = read(documents, None).unwrap().on_cpu(own);
        assert_eq!(
            (simulable.spec.cpu_target_percent(), simulable.request),
            (Some(percent), milli(Some(request))),
            "{given:?}, {otherwise:?}"
        );
    }
}

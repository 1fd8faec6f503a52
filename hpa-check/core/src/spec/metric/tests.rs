use serde_json::{Value, json};

use super::*;

fn read(value: &Value) -> MetricSpec {
    serde_json::from_value(value.clone()).unwrap()
}

#[test]
fn every_type_is_parsed_as_the_api_prints_it() {
    let amount = |milli| Quantity::from_milli(milli);
    let queue = MetricIdentifier {
        name: "queue".to_owned(),
        selector: Some(LabelSelector {
            match_labels: [("topic".to_owned(), "jobs".to_owned())].into(),
            match_expressions: Vec::new(),
        }),
    };
    let cases = [
        (
            json!({"type": "Resource", "resource": {"name": "memory",
                "target": {"type": "AverageValue", "averageValue": "64Mi"}}}),
            MetricSource::Resource {
                name: "memory".to_owned(),
            },
            MetricTarget::AverageValue(amount(64 * 1024 * 1024 * 1000)),
        ),
        (
            json!({"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "app",
                "target": {"type": "Utilization", "averageUtilization": 50}}}),
            MetricSource::ContainerResource {
                name: "cpu".to_owned(),
                container: "app".to_owned(),
            },
            MetricTarget::Utilization(50),
        ),
        (
            json!({"type": "Pods", "pods": {"metric": {"name": "queue", "selector": {"matchLabels": {"topic": "jobs"}}},
                "target": {"type": "AverageValue", "averageValue": 100}}}),
            MetricSource::Pods(queue.clone()),
            MetricTarget::AverageValue(amount(100_000)),
        ),
        (
            json!({"type": "Object", "object": {"metric": {"name": "hits"},
                "describedObject": {"apiVersion": "v1", "kind": "Service", "name": "shop"},
                "target": {"type": "Value", "value": "2550m"}}}),
            MetricSource::Object {
                metric: MetricIdentifier {
                    name: "hits".to_owned(),
                    selector: None,
                },
                object: TargetRef {
                    api_version: "v1".to_owned(),
                    kind: "Service".to_owned(),
                    name: "shop".to_owned(),
                },
            },
            MetricTarget::Value(amount(2550)),
        ),
        (
            json!({"type": "External", "external": {"metric": {"name": "queue", "selector": {"matchLabels": {"topic": "jobs"}}},
                "target": {"type": "Value", "value": "1k"}}}),
            MetricSource::External(queue),
            MetricTarget::Value(amount(1_000_000)),
        ),
    ];
    for (written, source, target) in cases {
        let spec = read(&written);
        assert_eq!((&spec.source, spec.target), (&source, target), "{written}");
        let flat = serde_json::to_value(&spec).unwrap();
        assert_eq!(read(&flat), spec, "{flat}");
    }
}

#[test]
fn a_trace_of_an_earlier_version_is_read() {
    let spec = read(&json!({"type": "Resource", "name": "cpu", "averageUtilization": 50}));
    assert_eq!(spec, MetricSpec::cpu_utilization(50));
    let spec = read(&json!({"type": "External", "name": "queue", "averageValueMilli": 100_000}));
    assert_eq!(
        spec.target,
        MetricTarget::AverageValue(Quantity::from_milli(100_000))
    );
    let spec = read(&json!({"type": "CheddarCheese", "name": ""}));
    assert_eq!(spec.source.kind(), "CheddarCheese");
}

#[test]
fn an_object_metric_with_a_target_of_another_type_has_no_target_as_in_the_controller() {
    let spec = read(
        &json!({"type": "Object", "object": {"metric": {"name": "hits"},
        "describedObject": {"kind": "Service", "name": "shop"},
        "target": {"type": "Value", "averageValue": "10"}}}),
    );
    assert_eq!(spec.target, MetricTarget::Missing);
}

#[test]
fn a_type_without_its_source_is_refused_by_name() {
    let error = serde_json::from_value::<MetricSpec>(json!({"type": "Pods"})).unwrap_err();
    assert_eq!(error.to_string(), "a metric of type Pods lacks `pods`");
}

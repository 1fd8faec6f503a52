//! Metrics of every type, alone and combined, to the exact replica.

use serde_json::{Value, json};

use crate::case::{NAMES, Reconcile};

fn cpu(percent: i32) -> Value {
    json!({"type": "Resource", "resource": {"name": "cpu",
        "target": {"type": "Utilization", "averageUtilization": percent}}})
}

fn memory(percent: i32) -> Value {
    json!({"type": "Resource", "resource": {"name": "memory",
        "target": {"type": "Utilization", "averageUtilization": percent}}})
}

fn queue(average: &str) -> Value {
    json!({"type": "External", "external": {"metric": {"name": "queue"},
        "target": {"type": "AverageValue", "averageValue": average}}})
}

/// Pods with requests of 100m and 100 bytes each, and their shares in use.
fn using(pods: i32, cpu: i64, memory: i64) -> Reconcile {
    let names = &NAMES[..usize::try_from(pods).unwrap()];
    let mut case = Reconcile::of(pods, names.len(), cpu);
    for at in 0..names.len() {
        case.0["pods"][at]["containers"][0]["memoryRequestMilli"] = json!(100_000);
        case.0["podMetrics"][at]["containers"][0]["memoryUsageMilli"] = json!(memory * 1000);
    }
    case.with("controller/downscaleStabilizationSeconds", json!(0))
}

fn with(case: Reconcile, metrics: &[Value]) -> Reconcile {
    case.with("hpa/metrics", json!(metrics))
}

fn reading(value: &str) -> Value {
    json!([{"metric": {"type": "External", "name": "queue"}, "answer": {"values": [value]}}])
}

#[test]
fn memory_within_its_tolerance_keeps_what_idle_cpu_alone_would_remove() {
    let both = [cpu(50), memory(50)];
    assert_eq!(with(using(10, 0, 46), &both).decide().desired(), 10);
    assert_eq!(
        with(using(3, 0, 46), &both)
            .with("hpa/minReplicas", json!(1))
            .decide()
            .desired(),
        3
    );
    let alone = with(using(3, 0, 46), &[cpu(50)]).with("hpa/minReplicas", json!(1));
    assert_eq!(alone.decide().desired(), 1);
}

#[test]
fn the_larger_of_two_proposals_wins() {
    let kept = with(using(3, 75, 30), &[cpu(80), memory(60)]).with("hpa/minReplicas", json!(1));
    assert_eq!(kept.decide().desired(), 3);
}

#[test]
fn an_external_metric_next_to_cpu_sets_the_replicas_it_asks_for() {
    let metrics = [cpu(80), queue("100")];
    for (current, value, wanted) in [(4, "600", 6), (6, "800", 8), (8, "1000", 10)] {
        let case = with(using(current, 16, 0), &metrics).with("otherMetrics", reading(value));
        assert_eq!(case.decide().desired(), wanted, "{value}");
    }
}

#[test]
fn an_average_value_of_cpu_needs_no_request() {
    let amount = json!({"type": "Resource", "resource": {"name": "cpu",
        "target": {"type": "AverageValue", "averageValue": "2550m"}}});
    let mut case = with(using(2, 3000, 0), &[amount]).with("hpa/minReplicas", json!(1));
    assert_eq!(case.decide().desired(), 3);
    for at in 0..2 {
        case.0["pods"][at]["containers"][0]["cpuRequestMilli"] = Value::Null;
    }
    assert_eq!(case.decide().desired(), 3);
}

#[test]
fn a_failing_metric_blocks_every_step_down_and_no_step_up() {
    let failing = json!([{"metric": {"type": "External", "name": "queue"}, "answer": {"error": "no adapter"}}]);
    let metrics = [cpu(50), queue("100")];
    let up = with(using(3, 100, 0), &metrics).with("otherMetrics", failing.clone());
    assert_eq!(up.decide().desired(), 6);
    let down = with(using(6, 10, 0), &metrics).with("otherMetrics", failing);
    let decided = down.decide();
    assert_eq!(decided.desired(), 6);
    assert_eq!(
        decided.condition("ScalingActive"),
        "False/FailedGetExternalMetric"
    );
}

#[test]
fn pod_level_requests_and_the_overhead_count_from_1_34_on() {
    let of = |version: &str| {
        let mut case = with(using(3, 92, 0), &[cpu(50)]).with("controller/version", json!(version));
        for at in 0..3 {
            case.0["pods"][at]["resources"] = json!({"cpuMilli": 300});
            case.0["pods"][at]["overhead"] = json!({"cpuMilli": 68});
        }
        case.decide().0["utilization"].clone()
    };
    assert_eq!(of("1.33"), 92);
    assert_eq!(of("1.34"), 25);
}

#[test]
fn at_the_exact_end_of_the_tolerance_versions_before_1_33_step_up() {
    let at_55 = |version: &str| {
        let case = with(using(10, 55, 0), &[cpu(50)]).with("controller/version", json!(version));
        case.with("hpa/maxReplicas", json!(30)).decide().desired()
    };
    assert_eq!(at_55("1.32"), 11);
    assert_eq!(at_55("1.33"), 10);
}

#[test]
fn a_sample_without_the_cpu_of_one_container_is_no_sample() {
    let mut case = with(using(3, 92, 0), &[cpu(50)]);
    case.0["podMetrics"][0]["containers"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "proxy", "memoryUsageMilli": 1000}));
    // Two pods at 92 %, and one that counts as idle: 61 % of three pods.
    assert_eq!(case.decide().desired(), 4);
}

#[test]
fn a_pod_without_a_sample_of_the_container_fails_the_metric_before_1_33_and_is_missing_later() {
    let container = json!({"type": "ContainerResource", "containerResource": {"name": "cpu", "container": "fib",
        "target": {"type": "Utilization", "averageUtilization": 50}}});
    let condition = |version: &str| {
        let mut case = with(using(3, 92, 0), std::slice::from_ref(&container))
            .with("controller/version", json!(version));
        case.0["podMetrics"][0]["containers"][0]["name"] = json!("other");
        case.decide().condition("ScalingActive")
    };
    assert_eq!(condition("1.32"), "False/FailedGetContainerResourceMetric");
    assert_eq!(condition("1.33"), "True/ValidMetricFound");
}

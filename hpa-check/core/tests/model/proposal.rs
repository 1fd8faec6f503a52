//! What the CPU metric asks for when every pod counts.

use serde_json::{Value, json};

use crate::case::{NAMES, ask, even, pod, pod_with, propose, using};

fn replicas(current: i32, pods: usize, milli: i64) -> i64 {
    let (pods, metrics) = even(pods, milli);
    propose(current, &pods, &metrics)["replicas"]
        .as_i64()
        .unwrap()
}

#[test]
fn three_pods_at_92_percent_of_a_target_of_50_ask_for_six() {
    let (pods, metrics) = even(3, 92);
    assert_eq!(
        propose(3, &pods, &metrics),
        json!({"replicas": 6, "utilization": 92, "rawAverageMilli": 92})
    );
}

#[test]
fn the_first_utilization_of_each_step_matches_the_table() {
    for (pods, steps) in [
        (
            3,
            &[
                (55, 3),
                (56, 4),
                (67, 5),
                (84, 6),
                (101, 7),
                (117, 8),
                (134, 9),
                (151, 10),
            ][..],
        ),
        (
            4,
            &[(56, 5), (63, 6), (76, 7), (88, 8), (101, 9), (113, 10)],
        ),
        (5, &[(56, 6), (61, 7), (71, 8), (81, 9), (91, 10)]),
        (6, &[(56, 7), (59, 8), (67, 9), (76, 10)]),
        (7, &[(56, 8), (58, 9), (65, 10)]),
        (8, &[(56, 9), (57, 10)]),
        (9, &[(56, 11)]),
        (
            10,
            &[(15, 3), (30, 6), (36, 8), (41, 9), (45, 10), (55, 10)],
        ),
    ] {
        for (utilization, wanted) in steps {
            let current = i32::try_from(pods).unwrap();
            assert_eq!(
                replicas(current, pods, *utilization),
                *wanted,
                "{pods} pods at {utilization} %"
            );
        }
    }
}

#[test]
fn between_45_and_55_percent_the_size_stays() {
    for milli in 45..=55 {
        assert_eq!(replicas(5, 5, milli), 5, "{milli}");
    }
    assert_eq!(replicas(5, 5, 44), 5); // out of the band, but ceil(0.88 · 5) is 5 again
    assert_eq!(replicas(10, 10, 44), 9);
    assert_eq!(replicas(3, 3, 56), 4);
}

#[test]
fn within_the_tolerance_the_answer_is_the_size_in_the_spec_whatever_the_pods() {
    assert_eq!(replicas(8, 3, 50), 8);
}

#[test]
fn outside_the_tolerance_the_answer_counts_pods_even_against_the_ratio() {
    // One pod at twice its target asks for two, although the spec has four.
    assert_eq!(replicas(4, 1, 100), 2);
}

#[test]
fn utilization_is_truncated_to_whole_percent_first() {
    let pods = [pod("a"), pod("b"), pod("c")];
    let metrics = [using("a", 56), using("b", 56), using("c", 55)];
    // 167 of 300 is 55.67 %, read as 55 %, within the tolerance.
    assert_eq!(propose(3, &pods, &metrics)["replicas"], 3);
}

#[test]
fn the_product_is_computed_in_floating_point_like_the_controllers() {
    let names: Vec<String> = (0..25).map(|i| format!("p{i}")).collect();
    let pods: Vec<Value> = names.iter().map(|n| pod(n)).collect();
    let metrics: Vec<Value> = names.iter().map(|n| using(n, 14)).collect();
    // 14/50 · 25 is 7.000000000000001 in a double, so one more than exact arithmetic gives.
    assert_eq!(propose(25, &pods, &metrics)["replicas"], 8);
}

#[test]
fn requests_of_all_containers_count_or_only_the_named_ones() {
    let two = json!({"containers": [{"name": "fib", "cpuRequestMilli": 100}, {"name": "proxy", "cpuRequestMilli": 300}]});
    let pods: Vec<Value> = NAMES[..3]
        .iter()
        .map(|n| pod_with(n, two.clone()))
        .collect();
    let metrics: Vec<Value> = NAMES[..3]
        .iter()
        .map(|n| {
            json!({"pod": n, "timestampAgoSeconds": 5, "windowSeconds": 15, "containers": [
                {"name": "fib", "cpuUsageMilli": 98}, {"name": "proxy", "cpuUsageMilli": 2}]})
        })
        .collect();
    let mut input = json!({
        "currentReplicas": 3, "metric": "cpu", "container": null, "targetUtilization": 50,
        "tolerance": {"scaleUp": 0.1, "scaleDown": 0.1}, "pods": pods, "podMetrics": metrics,
    });
    assert_eq!(ask("resource_replicas", &input)["utilization"], 25);
    input["container"] = json!("fib");
    assert_eq!(
        ask("resource_replicas", &input),
        json!({"replicas": 6, "utilization": 98, "rawAverageMilli": 98})
    );
    input["container"] = json!("nobody");
    assert!(ask("resource_replicas", &input)["error"].is_string());
}

#[test]
fn one_container_without_a_request_fails_the_proposal_and_is_named() {
    let without = json!({"containers": [{"name": "fib", "cpuRequestMilli": null}]});
    // Even on a pod that does not count.
    let pods = [
        pod("a"),
        pod("b"),
        pod_with("c", json!({"phase": "Failed"})),
        pod_with("d", without),
    ];
    let metrics = [using("a", 90), using("b", 90), using("d", 90)];
    assert_eq!(
        propose(3, &pods, &metrics)["error"],
        "missing request for cpu in container fib of Pod d"
    );
}

#[test]
fn a_tolerance_for_one_direction_applies_to_it() {
    let (pods, metrics) = even(3, 60);
    let ask_with = |up: f64| {
        ask(
            "resource_replicas",
            &json!({
                "currentReplicas": 3, "metric": "cpu", "container": null, "targetUtilization": 50,
                "tolerance": {"scaleUp": up, "scaleDown": 0.0}, "pods": pods, "podMetrics": metrics,
            }),
        )["replicas"]
            .clone()
    };
    assert_eq!(ask_with(0.2), 3);
    assert_eq!(ask_with(0.19), 4);
}

#[test]
fn without_metrics_or_pods_there_is_an_error_and_no_number() {
    assert_eq!(
        propose(3, &[pod("a")], &[])["error"],
        "unable to get metrics for resource cpu: no metrics returned from resource metrics API"
    );
    assert_eq!(
        propose(3, &[], &[using("a", 5)])["error"],
        "no pods returned by selector while calculating replica count"
    );
}

//! The pods' CPU: which version is read, and what is reported if there is none.

use hpa_check_core::observation::{MetricAnswer, Seen};
use serde_json::json;

use super::{Watched, now, server, watch};
use crate::api_server::{ApiServer, Fault, objects};

fn with_metrics(version: &'static str) -> ApiServer {
    let server = server();
    measure(&server, version);
    server
}

fn measure(server: &ApiServer, version: &'static str) {
    let group_version = match version {
        "v1" => "metrics.k8s.io/v1",
        _ => "metrics.k8s.io/v1beta1",
    };
    server.serve(group_version, "pods", "PodMetrics");
    server.put(objects::api_service(version, true));
    for (name, app, milli) in [("fib-1", "fib", 40), ("fib-2", "fib", 60), ("b", "b", 9)] {
        let pod = objects::pod(name, app, now());
        server.put(objects::pod_metrics(version, &pod, milli, now()));
    }
}

async fn watched(server: &ApiServer) -> Watched {
    let mut watched = watch(server).await;
    watched.wait(6.0).await;
    watched
}

#[tokio::test(start_paused = true)]
async fn the_use_of_the_targets_pods_is_read_in_either_version() {
    for version in ["v1", "v1beta1"] {
        let watched = watched(&with_metrics(version)).await;
        let last = watched.about("metrics").pop().unwrap();
        assert_eq!(last, "+ fib-1 40m, fib-2 60m", "{version}");
        let fact = "metrics API registered true, available true: Passed: told by the test";
        assert_eq!(watched.about("facts"), [fact], "{version}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_api_that_is_not_registered_is_a_fact_and_each_poll_says_so() {
    let watched = watched(&server()).await;
    let facts = watched.about("facts");
    assert!(
        facts[0].starts_with("metrics API registered false"),
        "{facts:?}"
    );
    assert_eq!(facts.len(), 1);
    assert!(watched.about("metrics")[0].contains("404 page not found"));
}

#[tokio::test(start_paused = true)]
async fn an_api_that_comes_later_is_found() {
    let server = server();
    let mut watched = watched(&server).await;
    measure(&server, "v1beta1");
    watched.hush();
    watched.wait(6.0).await;
    assert_eq!(watched.about("metrics")[0], "+ fib-1 40m, fib-2 60m");
    assert_eq!(watched.about("facts").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_api_that_moves_to_another_version_is_followed() {
    let server = with_metrics("v1beta1");
    let mut watched = watched(&server).await;
    server.withdraw("metrics.k8s.io");
    measure(&server, "v1");
    watched.wait(11.0).await;
    assert_eq!(
        watched.about("metrics").pop().unwrap(),
        "+ fib-1 40m, fib-2 60m"
    );
}

#[tokio::test(start_paused = true)]
async fn a_metrics_server_that_is_down_is_reported_with_its_error_and_its_registration() {
    let server = with_metrics("v1beta1");
    server.put(objects::api_service("v1beta1", false));
    let down = Fault::Status(503, "ServiceUnavailable");
    server.fail("list pods.metrics", down, usize::MAX);
    let mut watched = watched(&server).await;
    assert_eq!(
        watched.about("metrics").pop().unwrap(),
        "failed: the server says ServiceUnavailable"
    );
    let fact = "metrics API registered true, available false: MissingEndpoints: told by the test";
    assert_eq!(watched.about("facts"), [fact]);
    server.heal("list pods.metrics");
    watched.wait(6.0).await;
    assert_eq!(
        watched.about("metrics").pop().unwrap(),
        "+ fib-1 40m, fib-2 60m"
    );
}

#[tokio::test(start_paused = true)]
async fn a_poll_without_an_answer_costs_its_deadline_and_no_more() {
    let server = with_metrics("v1beta1");
    server.fail("list pods.metrics", Fault::Silence, 1);
    let mut watched = watch(&server).await;
    watched.wait(22.0).await;
    assert_eq!(
        watched.about("metrics")[..2],
        ["failed: no answer within 10 s", "+ fib-1 40m, fib-2 60m"]
    );
}

#[tokio::test(start_paused = true)]
async fn unreadable_metrics_name_the_missing_permission() {
    let server = with_metrics("v1beta1");
    server.forbid("list pods.metrics");
    let watched = watched(&server).await;
    assert_eq!(watched.forbidden(), ["list pods.metrics.k8s.io"]);
    assert!(watched.about("metrics")[0].starts_with("failed: forbidden"));
}

#[tokio::test(start_paused = true)]
async fn without_permission_to_list_versions_the_usual_one_is_read() {
    let server = with_metrics("v1beta1");
    server.forbid("get /apis/metrics.k8s.io");
    let watched = watched(&server).await;
    assert_eq!(
        watched.about("metrics").pop().unwrap(),
        "+ fib-1 40m, fib-2 60m"
    );
}

fn queued(server: &ApiServer) {
    server.change("horizontalpodautoscalers/fib", |hpa| {
        hpa["spec"]["metrics"] = json!([{"type": "External", "external": {
            "metric": {"name": "queue", "selector": {"matchLabels": {"topic": "jobs"}}},
            "target": {"type": "AverageValue", "averageValue": "100"}}}]);
    });
}

fn readings(watched: &Watched) -> Vec<MetricAnswer> {
    let all = watched.told.iter().filter_map(|o| match &o.seen {
        Seen::Metric(reading) => Some(reading.answer.clone()),
        _ => None,
    });
    all.collect()
}

#[tokio::test(start_paused = true)]
async fn an_external_metric_is_read_from_its_own_api_by_its_labels() {
    let server = server();
    server.serve(
        "external.metrics.k8s.io/v1beta1",
        "queue",
        "ExternalMetricValue",
    );
    for (name, topic, value) in [("a", "jobs", "600"), ("b", "mail", "7")] {
        server.put(json!({"apiVersion": "external.metrics.k8s.io/v1beta1", "kind": "ExternalMetricValue",
            "metadata": {"name": name, "namespace": "demo", "labels": {"topic": topic}}, "value": value}));
    }
    queued(&server);
    let watched = watched(&server).await;
    let six_hundred = MetricAnswer::Values(vec!["600".parse().unwrap()]);
    assert_eq!(readings(&watched).pop(), Some(six_hundred));
}

#[tokio::test(start_paused = true)]
async fn an_external_metric_that_is_forbidden_is_not_an_error_of_the_metric() {
    let server = server();
    server.serve(
        "external.metrics.k8s.io/v1beta1",
        "queue",
        "ExternalMetricValue",
    );
    server.forbid("list queue");
    queued(&server);
    let watched = watched(&server).await;
    assert_eq!(readings(&watched), []);
    assert_eq!(watched.forbidden(), ["list queue.external.metrics.k8s.io"]);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_ours_is_reported_as_such_and_extends_the_deadline() {
    let server = with_metrics("v1beta1");
    server.fail("list pods.metrics", Fault::Silence, usize::MAX);
    let mut watched = watched(&server).await;
    watched.wait(60.0).await;
    let ours = |o: &hpa_check_core::observation::Observation| {
        use hpa_check_core::observation::Seen;
        match &o.seen {
            Seen::MetricsUnavailable { timed_out, .. } => Some(*timed_out),
            _ => None,
        }
    };
    let told: Vec<bool> = watched.told.iter().filter_map(ours).collect();
    // The deadlines are 10 s, then 20 s, then 40 s.
    assert_eq!(told, [true, true]);
    server.heal("list pods.metrics");
    watched.hush();
    watched.wait(40.0).await;
    assert_eq!(
        watched.about("metrics").pop().unwrap(),
        "+ fib-1 40m, fib-2 60m"
    );
}

#[tokio::test(start_paused = true)]
async fn the_server_of_a_metrics_api_is_reported_and_so_is_its_absence() {
    let server = server();
    let mut service = objects::api_service("v1beta1", true);
    service["spec"]["service"] = json!({"namespace": "monitoring", "name": "prometheus-adapter"});
    server.put(service);
    queued(&server);
    let watched = watched(&server).await;
    assert_eq!(
        watched.about("servers"),
        [
            "metrics.k8s.io: prometheus-adapter (Service monitoring/prometheus-adapter), available",
            "external.metrics.k8s.io: the server of external.metrics.k8s.io, available",
        ]
    );
    let absent = |o: &hpa_check_core::observation::Observation| match &o.seen {
        Seen::Fact(hpa_check_core::observation::Fact::MetricsServer(server)) => !server.registered,
        _ => false,
    };
    assert_eq!(watched.told.iter().filter(|o| absent(o)).count(), 1);
}

//! What the autoscaler scales, and how its pods are found.

use serde_json::json;

use super::{Watched, now, watch};
use crate::api_server::{ApiServer, Fault, objects};

/// A server with an autoscaler of this target, and one pod labelled `app=fib`.
fn server_of(target: serde_json::Value) -> ApiServer {
    let server = ApiServer::new(now);
    server.serve("argoproj.io/v1alpha1", "rollouts", "Rollout");
    server.put(objects::autoscaler("fib", &target));
    server.put(target);
    server.put(objects::pod("fib-1", "fib", now()));
    server
}

fn sees_its_pod(watched: &Watched) -> bool {
    watched.about("pods") == ["+ fib-1"]
}

#[tokio::test(start_paused = true)]
async fn a_stateful_set_is_followed_like_a_deployment() {
    let server = server_of(objects::workload("StatefulSet", "fib", 4));
    let watched = watch(&server).await;
    assert_eq!(watched.about("target"), ["+ 4 of app=fib"]);
    assert!(sees_its_pod(&watched));
}

#[tokio::test(start_paused = true)]
async fn the_pods_of_a_custom_resource_are_found_by_its_scale() {
    let server = server_of(objects::rollout("fib", 4));
    let watched = watch(&server).await;
    assert_eq!(watched.about("target"), ["+ 4 of app=fib"]);
    assert!(sees_its_pod(&watched));
}

#[tokio::test(start_paused = true)]
async fn a_scale_that_does_not_answer_at_first_is_retried_and_not_a_missing_permission() {
    let server = server_of(objects::rollout("fib", 4));
    server.fail(
        "get rollouts/scale",
        Fault::Status(503, "ServiceUnavailable"),
        2,
    );
    let mut watched = watch(&server).await;
    watched.wait(2.0).await;
    assert_eq!(watched.about("target"), ["+ 4 of app=fib"]);
    assert!(sees_its_pod(&watched));
    assert_eq!(watched.forbidden(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_unreadable_scale_names_the_missing_permission() {
    let server = server_of(objects::rollout("fib", 4));
    server.forbid("get rollouts/scale");
    let watched = watch(&server).await;
    assert_eq!(watched.forbidden(), ["get rollouts/scale.argoproj.io"]);
}

#[tokio::test(start_paused = true)]
async fn the_replicas_of_a_custom_resource_are_polled_from_its_scale() {
    let server = server_of(objects::rollout("fib", 4));
    let mut watched = watch(&server).await;
    server.change("rollouts/fib", |r| r["spec"]["replicas"] = json!(6));
    watched.wait(3.0).await;
    assert_eq!(watched.about("target").pop().unwrap(), "+ 6 of app=fib");
}

#[tokio::test(start_paused = true)]
async fn a_kind_without_a_scale_is_reported_in_the_servers_own_words() {
    let daemons = objects::workload("DaemonSet", "fib", 3);
    let server = ApiServer::new(now);
    server.serve("apps/v1", "daemonsets", "DaemonSet");
    server.put(objects::autoscaler("fib", &daemons));
    server.put(daemons);
    let watched = watch(&server).await;
    assert_eq!(
        watched.about("facts").pop().unwrap(),
        "DaemonSet can't be scaled: the server could not find the requested resource"
    );
    assert_eq!(watched.about("target"), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_selector_that_the_scale_gets_later_is_used() {
    let mut rollout = objects::rollout("fib", 4);
    rollout["status"]["selector"] = json!("");
    let server = server_of(rollout);
    let mut watched = watch(&server).await;
    assert_eq!(watched.about("target"), ["+ 4 of "]);
    server.change("rollouts/fib", |r| {
        r["status"]["selector"] = json!("app=fib");
    });
    watched.wait(31.0).await;
    assert_eq!(watched.about("target").pop().unwrap(), "+ 4 of app=fib");
    assert!(sees_its_pod(&watched));
}

#[tokio::test(start_paused = true)]
async fn a_custom_resource_that_is_defined_after_its_autoscaler_is_found() {
    let server = server_of(objects::rollout("fib", 4));
    server.withdraw("argoproj.io");
    let mut watched = watch(&server).await;
    assert_eq!(watched.about("target"), Vec::<String>::new());
    server.serve("argoproj.io/v1alpha1", "rollouts", "Rollout");
    watched.wait(10.0).await;
    assert_eq!(watched.about("target"), ["+ 4 of app=fib"]);
    assert_eq!(watched.gaps("target").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_version_of_the_reference_does_not_matter_as_in_the_controller() {
    for mut target in [objects::deployment("fib", 4), objects::rollout("fib", 4)] {
        let group = target["apiVersion"].as_str().unwrap().to_owned();
        let (group, _) = group.split_once('/').unwrap();
        let served = target.clone();
        target["apiVersion"] = json!(format!("{group}/v0"));
        let server = ApiServer::new(now);
        server.serve("argoproj.io/v1alpha1", "rollouts", "Rollout");
        server.put(objects::autoscaler("fib", &target));
        server.put(served);
        let watched = watch(&server).await;
        assert_eq!(watched.about("target"), ["+ 4 of app=fib"], "{group}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_autoscaler_that_changes_its_target_is_followed_to_the_new_one() {
    let server = server_of(objects::deployment("fib", 4));
    server.put(objects::deployment("other", 2));
    server.put(objects::pod("other-1", "other", now()));
    let mut watched = watch(&server).await;
    watched.hush();
    server.change("horizontalpodautoscalers/fib", |hpa| {
        hpa["spec"]["scaleTargetRef"]["name"] = json!("other");
    });
    watched.wait(1.0).await;
    assert_eq!(watched.about("target"), ["+ 2 of app=other"]);
    assert_eq!(watched.about("pods"), ["- fib-1", "+ other-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_target_that_does_not_exist_yet_is_reported_once_it_does() {
    let deployment = objects::deployment("fib", 4);
    let server = ApiServer::new(now);
    server.put(objects::autoscaler("fib", &deployment));
    let mut watched = watch(&server).await;
    assert_eq!(watched.about("target"), Vec::<String>::new());
    server.put(deployment);
    watched.wait(0.1).await;
    assert_eq!(watched.about("target"), ["+ 4 of app=fib"]);
}

#[tokio::test(start_paused = true)]
async fn a_metric_of_one_container_is_read_as_one() {
    let server = server_of(objects::deployment("fib", 4));
    server.change("horizontalpodautoscalers/fib", |hpa| {
        hpa["spec"]["metrics"] = json!([{"type": "ContainerResource", "containerResource": {
            "name": "cpu", "container": "fib", "target": {"type": "Utilization", "averageUtilization": 50}}}]);
        hpa["status"] = json!({"desiredReplicas": 4, "conditions": [{"type": "AbleToScale",
            "status": "True"}], "currentMetrics": [{"type": "ContainerResource", "containerResource": {
            "name": "cpu", "container": "fib", "current": {"averageUtilization": 48}}}]});
    });
    let watched = watch(&server).await;
    let seen = watched.told.iter().find_map(|o| match &o.seen {
        hpa_check_core::observation::Seen::Autoscaler(seen) => Some(seen.clone()),
        _ => None,
    });
    let seen = seen.unwrap();
    assert_eq!(seen.spec.metrics[0].source.container(), Some("fib"));
    assert_eq!(seen.spec.cpu_target_percent(), Some(50));
    assert_eq!(seen.status.unwrap().cpu_utilization, Some(48));
}

//! What a watch reports when nothing is wrong, and objects that come, go and come back.

use serde_json::json;

use super::{now, server, watch};
use crate::api_server::objects;

#[tokio::test(start_paused = true)]
async fn everything_that_exists_is_reported_once() {
    let server = server();
    let mut watched = watch(&server).await;
    watched.wait(100.0).await;
    assert_eq!(watched.about("autoscaler"), ["+ uid-1"]);
    assert_eq!(watched.about("target"), ["+ 2 of app=fib"]);
    assert_eq!(watched.about("pods"), ["+ fib-1", "+ fib-2"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_is_reported_when_it_happens_and_a_pod_of_another_selector_is_not() {
    let server = server();
    let mut watched = watch(&server).await;
    watched.hush();
    server.put(objects::pod("fib-3", "fib", now()));
    server.put(objects::pod("other-1", "other", now()));
    server.delete("pods/fib-1");
    server.change("deployments/fib", |d| {
        d["status"]["readyReplicas"] = json!(3);
    });
    watched.wait(0.1).await;
    assert_eq!(watched.about("pods"), ["+ fib-3", "- fib-1"]);
    assert_eq!(watched.about("target"), ["+ 3 of app=fib"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_of_many_pages_is_read_to_its_end() {
    let server = server();
    for n in 3..=1200 {
        server.put(objects::pod(&format!("fib-{n}"), "fib", now()));
    }
    let watched = watch(&server).await;
    assert_eq!(watched.about("pods").len(), 1200);
    assert_eq!(server.asked("list pods").len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_recreated_deployment_was_gone_in_between() {
    let server = server();
    let mut watched = watch(&server).await;
    watched.hush();
    server.delete("deployments/fib");
    server.put(objects::deployment("fib", 5));
    watched.wait(0.1).await;
    assert_eq!(watched.about("target"), ["-", "+ 5 of app=fib"]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_autoscaler_is_reported_as_gone() {
    let server = server();
    let mut watched = watch(&server).await;
    watched.hush();
    server.delete("horizontalpodautoscalers/fib");
    watched.wait(0.1).await;
    assert_eq!(watched.about("autoscaler"), ["-"]);
}

#[tokio::test(start_paused = true)]
async fn repetitions_of_an_event_are_reported_and_old_or_foreign_events_are_not() {
    let server = server();
    let hpa = ("HorizontalPodAutoscaler", "fib");
    let before = now() - jiff::SignedDuration::from_secs(60);
    server.put(objects::event(hpa, "Old", 1, before));
    let mut watched = watch(&server).await;
    watched.wait(5.0).await;
    server.put(objects::event(hpa, "SuccessfulRescale", 1, now()));
    server.put(objects::event(("Pod", "other-1"), "Killing", 1, now()));
    watched.wait(5.0).await;
    server.put(objects::event(hpa, "SuccessfulRescale", 2, now()));
    watched.wait(0.1).await;
    assert_eq!(
        watched.about("events"),
        [
            "HorizontalPodAutoscaler/fib SuccessfulRescale ×1",
            "HorizontalPodAutoscaler/fib SuccessfulRescale ×2"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn ages_are_computed_with_the_servers_clock() {
    let server = server();
    server.run_ahead(jiff::SignedDuration::from_mins(5));
    let watched = watch(&server).await;
    let ahead = watched.told[0].at.duration_since(now());
    assert!((299..=301).contains(&ahead.as_secs()), "{ahead}");
}

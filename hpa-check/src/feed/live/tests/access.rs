//! Without a permission, something weaker is done, and the missing permission is named.

use serde_json::json;

use super::{find, now, server, timing, watch};
use crate::api_server::{Fault, objects};

#[tokio::test(start_paused = true)]
async fn a_resource_that_may_be_listed_but_not_watched_is_polled_and_the_permission_is_named_once()
{
    let server = server();
    server.forbid("watch deployments");
    let mut watched = watch(&server).await;
    watched.wait(300.0).await;
    assert_eq!(watched.forbidden(), ["watch deployments.apps"]);
    watched.hush();
    server.change("deployments/fib", |d| {
        d["status"]["readyReplicas"] = json!(1);
    });
    watched.wait(2.1).await;
    assert_eq!(watched.about("target"), ["+ 1 of app=fib"]);
    assert_eq!(watched.gaps("target"), []);
}

#[tokio::test(start_paused = true)]
async fn a_permission_that_is_granted_later_is_used() {
    let server = server();
    server.forbid("watch pods");
    let mut watched = watch(&server).await;
    server.heal("watch pods");
    watched.wait(70.0).await;
    let lists = server.asked("list pods").len();
    watched.wait(70.0).await;
    assert_eq!(server.asked("list pods").len(), lists);
    watched.hush();
    server.put(objects::pod("fib-3", "fib", now()));
    watched.wait(0.1).await;
    assert_eq!(watched.about("pods"), ["+ fib-3"]);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_may_only_be_read_by_name_is_polled() {
    let server = server();
    server.forbid("list deployments");
    let mut watched = watch(&server).await;
    assert_eq!(watched.forbidden(), ["list deployments.apps"]);
    assert_eq!(watched.about("target"), ["+ 2 of app=fib"]);
    watched.hush();
    server.delete("deployments/fib");
    watched.wait(2.1).await;
    assert_eq!(watched.about("target"), ["-"]);
}

#[tokio::test(start_paused = true)]
async fn pods_that_may_not_be_read_are_a_gap_with_the_missing_permission() {
    let server = server();
    server.forbid("list pods");
    let mut watched = watch(&server).await;
    watched.wait(60.0).await;
    assert_eq!(watched.forbidden(), ["list pods"]);
    assert_eq!(watched.about("pods"), Vec::<String>::new());
    server.heal("list pods");
    watched.wait(6.0).await;
    assert_eq!(watched.about("pods"), ["+ fib-1", "+ fib-2"]);
    assert!(watched.gaps("pods")[0].2.contains("forbidden"));
}

#[tokio::test(start_paused = true)]
async fn without_permission_to_read_autoscalers_the_command_fails_with_that_reason() {
    let server = server();
    server.forbid("list horizontalpodautoscalers");
    let failure = find(&server, timing()).await.err().unwrap();
    assert_eq!(failure.code, 90);
    let advice = "grant list on horizontalpodautoscalers.autoscaling in demo";
    assert!(failure.message.contains(advice), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_unhealthy_or_no_api_server_is_named_in_one_sentence() {
    let cases = [
        (Fault::Status(401, "Unauthorized"), "renew the credentials"),
        (Fault::Status(503, "ServiceUnavailable"), "503"),
        (Fault::Silence, "no answer within 10 s"),
        (Fault::Page, "not a Kubernetes API server"),
    ];
    for (fault, part) in cases {
        let server = server();
        server.fail("*", fault, usize::MAX);
        let failure = find(&server, timing()).await.err().unwrap();
        assert_eq!(failure.code, 90);
        assert!(failure.message.contains(part), "{failure}");
        assert!(!failure.message.contains('\n'), "{failure}");
    }
}

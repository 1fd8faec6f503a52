//! Facts that are read once.

use super::{Watched, server, watch};
use crate::api_server::{ApiServer, Fault, objects};

fn crowded() -> ApiServer {
    let server = server();
    server.put(objects::quota("small", 6));
    server.put(objects::node("one", "2"));
    let other = objects::deployment("other", 1);
    server.put(objects::autoscaler("other", &other));
    server
}

/// The facts other than those about metrics.
fn facts(watched: &Watched) -> Vec<String> {
    let mut facts = watched.about("facts");
    facts.retain(|fact| !fact.starts_with("metrics API"));
    facts.sort();
    facts
}

const ALL: [&str; 3] = [
    "CPU 2000m: 2000m allocatable on 1 node, minus 0m requested by pods of other namespaces",
    "other scales Deployment/other",
    "quota small 6",
];

async fn watch_fib(server: &ApiServer) -> Watched {
    let live = super::find_named(server, "fib").await.unwrap();
    let mut watched = Watched {
        watching: live.watch(),
        told: Vec::new(),
    };
    watched.wait(5.0).await;
    watched
}

#[tokio::test(start_paused = true)]
async fn quotas_other_autoscalers_and_the_nodes_cpu_are_reported() {
    assert_eq!(facts(&watch_fib(&crowded()).await), ALL);
}

#[tokio::test(start_paused = true)]
async fn a_fact_that_cannot_be_read_at_first_is_retried() {
    let server = crowded();
    for what in ["list nodes", "list resourcequotas"] {
        server.fail(what, Fault::Status(503, "ServiceUnavailable"), 2);
    }
    assert_eq!(facts(&watch_fib(&server).await), ALL);
}

#[tokio::test(start_paused = true)]
async fn missing_permissions_are_named_and_the_rest_is_read() {
    let server = crowded();
    server.forbid("list nodes");
    server.forbid("list resourcequotas");
    let expected = [
        "forbidden: list nodes",
        "forbidden: list resourcequotas",
        "other scales Deployment/other",
    ];
    assert_eq!(facts(&watch_fib(&server).await), expected);
}

#[tokio::test(start_paused = true)]
async fn one_of_several_autoscalers_must_be_named() {
    let failure = super::find(&crowded(), super::timing())
        .await
        .err()
        .unwrap();
    assert!(
        failure.message.contains("name one of them: fib, other"),
        "{failure}"
    );
    let watched = watch(&server()).await;
    assert_eq!(facts(&watched), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_takes_over_is_reported_and_its_renewals_are_not() {
    let server = server();
    server.put(objects::lease("first"));
    let mut watched = watch(&server).await;
    server.change("leases/kube-controller-manager", |lease| {
        lease["spec"]["renewTime"] = serde_json::json!("2026-03-04T10:20:32.000000Z");
    });
    watched.wait(1.0).await;
    assert_eq!(facts(&watched), Vec::<String>::new());
    server.put(objects::lease("second"));
    watched.wait(1.0).await;
    assert_eq!(facts(&watched), ["controller restarted: second"]);
}

//! A whole run on a small cluster in virtual time, with the periods of a real one: from the first request to
//! the verdict in a moment, whatever happens to the connection.

use std::time::Duration;

use clap::Parser as _;
use hpa_check_core::observation::ControllerConfig;
use hpa_check_core::verdict::{Outcome, Verdict};

use super::*;
use crate::api_server::cluster::{Cluster, Periods};
use crate::api_server::{ApiServer, Fault, HeldBack, objects};
use crate::feed::live::tests::{find, now};

/// The load in millicores that calls for all ten pods of 100m at 50 %.
const HIGH: i64 = 650;

/// Runs it while `happens` runs; the load is high from the first minute to the fourth.
async fn run(happens: impl AsyncFnOnce(ApiServer)) -> Verdict {
    run_with_load(HIGH, happens).await
}

async fn run_with_load(high: i64, happens: impl AsyncFnOnce(ApiServer)) -> Verdict {
    run_on(ApiServer::new(now), high, happens).await
}

async fn run_on(server: ApiServer, high: i64, happens: impl AsyncFnOnce(ApiServer)) -> Verdict {
    let periods = Periods {
        controller: ControllerConfig::default(),
        resolution: Duration::from_secs(15),
        pod_start: Duration::from_secs(4),
        tick: Duration::from_millis(500),
    };
    let (cluster, load) = Cluster::new(&server, now, periods);
    load.set(30);
    let loading = async {
        tokio::time::sleep(Duration::from_mins(1)).await;
        load.set(high);
        tokio::time::sleep(Duration::from_mins(3)).await;
        load.set(30);
        std::future::pending::<()>().await;
    };
    let happening = async {
        happens(server.clone()).await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        verdict = judged(&server) => verdict,
        () = cluster.run() => unreachable!("a cluster never ends"),
        () = loading => unreachable!("it waits"),
        () = happening => unreachable!("it waits"),
    }
}

#[derive(clap::Parser)]
struct Cli {
    #[command(flatten)]
    args: Args,
}

async fn judged(server: &ApiServer) -> Verdict {
    let Cli { args } = Cli::parse_from(["run", "--external-load", "--ui", "none"]);
    let (controller, resolution) = (ControllerConfig::default(), Duration::from_secs(15));
    let timing = Timing::of(&controller, resolution);
    let live = find(server, timing).await.unwrap();
    let context = live.context((controller, true), resolution);
    let opened = args.outputs.files.open().unwrap();
    let mut signals = Signals::catch().unwrap();
    judge(&args, (live, context), (opened, None), None, &mut signals)
        .await
        .unwrap()
}

async fn sleep(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[track_caller]
fn assert_passed(verdict: &Verdict) {
    assert_eq!(verdict.outcome, Outcome::Pass, "{verdict:#?}");
}

#[tokio::test(start_paused = true)]
async fn a_healthy_cluster_passes_with_every_decision_explained() {
    let verdict = run(async |_| {}).await;
    assert_passed(&verdict);
    let told: Vec<&str> = verdict.reasons.iter().map(|r| r.message.as_str()).collect();
    assert_eq!(told[0], "ready pods went 3 → 10 → 3");
    assert!(told[1].contains("the watch had no gap"), "{told:?}");
    let (explained, all) = told[2]
        .split_once(" of ")
        .map(|(few, rest)| (few, rest.split(' ').next().unwrap()))
        .unwrap();
    assert_eq!(explained, all, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_of_the_api_server_during_scale_up_does_not_change_the_verdict() {
    let verdict = run(async |server| {
        sleep(100).await;
        server.stop();
        server.forget(true);
        sleep(12).await;
        server.start();
    })
    .await;
    assert_passed(&verdict);
    assert!(verdict.reasons[1].message.contains("the longest gap"));
}

#[tokio::test(start_paused = true)]
async fn watches_that_die_silently_do_not_change_the_verdict() {
    let verdict = run(async |server| {
        sleep(70).await;
        server.silence("*");
    })
    .await;
    assert_passed(&verdict);
}

#[tokio::test(start_paused = true)]
async fn a_run_that_may_list_but_not_watch_passes() {
    let verdict = run(async |server| {
        for plural in ["pods", "deployments", "horizontalpodautoscalers", "events"] {
            server.forbid(&format!("watch {plural}"));
        }
    })
    .await;
    assert_passed(&verdict);
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_buffers_watches_does_not_change_the_verdict() {
    for held_back in [HeldBack::Body, HeldBack::Response] {
        let server = ApiServer::new(now);
        server.hold_back(held_back);
        let verdict = run_on(server.clone(), HIGH, async |_| {}).await;
        assert_passed(&verdict);
        // One watch detected it, and there was none after it.
        assert_eq!(server.asked("watch horizontalpodautoscalers").len(), 1);
        assert!(server.asked("watch pods").is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn metrics_that_arrive_after_the_timeout_are_not_blamed_on_their_api() {
    for load in [HIGH, 400] {
        let server = ApiServer::new(now);
        server.fail("list pods.metrics", Fault::Silence, usize::MAX);
        let verdict = run_on(server, load, async |_| {}).await;
        assert_eq!(verdict.outcome, Outcome::Inconclusive, "{verdict:#?}");
        let ids: Vec<&str> = verdict.reasons.iter().map(|r| r.id.as_str()).collect();
        assert!(ids.contains(&"metrics-not-read"), "{ids:?}");
        assert!(!ids.contains(&"metrics-api-unavailable"), "{ids:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_load_that_calls_for_eight_pods_is_too_weak_and_not_a_fault_of_the_autoscaler() {
    let verdict = run_with_load(400, async |_| {}).await;
    assert_eq!(verdict.outcome, Outcome::Inconclusive, "{verdict:#?}");
    assert_eq!(verdict.reasons[0].id, "load-too-weak");
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_restarts_during_scale_down_gets_a_new_stabilization_window() {
    let verdict = run(async |server| {
        sleep(500).await;
        server.put(objects::lease("second"));
    })
    .await;
    assert_passed(&verdict);
}

/// Trouble of each kind, for 25 s from this second of the run on: it may make the run inconclusive, but never
/// gives a wrong definite verdict.
async fn trouble_at(start: u64) {
    for trouble in [restart, expire, cut, busy, unauthorized, silent] {
        let verdict = run(async |server| {
            sleep(start).await;
            trouble(&server);
            sleep(25).await;
            server.start();
            server.heal("*");
        })
        .await;
        let fine = [Outcome::Pass, Outcome::Inconclusive].contains(&verdict.outcome);
        assert!(fine, "at {start} s: {verdict:#?}");
    }
}

#[tokio::test(start_paused = true)]
async fn trouble_at_the_baseline_does_not_make_a_healthy_run_wrong() {
    trouble_at(20).await;
}

#[tokio::test(start_paused = true)]
async fn trouble_during_scale_up_does_not_make_a_healthy_run_wrong() {
    trouble_at(95).await;
}

#[tokio::test(start_paused = true)]
async fn trouble_during_scale_down_does_not_make_a_healthy_run_wrong() {
    trouble_at(530).await;
}

fn restart(server: &ApiServer) {
    server.stop();
    server.forget(true);
}

fn expire(server: &ApiServer) {
    server.forget(false);
    for plural in ["pods", "deployments", "horizontalpodautoscalers"] {
        server.expire(plural);
    }
}

fn cut(server: &ApiServer) {
    server.cut("*");
}

fn busy(server: &ApiServer) {
    server.fail("*", Fault::Shed { retry_after: 3 }, usize::MAX);
    server.close("*");
}

fn unauthorized(server: &ApiServer) {
    server.fail("*", Fault::Status(401, "Unauthorized"), usize::MAX);
    server.close("*");
}

fn silent(server: &ApiServer) {
    server.fail("*", Fault::Silence, usize::MAX);
    server.silence("*");
}

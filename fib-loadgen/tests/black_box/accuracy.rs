//! The numbers describe the load completely: nothing lost, late or unsent is left out.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::odd_server::{Act, OddServer};
use crate::program::run;

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value}"))
}

#[test]
fn unanswered_requests_count_in_the_percentiles() {
    // One of eighteen, 5.6 %.
    let server = OddServer::start(|_, number| match number % 18 {
        17 => Act::RawThenSilence(String::new()),
        _ => Act::Right,
    });
    let ended = run(
        server.address,
        "--users 50 --rate 100/s -t 2s --timeout 600ms --n 90 --threshold p99<250ms",
    );
    assert_eq!(ended.code, 99, "{}", ended.stderr);
    let response = &ended.result["latency"]["response"];
    assert!(number(&response["p99"]) >= 590_000.0, "{response}");
    assert_eq!(response["count"], ended.total("sent"));
}

#[test]
fn requests_that_wait_for_a_free_user_count_their_whole_wait_and_fall_short_of_the_plan() {
    // Five users with an answer every 400 ms: at most 25 of 400 requests in two seconds.
    let slow = || OddServer::start(|_, _| Act::After(Instant::now() + Duration::from_millis(400)));
    let flags = "--rate 200/s --users 5 -t 2s --n 90";
    let rules = "--threshold p50<250ms --threshold achieved>=99% --threshold error-rate<50%";
    let ended = run(slow().address, &format!("{flags} {rules}"));
    assert_eq!(ended.code, 99, "{}", ended.stderr);
    let (sent, unsent) = (ended.total("sent"), ended.total("unsent"));
    assert_eq!(sent + unsent, 400);
    assert!((5..=40).contains(&sent), "{sent}");
    let totals = &ended.result["totals"];
    assert!(
        (number(&totals["offered_rps"]) - 200.0).abs() < 1e-6,
        "{totals}"
    );
    assert!(number(&totals["achieved_ratio"]) < 0.1, "{totals}");
    let failed = ended.result["thresholds"].as_array().unwrap();
    assert!(
        failed.iter().all(|rule| rule["passed"] == false),
        "{failed:?}"
    );
    // The generator reports that it waited for the server.
    let generator = &ended.result["generator"];
    let (own, queue) = (
        &generator["own_lag_p99_us"],
        &generator["queue_wait_p99_us"],
    );
    assert!(
        number(queue) > 500_000.0 && number(own) < number(queue),
        "{generator}"
    );

    let ended = run(slow().address, &format!("{flags} --on-saturation fail"));
    assert_eq!(ended.code, 92, "{}", ended.stderr);
    let reasons = ended.result["exit"]["reasons"].as_array().unwrap();
    assert!(reasons.contains(&"load-not-achieved".into()), "{reasons:?}");
}

#[test]
fn rates_are_averages_over_the_load_window() {
    let server = OddServer::start(|_, _| Act::Right);
    let ended = run(
        server.address,
        "--rate 100/s -t 2s --n 90 --threshold rps>=99",
    );
    let totals = &ended.result["totals"];
    assert_eq!(
        (ended.code, ended.total("sent")),
        (0, 200),
        "{}",
        ended.stderr
    );
    assert_eq!(
        (&totals["window_s"], &totals["rps"]),
        (&2.0.into(), &100.0.into())
    );
    assert_eq!(
        (&totals["offered_rps"], &totals["achieved_ratio"]),
        (&100.0.into(), &1.0.into())
    );
}

#[test]
fn a_hanging_server_lengthens_the_run_but_not_its_window() {
    let server = OddServer::start(|_, number| match number {
        0..=20 => Act::Right,
        _ => Act::RawThenSilence(String::new()),
    });
    let ended = run(
        server.address,
        "--users 2 --ramp-up 0 -t 1s --timeout 2s --n 90",
    );
    let totals = &ended.result["totals"];
    assert!(number(&totals["elapsed_s"]) >= 1.9, "{totals}");
    assert_eq!(totals["window_s"], 1.0);
    assert_eq!(totals["rps"], 20.0);
}

#[test]
fn an_open_load_uses_no_more_connections_than_it_has_requests_in_flight() {
    let server = OddServer::start(|_, _| Act::Right);
    let ended = run(server.address, "--rate 100/s --users 200 -t 2s --n 90");
    let connections = &ended.result["connections"];
    let opened = connections["opened"].as_u64().unwrap();
    // Each of the 200 requests could have used its own user.
    assert!(opened < 100, "{connections}");
    assert_eq!(ended.result["latency"]["connect"]["count"], opened);
    assert!(
        connections["peak_open"].as_u64() <= Some(opened),
        "{connections}"
    );
}

#[test]
fn both_clients_send_and_count_the_same_requests() {
    let seen = |client: &str| {
        let server = OddServer::start(|_, number| match number % 10 {
            3 => Act::Close,
            5 => Act::Raw(crate::odd_server::response("503 Busy", "text/plain", "")),
            _ => Act::Right,
        });
        let flags = "--users 1 --ramp-up 0 --requests 50 --n 1..=90 --seed 5";
        let ended = run(server.address, &format!("{flags} --client {client}"));
        assert_eq!(ended.result["plan"]["client"], client);
        let counts = ["sent", "ok", "failed", "wrong", "verified"].map(|key| ended.total(key));
        (server.asked(), counts, ended.code)
    };
    assert_eq!(seen("direct"), seen("pool"));
}

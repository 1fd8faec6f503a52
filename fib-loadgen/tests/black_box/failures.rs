//! Every kind of failure has its class, and no failure is hidden or invented.

use std::time::{Duration, Instant};

use crate::odd_server::{Act, OddServer, body, response};
use crate::program::run;

const JSON: &str = "application/json";
const FEW: &str = "--users 2 --ramp-up 0 --requests 6 --n 90 --timeout 400ms";

/// Five of six requests get this; returns the classes counted for it, and the exit code.
fn classes_of(act: impl Fn() -> Act + Send + Sync + 'static) -> (Vec<String>, i32) {
    let server = OddServer::start(move |_, number| if number == 1 { Act::Right } else { act() });
    let ended = run(server.address, FEW);
    let (ok, failed) = (ended.total("ok"), ended.total("failed"));
    assert_eq!((ok, failed), (1, 5), "{}", ended.result);
    (
        ended.classes().into_iter().map(str::to_owned).collect(),
        ended.code,
    )
}

#[test]
fn wrong_answers_are_distinguished_and_end_in_91() {
    let true_body = body(90);
    let answer = |status: &str, kind: &str, body: &str| response(status, kind, body);
    let cases = [
        (
            "wrong.value",
            answer(
                "200 OK",
                JSON,
                &true_body.replace("2880067194370816120", "2880067194370816121"),
            ),
        ),
        (
            "wrong.digits",
            answer("200 OK", JSON, &true_body.replace("19}", "18}")),
        ),
        ("wrong.format", answer("200 OK", JSON, "<html>hello</html>")),
        ("wrong.format", answer("200 OK", JSON, &body(89))),
        ("wrong.truncated", answer("200 OK", JSON, &true_body[..30])),
        ("wrong.header", answer("200 OK", "text/html", &true_body)),
        (
            "wrong.header",
            answer("200 OK", "application/jsonfoo", &true_body),
        ),
    ];
    for (class, raw) in cases {
        assert_eq!(
            classes_of(move || Act::Raw(raw.clone())),
            (vec![class.to_owned()], 91)
        );
    }
}

#[test]
fn statuses_are_failures_of_their_own_class_and_not_wrong_answers() {
    let cases = [
        ("http.4xx", "404 Not Found"),
        ("http.429", "429 Too Many Requests"),
        ("http.5xx", "500 Internal Server Error"),
        ("http.503", "503 Service Unavailable"),
        // Not followed.
        ("http.other", "302 Found\r\nlocation: http://127.0.0.1:1/"),
    ];
    for (class, status) in cases {
        let raw = response(status, JSON, "{}");
        assert_eq!(
            classes_of(move || Act::Raw(raw.clone())),
            (vec![class.to_owned()], 0)
        );
    }
}

#[test]
fn broken_and_silent_connections_are_distinguished() {
    let cut =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{\"n\":90";
    let cases = [
        ("body.reset", Act::RawThenClose(cut.to_owned())),
        ("body.timeout", Act::RawThenSilence(cut.to_owned())),
        ("timeout.total", Act::RawThenSilence(String::new())),
    ];
    for (class, act) in cases {
        assert_eq!(classes_of(move || act.clone()), (vec![class.to_owned()], 0));
    }
}

#[test]
fn a_connection_closed_instead_of_an_answer_is_a_failure() {
    // Each on its own connection: on a reused one hyper may take the close for one that crossed the request,
    // and send the request again.
    let server = OddServer::start(|_, number| if number == 1 { Act::Right } else { Act::Close });
    let ended = run(server.address, &format!("{FEW} --conn fresh"));
    assert_eq!((ended.total("ok"), ended.total("failed")), (1, 5));
    assert_eq!(ended.classes(), ["closed.before_response"]);
}

#[test]
fn a_stopped_server_refuses_connections_and_makes_the_target_unusable() {
    let server = OddServer::start_for(1, |_, _| Act::Right);
    let ended = run(server.address, FEW);
    assert_eq!(
        (ended.code, ended.total("ok"), ended.total("failed")),
        (90, 0, 6),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.classes(), ["connect.refused"]);
    // Nobody answered, and no answer is invented; the requests count with the time until they failed.
    let latency = &ended.result["latency"];
    assert!(latency["ttfb"]["p99"].is_null());
    assert_eq!(latency["response"]["count"], 6);
    assert!(!ended.stderr.contains("NaN"), "{}", ended.stderr);
}

#[test]
fn a_server_that_announces_the_end_of_each_connection_loses_no_request() {
    let server = OddServer::start(|n, _| {
        let right = response("200 OK\r\nconnection: close", JSON, &body(n));
        Act::RawThenClose(right)
    });
    let ended = run(
        server.address,
        "--users 5 --ramp-up 0 --requests 200 --n 1..=90",
    );
    assert_eq!(
        (ended.code, ended.total("ok"), ended.total("failed")),
        (0, 200, 0),
        "{}",
        ended.stderr
    );
    assert_eq!(ended.result["connections"]["closed_by_peer"], 200);
}

#[test]
fn a_stall_of_the_server_shows_in_response_times_but_not_in_most_service_times() {
    let stall = std::sync::OnceLock::new();
    let server = OddServer::start(move |_, number| {
        if number < 200 {
            return Act::Right;
        }
        Act::After(*stall.get_or_init(|| Instant::now() + Duration::from_secs(1)))
    });
    // A stall of 1 s at 200/s with four workers: about 200 requests are late, but only four are slow.
    let ended = run(
        server.address,
        "--users 4 --stage 1ms:200/s --stage 4s:200/s --n 90",
    );
    let latency = &ended.result["latency"];
    let us = |kind: &str, at: &str| latency[kind][at].as_u64().expect("samples");
    assert!(us("response", "p90") > 200_000, "{latency}");
    assert!(us("service", "p95") < 200_000, "{latency}");
    assert!(us("service", "max") > 800_000, "{latency}");
    assert_eq!(ended.total("failed"), 0);
}

#[test]
fn a_target_that_is_not_a_fib_server_is_found_before_the_load() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = nobody.local_addr().expect("an address");
    drop(nobody);
    let ended = run(address, "--n 90");
    assert_eq!(ended.code, 90, "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("nothing listens"), "{}", ended.stderr);
}

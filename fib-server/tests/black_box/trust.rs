//! Who may send which requests, and how often.

use fib_server::args::{Rate, Settings};

use crate::client::{Connection, get, request};
use crate::server::{Server, settings};

fn limited(proxies: &[&str]) -> Server {
    Server::start(Settings {
        // One request; the next one after a second.
        rate_limit: Some(Rate(1)),
        rate_limit_burst: Some(1),
        trusted_proxies: Some(proxies.iter().map(|&p| p.to_owned()).collect()),
        ..settings()
    })
}

#[test]
fn a_client_above_its_rate_is_told_when_to_retry() {
    let server = limited(&[]);
    let first = get(server.address, "/get?n=1");
    assert_eq!(first.status, 200);
    assert_eq!(
        first.header("ratelimit-policy"),
        Some(r#""client";q=1;w=1"#)
    );
    let second = get(server.address, "/get?n=1");
    assert_eq!(second.problem(429)["retry_after_seconds"], 1);
    assert_eq!(second.header("retry-after"), Some("1"));
    assert_eq!(second.header("ratelimit"), Some(r#""client";r=0;t=1"#));
    // Monitoring is not limited.
    for _ in 0..3 {
        assert_eq!(get(server.address, "/health").status, 200);
        assert_eq!(get(server.admin, "/metrics").status, 200);
    }
    server.wait_for_metric("fib_rate_limited_total 1");
}

#[test]
fn clients_behind_a_trusted_proxy_have_separate_rates_and_other_clients_can_not_pretend_to_be_many()
{
    let ask = |server: &Server, client: &str| {
        let header = format!("x-forwarded-for: {client}\r\n");
        request(server.address, "GET", "/get?n=1", &header).status
    };
    let trusting = limited(&["127.0.0.0/8"]);
    assert_eq!(ask(&trusting, "192.0.2.1"), 200);
    assert_eq!(ask(&trusting, "192.0.2.2"), 200);
    assert_eq!(ask(&trusting, "192.0.2.1"), 429);
    let wary = limited(&["10.0.0.0/8"]);
    assert_eq!(ask(&wary, "192.0.2.1"), 200);
    assert_eq!(ask(&wary, "192.0.2.2"), 429);
}

#[test]
fn the_metrics_can_be_kept_off_the_main_port() {
    let server = Server::start(Settings {
        main_metrics: Some(false),
        ..settings()
    });
    assert_eq!(get(server.address, "/metrics").status, 404);
    assert_eq!(get(server.admin, "/metrics").status, 200);
    assert_eq!(get(Server::standard().address, "/metrics").status, 200);
}

#[test]
fn the_log_level_can_be_changed_at_run_time() {
    let server = Server::standard();
    let put = |level: &str| {
        let mut connection = Connection::open(server.admin);
        let length = level.len();
        connection.send(
            format!(
                "PUT /log-level HTTP/1.1\r\nhost: test\r\ncontent-length: {length}\r\n\r\n{level}"
            )
            .as_bytes(),
        );
        connection.answer(true).unwrap()
    };
    assert_eq!(put("fib_server=debug").json()["level"], "fib_server=debug");
    assert_eq!(put("a=b=c").problem(400)["parameter"], "level");
    assert_eq!(put("").problem(400)["parameter"], "level");
    assert_eq!(get(server.admin, "/log-level").status, 200);
}

#[test]
fn a_request_with_a_trace_is_answered_as_a_span_of_it() {
    let server = Server::standard();
    let parent = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    let answer = request(server.address, "GET", "/get?n=1", parent);
    let own = answer.header("traceparent").unwrap();
    assert!(
        own.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"),
        "{own}"
    );
    assert!(!own.contains("00f067aa0ba902b7"), "{own}");
    assert_eq!(get(server.address, "/get?n=1").header("traceparent"), None);
}

#[test]
fn pages_of_an_allowed_origin_may_read_answers() {
    let server = Server::start(Settings {
        cors_origins: Some(vec!["https://a.test".to_owned()]),
        ..settings()
    });
    let from = |method: &str, origin: &str| {
        let headers = format!("origin: {origin}\r\naccess-control-request-method: GET\r\n");
        request(server.address, method, "/get?n=1", &headers)
    };
    let asked = from("OPTIONS", "https://a.test");
    assert_eq!(asked.status, 204);
    assert_eq!(
        asked.header("access-control-allow-origin"),
        Some("https://a.test")
    );
    assert_eq!(
        asked.header("access-control-allow-methods"),
        Some("GET, HEAD, OPTIONS")
    );
    let read = from("GET", "https://a.test");
    assert_eq!(
        (read.status, read.header("access-control-allow-origin")),
        (200, Some("https://a.test"))
    );
    assert_eq!(
        from("GET", "https://b.test").header("access-control-allow-origin"),
        None
    );
    assert_eq!(
        request(server.address, "OPTIONS", "/nowhere", "").status,
        404
    );
    // Without the flag, CORS is off.
    request(Server::standard().address, "OPTIONS", "/get?n=1", "").problem(405);
}

#[test]
fn an_answer_that_every_origin_may_read_says_so_in_every_response() {
    let server = Server::start(Settings {
        cors_origins: Some(vec!["*".to_owned()]),
        ..settings()
    });
    // A cache may give a page the stored answer to a request without an origin.
    for headers in ["", "origin: https://a.test\r\n", "origin: null\r\n"] {
        let answer = request(server.address, "GET", "/get?n=1", headers);
        let allowed = answer.header("access-control-allow-origin");
        assert_eq!(
            (allowed, answer.header("vary")),
            (Some("*"), Some("accept")),
            "{headers:?}"
        );
    }
    let failed = get(server.address, "/get?n=x");
    failed.problem(400);
    assert_eq!(failed.header("access-control-allow-origin"), Some("*"));
    // If only some origins may read an answer, a cache stores it per origin.
    let some = Server::start(Settings {
        cors_origins: Some(vec!["https://a.test".to_owned()]),
        ..settings()
    });
    let answer = get(some.address, "/get?n=x");
    assert_eq!(
        (
            answer.header("access-control-allow-origin"),
            answer.header("vary")
        ),
        (None, Some("origin"))
    );
}

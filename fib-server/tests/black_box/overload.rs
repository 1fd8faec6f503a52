//! More work than the CPUs can do: shed at the door, stopped at the deadline, and never in the way of a probe.

use std::time::{Duration, Instant};

use fib_server::args::{DurationArg, Settings};

use crate::client::{Connection, get};
use crate::server::{Server, settings};

/// A computation that takes minutes, on a server that allows it.
const HUGE: &str = "/get?n=4000000000";

fn small(deadline: Duration) -> Server {
    Server::start(Settings {
        max_n: Some(u64::MAX),
        compute_threads: Some(1),
        deadline: Some(DurationArg(deadline)),
        ..settings()
    })
}

fn ask(server: &Server, target: &str) -> Connection {
    let mut connection = Connection::open(server.address);
    connection.send(format!("GET {target} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes());
    connection
}

#[test]
fn a_computation_past_its_deadline_is_stopped_and_the_client_is_told() {
    let server = small(Duration::from_millis(200));
    get(server.address, HUGE).problem(504);
    // The work was stopped: the thread is free again.
    server.wait_for_metric(r#"fib_cancelled_total{reason="deadline"} 1"#);
    assert_eq!(get(server.address, "/get?n=10000").status, 200);
}

#[test]
fn work_that_would_wait_too_long_is_shed_with_a_time_to_retry() {
    let server = small(Duration::from_mins(1));
    let _busy = ask(&server, HUGE);
    server.wait_for_metric("http_requests_in_flight 2");
    let mut times = Vec::new();
    for _ in 0..20 {
        let begun = Instant::now();
        let answer = get(server.address, "/get?n=1000000");
        times.push(begun.elapsed());
        assert_eq!(answer.problem(503)["reason"], "queue-full");
        let retry_after = answer.header("retry-after").unwrap();
        assert!(retry_after.parse::<u64>().unwrap() >= 1);
    }
    // A refusal is immediate. Of twenty, at least some are not delayed by other load on this machine.
    let best = times.iter().min().unwrap();
    assert!(*best < Duration::from_millis(10), "{times:?}");
}

#[test]
fn a_sequence_that_would_exceed_its_deadline_is_refused_even_on_an_idle_server() {
    let server = Server::start(Settings {
        max_n: Some(u64::MAX),
        max_sequence_n: Some(u64::MAX),
        deadline: Some(DurationArg(Duration::from_millis(100))),
        ..settings()
    });
    let answer = get(server.address, "/get?n=1000000&sequence=true");
    assert_eq!(answer.problem(503)["reason"], "deadline-unreachable");
}

#[test]
fn the_work_of_a_disconnected_client_is_cancelled() {
    let server = small(Duration::from_mins(1));
    let busy = ask(&server, HUGE);
    server.wait_for_metric("http_requests_in_flight 2");
    drop(busy);
    server.wait_for_metric(r#"fib_cancelled_total{reason="client-gone"} 1"#);
    assert_eq!(get(server.address, "/get?n=10000").status, 200);
}

#[test]
fn small_numbers_are_answered_while_the_pool_is_busy() {
    let server = small(Duration::from_secs(5));
    let _busy = ask(&server, HUGE);
    server.wait_for_metric("http_requests_in_flight 2");
    assert_eq!(get(server.address, "/get?n=1000").status, 200);
    assert_eq!(get(server.address, "/health").status, 200);
}

#[test]
fn an_error_varies_by_the_same_headers_as_the_answer_it_replaces() {
    for (compress, vary) in [(false, "accept"), (true, "accept, accept-encoding")] {
        let given = |deadline| Settings {
            max_n: Some(u64::MAX),
            compute_threads: Some(1),
            deadline: Some(DurationArg(deadline)),
            compress: Some(compress),
            ..settings()
        };
        let hasty = Server::start(given(Duration::from_millis(200)));
        let late = get(hasty.address, HUGE);
        late.problem(504);
        assert_eq!(late.header("vary"), Some(vary));
        // The query is checked before the Accept header.
        for (target, status) in [("/get?n=x", 400), ("/get?n=99999999999999999999", 422)] {
            let wrong = get(hasty.address, target);
            wrong.problem(status);
            assert_eq!(wrong.header("vary"), None, "{target}");
        }

        let server = Server::start(given(Duration::from_mins(1)));
        let _busy = ask(&server, HUGE);
        server.wait_for_metric("http_requests_in_flight 2");
        for target in ["/get?n=1000000", "/get?n=10000&sequence=true"] {
            let shed = get(server.address, target);
            shed.problem(503);
            assert_eq!(shed.header("vary"), Some(vary), "{target}");
        }
    }
}

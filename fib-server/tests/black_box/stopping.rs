//! An orderly end loses no request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fib_server::args::{Settings, Span};

use crate::client::{Connection, get};
use crate::server::{Server, settings};

#[test]
fn an_answer_under_way_is_given_before_the_end() {
    let server = Server::start(Settings {
        max_n: Some(10_000_000),
        ..settings()
    });
    let mut connection = Connection::open(server.address);
    connection.send(b"GET /get?n=3000000&format=text HTTP/1.1\r\nhost: test\r\n\r\n");
    while !get(server.admin, "/metrics")
        .text()
        .contains("http_requests_in_flight 2")
    {
        std::thread::yield_now();
    }
    server.stop.signal();
    assert_eq!(connection.answer(true).unwrap().body.len(), 626_963);
    server.join();
}

#[test]
fn an_idle_server_ends_at_once() {
    let server = Server::standard();
    get(server.address, "/get?n=1");
    let begun = Instant::now();
    server.stop.signal();
    server.join();
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_second_signal_ends_the_waiting() {
    let server = Server::start(Settings {
        drain_delay: Some(Span(Duration::from_hours(1))),
        ..settings()
    });
    assert_eq!(get(server.address, "/get?n=1").status, 200);
    server.stop.signal();
    server.stop.signal();
    server.join();
}

#[test]
fn a_silent_connection_does_not_hold_up_the_end_for_the_whole_timeout() {
    let server = Server::start(Settings {
        shutdown_timeout: Some(Span(Duration::from_mins(5))),
        ..settings()
    });
    let _silent = Connection::open(server.address);
    assert_eq!(get(server.address, "/get?n=1").status, 200);
    let begun = Instant::now();
    server.stop.signal();
    server.join();
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

/// Clients that keep their connections until they are asked to leave, as browsers and pools do.
#[test]
fn a_server_that_drains_under_load_loses_no_request() {
    let server = Server::start(Settings {
        drain_delay: Some(Span(Duration::from_millis(700))),
        ..settings()
    });
    let over = AtomicBool::new(false);
    let answered: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..16)
            .map(|_| {
                scope.spawn(|| {
                    let mut connection = None;
                    let mut answered = 0;
                    while !over.load(Ordering::Relaxed) {
                        let open =
                            connection.get_or_insert_with(|| Connection::open(server.address));
                        open.send(b"GET /get?n=5000 HTTP/1.1\r\nhost: test\r\n\r\n");
                        let answer = open.answer(true).expect("every request is answered");
                        assert_eq!(answer.status, 200);
                        answered += 1;
                        if answer.header("connection") == Some("close") {
                            connection = None;
                        }
                    }
                    answered
                })
            })
            .collect();
        while !get(server.admin, "/metrics")
            .text()
            .contains("fib_connections_open 16")
        {
            std::thread::yield_now();
        }
        server.stop.signal();
        // As endpoints do: new connections go elsewhere well before the delay is over.
        while !get(server.admin, "/metrics")
            .text()
            .contains(r#"fib_connections_recycled_total{reason="drain"}"#)
        {
            std::thread::yield_now();
        }
        over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|c| c.join().unwrap()).sum()
    });
    assert!(answered >= 16, "{answered}");
    server.join();
}

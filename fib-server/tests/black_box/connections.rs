//! How long a connection lives. A close while the client sends its next request would lose that request.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use fib_server::args::{DurationArg, Settings};

use crate::client::Connection;
use crate::server::{Server, settings};

const IDLE: Duration = Duration::from_millis(1_600);

fn server() -> Server {
    Server::start(Settings {
        idle_timeout: Some(DurationArg(IDLE)),
        deadline: Some(DurationArg(IDLE / 2)),
        ..settings()
    })
}

#[track_caller]
fn is_kept_while_idle(address: SocketAddr, path: &str) {
    let mut connection = Connection::open(address);
    // However late the first request comes.
    connection.is_silent_for(IDLE / 4);
    connection.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes());
    assert_eq!(connection.answer(true).unwrap().status, 200);
    let answered = Instant::now();
    assert!(connection.is_closed());
    // The timer has a resolution of one millisecond.
    let kept = answered.elapsed() + Duration::from_millis(5);
    assert!(kept >= IDLE, "{kept:?}");
}

#[test]
fn a_connection_may_be_idle_for_exactly_the_configured_time() {
    is_kept_while_idle(server().address, "/get?n=1");
}

#[test]
fn a_scrapers_connection_may_be_idle_for_the_same_time() {
    is_kept_while_idle(server().admin, "/metrics");
}

#[test]
fn a_half_sent_head_is_dropped_like_an_idle_connection() {
    let server = server();
    for begun in [&b""[..], b"P", b"GET /get?n=1 HT"] {
        let mut connection = Connection::open(server.address);
        connection.send(begun);
        assert!(connection.is_closed());
    }
}

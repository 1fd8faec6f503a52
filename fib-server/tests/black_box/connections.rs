//! How long a connection lives: closing one while its client sends the next request loses that request.

use std::time::{Duration, Instant};

use fib_server::args::{Settings, Span};

use crate::client::Connection;
use crate::server::{Server, settings};

const REQUEST: &[u8] = b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\n\r\n";
const IDLE: Duration = Duration::from_millis(800);

fn server() -> Server {
    Server::start(Settings {
        idle_timeout: Some(Span(IDLE)),
        deadline: Some(Span(IDLE / 2)),
        ..settings()
    })
}

#[test]
fn a_connection_may_be_idle_for_as_long_as_the_setting_says_and_no_longer() {
    let server = server();
    let mut connection = Connection::open(server.address);
    // However late its first request came.
    connection.is_silent_for(IDLE * 3 / 4);
    for _ in 0..2 {
        connection.send(REQUEST);
        assert_eq!(connection.answer(true).unwrap().status, 200);
        connection.is_silent_for(IDLE * 3 / 4);
    }
    connection.send(REQUEST);
    assert_eq!(connection.answer(true).unwrap().status, 200);
    let answered = Instant::now();
    assert!(connection.is_closed());
    // The timer's grain is a millisecond.
    let kept = answered.elapsed() + Duration::from_millis(5);
    assert!(kept >= IDLE, "{kept:?}");
}

#[test]
fn a_head_that_stops_half_way_is_given_up_like_an_idle_connection() {
    let server = server();
    for begun in [&b""[..], b"P", b"GET /get?n=1 HT"] {
        let mut connection = Connection::open(server.address);
        connection.send(begun);
        assert!(connection.is_closed());
    }
}

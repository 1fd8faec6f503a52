//! What clients may make the server hold: connections, memory, and transfers that don't end.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use fib_server::args::{DurationArg, Settings, Size};

use crate::client::{Connection, are_cut_off, get};
use crate::server::{Server, settings};

/// A computation that takes minutes, on a server that allows it.
const HUGE: &[u8] = b"GET /get?n=4000000000 HTTP/1.1\r\nhost: test\r\n\r\n";

/// An answer of about 90 MB, more than the kernel buffers for a client that reads nothing.
const LONG: &[u8] =
    b"GET /get?n=30000&sequence=true HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";

fn for_two_connections() -> Server {
    Server::start(Settings {
        max_n: Some(u64::MAX),
        max_connections: Some(2),
        deadline: Some(DurationArg(Duration::from_mins(1))),
        ..settings()
    })
}

#[test]
fn a_client_that_finds_no_room_is_told_so_and_nobody_loses_an_answer_because_of_it() {
    let server = for_two_connections();
    let mut busy: Vec<_> = (0..2)
        .map(|_| {
            let mut connection = Connection::open(server.address);
            connection.send(HUGE);
            connection
        })
        .collect();
    server.wait_for_metric("http_requests_in_flight 3");
    let mut newcomer = Connection::open(server.address);
    newcomer.send(b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\n\r\n");
    let refused = newcomer.answer(true).unwrap();
    assert_eq!(refused.problem(503)["reason"], "connections");
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.header("connection"), Some("close"));
    assert!(newcomer.is_closed());
    server.wait_for_metric("fib_connections_refused_total 1");
    server.wait_for_metric("fib_connections_open 2");
    // Both computations are still running.
    server.wait_for_metric("http_requests_in_flight 3");
    busy.clear();
    server.wait_for_metric("fib_connections_open 0");
    assert_eq!(get(server.address, "/get?n=1").status, 200);
}

#[test]
fn an_idle_connection_is_closed_to_make_room_for_a_new_one() {
    let server = for_two_connections();
    let mut idle: Vec<_> = (0..2)
        .map(|_| {
            let mut connection = Connection::open(server.address);
            connection.send(b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\n\r\n");
            assert_eq!(connection.answer(true).unwrap().status, 200);
            connection
        })
        .collect();
    let begun = Instant::now();
    while get_or_refused(server.address) != 200 {
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
    assert!(idle.iter_mut().any(Connection::is_closed));
    server.wait_for_metric(r#"fib_connections_cut_total{reason="makes-room"} 1"#);
}

/// The status of a request on its own connection. A refused connection may get its answer before it sends a
/// request.
fn get_or_refused(server: SocketAddr) -> u16 {
    let mut connection = Connection::open(server);
    connection.send(b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    connection.answer(true).map_or(503, |answer| answer.status)
}

#[test]
fn clients_that_do_not_read_fill_the_budget_and_nothing_else() {
    let server = Server::start(Settings {
        max_n: Some(100_000),
        max_sequence_n: Some(30_000),
        max_inflight_bytes: Some(Size(1 << 20)),
        deadline: Some(DurationArg(Duration::from_mins(1))),
        max_queue_wait: Some(DurationArg(Duration::from_mins(1))),
        ..settings()
    });
    let mut readers = Vec::new();
    let refused = loop {
        assert!(readers.len() < 1_000, "nobody was refused");
        let mut reader = TcpStream::connect(server.address).unwrap();
        reader.write_all(LONG).unwrap();
        let mut status = [0; 12];
        reader.read_exact(&mut status).unwrap();
        if &status != b"HTTP/1.1 200" {
            break reader;
        }
        readers.push(reader);
    };
    // Seven eighths of a mebibyte are enough for several.
    assert!(readers.len() >= 8, "{} fit", readers.len());
    let mut text = String::new();
    let _ = { refused }.read_to_string(&mut text);
    assert!(text.contains(r#""reason":"memory""#), "{text}");
    server.wait_for_metrics_with("fib_shed_total{reason=\"memory\"} ");
    // The last eighth is reserved for small answers.
    assert_eq!(get(server.address, "/get?n=1000").status, 200);
    assert_eq!(get(server.address, "/health").status, 200);
    drop(readers);
    server.wait_for_metric("fib_bytes_held 0");
    assert_eq!(get(server.address, "/get?n=100000").status, 200);
}

#[test]
fn an_incomplete_head_counts_as_memory_until_its_client_goes() {
    let server = Server::start(Settings {
        max_inflight_bytes: Some(Size(4 << 20)),
        ..settings()
    });
    let mut clients = Vec::new();
    for _ in 0..4 {
        let mut client = Connection::open(server.address);
        client.send(b"GET / HTTP/1.1\r\nhost: test\r\nx: ");
        client.send("a".repeat(40_000).as_bytes());
        clients.push(client);
    }
    // Each holds a buffer of 64 KiB by now.
    server.wait_for_metric("fib_bytes_held 262144");
    drop(clients);
    server.wait_for_metric("fib_bytes_held 0");
}

#[test]
fn a_sequence_is_computed_on_the_pool_and_counts_as_in_flight_until_its_last_byte() {
    let server = Server::start(Settings {
        max_n: Some(100_000),
        max_sequence_n: Some(30_000),
        deadline: Some(DurationArg(Duration::from_mins(1))),
        ..settings()
    });
    let mut reader = TcpStream::connect(server.address).unwrap();
    reader.write_all(LONG).unwrap();
    let mut status = [0; 12];
    reader.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 200");
    // Its head was sent, and its first parts were computed on the pool.
    server.wait_for_metric("http_requests_in_flight 2");
    let metrics = get(server.admin, "/metrics").text();
    let parts = metrics
        .lines()
        .find_map(|line| line.strip_prefix("fib_compute_seconds_count "))
        .unwrap();
    assert_ne!(parts, "0");
    assert!(
        !metrics.contains(r#"http_requests_total{method="GET",path="/get""#),
        "{metrics}"
    );
    drop(reader);
    server.wait_for_metric(r#"http_requests_total{method="GET",path="/get",status="200"} 1"#);
    server.wait_for_metric("http_requests_in_flight 1");
    server.wait_for_metric("fib_bytes_held 0");
}

#[test]
fn an_incomplete_transmission_is_cut_off_within_ten_seconds() {
    // Idle connections stay for two minutes here.
    let server = Server::standard();
    are_cut_off([
        (server.address, &b"GET /get?n=1 HT"[..]),
        // After an answered request.
        (
            server.address,
            b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\n\r\nGET /ge",
        ),
        (server.address, b"PRI * HTTP/2.0\r\n"),
        // After the preface, half of a frame's head.
        (server.address, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0"),
        (server.admin, b"GET /livez HT"),
        (
            server.admin,
            b"PUT /log-level HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nin",
        ),
    ]);
    server.wait_for_metric(r#"fib_connections_cut_total{reason="incomplete"} 4"#);
    server.wait_for_metric("fib_bytes_held 0");
}

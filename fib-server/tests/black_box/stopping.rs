//! A graceful shutdown loses no request.

use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fib_server::args::{DurationArg, Settings};

use crate::client::{Connection, get};
use crate::http2::Http2;
use crate::server::{Server, settings};

const REQUEST: &[u8] = b"GET /get?n=5000 HTTP/1.1\r\nhost: test\r\n\r\n";
const NEVER: DurationArg = DurationArg(Duration::from_hours(1));

fn draining_for(drain_delay: Duration) -> Server {
    Server::start(Settings {
        drain_delay: Some(DurationArg(drain_delay)),
        max_n: Some(u64::MAX),
        ..settings()
    })
}

#[test]
fn an_answer_in_progress_is_given_before_the_end() {
    let server = draining_for(Duration::ZERO);
    let mut connection = Connection::open(server.address);
    connection.send(b"GET /get?n=3000000&format=text HTTP/1.1\r\nhost: test\r\n\r\n");
    server.wait_for_metric("http_requests_in_flight 2");
    server.stop.signal();
    assert_eq!(connection.answer(true).unwrap().body.len(), 626_963);
    server.join();
}

#[test]
fn a_stream_in_progress_is_sent_to_its_end() {
    let server = draining_for(Duration::ZERO);
    let mut connection = Connection::open(server.address);
    // Ten megabytes: more than the sockets buffer, so it is still being sent when the signal comes.
    connection.send(b"GET /get?n=10000&sequence=true HTTP/1.1\r\nhost: test\r\n\r\n");
    // The stream, and the request for the metrics.
    server.wait_for_metric("http_requests_in_flight 2");
    server.stop.signal();
    let answer = connection.answer(true).unwrap();
    assert_eq!(answer.json()["sequence"].as_array().unwrap().len(), 10_001);
    server.join();
}

#[test]
fn a_server_without_clients_exits_without_waiting() {
    let server = Server::start(Settings {
        drain_delay: Some(NEVER),
        ..settings()
    });
    get(server.address, "/get?n=1");
    let begun = Instant::now();
    server.stop.signal();
    server.join();
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_second_signal_ends_the_wait() {
    let server = draining_for(NEVER.0);
    let mut busy = Connection::open(server.address);
    busy.send(b"GET /get?n=4000000000 HTTP/1.1\r\nhost: test\r\n\r\n");
    server.wait_for_metric("http_requests_in_flight 2");
    server.stop.signal();
    server.stop.signal();
    server.join();
}

#[test]
fn an_answer_that_takes_longer_than_the_timeout_is_abandoned() {
    let server = Server::start(Settings {
        max_n: Some(u64::MAX),
        deadline: Some(DurationArg(Duration::from_mins(1))),
        shutdown_timeout: Some(DurationArg(Duration::from_millis(100))),
        ..settings()
    });
    let mut busy = Connection::open(server.address);
    busy.send(b"GET /get?n=4000000000 HTTP/1.1\r\nhost: test\r\n\r\n");
    server.wait_for_metric("http_requests_in_flight 2");
    server.stop.signal();
    server.join();
    assert!(busy.answer(true).is_none());
}

#[test]
fn a_silent_connection_does_not_delay_the_exit_by_the_whole_timeout() {
    let server = Server::start(Settings {
        shutdown_timeout: Some(DurationArg(Duration::from_mins(5))),
        ..settings()
    });
    let _silent = Connection::open(server.address);
    server.wait_for_metric("fib_connections_open 1");
    let begun = Instant::now();
    server.stop.signal();
    server.join();
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn a_client_that_connects_during_the_drain_is_answered_and_asked_to_leave() {
    let server = draining_for(NEVER.0);
    let mut idle = Connection::open(server.address);
    idle.send(REQUEST);
    assert_eq!(idle.answer(true).unwrap().header("connection"), None);
    let mut silent = Connection::open(server.address);
    server.wait_for_metric("fib_connections_open 2");
    server.stop.signal();
    server.wait_for_metric("fib_draining 1");
    let mut new = Connection::open(server.address);
    for connection in [&mut idle, &mut silent, &mut new] {
        connection.send(REQUEST);
        let answer = connection.answer(true).unwrap();
        assert_eq!(
            (answer.status, answer.header("connection")),
            (200, Some("close"))
        );
        assert!(connection.is_closed());
    }
    // No connection is left, so it does not wait for the rest of the hour.
    server.join();
}

#[test]
fn a_client_that_connects_after_the_drain_is_refused_at_once() {
    let server = draining_for(Duration::ZERO);
    let mut busy = Connection::open(server.address);
    busy.send(b"GET /get?n=4000000000 HTTP/1.1\r\nhost: test\r\n\r\n");
    server.wait_for_metric("http_requests_in_flight 2");
    server.stop.signal();
    let begun = Instant::now();
    while TcpStream::connect(server.address).is_ok() {
        assert!(begun.elapsed() < Duration::from_secs(9), "still let in");
        std::thread::yield_now();
    }
    // The last answer is not abandoned for that.
    busy.is_silent_for(Duration::from_millis(100));
}

#[test]
fn an_http_2_client_gets_its_answer_and_a_goaway() {
    let server = draining_for(NEVER.0);
    let mut client = Http2::open(server.address);
    let under_way = client.ask("/get?n=3000000&format=text");
    server.wait_for_metric("http_requests_in_flight 2");
    server.stop.signal();
    server.wait_for_metric("fib_draining 1");
    assert_eq!(client.answer(under_way).body.len(), 626_963);
    client.ends();
    server.join();
}

/// Clients that keep their connections until asked to leave, like browsers and pools, and clients with a new
/// connection per request.
#[test]
fn a_server_that_drains_under_load_loses_no_request() {
    for keeps in [true, false] {
        drains_under_load(16, |over, server| ask_until(over, server, keeps));
    }
}

/// Drains a server under load from this many clients, and ends the load once the drain shows.
fn drains_under_load(clients: usize, ask: impl Fn(&AtomicBool, &Server) -> usize + Sync) {
    let server = draining_for(NEVER.0);
    let over = AtomicBool::new(false);
    let answered: usize = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..clients)
            .map(|_| scope.spawn(|| ask(&over, &server)))
            .collect();
        server.wait_for_metrics_with(r#"http_requests_total{method="GET",path="/get""#);
        server.stop.signal();
        // As endpoints do: new connections go elsewhere well before the delay is over.
        server.wait_for_metrics_with(r#"fib_connections_recycled_total{reason="drain"}"#);
        over.store(true, Ordering::Relaxed);
        clients.into_iter().map(|c| c.join().unwrap()).sum()
    });
    assert!(answered >= clients, "{answered}");
    server.join();
}

fn ask_until(over: &AtomicBool, server: &Server, keeps: bool) -> usize {
    let mut connection = None;
    let mut answered = 0;
    while !over.load(Ordering::Relaxed) {
        let open = connection.get_or_insert_with(|| Connection::open(server.address));
        open.send(REQUEST);
        let answer = open.answer(true).expect("every request is answered");
        assert_eq!(answer.status, 200);
        answered += 1;
        if !keeps || answer.header("connection") == Some("close") {
            connection = None;
        }
    }
    answered
}

#[test]
fn a_server_that_drains_under_load_loses_no_request_of_http_2() {
    drains_under_load(8, ask_over_http_2_until);
}

/// Each request is answered, or refused by a GOAWAY that says it was not processed.
fn ask_over_http_2_until(over: &AtomicBool, server: &Server) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut answered = 0;
        while !over.load(Ordering::Relaxed) {
            let stream = tokio::net::TcpStream::connect(server.address).await;
            let (requests, connection) = h2::client::handshake(stream.unwrap()).await.unwrap();
            let driver = tokio::spawn(connection);
            while !over.load(Ordering::Relaxed) {
                let request = http::Request::get("http://test/get?n=1000")
                    .body(())
                    .unwrap();
                let Ok(mut ready) = requests.clone().ready().await else {
                    break;
                };
                let Ok((answer, _)) = ready.send_request(request, true) else {
                    break;
                };
                let answer = match answer.await {
                    Err(error) if error.is_go_away() => break,
                    answer => answer.expect("every request is answered"),
                };
                assert_eq!(answer.status(), 200);
                let mut body = answer.into_body();
                while let Some(part) = body.data().await {
                    part.expect("every answer is sent to its end");
                }
                answered += 1;
            }
            drop(requests);
            driver.await.unwrap().expect("the connection ends in order");
        }
        answered
    })
}

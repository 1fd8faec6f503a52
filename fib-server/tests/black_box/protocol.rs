//! HTTP itself, as odd clients speak it: answered as its standard says, and nobody else is disturbed.

use std::net::Shutdown;
use std::time::Duration;

use fib_server::args::{Settings, Span};

use crate::client::{Connection, get, request};
use crate::http2::Http2;
use crate::server::{Server, settings};

#[test]
fn every_method_but_get_and_head_is_refused_with_the_two_that_there_are() {
    let server = Server::standard();
    for method in [
        "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW", "get",
    ] {
        let answer = request(server.address, method, "/get?n=1", "");
        answer.problem(405);
        assert_eq!(answer.header("allow"), Some("GET, HEAD"), "{method}");
    }
}

#[test]
fn a_request_without_its_one_host_is_a_bad_request() {
    let server = Server::standard();
    for hosts in ["", "host: a\r\nhost: b\r\n"] {
        let mut connection = Connection::open(server.address);
        connection.send(format!("GET /get?n=1 HTTP/1.1\r\n{hosts}\r\n").as_bytes());
        connection.answer(true).unwrap().problem(400);
        // The request could be told from the next one, so the connection goes on.
        connection.send(b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\n\r\n");
        assert_eq!(connection.answer(true).unwrap().status, 200);
    }
}

#[test]
fn a_client_of_http_1_0_is_answered_without_host_or_chunks_and_let_go() {
    let server = Server::standard();
    for (target, end) in [
        ("/get?n=90", r#""digits":19}"#),
        ("/get?n=10&sequence=true", r#""34","55"]}"#),
    ] {
        let mut connection = Connection::open(server.address);
        connection.send(format!("GET {target} HTTP/1.0\r\n\r\n").as_bytes());
        let answer = connection.until_closed();
        assert!(
            answer.starts_with("HTTP/1.0 200 OK\r\n") && answer.ends_with(end),
            "{answer}"
        );
    }
}

#[test]
fn the_absolute_form_that_proxies_use_is_the_same_request() {
    let server = Server::standard();
    let answer = get(server.address, "http://elsewhere.test/get?n=10");
    assert_eq!(answer.json()["value"], "55");
}

#[test]
fn a_fragment_is_no_part_of_the_number() {
    let server = Server::standard();
    assert_eq!(get(server.address, "/get?n=10#fragment").json()["n"], 10);
}

#[test]
fn requests_that_are_sent_in_one_go_are_answered_in_their_order() {
    let server = Server::standard();
    let mut connection = Connection::open(server.address);
    // Small ones and one that goes through the pool.
    let numbers = [1, 2, 30_000, 3, 4, 5];
    let all = numbers.map(|n| format!("GET /get?n={n} HTTP/1.1\r\nhost: test\r\n\r\n"));
    connection.send(all.concat().as_bytes());
    for n in numbers {
        assert_eq!(connection.answer(true).unwrap().json()["n"], n);
    }
}

#[test]
fn what_is_too_long_is_refused_and_the_server_goes_on() {
    let server = Server::standard();
    let long = format!("/get?n=1&x={}", "a".repeat(70_000));
    assert_eq!(get(server.address, &long).status, 431);
    let many = "x-same: header\r\n".repeat(200);
    assert_eq!(
        request(server.address, "GET", "/get?n=1", &many).status,
        431
    );
    let within = format!("/get?n=1&x={}", "a".repeat(60_000));
    assert_eq!(get(server.address, &within).status, 200);
}

#[test]
fn a_body_that_nobody_asked_for_is_not_waited_for() {
    let server = Server::standard();
    let huge = "content-length: 10000000000\r\n";
    request(server.address, "POST", "/get?n=1", huge).problem(405);
    assert_eq!(request(server.address, "GET", "/get?n=1", huge).status, 200);
    let mut connection = Connection::open(server.address);
    connection.send(
        b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\ncontent-length: 5\r\n\r\nhello\
          GET /get?n=2 HTTP/1.1\r\nhost: test\r\n\r\n",
    );
    assert_eq!(connection.answer(true).unwrap().json()["n"], 1);
}

/// What is sent could as well be by somebody who has hung up, and work for nobody is not to go on.
#[test]
fn a_client_that_closes_its_half_early_is_taken_to_have_gone() {
    let server = Server::start(Settings {
        max_n: Some(u64::MAX),
        deadline: Some(Span(Duration::from_mins(1))),
        ..settings()
    });
    let mut connection = Connection::open(server.address);
    connection.send(b"GET /get?n=4000000000 HTTP/1.1\r\nhost: test\r\n\r\n");
    server.wait_for_metric("http_requests_in_flight 2");
    connection.shutdown(Shutdown::Write);
    assert!(connection.is_closed());
    server.wait_for_metric(r#"fib_cancelled_total{reason="client-gone"} 1"#);
}

#[test]
fn heads_that_never_end_are_in_nobodys_way() {
    let server = Server::standard();
    let _slow: Vec<_> = (0..200)
        .map(|_| {
            let mut connection = Connection::open(server.address);
            connection.send(b"GET /get?n=1 HTTP/1.1\r\nhost: te");
            connection
        })
        .collect();
    server.wait_for_metric("fib_connections_open 200");
    assert_eq!(get(server.address, "/get?n=90").status, 200);
}

#[test]
fn http_2_by_prior_knowledge_is_the_same_service() {
    let server = Server::standard();
    let mut client = Http2::open(server.address);
    let answers = ["/get?n=90", "/get?n=100000", "/get?n=x", "/nowhere"].map(|t| client.ask(t));
    let statuses = answers.map(|answer| {
        let answer = client.answer(answer);
        assert_eq!(answer.header("x-fib-pod"), Some("pod-1"));
        if answer.status >= 400 {
            answer.problem(answer.status);
        }
        answer.status
    });
    assert_eq!(statuses, [200, 200, 400, 404]);
}

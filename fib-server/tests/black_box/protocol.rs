//! HTTP as unusual clients speak it: answered according to the standard, without disturbing anyone else.

use std::net::Shutdown;
use std::time::Duration;

use fib_server::args::{DurationArg, Settings};

use crate::client::{Connection, get, request};
use crate::http2::Http2;
use crate::server::{Server, settings};

#[test]
fn every_method_but_get_and_head_is_refused_with_an_allow_header() {
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
fn a_request_without_exactly_one_host_is_a_bad_request() {
    let server = Server::standard();
    for hosts in ["", "host: a\r\nhost: b\r\n"] {
        let mut connection = Connection::open(server.address);
        connection.send(format!("GET /get?n=1 HTTP/1.1\r\n{hosts}\r\n").as_bytes());
        connection.answer(true).unwrap().problem(400);
        // The end of the request was clear, so the connection stays open.
        connection.send(b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\n\r\n");
        assert_eq!(connection.answer(true).unwrap().status, 200);
    }
}

#[test]
fn an_http_1_0_client_is_answered_without_host_or_chunks_and_disconnected() {
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
fn the_absolute_form_used_by_proxies_is_the_same_request() {
    let server = Server::standard();
    let answer = get(server.address, "http://elsewhere.test/get?n=10");
    assert_eq!(answer.json()["value"], "55");
}

#[test]
fn a_fragment_is_not_part_of_the_number() {
    let server = Server::standard();
    assert_eq!(get(server.address, "/get?n=10#fragment").json()["n"], 10);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::standard();
    let mut connection = Connection::open(server.address);
    // Small ones, and one that is computed on the pool.
    let numbers = [1, 2, 30_000, 3, 4, 5];
    let all = numbers.map(|n| format!("GET /get?n={n} HTTP/1.1\r\nhost: test\r\n\r\n"));
    connection.send(all.concat().as_bytes());
    for n in numbers {
        assert_eq!(connection.answer(true).unwrap().json()["n"], n);
    }
}

#[test]
fn a_request_that_is_too_long_is_refused_and_the_server_goes_on() {
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
fn an_unexpected_body_is_not_waited_for() {
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

/// A half-closed connection looks like one whose client is gone, and nothing is computed for a client that is
/// gone.
#[test]
fn a_client_that_closes_its_half_early_is_treated_as_gone() {
    let server = Server::start(Settings {
        max_n: Some(u64::MAX),
        deadline: Some(DurationArg(Duration::from_mins(1))),
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
fn heads_that_never_end_do_not_disturb_anyone() {
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

/// `ab -k` counted an answer with both words in its header as failed.
#[test]
fn an_http_1_0_answer_says_in_one_word_whether_its_connection_stays_open() {
    let recycling = Server::start(Settings {
        keepalive_requests: Some(1),
        ..settings()
    });
    let kept = Server::standard();
    for target in [
        "/get?n=90",
        "/get?n=10&sequence=true",
        "/get?n=2000&sequence=true",
    ] {
        for (server, word) in [(&recycling, "close"), (&kept, "keep-alive")] {
            let mut connection = Connection::open(server.address);
            let ask = format!("GET {target} HTTP/1.0\r\nconnection: keep-alive\r\n\r\n");
            connection.send(ask.as_bytes());
            let answer = connection.answer(true).unwrap();
            let words: Vec<_> = answer
                .headers
                .iter()
                .filter(|(name, _)| name == "connection")
                .map(|(_, value)| value.as_str())
                .collect();
            assert_eq!(words, [word], "{target}");
            assert!(answer.header("content-length").is_some(), "{target}");
            if word == "keep-alive" {
                connection.send(ask.as_bytes());
                assert_eq!(connection.answer(true).unwrap().body, answer.body);
            } else {
                assert!(connection.is_closed());
            }
        }
    }
}

#[test]
fn an_http_1_0_answer_without_a_length_closes_its_connection_and_says_so() {
    let server = Server::start(Settings {
        compress: Some(true),
        ..settings()
    });
    let mut connection = Connection::open(server.address);
    connection.send(
        b"GET /get?n=2000&sequence=true HTTP/1.0\r\nconnection: keep-alive\r\naccept-encoding: gzip\r\n\r\n",
    );
    let answer = connection.answer(true).unwrap();
    assert_eq!(answer.header("content-length"), None);
    assert_eq!(answer.header("transfer-encoding"), None);
    assert_eq!(answer.header("connection"), Some("close"));
    connection.until_the_end();
}

#[test]
fn head_reports_the_length_that_get_would_send_without_computing_it() {
    let server = Server::start(Settings {
        max_n: Some(u64::MAX),
        ..settings()
    });
    for target in [
        "/get?n=0",
        "/get?n=90",
        "/get?n=100000",
        "/get?n=100000&format=hex",
        "/get?n=5000&format=text",
        "/get?n=300&sequence=true",
    ] {
        let head = request(server.address, "HEAD", target, "");
        let length = get(server.address, target).body.len().to_string();
        assert_eq!(head.header("content-length"), Some(&*length), "{target}");
    }
    // Would take years to compute.
    let head = request(
        server.address,
        "HEAD",
        "/get?n=4000000000000&format=text",
        "",
    );
    assert_eq!(
        (head.status, head.header("content-length")),
        (200, Some("835950561000"))
    );
}

#[test]
fn an_invalid_host_is_a_bad_request() {
    let server = Server::standard();
    for host in ["a b", "a/b", "user@a", "a:b", "a:99999", "[::1"] {
        let mut connection = Connection::open(server.address);
        connection.send(format!("GET /get?n=1 HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes());
        let problem = connection.answer(true).unwrap().problem(400);
        assert_eq!(problem["type"], "urn:fib:problem:bad-host", "{host}");
    }
}

#[test]
fn a_folded_header_is_the_same_as_one_on_one_line() {
    let server = Server::standard();
    let lines = "accept: text/html\r\naccept: text/plain\r\n";
    assert_eq!(
        request(server.address, "GET", "/get?n=10", lines).text(),
        "55"
    );
    let tags = "if-none-match: \"1-json\"\r\nif-none-match: \"10-json\"\r\n";
    assert_eq!(
        request(server.address, "GET", "/get?n=10", tags).status,
        304
    );
}

#[test]
fn a_range_is_ignored_and_the_answer_says_so() {
    let server = Server::standard();
    let answer = request(server.address, "GET", "/get?n=90", "range: bytes=0-3\r\n");
    assert_eq!(
        (answer.status, answer.header("accept-ranges")),
        (200, Some("none"))
    );
    assert_eq!(
        answer.header("content-length"),
        Some(&*answer.body.len().to_string())
    );
}

/// Closing a socket while its client still sends resets it, and the answer is lost.
#[test]
fn a_client_that_is_still_sending_receives_the_answer() {
    let server = Server::standard();
    let mut connection = Connection::open(server.address);
    connection.send(b"POST /get?n=1 HTTP/1.1\r\nhost: test\r\ncontent-length: 900000\r\n\r\n");
    for _ in 0..50 {
        connection.send(&[b'x'; 4_096]);
    }
    connection.answer(true).unwrap().problem(405);
    // A client that sends everything before it reads must not fail.
    for _ in 0..50 {
        connection.send(&[b'x'; 4_096]);
    }
}

#[test]
fn a_server_on_all_addresses_accepts_both_ip_families() {
    let server = Server::start(Settings {
        listen: Some("[::]:0".to_owned()),
        ..settings()
    });
    let port = server.address.port();
    for ip in ["127.0.0.1", "::1"] {
        let address = std::net::SocketAddr::new(ip.parse().unwrap(), port);
        // On a machine without IPv6, the server listens on IPv4 only.
        if ip == "::1" && server.address.is_ipv4() {
            continue;
        }
        assert_eq!(get(address, "/get?n=1").status, 200, "{ip}");
    }
}

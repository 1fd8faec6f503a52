//! Spans of requests, as an OpenTelemetry collector receives them.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use fib_server::args::Settings;
use serde_json::Value;

use crate::client::request;
use crate::server::{Server, settings};

const PATIENCE: Duration = Duration::from_secs(30);

/// A collector that answers with a status, and passes on the first line and body of each request.
fn collector(status: &'static str) -> (SocketAddr, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (told, requests) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut first, mut length) = (String::new(), 0);
            stream.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length: ") {
                    length = value.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\n{{}}");
            let _ = stream.get_mut().write_all(answer.as_bytes());
            let body = serde_json::from_slice(&body).unwrap();
            if told.send((first, body)).is_err() {
                return;
            }
        }
    });
    (address, requests)
}

fn server(collector: SocketAddr) -> Server {
    Server::start(Settings {
        otlp: Some(format!("http://{collector}")),
        ..settings()
    })
}

fn ask(server: &Server, target: &str, flags: &str) {
    let parent =
        format!("traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-{flags}\r\n");
    request(server.address, "GET", target, &parent);
}

fn spans(body: &Value) -> &Vec<Value> {
    body.pointer("/resourceSpans/0/scopeSpans/0/spans")
        .and_then(Value::as_array)
        .unwrap()
}

fn attribute<'v>(of: &'v Value, name: &str) -> &'v Value {
    let all = of["attributes"].as_array().unwrap();
    &all.iter().find(|one| one["key"] == name).unwrap()["value"]
}

#[test]
fn a_request_of_a_sampled_trace_is_exported_as_a_span() {
    let (address, requests) = collector("200 OK");
    let server = server(address);
    ask(&server, "/get?n=90", "00");
    ask(&server, "/get?n=x", "01");
    let (line, body) = requests.recv_timeout(PATIENCE).unwrap();
    assert_eq!(line, "POST /v1/traces HTTP/1.1\r\n");
    let resource = &body["resourceSpans"][0]["resource"];
    assert_eq!(
        attribute(resource, "service.name")["stringValue"],
        "fib-server"
    );
    assert_eq!(
        attribute(resource, "service.instance.id")["stringValue"],
        "pod-1"
    );
    // The other trace is not sampled.
    assert_eq!(spans(&body).len(), 1);
    let span = &spans(&body)[0];
    assert_eq!(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(span["parentSpanId"], "00f067aa0ba902b7");
    assert_eq!(span["spanId"].as_str().unwrap().len(), 16);
    assert_eq!(
        (&span["name"], &span["kind"]),
        (&"GET /get".into(), &2.into())
    );
    assert_eq!(attribute(span, "http.route")["stringValue"], "/get");
    assert_eq!(
        attribute(span, "http.response.status_code")["intValue"],
        "400"
    );
    let at = |key: &str| span[key].as_str().unwrap().parse::<u128>().unwrap();
    assert!(at("startTimeUnixNano") <= at("endTimeUnixNano"));
}

#[test]
fn the_last_spans_are_sent_before_the_program_exits() {
    let (address, requests) = collector("200 OK");
    let server = server(address);
    ask(&server, "/get?n=90", "01");
    server.stop.signal();
    server.join();
    let (_, body) = requests.recv_timeout(PATIENCE).unwrap();
    assert_eq!(spans(&body).len(), 1);
}

#[test]
fn a_collector_that_refuses_spans_affects_nothing_else() {
    let (address, requests) = collector("503 Service Unavailable");
    let server = server(address);
    ask(&server, "/get?n=90", "01");
    requests.recv_timeout(PATIENCE).unwrap();
    server.wait_for_metric("fib_spans_dropped_total 1");
    ask(&server, "/get?n=90", "01");
}

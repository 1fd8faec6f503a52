//! The lines of the log match their schema.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use boon::{Compiler, Schemas};
use serde_json::Value;

use crate::client::{Connection, get, request};

const SCHEMA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/fib-server-log.schema.json"
);

fn stop(child: &mut Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// The program and its two ports: main and admin.
fn spawn(flags: [&str; 2]) -> (Child, SocketAddr, SocketAddr) {
    let mut child = Command::new(cargo_bin!("fib-server"))
        .args([
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--drain-delay",
            "0s",
        ])
        .args(flags)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let mut addresses = line
        .split_whitespace()
        .filter_map(|word| word.strip_prefix("http://")?.parse().ok());
    let (main, admin) = (addresses.next().unwrap(), addresses.next().unwrap());
    (child, main, admin)
}

#[test]
fn a_log_level_set_at_run_time_applies_to_the_lines_after_it() {
    let (mut child, address, admin) = spawn(["--log-level", "error"]);
    get(address, "/get?n=1");
    let mut connection = Connection::open(admin);
    connection.send(b"PUT /log-level HTTP/1.1\r\nhost: test\r\ncontent-length: 4\r\n\r\ninfo");
    assert_eq!(connection.answer(true).unwrap().status, 200);
    get(address, "/get?n=2");
    stop(&mut child);
    let mut log = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    assert!(
        !log.contains(r#""query":"n=1""#) && log.contains(r#""query":"n=2""#),
        "{log}"
    );
}

#[test]
fn every_line_is_an_object_that_matches_the_schema_in_the_repository() {
    let (mut child, address, _) = spawn(["--access-log-rate", "5"]);
    let trace = "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n";
    request(address, "GET", "/get?n=90", trace);
    get(
        address,
        &format!("/get?n=x&{}", "é".repeat(300).replace('é', "%C3%A9")),
    );
    request(address, "BREW", "/nowhere/at/all", "x-request-id: a b\r\n");
    get(address, "/get?n=200&sequence=true");
    for _ in 0..20 {
        get(address, "/openapi.json");
    }
    stop(&mut child);

    let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
    let schema = compiler.compile(SCHEMA, &mut schemas).unwrap();
    let lines: Vec<Value> = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    for line in &lines {
        if let Err(wrong) = schemas.validate(line, schema) {
            panic!("{wrong} in {line}");
        }
    }
    let access = lines.iter().filter(|l| l["target"] == "access").count();
    assert!(
        (5..=15).contains(&access),
        "{access} of 24 requests, 5 a second"
    );
    assert!(
        lines
            .iter()
            .any(|l| l["trace_id"] == "4bf92f3577b34da6a3ce929d0e0e4736")
    );
}

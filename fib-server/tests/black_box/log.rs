//! The lines of the log are what their schema says.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use boon::{Compiler, Schemas};
use serde_json::Value;

use crate::client::{get, request};

const SCHEMA: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../docs/fib-server-log.schema.json"
);

fn stop(child: &mut Child) {
    let id = child.id().to_string();
    assert!(Command::new("kill").arg(id).status().unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn every_line_is_an_object_that_the_schema_in_the_repository_describes() {
    let mut child = Command::new(cargo_bin!("fib-server"))
        .args([
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--drain-delay",
            "0s",
        ])
        .args(["--access-log-rate", "5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let address = line.split_whitespace().nth(3).unwrap();
    let address = address.strip_prefix("http://").unwrap().parse().unwrap();
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

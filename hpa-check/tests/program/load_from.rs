//! A measured load, from files and from a Prometheus that replays recorded answers.

use std::fs;
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpListener;
use std::process::Output;
use std::sync::mpsc::{Receiver, channel};

use super::calls::{assert_code, assert_says, hpa_check, stderr, stdout};

/// An answer to a range query, in the form of the Prometheus HTTP API.
const RECORDED: &str = r#"{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1763650800,"0.15"],[1763650860,"0.15"],[1763650920,"0.9"],[1763650980,"0.9"],[1763651040,"NaN"],[1763651100,"0.9"],[1763651160,"0.15"]]}]}}"#;

/// A Prometheus that always gives the same answer; its requests come through the channel.
fn prometheus(
    status: &'static str,
    kind: &'static str,
    body: &'static str,
) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/prom", listener.local_addr().unwrap());
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut head = String::new();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            let _ = stream.write_all(answer.as_bytes());
            if sender.send(head).is_err() {
                return;
            }
        }
    });
    (address, asked)
}

fn from(address: &str, more: &[&str]) -> Output {
    let flags = [
        "simulate",
        "--load-from",
        "prometheus",
        "--prometheus",
        address,
        "--query",
        "sum(rate(x[2m]))",
        "--until",
        "2025-11-20T15:15:00Z",
        "--since",
        "1d",
    ];
    hpa_check(&[&flags, more].concat())
}

#[test]
fn a_load_from_prometheus_takes_one_range_query_and_is_simulated() {
    let (address, asked) = prometheus("200 OK", "application/json", RECORDED);
    let credentials = [
        "--prometheus-header",
        "Authorization: Bearer s3cret",
        "-o",
        "html=-",
    ];
    let output = from(&address, &credentials);
    assert_code(&output, 0);
    let head = asked.recv().unwrap();
    assert!(
        head.starts_with(
            "GET /prom/api/v1/query_range?query=sum%28rate%28x%5B2m%5D%29%29&start=1763565300.000&end=1763651700.000&step=15 "
        ),
        "{head}"
    );
    assert!(
        head.to_lowercase().contains("authorization: bearer s3cret"),
        "{head}"
    );
    let page = stdout(&output);
    for told in [
        "6 samples from 2025-11-20 15:00:00 UTC",
        "sum(rate(x[2m]))",
        "6:00 simulated",
    ] {
        assert!(
            page.contains(told) || stderr(&output).contains(told),
            "{told}: {}",
            stderr(&output)
        );
    }
    assert!(!page.contains("s3cret"));
    assert_says(&output, "filled by straight lines");
}

#[test]
fn an_unusable_answer_of_prometheus_is_reported_with_what_to_do() {
    for (status, kind, body, code, expected) in [
        (
            "400 Bad Request",
            "application/json",
            r#"{"status":"error","errorType":"bad_data","error":"1:5: parse error"}"#,
            2,
            "parse error",
        ),
        (
            "200 OK",
            "application/json",
            r#"{"status":"success","data":{"resultType":"matrix","result":[]}}"#,
            2,
            "holds no value",
        ),
        (
            "401 Unauthorized",
            "text/html",
            "login",
            90,
            "--prometheus-header",
        ),
        (
            "404 Not Found",
            "text/html",
            "nothing",
            90,
            "before /api/v1",
        ),
    ] {
        let (address, _asked) = prometheus(status, kind, body);
        let output = from(&address, &[]);
        assert_code(&output, code);
        assert_says(&output, expected);
    }
    let output = from("http://127.0.0.1:1", &[]);
    assert_code(&output, 90);
    assert_says(&output, "check --prometheus");
}

#[test]
fn a_file_is_a_load_for_simulate_and_for_what_if() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("load.csv");
    fs::write(&path, "Time,cart\n2026-11-20 15:00:00,0.1\n2026-11-20 15:01:00,0.9\n2026-11-20 15:06:00,0.9\n2026-11-20 15:12:00,0.1\n").unwrap();
    let load = ["--load-from", path.to_str().unwrap()];
    let output = hpa_check(&[&["simulate"], &load[..]].concat());
    assert_code(&output, 0);
    assert!(
        stdout(&output).contains("12:00 simulated"),
        "{}",
        stdout(&output)
    );
    let recording = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/recordings/rehearsal.jsonl"
    );
    let output = hpa_check(&[&["what-if", recording], &load[..]].concat());
    assert_code(&output, 0);
    fs::write(&path, "Time,cart\n2026-11-20 15:00:00,0.1 cores\n").unwrap();
    let output = hpa_check(&[&["simulate"], &load[..]].concat());
    assert_code(&output, 2);
    assert_says(&output, "`0.1 cores` in line 2");
}

#[test]
fn contradicting_flags_are_refused() {
    let asked = "--load-from prometheus --prometheus http://x --query y";
    for flags in [
        "",
        "--load-from prometheus",
        "--load-from x.csv --prometheus http://x --query y",
        "--load 0:1m --since 7d",
        "--load-from prometheus --prometheus x --query y",
        &format!("{asked} --since 90d"),
        &format!("{asked} --load-step 1s"),
        &format!("{asked} --prometheus-header x"),
    ] {
        let words: Vec<&str> = flags.split_whitespace().collect();
        let output = hpa_check(&[&["simulate"], &words[..]].concat());
        assert_eq!(
            output.status.code(),
            Some(2),
            "{flags:?}: {}",
            stderr(&output)
        );
    }
}

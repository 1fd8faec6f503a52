//! However a run is stopped, it writes its result promptly.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::odd_server::{Act, OddServer, response};
use crate::program::{Ended, program};

/// A run that has printed its first line of progress, and the path of its result.
fn started(
    server: &OddServer,
    flags: &str,
) -> (
    Child,
    tempfile::TempDir,
    BufReader<std::process::ChildStdout>,
) {
    let folder = tempfile::tempdir().unwrap();
    let json = format!("json={}", folder.path().join("result.json").display());
    let mut child = program(
        server.address,
        &format!("--users 3 --ramp-up 0 -t 0 --n 90 -o ndjson=- {flags}"),
    )
    .args(["-o", &json])
    .stdin(Stdio::piped())
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut String::new()).unwrap();
    (child, folder, lines)
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

fn result(folder: &tempfile::TempDir) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(folder.path().join("result.json")).unwrap()).unwrap()
}

#[test]
fn a_signal_lets_requests_in_flight_finish_and_writes_the_result() {
    for name in ["-TERM", "-INT"] {
        let server =
            OddServer::start(|_, _| Act::After(Instant::now() + Duration::from_millis(700)));
        let (mut child, folder, _lines) = started(&server, "");
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(105), "{name}");
        let result = result(&folder);
        assert_eq!(result["exit"]["reasons"][0], "interrupted");
        assert_eq!(
            (
                result["totals"]["unfinished"].as_u64(),
                result["totals"]["failed"].as_u64()
            ),
            (Some(0), Some(0))
        );
        assert!(result["totals"]["ok"].as_u64() >= Some(3));
    }
}

#[test]
fn a_generator_that_was_suspended_says_so() {
    for (flags, suspended) in [
        ("--think 50ms", true),
        ("--rate 40/s", true),
        ("--think 50ms", false),
    ] {
        let server = OddServer::start(|_, _| Act::Right);
        let (mut child, folder, _lines) = started(&server, flags);
        if suspended {
            signal(&child, "-STOP");
            // As long as it does not run.
            std::thread::sleep(Duration::from_millis(1_500));
            signal(&child, "-CONT");
        }
        signal(&child, "-TERM");
        child.wait().unwrap();
        let generator = &result(&folder)["generator"];
        let stopped = generator["timer_lag_max_us"].as_u64() >= Some(1_400_000);
        let reasons = generator["reasons"].to_string();
        assert_eq!(stopped, suspended, "{generator}");
        assert_eq!(
            reasons.contains("it did not run for"),
            suspended,
            "{generator}"
        );
    }
}

#[test]
fn a_second_signal_abandons_requests_in_flight_and_still_writes_the_result() {
    let server = OddServer::start(|_, _| Act::RawThenSilence(String::new()));
    let (mut child, folder, _lines) = started(&server, "");
    let began = Instant::now();
    signal(&child, "-TERM");
    // Two signals pending at once count as one, so the second is sent until the run ends.
    while child.try_wait().unwrap().is_none() {
        signal(&child, "-TERM");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(child.wait().unwrap().code(), Some(105));
    // Without it, the grace period would have been five seconds.
    assert!(
        began.elapsed() < Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(result(&folder)["totals"]["unfinished"], 3);
}

#[test]
fn a_run_ends_at_once_when_its_parent_is_gone() {
    let server = OddServer::start(|_, _| Act::RawThenSilence(String::new()));
    let (mut child, folder, _lines) = started(&server, "--exit-with-stdin");
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(105));
    assert_eq!(result(&folder)["totals"]["unfinished"], 3);
}

#[test]
fn a_broken_threshold_that_may_end_the_run_does_so_and_is_named() {
    let server = OddServer::start(|_, number| match number {
        0..=20 => Act::Right,
        _ => Act::Raw(response("500 Internal Server Error", "text/plain", "")),
    });
    // Without the threshold the run would never end.
    let flags = "--users 3 --ramp-up 0 -t 0 --n 90 --think 10ms";
    let output = program(server.address, flags)
        .args(["--threshold", "p99<1h", "--threshold"])
        .args(["error-rate<50% abort after 500ms", "-o", "json=-"])
        .output()
        .unwrap();
    let ended = Ended::new(&output);
    assert_eq!(ended.code, 99, "{}", ended.stderr);
    let rules = &ended.result["thresholds"];
    assert_eq!(
        (&rules[0]["passed"], &rules[0]["aborted"]),
        (&true.into(), &false.into())
    );
    assert_eq!(
        (&rules[1]["passed"], &rules[1]["aborted"]),
        (&false.into(), &true.into())
    );
    assert!(ended.stderr.contains("ended the run"), "{}", ended.stderr);
}

#[test]
fn a_killed_run_leaves_what_it_had_after_ten_seconds() {
    let server = OddServer::start(|_, _| Act::Right);
    let (mut child, folder, _lines) = started(&server, "--think 50ms");
    let file = folder.path().join("result.json");
    let began = Instant::now();
    while !file.exists() {
        assert!(began.elapsed() < Duration::from_mins(1), "no checkpoint");
        std::thread::sleep(Duration::from_millis(100));
    }
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None);
    let left = result(&folder);
    assert_eq!(left["run"]["unfinished"], true);
    assert!(
        left["totals"]["ok"].as_u64() >= Some(3),
        "{}",
        left["totals"]
    );
    let report = Command::new(env!("CARGO_BIN_EXE_fib-loadgen"))
        .arg("report")
        .arg(&file)
        .output()
        .unwrap();
    // Nobody knows how it would have ended.
    assert!(
        String::from_utf8_lossy(&report.stdout).contains("fib-loadgen  UNFINISHED"),
        "{report:?}"
    );
}

#[test]
fn every_due_request_of_an_interrupted_rate_is_in_every_result_and_none_is_due_afterward() {
    // Two users answer about 4/s of 50/s; the last requests take longer than the load.
    let server = OddServer::start(|_, _| Act::After(Instant::now() + Duration::from_millis(500)));
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mut child = program(
        server.address,
        "--rate 50/s -t 60s --users 2 --n 90 --timeout 20s",
    )
    .args(["-o", &format!("json={}", path("result.json").display())])
    .args(["-o", &format!("text={}", path("text").display())])
    .args(["-o", "ndjson=-"])
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    (0..2).for_each(|_| drop(lines.read_line(&mut String::new())));
    signal(&child, "-INT");
    let rest: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    assert_eq!(child.wait().unwrap().code(), Some(105));

    let result = result(&folder);
    let total = |key: &str| result["totals"][key].as_u64().unwrap();
    let (sent, unsent) = (total("sent"), total("unsent"));
    assert_eq!(sent, total("ok") + total("failed") + total("unfinished"));
    assert_eq!(server.requests().len() as u64 - 1, sent);
    // 50 are due per second, and the first at once.
    let number = |key: &str| result["totals"][key].as_f64().unwrap();
    let due = number("sent") + number("unsent");
    let window = number("window_s");
    assert!((due - 50.0 * window).abs() <= 1.5, "{due} in {window} s");

    let last = rest.last().unwrap();
    for (key, value) in [("sent", sent), ("unsent", unsent), ("ok", total("ok"))] {
        assert_eq!(last[key], value, "{key}: {last}");
    }
    assert_eq!(last["unfinished"], total("unfinished"));
    let series = &result["series"];
    let step = |at: usize| series["offered_rps"][at].as_f64().unwrap();
    let ends = series["end_ms"].as_array().unwrap();
    let mut offered = 0.0;
    let mut before = 0.0;
    for (at, end) in ends.iter().enumerate() {
        let end = end.as_f64().unwrap();
        offered += step(at) * (end - before) / 1e3;
        before = end;
    }
    assert!(
        (offered - 50.0 * window).abs() < 2.0,
        "{offered} in {window} s"
    );
    let text = std::fs::read_to_string(path("text")).unwrap();
    assert!(text.contains(&format!("{unsent} never sent")), "{text}");
}

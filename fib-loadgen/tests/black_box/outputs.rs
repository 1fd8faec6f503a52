//! What is written where, and what is judged.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;

use crate::odd_server::{Act, OddServer};
use crate::program::{Ended, program, run};

fn right() -> OddServer {
    OddServer::start(|_, _| Act::Right)
}

#[test]
fn one_seed_sends_the_same_requests_in_the_same_order() {
    let asked = |seed: u64| {
        let server = right();
        let ended = run(
            server.address,
            &format!("--users 1 --ramp-up 0 --requests 50 --n 1..=90 --seed {seed}"),
        );
        assert_eq!(
            (ended.code, ended.result["run"]["seed"].as_u64()),
            (0, Some(seed))
        );
        server.asked()
    };
    assert_eq!(asked(7), asked(7));
    assert_ne!(asked(7), asked(8));
}

#[test]
fn thresholds_decide_and_one_without_samples_fails() {
    let server = right();
    let few = "--users 1 --ramp-up 0 --requests 5 --n 90";
    assert_eq!(
        run(
            server.address,
            &format!("{few} --threshold p99<30s --threshold requests==5")
        )
        .code,
        0
    );
    let ended = run(server.address, &format!("{few} --threshold max<1us"));
    assert_eq!(
        (ended.code, ended.result["exit"]["reasons"][0].as_str()),
        (99, Some("threshold-failed"))
    );
    // The whole run is warm-up, so nothing is judged.
    let ended = run(
        server.address,
        &format!("{few} --warmup 1m --threshold p99<30s"),
    );
    assert_eq!(ended.code, 99);
    assert!(
        ended.result["thresholds"][0]["value"].is_null(),
        "{}",
        ended.result["thresholds"]
    );
}

#[test]
fn a_line_per_second_shows_progress() {
    let server = right();
    let output = program(
        server.address,
        "--users 5 --stage 1ms:50/s --stage 2500ms:50/s --n 90 -o ndjson=-",
    )
    .output()
    .unwrap();
    assert_eq!(output.status.code(), Some(0));
    let lines: Vec<serde_json::Value> = output
        .stdout
        .lines()
        .map(|line| serde_json::from_str(&line.unwrap()).unwrap())
        .collect();
    assert!(lines.len() >= 3, "{lines:?}");
    let last = lines.last().unwrap();
    assert_eq!(
        (last["ok"].as_u64(), last["failed"].as_u64()),
        (last["sent"].as_u64(), Some(0))
    );
    for key in [
        "at",
        "elapsed_ms",
        "users",
        "offered_rps",
        "rps",
        "sent",
        "unsent",
        "unfinished",
        "ok",
        "failed",
        "wrong",
        "verified",
        "p50_us",
        "p99_us",
        "in_flight",
        "phase",
        "pods",
    ] {
        assert!(last.get(key).is_some(), "{key}");
    }
    let from_pods: u64 = lines
        .iter()
        .filter_map(|line| line["pods"]["odd"].as_u64())
        .sum();
    assert_eq!(Some(from_pods), last["ok"].as_u64());
}

#[test]
fn a_plan_that_ends_with_a_pause_runs_to_its_end() {
    let server = right();
    let ended = run(
        server.address,
        "--users 5 --stage 500ms@20/s --stage 1500ms@0/s --n 90",
    );
    let elapsed = ended.result["totals"]["elapsed_s"].as_f64().unwrap();
    assert_eq!((ended.code, ended.total("ok")), (0, 10));
    assert!(elapsed >= 2.0, "{elapsed}");
}

#[test]
fn a_reader_that_goes_away_does_not_end_the_run() {
    let server = right();
    let mut child = program(
        server.address,
        "--users 1 --ramp-up 0 -t 3s --think 50ms --n 90 -o ndjson=-",
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn an_output_that_can_not_be_written_is_found_before_the_first_request() {
    let server = right();
    let output = program(
        server.address,
        "--requests 5 -o json=/no/such/folder/result.json",
    )
    .output()
    .unwrap();
    let ended = Ended::new(&output);
    assert_eq!(
        (ended.code, ended.stderr.lines().count()),
        (2, 1),
        "{}",
        ended.stderr
    );
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported_in_one_sentence() {
    let server = right();
    for kind in ["json", "html", "ndjson"] {
        let flags = format!("--users 1 --requests 5 --n 90 -o {kind}=/dev/full");
        let ended = Ended::new(&program(server.address, &flags).output().unwrap());
        assert_eq!(ended.code, 1, "{kind}");
        let said = "could not be written to `/dev/full`";
        assert!(ended.stderr.contains(said), "{kind}: {}", ended.stderr);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_can_not_be_written_does_not_affect_the_others() {
    let server = right();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("result.json");
    let output = program(server.address, "--users 1 --requests 5 --n 90")
        .args(["-o", "json=/dev/full", "-o"])
        .arg(format!("json={}", file.display()))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("/dev/full"), "{stderr}");
    let written: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    assert_eq!(written["totals"]["ok"], 5);
}

#[test]
fn an_impossible_setting_is_refused_in_a_sentence_with_exit_2() {
    for flags in [
        "--users 0",
        "--threshold p99",
        "--stage 5",
        "--rate 5 --think 1s",
        "--n 5..=1",
        "--verify some",
        "--conn fresh --conn-requests 5",
        "--threshold p99{phase=none}<1s",
        "-H nonsense",
        "--target http://8.8.8.8",
        "http://example.com",
        "-o xml=a",
        "--profile hpa-step",
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fib-loadgen"));
        let output = command
            .args(flags.split_whitespace())
            .env_remove("FIB_TARGET")
            .output()
            .unwrap();
        assert_eq!(
            output.status.code(),
            Some(2),
            "{flags}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(output.stdout.is_empty(), "{flags}");
    }
}

#[test]
fn the_plan_is_shown_without_sending_a_request() {
    let server = right();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fib-loadgen"));
    let target = format!("http://{}", server.address);
    let output = command
        .args([
            "plan",
            "--json",
            "--stage",
            "10s@400/s",
            "--target",
            &target,
        ])
        .output()
        .unwrap();
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (plan["requests"].as_f64(), plan["model"].as_str()),
        (Some(4000.0), Some("open"))
    );
    assert_eq!(server.connections.load(Ordering::SeqCst), 0);
}

#[test]
fn a_plan_shows_small_rates_long_times_and_a_run_without_an_end_as_they_are() {
    let plan = |flags: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fib-loadgen"));
        let output = command
            .args(["plan", "http://127.0.0.1:1"])
            .args(flags.split(' '))
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    for (flags, shown) in [
        ("--rate 0.5/s", "00:30             0.5\n15 requests"),
        // Sent at once.
        ("--rate 0.00001/s", "00:30            1e-5\n1 request\n"),
        ("--rate 2/m -t 90m", "1:30:00          0.0333\n180 requests"),
        ("--rate 400/s -t 0", "stopped             400\n"),
    ] {
        let (code, text) = plan(flags);
        assert!(text.contains(shown), "{flags}: {text}");
        assert_eq!(code, Some(0));
    }
    assert!(!plan("--rate 400/s -t 0").1.contains("0 requests\n"));
    let (code, text) = plan("--stage 99999999h@1/s");
    assert_eq!(code, Some(2));
    assert!(text.contains("longer than a year"), "{text}");
}

#[test]
fn the_steps_of_a_result_and_the_minutes_of_the_pods_contain_every_answer() {
    let server = right();
    let ended = run(server.address, "--users 2 --rate 50/s -t 2s --n 90");
    let ok = ended.total("ok");
    let series = &ended.result["series"];
    let sum = |list: &serde_json::Value| -> u64 {
        list.as_array()
            .unwrap()
            .iter()
            .filter_map(|n| n.as_u64())
            .sum()
    };
    assert_eq!(sum(&series["ok"]), ok);
    let pod = &ended.result["pods"][0];
    assert_eq!(sum(&pod["line"]["requests"]), ok);
    assert_eq!(
        (
            pod["minutes"][0]["ok"].as_u64(),
            pod["minutes"][0]["share"].as_f64()
        ),
        (Some(ok), Some(1.0))
    );
    assert!(pod["after_rise_s"].is_number() && series["hdr_b64"][0].is_string());
    let steps = series["rps"].as_array().unwrap().len();
    for (key, list) in series.as_object().unwrap() {
        assert!(
            list.as_array().is_none_or(|list| list.len() == steps),
            "{key}"
        );
    }
}

#[test]
fn the_schema_names_every_key_of_a_result() {
    let output = Command::new(env!("CARGO_BIN_EXE_fib-loadgen"))
        .arg("schema")
        .output()
        .unwrap();
    let schema: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let server = right();
    let ended = run(server.address, "--users 1 --requests 2 --n 90");
    let known = schema["properties"].as_object().unwrap();
    for key in ended.result.as_object().unwrap().keys() {
        assert!(known.contains_key(key), "{key}");
    }
}

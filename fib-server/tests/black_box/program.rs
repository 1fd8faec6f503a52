//! The program: its line on standard output, exit codes, settings.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use assert_cmd::cargo::cargo_bin;
use clap::CommandFactory;
use fib_server::args::Args;
use predicates::prelude::*;

use crate::client::get;

fn fib_server() -> assert_cmd::Command {
    let mut command = assert_cmd::Command::new(cargo_bin!("fib-server"));
    command.env_clear();
    command
}

fn spawn(args: &[&str]) -> (Child, String) {
    let mut child = Command::new(cargo_bin!("fib-server"))
        .args([
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--drain-delay",
            "0s",
        ])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (child, line)
}

#[test]
fn it_prints_one_line_with_its_addresses_once_it_listens() {
    let (mut child, line) = spawn(&[]);
    let mut words = line.split_whitespace();
    assert_eq!(
        (words.next(), words.next(), words.next()),
        (Some("fib-server"), Some("listening"), Some("on"))
    );
    let address = words
        .next()
        .unwrap()
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(words.next(), Some("admin"));
    assert_eq!(get(address, "/get?n=10").json()["value"], "55");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn it_shuts_down_gracefully_when_told_to() {
    let (mut child, _) = spawn(&[]);
    let told = Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(told.success());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn it_exits_when_standard_input_closes_even_while_every_thread_computes() {
    let (mut child, line) = spawn(&[
        "--exit-with-stdin",
        "--max-n",
        "4000000000",
        "--max-inflight-bytes",
        "8GiB",
        "--compute-threads",
        "1",
    ]);
    let address = line
        .split_whitespace()
        .nth(3)
        .unwrap()
        .strip_prefix("http://")
        .unwrap();
    let mut busy = std::net::TcpStream::connect(address).unwrap();
    busy.write_all(b"GET /get?n=4000000000 HTTP/1.1\r\nhost: test\r\n\r\n")
        .unwrap();
    drop(child.stdin.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_port_in_use_is_reported_in_one_sentence_with_its_number() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fib_server()
        .args(["--listen", &address, "--admin", "none"])
        .assert()
        .code(1)
        .stdout("")
        .stderr(predicate::str::contains(&address).and(predicate::str::contains("--listen")));
}

#[test]
fn an_invalid_setting_exits_with_2_before_a_port_is_opened() {
    for args in [
        &["--listen", "nowhere"][..],
        &["--deadline", "5x"],
        &["--max-connections", "0"],
        &["--no-such-flag"],
    ] {
        fib_server().args(args).assert().code(2).stdout("");
    }
    fib_server()
        .args(["--log-level", "a=b=c"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("log-level"));
}

#[test]
fn a_flag_takes_precedence_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fib.toml");
    std::fs::write(
        &file,
        "max-n = 1000\nrate-limit = 7\nmax-sequence-n = 10\ndeadline = \"3s\"\n",
    )
    .unwrap();
    let output = fib_server()
        .args(["--check-config", "--max-sequence-n", "30", "--config"])
        .arg(&file)
        .env("FIB_MAX_SEQUENCE_N", "20")
        .env("FIB_RATE_LIMIT", "8")
        .assert()
        .success();
    let config: serde_json::Value = serde_json::from_slice(&output.get_output().stdout).unwrap();
    assert_eq!(config["max_n"], 1000);
    assert_eq!(config["max_sequence_n"], 30);
    assert_eq!(config["rate_limit"], 8);
    assert_eq!(config["deadline_ms"], 3000);
}

#[test]
fn an_invalid_file_is_refused_with_its_key_or_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("fib.toml");
    std::fs::write(&file, "max-m = 1000\n").unwrap();
    fib_server()
        .arg("--config")
        .arg(&file)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("max-m"));
    std::fs::write(&file, "rate-limit = 7\ndeadline = 5\n").unwrap();
    fib_server()
        .arg("--config")
        .arg(&file)
        .assert()
        .code(2)
        .stderr(predicate::str::contains("in line 2 (`deadline = 5`)"));
    fib_server()
        .args(["--config", "/no/such/file"])
        .assert()
        .code(2)
        .stderr(predicate::str::contains("/no/such/file"));
}

#[test]
fn an_unknown_variable_is_refused_with_the_nearest_setting() {
    fib_server()
        .arg("--check-config")
        .env("FIB_MAXN", "5")
        .assert()
        .code(2)
        .stderr(predicate::str::contains("FIB_MAX_N"));
}

#[test]
fn a_hundred_thousand_threads_are_refused_in_one_sentence() {
    for flag in ["--worker-threads", "--compute-threads"] {
        fib_server().args([flag, "100000"]).assert().code(2).stderr(
            predicate::str::contains("from 1 to 1024")
                .and(predicate::str::contains("panicked").not()),
        );
    }
}

#[test]
fn every_setting_is_documented_with_its_variable() {
    let page = include_str!("../../../docs/fib-server.md");
    let command = Args::command();
    let settings = command.get_arguments().filter_map(|argument| {
        let variable = argument.get_env()?.to_str()?;
        Some((argument.get_long()?, variable))
    });
    let missing: Vec<_> = settings
        .filter(|(flag, variable)| {
            let documents = |line: &&str| {
                line.contains(&format!("`--{flag}`")) && line.contains(&format!("`{variable}`"))
            };
            page.lines().find(documents).is_none()
        })
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn the_drain_token_is_never_shown() {
    fib_server()
        .args(["--check-config", "--drain-token", "secret-7"])
        .assert()
        .success()
        .stdout(predicate::str::contains("secret-7").not());
}

#[test]
fn a_healthcheck_uses_the_settings_of_the_server() {
    let (mut child, line) = spawn(&[]);
    let admin = line.split_whitespace().nth(5).unwrap();
    let admin = admin.strip_prefix("http://").unwrap();
    let ask = || {
        let mut command = fib_server();
        command.args(["--admin", admin, "healthcheck"]);
        command.assert()
    };
    ask().code(0);
    let address = admin.parse().unwrap();
    assert_eq!(
        crate::client::request(address, "POST", "/drain", "").status,
        202
    );
    ask().code(1).stderr(predicate::str::contains("503"));
    child.kill().unwrap();
    child.wait().unwrap();
    ask()
        .code(1)
        .stderr(predicate::str::contains("does not answer"));
}

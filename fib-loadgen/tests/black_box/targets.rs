//! Which hosts it connects to, with which credentials, over what.

use std::io::{BufRead, BufReader, Write};
use std::process::Command;

use crate::odd_server::{Act, Beginning, OddServer, body, response};
use crate::program::{Ended, program, run};

const FEW: &str = "--users 2 --ramp-up 0 --requests 6 --n 90";

fn right() -> OddServer {
    OddServer::start(|_, _| Act::Right)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fib-loadgen"));
    command.args(arguments);
    command
}

#[test]
fn a_url_on_the_command_line_takes_precedence_over_the_variable() {
    let server = right();
    let url = format!("http://{}", server.address);
    let few = "--users 1 --requests 2 --n 90 --ui none";
    let few: Vec<&str> = few.split(' ').collect();
    for arguments in [
        [&[url.as_str()], &few[..]].concat(),
        [&["run", url.as_str()], &few[..]].concat(),
        [&["--target", url.as_str()], &few[..]].concat(),
        vec!["plan", &url],
    ] {
        let output = command(&arguments)
            .env("FIB_TARGET", "http://127.0.0.1:1")
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?} {output:?}");
    }
    let output = command(&few).env("FIB_TARGET", &url).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[test]
fn credentials_are_sent_but_never_shown() {
    let server = right();
    let url = format!("http://user:secret@{}", server.address);
    let shown = |command: &mut Command| {
        let output = command.output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(text).unwrap())
    };
    let few = "--users 1 --requests 2 --n 90 -o json=-";
    let (code, text) = shown(command(&[&url]).args(few.split(' ')));
    assert!(code == Some(0) && !text.contains("secret"), "{text}");
    for arguments in [
        &["plan"][..],
        &["plan", "--json"],
        &["--help"],
        &["--rate", "x"],
    ] {
        let (_, text) = shown(command(arguments).env("FIB_TARGET", &url));
        assert!(!text.contains("secret"), "{arguments:?} {text}");
    }
    let heads = server.requests();
    assert!(heads.len() >= 3);
    for seen in heads {
        assert!(
            seen.head
                .contains("\r\nauthorization: Basic dXNlcjpzZWNyZXQ=\r\n"),
            "{seen:?}"
        );
        assert!(!seen.head.contains("accept-encoding"), "{seen:?}");
        assert!(
            seen.head
                .contains(&format!("\r\nhost: {}\r\n", server.address)),
            "{seen:?}"
        );
    }
}

#[test]
fn answers_from_a_cache_are_counted_with_a_warning() {
    let server = OddServer::start(|n, _| {
        Act::Raw(response("200 OK\r\nage: 5", "application/json", &body(n)))
    });
    let ended = run(server.address, FEW);
    assert_eq!((ended.code, ended.total("cached")), (0, 6));
    assert!(ended.stderr.contains("cache"), "{}", ended.stderr);
    assert!(
        ended.result["warnings"][0]
            .as_str()
            .unwrap()
            .contains("cache")
    );
}

#[test]
fn a_headless_service_is_loaded_evenly_and_a_single_address_that_gets_everything_is_warned_about() {
    for (on, alone) in [([0, 0, 0, 0], false), ([127, 0, 0, 1], true)] {
        let beginning = Beginning {
            on,
            ..Beginning::default()
        };
        let server = OddServer::start_as(beginning, |_, _| Act::Right);
        let port = server.address.port();
        let output = command(&[
            &format!("http://shop.svc:{port}"),
            "--resolve",
            &format!("shop.svc:{port}:127.0.0.1,127.0.0.2"),
        ])
        .args("--users 4 --ramp-up 0 --think 20ms --requests 40 --n 90".split(' '))
        .args("--conn-idle 1m --ui none -o json=-".split(' '))
        .output()
        .unwrap();
        let ended = Ended::new(&output);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let addresses = ended.result["target"]["addresses"].as_array().unwrap();
        let made: Vec<_> = addresses
            .iter()
            .map(|one| one["connections"].as_u64())
            .collect();
        let requests: u64 = addresses
            .iter()
            .filter_map(|one| one["requests"].as_u64())
            .sum();
        assert_eq!((addresses.len(), requests), (2, 40), "{addresses:?}");
        let warned = ended
            .stderr
            .contains("one of 2 addresses got all 4 connections");
        assert_eq!(warned, alone, "{}", ended.stderr);
        if alone {
            assert_eq!(made, [Some(4), Some(0)]);
            assert!(addresses[1]["failed"].as_u64() >= Some(1));
            let warning = format!("connections to 127.0.0.2:{port} failed");
            assert!(ended.stderr.contains(&warning), "{}", ended.stderr);
        } else {
            assert_eq!(made, [Some(2), Some(2)]);
        }
    }
}

#[test]
fn a_resolve_flag_for_another_name_or_port_is_a_warning() {
    let server = right();
    let port = server.address.port();
    for (rule, vain) in [
        (format!("shop.svc:{port}:127.0.0.1"), false),
        (format!("shpo.svc:{port}:127.0.0.1"), true),
    ] {
        let output = command(&[&format!("http://shop.svc:{port}")])
            .args([
                "--resolve",
                &format!("shop.svc:{port}:127.0.0.1"),
                "--resolve",
                &rule,
            ])
            .args(FEW.split(' '))
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{text}");
        assert_eq!(text.contains("has no effect"), vain, "{text}");
    }
}

#[test]
fn one_lost_answer_before_the_load_does_not_end_the_run() {
    let beginning = Beginning {
        spoiled: 1,
        ..Beginning::default()
    };
    let server = OddServer::start_as(beginning, |_, _| Act::Right);
    let ended = run(server.address, FEW);
    assert_eq!((ended.code, ended.total("ok")), (0, 6), "{}", ended.stderr);
}

#[test]
fn connections_come_from_the_given_source_addresses() {
    let server = right();
    let flags = "--conn fresh --source 127.0.0.3 --source 127.0.0.4";
    let ended = run(server.address, &format!("{FEW} {flags}"));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let mut from: Vec<String> = server
        .requests()
        .into_iter()
        .map(|seen| seen.from)
        .collect();
    from.sort();
    from.dedup();
    assert_eq!(from, ["127.0.0.3", "127.0.0.4"]);
}

#[test]
fn a_proxy_gets_absolute_urls_and_only_when_a_flag_names_it() {
    let proxy = right();
    let output = command(&["http://me:secret@shop.svc/", "--proxy"])
        .arg(format!("http://you:hidden@{}", proxy.address))
        .args(FEW.split(' '))
        .args(["--ui", "none", "-o", "json=-"])
        .output()
        .unwrap();
    let ended = Ended::new(&output);
    assert_eq!((ended.code, ended.total("ok")), (0, 6), "{}", ended.stderr);
    for seen in proxy.requests() {
        assert!(
            seen.head
                .starts_with("GET http://shop.svc/get?n=90 HTTP/1.1\r\n"),
            "{seen:?}"
        );
        assert!(seen.head.contains("\r\nhost: shop.svc\r\n"), "{seen:?}");
        assert!(
            seen.head
                .contains("\r\nproxy-authorization: Basic eW91OmhpZGRlbg==\r\n"),
            "{seen:?}"
        );
    }
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(
        !text.contains("hidden") && !text.contains("secret"),
        "{text}"
    );
}

#[test]
fn a_unix_socket_can_replace_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut lines = BufReader::new(&stream);
                let mut line = String::new();
                while lines.read_line(&mut line).is_ok_and(|read| read > 0) {
                    if line.ends_with("\r\n\r\n") {
                        let right = response("200 OK", "application/json", &body(90));
                        (&stream).write_all(right.as_bytes()).unwrap();
                        line.clear();
                    }
                }
            });
        }
    });
    let socket = path.display().to_string();
    let output = command(&["http://fib.svc", "--unix-socket", &socket])
        .args(FEW.split(' '))
        .args(["--ui", "none", "-o", "json=-"])
        .output()
        .unwrap();
    let ended = Ended::new(&output);
    assert_eq!((ended.code, ended.total("ok")), (0, 6), "{}", ended.stderr);
    assert_eq!(ended.result["target"]["addresses"][0]["address"], socket);
}

#[test]
fn a_metadata_service_is_refused_before_the_first_request() {
    let output = program(([127, 0, 0, 1], 1).into(), "")
        .args(["--resolve", "x.svc:80:169.254.169.254"])
        .output()
        .unwrap();
    // The target is a different one; the rule is about names that are used.
    assert_eq!(output.status.code(), Some(90));
    for arguments in [
        &["http://169.254.169.254", "--allow-host", "*"][..],
        &[
            "http://x.svc",
            "--resolve",
            "x.svc:80:169.254.169.254",
            "--requests",
            "1",
        ],
    ] {
        let output = command(arguments)
            .env_remove("FIB_TARGET")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(matches!(output.status.code(), Some(2 | 90)), "{text}");
        assert!(text.contains("metadata service"), "{text}");
    }
}

#[test]
fn the_proxy_that_refused_the_connection_is_named_and_not_the_target_behind_it() {
    let said = |flags: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fib-loadgen"));
        command
            .arg("http://localhost")
            .args(flags)
            .args(["--n", "90"]);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(90));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("socket");
    let shown = format!("`{}`", socket.display());
    let unix = said(&["--unix-socket", socket.to_str().unwrap()]);
    assert!(unix.contains(&shown), "{unix}");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("http://{}", nobody.local_addr().unwrap());
    drop(nobody);
    let proxied = said(&["--proxy", &proxy]);
    assert!(proxied.contains(&format!("the proxy {proxy}")), "{proxied}");
}

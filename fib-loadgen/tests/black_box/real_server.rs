//! Against the real `fib-server`, in this process: the contract between the two, proved.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use fib_server::Bound;
use fib_server::args::{Settings, Span};
use fib_server::config::Config;
use fib_server::lifecycle::Stop;

use crate::program::{program, run};

struct Server {
    address: SocketAddr,
    stop: Stop,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn start() -> Self {
        let settings = Settings {
            listen: Some("127.0.0.1:0".to_owned()),
            admin: Some("none".to_owned()),
            pod: Some("pod-1".to_owned()),
            // Connections end only when the client ends them.
            keepalive_requests: Some(0),
            drain_delay: Some(Span(Duration::ZERO)),
            ..Settings::default()
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let bound = {
            let _inside = runtime.enter();
            Bound::new(Config::resolve(settings).unwrap()).unwrap()
        };
        let (address, stop) = (bound.address().unwrap(), Stop::default());
        let told = stop.clone();
        let thread = std::thread::spawn(move || runtime.block_on(bound.run(told)).unwrap());
        Self {
            address,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.signal();
        self.stop.signal();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || std::thread::panicking());
        }
    }
}

#[test]
fn every_answer_of_the_real_server_is_proved() {
    let server = Server::start();
    let ended = run(
        server.address,
        "--users 10 --ramp-up 0 --requests 500 --n mix:80%=0..=300,20%=1..=20000 --threshold wrong==0 --threshold failed==0",
    );
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert_eq!(
        (
            ended.total("sent"),
            ended.total("verified"),
            ended.total("failed")
        ),
        (500, 500, 0)
    );
    assert_eq!(ended.result["pods"][0]["name"], "pod-1");
    assert_eq!(ended.result["statuses"]["200"], 500);
    assert_eq!(ended.result["schema"], "fib-loadgen/1");
}

#[test]
fn a_connection_carries_as_many_requests_as_it_is_given_and_is_kept_otherwise() {
    let server = Server::start();
    let opened = |flags: &str| run(server.address, flags).result["connections"]["opened"].as_u64();
    // The pause lets the client put the connection back before it looks for one.
    let one_user = "--users 1 --ramp-up 0 --conn-idle 30s --think 10ms";
    assert_eq!(
        opened(&format!(
            "{one_user} --requests 95 --n 90 --conn-requests 10"
        )),
        Some(10)
    );
    assert_eq!(
        opened(&format!("{one_user} --requests 20 --n 100000")),
        Some(1)
    );
    assert_eq!(
        opened(&format!("{one_user} --requests 20 --n 90 --conn fresh")),
        Some(20)
    );
}

#[test]
fn five_hundred_users_are_up_within_ten_seconds() {
    let server = Server::start();
    let ended = run(server.address, "--users 500 --think 1s..2s -t 1s --n 90");
    assert_eq!(
        (ended.code, ended.total("failed")),
        (0, 0),
        "{}",
        ended.stderr
    );
    let users = ended.result["series"]["users"]
        .as_array()
        .expect("a series");
    let first_ten = users
        .iter()
        .take(10)
        .filter_map(serde_json::Value::as_u64)
        .max();
    assert_eq!(first_ten, Some(500), "{users:?}");
}

#[test]
fn a_proxy_in_the_environment_is_ignored() {
    let server = Server::start();
    let output = program(server.address, "--requests 5 --users 1 --n 90")
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("http_proxy", "http://127.0.0.1:1")
        .env("ALL_PROXY", "http://127.0.0.1:1")
        .output()
        .unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn verify_proves_a_few_values_without_load() {
    let server = Server::start();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fib-loadgen"));
    let output = command
        .args(["verify", &format!("http://{}", server.address)])
        .output()
        .unwrap();
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}");
    assert_eq!(
        shown.lines().filter(|line| line.starts_with("ok")).count(),
        16,
        "{shown}"
    );
}

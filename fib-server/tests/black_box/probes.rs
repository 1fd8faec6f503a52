//! The admin port answers whatever the pool does.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use fib_server::args::{DurationArg, Settings};

use crate::client::{Connection, get, request};
use crate::server::{Server, settings};

#[test]
fn a_serving_server_is_alive_ready_and_has_metrics() {
    let server = Server::standard();
    get(server.address, "/get?n=90");
    assert_eq!(get(server.admin, "/livez").status, 200);
    assert_eq!(get(server.admin, "/readyz").status, 200);
    let metrics = get(server.admin, "/metrics").text();
    for series in [
        r#"http_requests_total{method="GET",path="/get",status="200"} 1"#,
        "fib_process_cpu_seconds_total",
        "fib_queue_depth 0",
    ] {
        assert!(
            metrics.contains(series),
            "{series} is missing in\n{metrics}"
        );
    }
}

#[test]
fn an_unknown_path_never_becomes_a_label() {
    let server = Server::standard();
    get(server.address, "/some/secret/path");
    request(server.address, "BREW", "/get", "");
    let metrics = get(server.admin, "/metrics").text();
    assert!(metrics.contains(r#"path="unmatched""#) && metrics.contains(r#"method="_OTHER""#));
    assert!(!metrics.contains("secret"));
}

#[test]
fn a_draining_server_is_alive_and_not_ready_and_still_answers() {
    let server = Server::standard();
    assert_eq!(request(server.admin, "POST", "/drain", "").status, 202);
    get(server.admin, "/readyz").json()["status"]
        .as_str()
        .map_or_else(|| panic!(), |s| assert_eq!(s, "draining"));
    assert_eq!(get(server.admin, "/readyz").status, 503);
    assert_eq!(get(server.admin, "/livez").status, 200);
    let mut connection = Connection::open(server.address);
    connection.send(b"GET /get?n=1 HTTP/1.1\r\nhost: test\r\n\r\n");
    let answer = connection.answer(true).unwrap();
    assert_eq!(
        (answer.status, answer.header("connection")),
        (200, Some("close"))
    );
}

#[test]
fn the_admin_port_can_be_scraped_in_milliseconds() {
    let server = Server::standard();
    let begun = Instant::now();
    let scrape = || {
        let asked = Instant::now();
        get(server.admin, "/metrics");
        asked.elapsed()
    };
    // Other load on this machine does not delay every attempt.
    while scrape() >= Duration::from_millis(5) {
        assert!(begun.elapsed() < Duration::from_secs(20), "never");
    }
}

#[test]
fn liveness_answers_within_20_ms_while_every_compute_thread_is_busy() {
    let server = Server::start(Settings {
        max_n: Some(u64::MAX),
        deadline: Some(DurationArg(Duration::from_mins(1))),
        ..settings()
    });
    let _busy: Vec<_> = (0..2)
        .map(|_| {
            let mut connection = Connection::open(server.address);
            connection.send(b"GET /get?n=4000000000 HTTP/1.1\r\nhost: test\r\n\r\n");
            connection
        })
        .collect();
    // Other programs delay both; the echo shows by how much, so that the limit applies to the server alone.
    let (mut probe, mut echo) = (Connection::open(server.admin), Echo::start());
    let begun = Instant::now();
    loop {
        let (mut probes, mut echoes) = (Vec::new(), Vec::new());
        for _ in 0..300 {
            let asked = Instant::now();
            probe.send(b"GET /livez HTTP/1.1\r\nhost: test\r\n\r\n");
            assert_eq!(probe.answer(true).unwrap().status, 200);
            probes.push(asked.elapsed());
            echoes.push(echo.round_trip());
        }
        let (probes, echoes) = (p99(probes), p99(echoes));
        if probes < Duration::from_millis(20) + 2 * echoes {
            break;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "p99 {probes:?}, of the echo {echoes:?}"
        );
    }
}

fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() * 99 / 100]
}

/// A thread that echoes each byte: the fastest answer this machine can give now.
struct Echo(TcpStream);

impl Echo {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let asking = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut answering = listener.accept().unwrap().0;
        std::thread::spawn(move || {
            let mut byte = [0];
            while answering.read_exact(&mut byte).is_ok() && answering.write_all(&byte).is_ok() {}
        });
        asking.set_nodelay(true).unwrap();
        Self(asking)
    }

    fn round_trip(&mut self) -> Duration {
        let asked = Instant::now();
        self.0.write_all(&[0]).unwrap();
        self.0.read_exact(&mut [0]).unwrap();
        asked.elapsed()
    }
}

#[test]
fn the_documented_metrics_are_exactly_those_that_exist() {
    let server = Server::standard();
    // Request series exist once there was a request.
    get(server.address, "/get?n=1");
    let text = get(server.admin, "/metrics").text();
    let served: BTreeSet<_> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .filter(|name| !name.starts_with("process_"))
        .map(str::to_owned)
        .collect();
    assert_eq!(documented_series(), served);
}

/// The names in the table of `docs/fib-server.md`; `…_total` continues the name before it.
fn documented_series() -> BTreeSet<String> {
    let page = include_str!("../../../docs/fib-server.md");
    let section = page.split("\n## Metrics\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut names = BTreeSet::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let mut stem = "fib_cgroup_cpu";
        for name in row.split('|').nth(1).unwrap().split(", ") {
            let name = name.trim().trim_matches('`').split('{').next().unwrap();
            if let Some(rest) = name.strip_prefix('…') {
                names.insert(format!("{stem}{rest}"));
            } else if name != "process_*" {
                stem = name.strip_suffix("_usage_seconds_total").unwrap_or(stem);
                names.insert(name.to_owned());
            }
        }
    }
    names
}

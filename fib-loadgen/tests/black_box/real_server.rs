//! Verifies the contract with the real `fib-server`, in this process.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Duration;

use fib_server::Bound;
use fib_server::args::{DurationArg, Settings};
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
        Self::start_with(Settings::default())
    }

    /// With TLS: a folder with its certificate, its key and the CA for client certificates.
    fn start_with(more: Settings) -> Self {
        let settings = Settings {
            listen: Some("127.0.0.1:0".to_owned()),
            admin: Some("none".to_owned()),
            pod: Some("pod-1".to_owned()),
            // Connections end only when the client ends them.
            keepalive_requests: Some(0),
            drain_delay: Some(DurationArg(Duration::ZERO)),
            ..more
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
fn every_answer_of_the_real_server_is_verified() {
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
fn a_connection_carries_the_given_number_of_requests_and_otherwise_stays_open() {
    let server = Server::start();
    let opened = |flags: &str| run(server.address, flags).result["connections"]["opened"].as_u64();
    // The pause lets the client return the connection before it looks for one.
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
fn five_hundred_users_are_running_within_ten_seconds() {
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
fn verify_checks_a_few_values_without_load() {
    let server = Server::start();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_fib-loadgen"));
    let output = command
        .args(["verify", &format!("http://{}", server.address)])
        .env("FIB_TARGET", "http://127.0.0.1:1")
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

#[test]
fn http_2_works_by_prior_knowledge_on_own_and_on_shared_connections() {
    let server = Server::start();
    for (conn, most) in [("user", 5), ("shared", 2)] {
        let flags =
            format!("--users 5 --ramp-up 0 --requests 100 --n 1..=300 --http 2 --conn {conn}");
        let ended = run(server.address, &flags);
        assert_eq!(
            (ended.code, ended.total("verified")),
            (0, 100),
            "{}",
            ended.stderr
        );
        assert_eq!(ended.result["target"]["http"], "HTTP/2");
        let opened = ended.result["connections"]["opened"].as_u64().unwrap();
        assert!((1..=most).contains(&opened), "{conn}: {opened}");
    }
}

/// A folder with a CA, a server's certificate and a client's.
fn certificates() -> tempfile::TempDir {
    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
    for (name, host) in [("server", "fib.internal"), ("client", "client.internal")] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        let signed = params.signed_by(&key, &authority).unwrap();
        std::fs::write(folder.path().join(format!("{name}.pem")), signed.pem()).unwrap();
        std::fs::write(
            folder.path().join(format!("{name}.key")),
            key.serialize_pem(),
        )
        .unwrap();
    }
    folder
}

#[test]
fn tls_uses_the_given_ca_name_certificate_and_version() {
    let folder = certificates();
    let path = |name: &str| folder.path().join(name);
    let server = Server::start_with(Settings {
        tls_cert: Some(path("server.pem")),
        tls_key: Some(path("server.key")),
        tls_client_ca: Some(path("ca.pem")),
        ..Settings::default()
    });
    let shown = |name: &str| path(name).display().to_string();
    let ours = format!(
        "--cert {} --key {}",
        shown("client.pem"),
        shown("client.key")
    );
    let trusted = format!("--cacert {} --server-name fib.internal", shown("ca.pem"));
    let ask = |flags: &str| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_fib-loadgen"))
            .arg(format!("https://{}", server.address))
            .args(
                "--users 2 --ramp-up 0 --requests 10 --n 90 --timeout 5s --ui none -o json=-"
                    .split(' '),
            )
            .args(flags.split_whitespace())
            .env_remove("FIB_TARGET")
            .output()
            .unwrap();
        crate::program::Ended::new(&output)
    };
    for (flags, http) in [
        (format!("{trusted} {ours}"), "HTTP/1.1"),
        (format!("{trusted} {ours} --http 2"), "HTTP/2"),
        (
            format!("{trusted} {ours} --http auto --tls-min 1.3"),
            "HTTP/2",
        ),
        (
            format!("{trusted} {ours} --client pool --tls-max 1.2"),
            "HTTP/1.1",
        ),
        (format!("{ours} --insecure"), "HTTP/1.1"),
    ] {
        let ended = ask(&flags);
        assert_eq!(
            (ended.code, ended.total("verified")),
            (0, 10),
            "{flags} {}",
            ended.stderr
        );
        assert_eq!(ended.result["target"]["http"], http, "{flags}");
        assert_eq!(
            ended.stderr.contains("--insecure"),
            flags.contains("--insecure"),
            "{}",
            ended.stderr
        );
    }
    // No trusted CA, another name, no client certificate, and a version range that excludes everything.
    let ca = shown("ca.pem");
    for (flags, code) in [
        (
            format!(
                "{ours} --cacert {} --server-name fib.internal",
                shown("client.pem")
            ),
            90,
        ),
        (format!("{ours} --cacert {ca}"), 90),
        (trusted.clone(), 90),
        (format!("{trusted} {ours} --tls-min 1.3 --tls-max 1.2"), 2),
        (format!("{trusted} --cert {}", shown("none.pem")), 2),
    ] {
        let ended = ask(&flags);
        assert_eq!(ended.code, code, "{flags} {}", ended.stderr);
    }
}

//! The real service, in the process of a fuzz target.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use fib_server::Bound;
use fib_server::args::{DurationArg, Rate, Settings};
use fib_server::config::Config;
use fib_server::lifecycle::Stop;

/// What an HTTP/2 connection begins with (RFC 9113, 3.4), and settings without any.
pub const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// Longer than any answer takes. Whoever waits for longer has found a hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server on loopback, for as long as the process runs.
#[derive(Debug)]
pub struct Service(SocketAddr);

impl Service {
    /// Starts it with everything on that reads what clients send.
    ///
    /// # Panics
    /// When it can't start.
    pub fn start() -> Self {
        let given = Settings {
            listen: Some("127.0.0.1:0".to_owned()),
            admin: Some("none".to_owned()),
            max_n: Some(10_000),
            max_sequence_n: Some(500),
            worker_threads: Some(1),
            compute_threads: Some(1),
            keepalive_requests: Some(0),
            rate_limit: Some(Rate(1_000_000)),
            trusted_proxies: Some(vec!["127.0.0.0/8".to_owned()]),
            cors_origins: Some(vec!["https://a.test".to_owned()]),
            compress: Some(true),
            drain_delay: Some(DurationArg(Duration::ZERO)),
            ..Settings::default()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let bound = {
            let _inside = runtime.enter();
            Bound::new(Config::resolve(given).expect("settings")).expect("a free port")
        };
        let address = bound.address().expect("an address");
        std::thread::spawn(move || runtime.block_on(bound.run(Stop::default())));
        Self(address)
    }

    /// Sends bytes on a connection of their own, and returns all that comes back.
    ///
    /// # Panics
    /// When the server neither answers nor hangs up, or does not let the client in.
    pub fn send(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.0).expect("a server that lets clients in");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        // It may hang up in the middle.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        if let Err(error) = read {
            let waited = matches!(
                error.kind(),
                std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
            );
            assert!(!waited, "no answer and no end within {PATIENCE:?}");
        }
        answer
    }

    /// Asks for a number, as everybody does, and checks the answer.
    ///
    /// # Panics
    /// When it is another one.
    pub fn still_serves(&self) {
        let mut stream = TcpStream::connect(self.0).expect("a server that lets clients in");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time");
        let ask = b"GET /get?n=90 HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
        stream.write_all(ask).expect("a server that reads");
        let mut answer = String::new();
        stream
            .read_to_string(&mut answer)
            .expect("a server that answers");
        assert!(
            answer.ends_with(r#"{"n":90,"value":"2880067194370816120","digits":19}"#),
            "{answer}"
        );
    }
}

/// Whether an answer says that a request has made the server fail: a panic becomes a 500.
pub fn has_failed(answer: &[u8]) -> bool {
    let failed = b"urn:fib:problem:internal";
    answer.windows(failed.len()).any(|part| part == failed)
}

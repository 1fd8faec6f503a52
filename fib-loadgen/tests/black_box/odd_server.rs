//! A small server that answers as the test specifies, after it has passed the preflight.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What it does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Answers correctly.
    Right,
    /// Sends these bytes and keeps the connection.
    Raw(String),
    /// Sends these bytes and closes.
    RawThenClose(String),
    /// Sends these bytes and then nothing more, with the connection open.
    RawThenSilence(String),
    /// Closes immediately.
    Close,
    /// Answers correctly after this instant.
    After(Instant),
}

pub(crate) struct OddServer {
    pub(crate) address: SocketAddr,
    /// Every request, the preflight's first.
    requests: Arc<Mutex<Vec<Seen>>>,
    /// Connections accepted.
    pub(crate) connections: Arc<AtomicU64>,
}

/// A received request.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The requested n; 0 for any other request.
    pub(crate) n: u32,
    /// Its request line and headers.
    pub(crate) head: String,
    /// Its body.
    pub(crate) body: String,
    /// The address of its client.
    pub(crate) from: String,
}

/// How the server starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beginning {
    /// The address that it listens on.
    pub(crate) on: [u8; 4],
    /// This many connections are closed without an answer before it begins to answer.
    pub(crate) spoiled: u64,
    /// Whether the first request always gets a correct answer.
    pub(crate) passes_preflight: bool,
    /// It accepts this many connections and then stops listening.
    pub(crate) most: u64,
}

impl Default for Beginning {
    fn default() -> Self {
        Self {
            on: [127, 0, 0, 1],
            spoiled: 0,
            passes_preflight: true,
            most: u64::MAX,
        }
    }
}

/// F(n) by addition; for n below 187.
pub(crate) fn fibonacci(n: u32) -> u128 {
    (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0
}

/// The body of a correct answer.
pub(crate) fn body(n: u32) -> String {
    let value = fibonacci(n).to_string();
    format!(r#"{{"n":{n},"value":"{value}","digits":{}}}"#, value.len())
}

/// A status line, headers and a body.
pub(crate) fn response(status: &str, content_type: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\nx-fib-pod: odd\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

impl OddServer {
    /// Serves until the test's process ends; `act` gets n and the number of the request, 0 for the preflight's.
    pub(crate) fn start(act: impl Fn(u32, u64) -> Act + Send + Sync + 'static) -> Self {
        Self::start_for(u64::MAX, act)
    }

    /// Accepts this many connections and then stops listening.
    pub(crate) fn start_for(
        most: u64,
        act: impl Fn(u32, u64) -> Act + Send + Sync + 'static,
    ) -> Self {
        let beginning = Beginning {
            most,
            ..Beginning::default()
        };
        Self::start_as(beginning, act)
    }

    /// Answers the first request like every other.
    pub(crate) fn start_answering(act: impl Fn(u32, u64) -> Act + Send + Sync + 'static) -> Self {
        let beginning = Beginning {
            passes_preflight: false,
            ..Beginning::default()
        };
        Self::start_as(beginning, act)
    }

    pub(crate) fn start_as(
        beginning: Beginning,
        act: impl Fn(u32, u64) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(SocketAddr::from((beginning.on, 0))).expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (requests, connections) = (Arc::default(), Arc::new(AtomicU64::new(0)));
        let server = Self {
            address: ([127, 0, 0, 1], port).into(),
            requests: Arc::clone(&requests),
            connections: Arc::clone(&connections),
        };
        let act = Arc::new(act);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let before = connections.fetch_add(1, Ordering::SeqCst);
                if before < beginning.spoiled {
                    continue;
                }
                let (act, requests) = (Arc::clone(&act), Arc::clone(&requests));
                let first = beginning.passes_preflight;
                std::thread::spawn(move || serve(&stream, &*act, &requests, first));
                if before + 1 == beginning.most {
                    return;
                }
            }
        });
        server
    }

    /// Every request, the preflight's first.
    pub(crate) fn requests(&self) -> Vec<Seen> {
        self.requests.lock().expect("no handler panics").clone()
    }

    /// Every requested n, the preflight's first.
    pub(crate) fn asked(&self) -> Vec<u32> {
        self.requests().iter().map(|seen| seen.n).collect()
    }
}

fn serve(
    stream: &TcpStream,
    act: &(impl Fn(u32, u64) -> Act + ?Sized),
    requests: &Mutex<Vec<Seen>>,
    passes_preflight: bool,
) -> Option<()> {
    let from = stream.peer_addr().ok()?.ip().to_string();
    let mut lines = BufReader::new(stream);
    let mut out = stream;
    loop {
        let mut seen = request(&mut lines)?;
        seen.from.clone_from(&from);
        let n = seen.n;
        let close = seen
            .head
            .to_ascii_lowercase()
            .contains("\r\nconnection: close");
        let number = {
            let mut requests = requests.lock().ok()?;
            requests.push(seen);
            requests.len() as u64 - 1
        };
        let right = response("200 OK", "application/json", &body(n));
        // The preflight is recognized by its number: it comes first and alone.
        match if number == 0 && passes_preflight {
            Act::Right
        } else {
            act(n, number)
        } {
            Act::Right => out.write_all(right.as_bytes()).ok()?,
            Act::Raw(bytes) => out.write_all(bytes.as_bytes()).ok()?,
            Act::RawThenClose(bytes) => {
                out.write_all(bytes.as_bytes()).ok()?;
                let _ = stream.shutdown(Shutdown::Both);
                return None;
            }
            Act::RawThenSilence(bytes) => {
                out.write_all(bytes.as_bytes()).ok()?;
                // Until the client goes away.
                let _ = lines.read_to_end(&mut Vec::new());
                return None;
            }
            Act::Close => {
                let _ = stream.shutdown(Shutdown::Both);
                return None;
            }
            Act::After(instant) => {
                std::thread::sleep(
                    instant
                        .saturating_duration_since(Instant::now())
                        .min(Duration::from_secs(5)),
                );
                out.write_all(right.as_bytes()).ok()?;
            }
        }
        if close {
            return None;
        }
    }
}

/// The next complete request.
fn request(lines: &mut impl BufRead) -> Option<Seen> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if lines.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_ascii_lowercase();
    let n = head
        .split_once("/get?n=")
        .and_then(|(_, rest)| rest.split(' ').next()?.parse().ok());
    let length = lower
        .split_once("content-length: ")
        .and_then(|(_, rest)| rest.lines().next()?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    lines.read_exact(&mut body).ok()?;
    Some(Seen {
        n: n.unwrap_or(0),
        head,
        body: String::from_utf8_lossy(&body).into_owned(),
        from: String::new(),
    })
}

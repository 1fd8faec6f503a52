//! A small server that answers as the test tells it to, once it has passed the preflight.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What it does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Answers rightly.
    Right,
    /// Sends these bytes and keeps the connection.
    Raw(String),
    /// Sends these bytes and closes.
    RawThenClose(String),
    /// Sends these bytes and then nothing more, with the connection open.
    RawThenSilence(String),
    /// Closes at once.
    Close,
    /// Answers rightly after this instant.
    After(Instant),
}

pub(crate) struct OddServer {
    pub(crate) address: SocketAddr,
    /// Every n that was asked for, the preflight's first.
    pub(crate) asked: Arc<Mutex<Vec<u32>>>,
    /// Connections accepted.
    pub(crate) connections: Arc<AtomicU64>,
}

/// F(n), added up; for n below 187.
pub(crate) fn fibonacci(n: u32) -> u128 {
    (0..n).fold((0, 1), |(a, b), _| (b, a + b)).0
}

/// A right answer's body.
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
    /// Serves until the test's process ends; `act` sees n and the number of the request, 0 being the preflight's.
    pub(crate) fn start(act: impl Fn(u32, u64) -> Act + Send + Sync + 'static) -> Self {
        Self::start_for(u64::MAX, act)
    }

    /// Accepts so many connections, and then listens no more.
    pub(crate) fn start_for(
        most: u64,
        act: impl Fn(u32, u64) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (asked, connections) = (Arc::default(), Arc::new(AtomicU64::new(0)));
        let server = Self {
            address,
            asked: Arc::clone(&asked),
            connections: Arc::clone(&connections),
        };
        let act = Arc::new(act);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (act, asked) = (Arc::clone(&act), Arc::clone(&asked));
                std::thread::spawn(move || serve(&stream, &*act, &asked));
                if connections.fetch_add(1, Ordering::SeqCst) + 1 == most {
                    return;
                }
            }
        });
        server
    }

    pub(crate) fn asked(&self) -> Vec<u32> {
        self.asked.lock().expect("no handler panics").clone()
    }
}

fn serve(
    stream: &TcpStream,
    act: &(impl Fn(u32, u64) -> Act + ?Sized),
    asked: &Mutex<Vec<u32>>,
) -> Option<()> {
    let mut lines = BufReader::new(stream);
    let mut out = stream;
    loop {
        let (n, close) = request(&mut lines)?;
        let number = {
            let mut asked = asked.lock().ok()?;
            asked.push(n);
            asked.len() as u64 - 1
        };
        let right = response("200 OK", "application/json", &body(n));
        // The preflight is told by its number, since it comes first and alone.
        match if number == 0 {
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

/// The n of the next request, and whether it is the last.
fn request(lines: &mut impl BufRead) -> Option<(u32, bool)> {
    let (mut n, mut close) = (None, false);
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(query) = line.strip_prefix("GET /get?n=") {
            n = query.split(' ').next()?.parse().ok();
        }
        close |= line.to_ascii_lowercase().starts_with("connection: close");
        if line == "\r\n" {
            return Some((n?, close));
        }
    }
}

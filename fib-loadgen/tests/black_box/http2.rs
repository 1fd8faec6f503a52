//! Servers that end HTTP/2 connections and streams in every way that RFC 9113 names.

use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::program::Ended;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` in HPACK's static table.
const STATUS_200: u8 = 0x88;

const NO_ERROR: u32 = 0;
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

/// What it does with the tenth request of a connection; it answers all others.
#[derive(Clone, Copy)]
enum Tenth {
    /// Resets its stream with this code.
    Resets(u32),
    /// Sends GOAWAY with this code, which says that the nine before it were the last, and closes.
    Leaves(u32),
}

/// A server, and how many requests it answered.
struct Server {
    address: SocketAddr,
    answered: Arc<AtomicU64>,
}

impl Server {
    /// Serves until the test's process ends.
    fn start(tenth: Tenth) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let answered = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&answered);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let count = Arc::clone(&count);
                // A client that goes away ends its connection.
                std::thread::spawn(move || serve(stream, tenth, &count));
            }
        });
        Self { address, answered }
    }

    /// Requests by clients that share connections, or each with one of its own.
    fn load(&self, sharing: &str) -> Ended {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_fib-loadgen"))
            .arg(format!("http://{}/any", self.address))
            .args("--http 2 --users 4 --ramp-up 0 --requests 200 --ui none -o json=-".split(' '))
            .args(["--conn", sharing])
            .env_remove("FIB_TARGET")
            .output()
            .unwrap();
        Ended::new(&output)
    }
}

fn serve(mut stream: TcpStream, tenth: Tenth, answered: &AtomicU64) -> io::Result<()> {
    stream.read_exact(&mut [0; 24])?;
    send(&mut stream, SETTINGS, 0, 0, &[])?;
    let (mut requests, mut last) = (0, 0);
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        stream.read_exact(&mut vec![0; length])?;
        let (kind, flags) = (head[3], head[4]);
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        match kind {
            SETTINGS if flags & ACK == 0 => send(&mut stream, SETTINGS, ACK, 0, &[])?,
            HEADERS => {
                requests += 1;
                match tenth {
                    Tenth::Resets(code) if requests % 10 == 0 => {
                        send(&mut stream, RST_STREAM, 0, id, &code.to_be_bytes())?;
                    }
                    Tenth::Leaves(code) if requests % 10 == 0 => {
                        let [last, code] = [last, code].map(u32::to_be_bytes);
                        send(&mut stream, GOAWAY, 0, 0, &[last, code].concat())?;
                        // Requests on the way must not reset the connection before the client has read this.
                        stream.shutdown(std::net::Shutdown::Write)?;
                        return io::copy(&mut stream, &mut io::sink()).map(drop);
                    }
                    Tenth::Resets(_) | Tenth::Leaves(_) => {
                        last = id;
                        answered.fetch_add(1, Ordering::SeqCst);
                        send(&mut stream, HEADERS, END_HEADERS, id, &[STATUS_200])?;
                        send(&mut stream, DATA, END_STREAM, id, b"hello")?;
                    }
                }
            }
            _ => {}
        }
    }
}

fn send(stream: &mut TcpStream, kind: u8, flags: u8, id: u32, payload: &[u8]) -> io::Result<()> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(id.to_be_bytes());
    frame.extend(payload);
    stream.write_all(&frame)
}

#[test]
fn a_request_that_the_server_has_not_processed_is_sent_again_and_counted() {
    for tenth in [Tenth::Resets(REFUSED_STREAM), Tenth::Leaves(NO_ERROR)] {
        for sharing in ["user", "shared"] {
            let server = Server::start(tenth);
            let ended = server.load(sharing);
            assert_eq!(
                (ended.code, ended.total("sent"), ended.total("ok")),
                (0, 200, 200),
                "{sharing}: {} {}",
                ended.result["errors"],
                ended.stderr
            );
            // One of them is the probe before the load.
            assert_eq!(server.answered.load(Ordering::SeqCst), 201, "{sharing}");
            let resent = ended.result["connections"]["resent"].as_u64().unwrap();
            assert!(resent >= 10, "{sharing}: {resent}");
        }
    }
}

#[test]
fn a_request_that_the_server_may_have_processed_fails_with_the_name_of_the_error() {
    for (tenth, said) in [
        (Tenth::Resets(ENHANCE_YOUR_CALM), "RST_STREAM"),
        (Tenth::Leaves(ENHANCE_YOUR_CALM), "GOAWAY"),
    ] {
        let server = Server::start(tenth);
        let ended = server.load("user");
        let (ok, failed) = (ended.total("ok"), ended.total("failed"));
        assert!(failed >= 10 && ok + failed == 200, "{ok} {failed}");
        assert_eq!(server.answered.load(Ordering::SeqCst), ok + 1);
        assert_eq!(ended.classes(), ["closed.before_response"]);
        assert_eq!(ended.result["connections"]["resent"], 0);
        let example = &ended.result["errors"][0]["example"];
        assert_eq!(
            *example,
            format!("the server sent {said} with ENHANCE_YOUR_CALM")
        );
    }
}

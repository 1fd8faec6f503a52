//! Requests with large bodies, and servers that answer before they have read all of one.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::program::Ended;

/// More than the buffers of both sockets can hold.
const LARGE: usize = 24 << 20;
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n";

/// When a server answers.
#[derive(Clone, Copy)]
enum When {
    /// It sends the head at once, and the body after it has read the request.
    AroundTheRequest,
    /// It sends the whole answer, and never reads the rest of the request.
    BeforeTheRequest,
}

/// A server, and how many requests it saw. A connection whose next request does not begin with its method ends.
fn server(when: When) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let seen = Arc::clone(&seen);
            std::thread::spawn(move || serve(&stream, when, &seen));
        }
    });
    (address, counted)
}

fn serve(stream: &TcpStream, when: When, seen: &AtomicU64) -> std::io::Result<()> {
    let (mut lines, mut out) = (BufReader::new(stream), stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if lines.read_line(&mut head)? == 0 {
                return Ok(());
            }
        }
        assert!(head.starts_with("POST /up "), "{head}");
        seen.fetch_add(1, Ordering::SeqCst);
        out.write_all(HEAD)?;
        match when {
            When::AroundTheRequest => {
                let all = &mut (&mut lines).take(LARGE as u64);
                std::io::copy(all, &mut std::io::sink())?;
                out.write_all(b"done")?;
            }
            When::BeforeTheRequest => {
                out.write_all(b"done")?;
                // It reads no more, so most of the request is never written.
                loop {
                    std::thread::park();
                }
            }
        }
    }
}

/// Six uploads of a file.
fn upload(address: SocketAddr, client: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("large");
    std::fs::write(&file, "a".repeat(LARGE)).unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_fib-loadgen"))
        .arg(format!("http://{address}/up"))
        .args("--users 2 --ramp-up 0 --requests 6 --timeout 60s --ui none".split(' '))
        .args(["--workers", "2", "--client", client, "-o", "json=-"])
        .args(["--check", "body=done", "--body"])
        .arg(format!("@{}", file.display()))
        .env_remove("FIB_TARGET")
        .output()
        .unwrap();
    Ended::new(&output)
}

#[test]
fn the_rest_of_a_request_is_written_while_its_answer_arrives() {
    for client in ["direct", "pool"] {
        let (address, seen) = server(When::AroundTheRequest);
        let ended = upload(address, client);
        let counts = (ended.code, ended.total("sent"), ended.total("ok"));
        assert_eq!(counts, (0, 6, 6), "{client}: {}", ended.stderr);
        // Each user keeps its connection; the preflight has its own. hyper's pool returns a connection in a task of its
        // own, and opens another one if the next request comes first.
        if client == "direct" {
            assert_eq!(ended.result["connections"]["opened"], 2);
        }
        assert_eq!(seen.load(Ordering::SeqCst), 7, "{client}");
    }
}

#[test]
fn a_request_that_was_answered_before_it_was_written_costs_its_connection() {
    let (address, seen) = server(When::BeforeTheRequest);
    let ended = upload(address, "direct");
    let counts = (ended.code, ended.total("sent"), ended.total("ok"));
    assert_eq!(counts, (0, 6, 6), "{}", ended.stderr);
    assert_eq!(ended.result["connections"]["opened"], 6);
    assert_eq!(seen.load(Ordering::SeqCst), 7);
}

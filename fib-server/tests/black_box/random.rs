//! Random bytes: the server answers or disconnects, and goes on. Every run uses new ones, and a failure prints
//! its seed.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::time::Duration;

use crate::client::get;
use crate::server::Server;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The parts that requests are made of.
const PARTS: [&[u8]; 22] = [
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"/get?n=",
    b"90",
    b"100000",
    b"&sequence=true",
    b"&format=hex",
    b" HTTP/1.1\r\n",
    b" HTTP/1.0\r\n",
    b"host: a\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"content-length: 5\r\n",
    b"transfer-encoding: chunked\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"\0",
    b"\xff\xfe",
    b"expect: 100-continue\r\n",
    b"connection: upgrade\r\nupgrade: h2c\r\n",
];

fn heads(random: &mut fastrand::Rng) -> Vec<u8> {
    (0..random.usize(1..30))
        .flat_map(|_| PARTS[random.usize(..PARTS.len())].to_vec())
        .collect()
}

/// Frames of any type with any flags on any stream, some of them truncated.
fn frames(random: &mut fastrand::Rng) -> Vec<u8> {
    let mut bytes = PREFACE.to_vec();
    for _ in 0..random.usize(1..20) {
        let payload: Vec<u8> = (0..random.usize(..64)).map(|_| random.u8(..)).collect();
        let length = if random.bool() {
            payload.len()
        } else {
            random.usize(..70_000)
        };
        bytes.extend(&u32::try_from(length).unwrap().to_be_bytes()[1..]);
        bytes.extend([random.u8(..12), random.u8(..), 0, 0, 0, random.u8(..8)]);
        bytes.extend(payload);
    }
    bytes
}

/// Sends bytes on their own connection, and returns the answer.
fn send(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(30)))
        .unwrap();
    // It may have disconnected in the middle.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_fuzzers_first_inputs_make_no_request_fail() {
    let server = Server::standard();
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    let mut sent = 0;
    for (folder, before) in [
        ("head", &b""[..]),
        (
            "http2",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        ),
    ] {
        for file in std::fs::read_dir(corpus.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let bytes = [before, &std::fs::read(&path).unwrap()].concat();
            let answer = send(&server, &bytes);
            assert!(
                !answer.contains("urn:fib:problem:internal"),
                "{}: {answer}",
                path.display()
            );
            sent += 1;
        }
    }
    assert!(sent >= 15, "{sent}");
    assert_eq!(get(server.address, "/get?n=10").json()["value"], "55");
}

#[test]
fn random_bytes_never_stop_the_server() {
    let server = Server::standard();
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for i in 0..400 {
        let bytes = if i % 2 == 0 {
            heads(&mut random)
        } else {
            frames(&mut random)
        };
        send(&server, &bytes);
        if i % 50 == 0 {
            assert_eq!(
                get(server.address, "/get?n=10").json()["value"],
                "55",
                "seed {seed}, case {i}"
            );
        }
    }
    server.wait_for_metric("fib_connections_open 0");
    server.wait_for_metric("fib_bytes_held 0");
}

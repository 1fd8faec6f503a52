//! HTTP/2 servers that end connections and streams early. They speak frames (RFC 9113), because no library sends
//! what must not be sent.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::odd_server::body;
use crate::program::{Ended, run};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
const PREFACE: usize = 24;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
    [&head, payload].concat()
}

/// The head of an answer: `:status: 200` and the content type, as HPACK (RFC 7541).
fn head(stream: u32) -> Vec<u8> {
    let kind = b"application/json";
    let length = u8::try_from(kind.len()).unwrap();
    let block = [&[0x88, 0x0f, 0x10, length], kind.as_slice()].concat();
    frame(HEADERS, END_HEADERS, stream, &block)
}

fn right(stream: u32) -> Vec<u8> {
    let body = frame(DATA, END_STREAM, stream, body(90).as_bytes());
    [head(stream), body].concat()
}

fn reset(stream: u32, code: u32) -> Vec<u8> {
    frame(RST_STREAM, 0, stream, &code.to_be_bytes())
}

fn goaway(last: u32, code: u32) -> Vec<u8> {
    let payload = [last.to_be_bytes(), code.to_be_bytes()].concat();
    frame(GOAWAY, 0, 0, &payload)
}

/// What a server does with a request.
enum Act {
    Send(Vec<u8>),
    SendThenClose(Vec<u8>),
}

/// A server that acts on the stream and the number of each request, 0 for the preflight's, with these settings;
/// and how many requests it saw.
fn server(
    settings: &'static [u8],
    act: impl Fn(u32, u64) -> Act + Send + Sync + 'static,
) -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (act, seen) = (Arc::new(act), Arc::new(AtomicU64::new(0)));
    let counted = Arc::clone(&seen);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (act, seen) = (Arc::clone(&act), Arc::clone(&seen));
            std::thread::spawn(move || serve(stream, settings, &*act, &seen));
        }
    });
    (address, counted)
}

fn serve(
    mut stream: TcpStream,
    settings: &[u8],
    act: &impl Fn(u32, u64) -> Act,
    seen: &AtomicU64,
) -> std::io::Result<()> {
    stream.read_exact(&mut [0; PREFACE])?;
    stream.write_all(&frame(SETTINGS, 0, 0, settings))?;
    loop {
        let mut start = [0; 9];
        stream.read_exact(&mut start)?;
        let [a, b, c, kind, flags, of @ ..] = start;
        let length = u32::from_be_bytes([0, a, b, c]);
        std::io::copy(&mut (&stream).take(length.into()), &mut std::io::sink())?;
        match kind {
            SETTINGS if flags & ACK == 0 => stream.write_all(&frame(SETTINGS, ACK, 0, &[]))?,
            HEADERS => {
                let number = seen.fetch_add(1, SeqCst);
                let id = u32::from_be_bytes(of);
                let act = if number == 0 {
                    Act::Send(right(id))
                } else {
                    act(id, number)
                };
                match act {
                    Act::Send(bytes) => stream.write_all(&bytes)?,
                    Act::SendThenClose(bytes) => {
                        stream.write_all(&bytes)?;
                        return stream.shutdown(std::net::Shutdown::Both);
                    }
                }
            }
            _ => {}
        }
    }
}

/// A run over HTTP/2 whose counts add up: each request was answered, or failed with a class.
fn load(address: SocketAddr, flags: &str) -> Ended {
    let few = "--http 2 --users 2 --ramp-up 0 --requests 12 --n 90 --timeout 20s";
    let ended = run(address, &format!("{few} {flags}"));
    assert_eq!(
        ended.total("sent"),
        ended.total("ok") + ended.total("failed") + ended.total("unfinished"),
        "{}",
        ended.stderr
    );
    let errors = ended.result["errors"].as_array().unwrap();
    let by_class: u64 = errors.iter().filter_map(|one| one["count"].as_u64()).sum();
    assert_eq!(
        by_class,
        ended.total("failed"),
        "{}",
        ended.result["errors"]
    );
    ended
}

#[test]
fn a_body_that_a_reset_without_an_error_cuts_off_is_a_reset_and_not_a_wrong_answer() {
    // 0 is NO_ERROR, which hyper takes for the end of the body; 8 is CANCEL.
    for code in [0, 8] {
        for client in ["direct", "pool"] {
            let (address, seen) = server(&[], move |id, number| {
                if number % 3 > 0 {
                    return Act::Send(right(id));
                }
                let part = frame(DATA, 0, id, &body(90).as_bytes()[..12]);
                Act::Send([head(id), part, reset(id, code)].concat())
            });
            let ended = load(address, &format!("--client {client}"));
            let counts = (ended.code, ended.total("ok"), ended.total("failed"));
            assert_eq!(counts, (0, 8, 4), "{client}, {code}: {}", ended.stderr);
            assert_eq!(ended.classes(), ["body.reset"], "{client}, {code}");
            assert_eq!(seen.load(SeqCst), 13);
        }
    }
}

#[test]
fn a_request_that_the_server_has_not_processed_is_sent_again_and_counted() {
    // REFUSED_STREAM, and a graceful end without this stream.
    let refusals: [fn(u32) -> Act; 2] = [
        |id| Act::Send(reset(id, 7)),
        |id| Act::SendThenClose(goaway(id - 2, 0)),
    ];
    for sharing in ["user", "shared"] {
        for refusal in refusals {
            let refused = AtomicBool::new(false);
            let (address, seen) = server(&[], move |id, _| {
                // Once: a request is sent again at most twice. Not the first stream of a connection, so that there
                // is one before it.
                if id > 1 && !refused.swap(true, SeqCst) {
                    return refusal(id);
                }
                Act::Send(right(id))
            });
            let ended = load(address, &format!("--conn {sharing}"));
            let counts = (ended.code, ended.total("sent"), ended.total("ok"));
            assert_eq!(counts, (0, 12, 12), "{}", ended.result["errors"]);
            let resent = ended.result["connections"]["resent"].as_u64().unwrap();
            assert!(resent > 0);
            if sharing == "user" {
                // The probe before the load, and each attempt.
                assert_eq!(seen.load(SeqCst), 13 + resent);
            }
        }
    }
}

#[test]
fn a_server_that_never_processes_a_request_fails_it_after_three_attempts() {
    let (address, seen) = server(&[], |id, _| Act::Send(reset(id, 7)));
    let ended = load(address, "");
    assert_eq!((ended.total("ok"), ended.total("failed")), (0, 12));
    let error = &ended.result["errors"][0];
    assert_eq!(error["class"], "closed.before_response");
    assert_eq!(
        error["example"],
        "the server sent RST_STREAM with REFUSED_STREAM"
    );
    assert_eq!(seen.load(SeqCst), 1 + 3 * 12);
}

#[test]
fn a_request_that_the_server_may_have_processed_is_counted_once_and_the_load_goes_on() {
    let (address, seen) = server(&[], move |id, number| {
        if number % 3 > 0 {
            return Act::Send(right(id));
        }
        // ENHANCE_YOUR_CALM.
        Act::SendThenClose(goaway(0, 11))
    });
    let ended = load(address, "");
    assert_eq!((ended.total("ok"), ended.total("failed")), (8, 4));
    let error = &ended.result["errors"][0];
    assert_eq!(error["class"], "closed.before_response");
    assert_eq!(
        error["example"],
        "the server sent GOAWAY with ENHANCE_YOUR_CALM"
    );
    assert_eq!(seen.load(SeqCst), 13);
}

#[test]
fn a_server_that_allows_one_stream_at_a_time_answers_users_that_share_a_connection() {
    // SETTINGS_MAX_CONCURRENT_STREAMS.
    let (address, seen) = server(&[0, 3, 0, 0, 0, 1], |id, _| Act::Send(right(id)));
    let ended = load(address, "--conn shared");
    assert_eq!((ended.code, ended.total("ok")), (0, 12), "{}", ended.stderr);
    assert_eq!(seen.load(SeqCst), 13);
}

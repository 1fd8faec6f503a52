//! Failures that can't be requested from a server: networks, names, TLS and this process' own limits.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fib_loadgen::client::{ClientKind, ClientSettings, Connector, Counters, Life};
use fib_loadgen::exchange::{Caller, Rules};
use fib_loadgen::oracle::Field;
use fib_loadgen::outcome::{Class, Outcome};
use fib_loadgen::request::Question;
use fib_loadgen::stop::Stop;
use fib_loadgen::target::Target;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::odd_server::{Act, OddServer, body};
use crate::program::Ended;

/// The class of one request to a URL.
fn class_of(url: &str) -> Option<Class> {
    class_with(url, |_| {})
}

/// The class of one request to a URL, with other settings.
fn class_with(url: &str, change: impl FnOnce(&mut ClientSettings)) -> Option<Class> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(ask(url, 0, change)).failure
}

/// One request to a URL; refused connections are retried this many times.
async fn ask(url: &str, retry_refused: u32, change: impl FnOnce(&mut ClientSettings)) -> Outcome {
    let mut client = ClientSettings::new(Target::parse(url, &[]).unwrap());
    // A busy machine may need long for a handshake.
    client.connect_timeout = Duration::from_secs(30);
    client.timeout = Duration::from_mins(1);
    change(&mut client);
    let connector = Connector::new(&client, &Arc::new(Counters::default())).unwrap();
    let connector = Arc::new(connector);
    let rules = Arc::new(Rules {
        client,
        life: Life::default(),
        seed: 0,
        retry_refused,
        field: Field::drawn(0),
        checks: Vec::new(),
        cookies: false,
    });
    let stop = Arc::new(Stop::default());
    let mut caller = Caller::new(&rules, &connector, None, &stop, 0).unwrap();
    let question = Question::Fibonacci { n: 90, prove: true };
    let asked = caller.ask(&question, Instant::now()).await;
    asked.expect("nobody stops it").0
}

/// A port that is taken but not listened on.
fn deaf() -> (TcpSocket, String) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("http://{}", socket.local_addr().unwrap());
    (socket, url)
}

/// A listener that passes its connections to `act`, one by one.
fn listener(act: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || listener.incoming().flatten().for_each(act));
    address
}

#[test]
fn a_name_that_can_not_be_resolved_is_dns() {
    // Longer than a DNS label may be, so no resolver is asked.
    let url = format!("http://{}.local", "a".repeat(64));
    assert_eq!(class_of(&url), Some(Class::Dns));
}

#[tokio::test]
async fn a_refused_connection_is_retried_until_something_listens() {
    let (socket, url) = deaf();
    let answer = async {
        // By then the first connection has been refused.
        tokio::time::sleep(Duration::from_millis(70)).await;
        let (mut stream, _) = socket.listen(8).unwrap().accept().await.unwrap();
        // An answer that comes before the request is not an answer.
        stream.read_buf(&mut Vec::new()).await.unwrap();
        let body = r#"{"n":90,"value":"2880067194370816120","digits":19}"#;
        let length = body.len();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length";
        let answer = format!("{head}: {length}\r\n\r\n{body}");
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream
    };
    let (outcome, _stream) = tokio::join!(ask(&url, 1_000, |_| {}), answer);
    assert_eq!(outcome.failure, None);
    assert!(outcome.refused >= 1);
    assert!(
        outcome.service >= Duration::from_millis(70),
        "the request's time runs on"
    );
}

#[tokio::test]
async fn a_connection_that_is_always_refused_fails_after_the_given_number_of_tries() {
    let (_socket, url) = deaf();
    let outcome = ask(&url, 3, |_| {}).await;
    assert_eq!(outcome.failure, Some(Class::ConnectRefused));
    assert_eq!(outcome.refused, 3);
}

#[tokio::test]
async fn a_connection_is_tried_once_by_default() {
    let (_socket, url) = deaf();
    let outcome = ask(&url, 0, |_| {}).await;
    assert_eq!(outcome.failure, Some(Class::ConnectRefused));
    assert_eq!(outcome.refused, 0);
}

/// A listener that never accepts, and the connections that fill its queue.
fn speechless(on: SocketAddr) -> (Socket, Vec<TcpStream>) {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&on.into()).unwrap();
    socket.listen(0).unwrap();
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    // Nobody accepts: a few connections fill the queue, and then the kernel stops answering.
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
        assert!(waiting.len() < 1_000, "the queue has no end");
    }
    (socket, waiting)
}

#[test]
fn a_connection_that_is_not_made_in_time_is_a_connect_timeout() {
    let (socket, _waiting) = speechless(([127, 0, 0, 1], 0).into());
    let address = socket.local_addr().unwrap().as_socket().unwrap();
    let class = class_with(&format!("http://{address}"), |client| {
        client.connect_timeout = Duration::from_millis(300);
    });
    assert_eq!(class, Some(Class::ConnectTimeout));
}

#[test]
fn an_address_that_drops_packets_leaves_time_to_try_the_next_one() {
    let server = OddServer::start(|_, _| Act::Right);
    let port = server.address.port();
    let (_socket, _waiting) = speechless(([127, 0, 0, 2], port).into());
    let class = class_with(&format!("http://name.svc:{port}"), |client| {
        client.connect_timeout = Duration::from_secs(4);
        client.resolve = vec![
            format!("name.svc:{port}:127.0.0.2,127.0.0.1")
                .parse()
                .unwrap(),
        ];
    });
    assert_eq!(class, None);
}

#[test]
fn a_server_without_tls_or_one_that_breaks_the_handshake_is_tls() {
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b""] {
        let address = listener(move |mut stream| {
            let _ = stream.read(&mut [0; 16 * 1024]);
            let _ = stream.write_all(answer);
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let class = class_of(&format!("https://{address}"));
        assert_eq!(class, Some(Class::Tls), "{answer:?}");
    }
}

#[test]
fn a_connection_that_is_reset_before_the_answer_is_send() {
    // Closing a socket with unread data resets its connection.
    let address = listener(|stream| {
        let _ = stream.peek(&mut [0]);
    });
    assert_eq!(class_of(&format!("http://{address}")), Some(Class::Send));
}

#[test]
fn an_answer_that_is_not_http_is_other() {
    let address = listener(|mut stream| {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH\r\n\r\n");
        let _ = stream.read_to_end(&mut Vec::new());
    });
    assert_eq!(class_of(&format!("http://{address}")), Some(Class::Other));
}

#[test]
fn a_process_out_of_file_descriptors_reports_it_and_is_saturated() {
    let server = OddServer::start(|_, _| Act::Right);
    let output = Command::new("sh")
        .args(["-c", r#"ulimit -n 50 && exec "$@""#, "sh"])
        .arg(env!("CARGO_BIN_EXE_fib-loadgen"))
        .arg(format!("http://{}", server.address))
        .args("--users 100 --ramp-up 0 -t 1s --think 200ms --n 90".split(' '))
        .args("--ui none --workers 2 --on-saturation fail -o json=-".split(' '))
        .output()
        .unwrap();
    let ended = Ended::new(&output);
    assert_eq!(ended.classes(), ["local.fd_limit"], "{}", ended.result);
    assert_eq!(ended.code, 92, "{}", ended.stderr);
    assert!(ended.stderr.contains("ulimit"), "{}", ended.stderr);
}

/// Errors that can't be provoked reliably on loopback: the operating system's error is injected where it would
/// occur.
#[test]
fn the_operating_systems_errors_are_distinguished() {
    let os = io::Error::from_raw_os_error;
    let kind = |kind: ErrorKind| io::Error::from(kind);
    let cases = [
        (kind(ErrorKind::ConnectionRefused), Class::ConnectRefused),
        (kind(ErrorKind::ConnectionReset), Class::ConnectReset),
        (
            kind(ErrorKind::AddrNotAvailable),
            Class::ConnectAddrExhausted,
        ),
        // EMFILE and ENFILE.
        (os(24), Class::LocalFdLimit),
        (os(23), Class::LocalFdLimit),
        (kind(ErrorKind::InvalidData), Class::Tls),
        (kind(ErrorKind::UnexpectedEof), Class::Tls),
        (kind(ErrorKind::HostUnreachable), Class::Other),
    ];
    for (error, class) in cases {
        assert_eq!(Class::of_connect(&error), class, "{error}");
    }
}

#[test]
fn an_address_that_this_machine_does_not_have_can_not_be_a_source() {
    let server = OddServer::start(|_, _| Act::Right);
    let class = class_with(&format!("http://{}", server.address), |client| {
        // TEST-NET-1 (RFC 5737), which no machine has.
        client.sources = vec!["192.0.2.1".parse().unwrap()];
    });
    assert_eq!(class, Some(Class::ConnectAddrExhausted));
}

#[test]
fn a_connection_that_is_reset_during_the_handshake_is_connect_reset() {
    // Closing a socket with unread data resets its connection.
    let address = listener(|stream| {
        let _ = stream.peek(&mut [0]);
    });
    let class = class_of(&format!("https://{address}"));
    assert_eq!(class, Some(Class::ConnectReset));
}

#[test]
fn a_proxy_that_refuses_a_tunnel_is_proxy() {
    let address = listener(|mut stream| {
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\n");
    });
    let proxy = fib_loadgen::client::Proxy::parse(&format!("http://{address}"), &[]).unwrap();
    let class = class_with("https://127.0.0.1:1", |client| client.proxy = Some(proxy));
    assert_eq!(class, Some(Class::Proxy));
}

/// Answers of every shape, and their expected classes.
fn shapes() -> Vec<(String, Option<Class>)> {
    let right = body(90);
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
    let whole = format!("{head}content-length: {}\r\n\r\n{right}", right.len());
    let mut chunks = String::new();
    for piece in right.as_bytes().chunks(7) {
        let text = String::from_utf8_lossy(piece);
        chunks += &format!("{:x};x=y\r\n{text}\r\n", piece.len());
    }
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{chunks}0\r\n");
    let padded = format!(
        "{head}x-big: {}\r\ncontent-length: {}\r\n\r\n{right}",
        "a".repeat(200_000),
        right.len()
    );
    let with =
        |line: &str| whole.replacen("content-length", &format!("{line}\r\ncontent-length"), 1);
    vec![
        (whole.clone(), None),
        (whole.replace("HTTP/1.1", "HTTP/1.0"), None),
        (whole.replace("\r\n", "\n"), None),
        (
            format!(
                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n{whole}"
            ),
            None,
        ),
        (format!("{head}\r\n{right}"), None),
        (format!("{chunked}\r\n"), None),
        (format!("{chunked}x-sum: 1\r\n\r\n"), None),
        (format!("{whole}HTTP/1.1 200 OK\r\n\r\n"), None),
        (padded, None),
        (with("connection: x, close"), None),
        (with("content-encoding: gzip"), Some(Class::WrongHeader)),
        (with("content-length: 5"), Some(Class::Other)),
        (chunked.clone(), Some(Class::BodyReset)),
        (chunked.replacen("7;", "z;", 1), Some(Class::BodyReset)),
        (whole[..whole.len() - 9].to_owned(), Some(Class::BodyReset)),
        (
            format!("{head}\r\n{}", &right[..30]),
            Some(Class::WrongTruncated),
        ),
        (
            "HTTP/1.1 204 No Content\r\n\r\n".to_owned(),
            Some(Class::HttpOther),
        ),
        (
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n".to_owned(),
            Some(Class::HttpOther),
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n".to_owned(),
            Some(Class::Other),
        ),
        ("HTTP/1.1 20 OK\r\n\r\n".to_owned(), Some(Class::Other)),
        (
            "HTTP/1.1 200 OK\r\ncont".to_owned(),
            Some(Class::ClosedBeforeResponse),
        ),
        (right, Some(Class::Other)),
        (String::new(), Some(Class::ClosedBeforeResponse)),
    ]
}

#[test]
fn both_clients_read_answers_of_every_shape_alike() {
    for (answer, class) in shapes() {
        for kind in [ClientKind::Direct, ClientKind::Pool] {
            let answer = answer.clone();
            let start: String = answer.chars().take(300).collect();
            let server = OddServer::start_answering(move |_, _| Act::RawThenClose(answer.clone()));
            let url = format!("http://{}", server.address);
            let found = class_with(&url, |client| client.kind = kind);
            assert_eq!(found, class, "{kind:?}: {start}");
        }
    }
}

//! A client that sends exactly the bytes it is given; a library would normalize them.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::Value;

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, v)| v.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    /// Checks that this is problem details with this status, and returns them.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json")
        );
        let problem = self.json();
        assert_eq!(problem["status"], status);
        for member in ["type", "title", "detail"] {
            assert!(
                problem[member].is_string(),
                "{member} is missing in {problem}"
            );
        }
        problem
    }
}

/// One connection, kept between requests.
pub(crate) struct Connection(TcpStream);

impl Connection {
    pub(crate) fn open(server: SocketAddr) -> Self {
        let stream = TcpStream::connect(server).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        Self(stream)
    }

    pub(crate) fn send(&mut self, request: &[u8]) {
        self.0.write_all(request).unwrap();
    }

    /// The next answer, or nothing when the server has closed the connection.
    pub(crate) fn answer(&mut self, has_body: bool) -> Option<Answer> {
        let head = self.read_until(b"\r\n\r\n")?;
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers: Vec<_> = lines
            .filter_map(|l| l.split_once(": "))
            .map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()))
            .collect();
        let mut answer = Answer {
            status,
            headers,
            body: Vec::new(),
        };
        if !has_body || status == 304 {
            return Some(answer);
        }
        if let Some(length) = answer.header("content-length") {
            answer.body = self.read(length.parse().unwrap())?;
        } else if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = String::from_utf8(self.read_until(b"\r\n")?).unwrap();
                let size = usize::from_str_radix(size.trim(), 16).unwrap();
                let chunk = self.read(size + 2)?;
                answer.body.extend_from_slice(&chunk[..size]);
                if size == 0 {
                    break;
                }
            }
        }
        Some(answer)
    }

    /// Whether the server closes the connection now.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0) | Err(_))
    }

    /// Reads until the server has closed the connection, and ignores what comes before.
    pub(crate) fn until_the_end(&mut self) {
        let _ = self.0.read_to_end(&mut Vec::new());
    }

    /// Checks that nothing arrives during this time and the connection stays open.
    #[track_caller]
    pub(crate) fn is_silent_for(&mut self, time: Duration) {
        let usual = self.0.read_timeout().unwrap();
        self.0.set_read_timeout(Some(time)).unwrap();
        let read = self.0.read(&mut [0]).map_err(|e| e.kind());
        assert!(
            matches!(read, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)),
            "{read:?}"
        );
        self.0.set_read_timeout(usual).unwrap();
    }

    /// Everything up to the end of the connection.
    pub(crate) fn until_closed(&mut self) -> String {
        let mut text = String::new();
        self.0.read_to_string(&mut text).unwrap();
        text
    }

    pub(crate) fn shutdown(&self, how: Shutdown) {
        self.0.shutdown(how).unwrap();
    }

    fn read(&mut self, length: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.0.read_exact(&mut bytes).ok()?;
        Some(bytes)
    }

    fn read_until(&mut self, end: &[u8]) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        while !bytes.ends_with(end) {
            bytes.extend(self.read(1)?);
        }
        Some(bytes)
    }
}

/// One request on its own connection.
pub(crate) fn request(server: SocketAddr, method: &str, target: &str, headers: &str) -> Answer {
    let mut connection = Connection::open(server);
    let request =
        format!("{method} {target} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{headers}\r\n");
    connection.send(request.as_bytes());
    connection
        .answer(method != "HEAD")
        .unwrap_or_else(|| panic!("no answer to {method} {target}"))
}

/// One GET on its own connection.
pub(crate) fn get(server: SocketAddr, target: &str) -> Answer {
    request(server, "GET", target, "")
}

/// Sends each of these and nothing more; all must be cut off within twice the ten seconds, because the machine
/// may be busy.
#[track_caller]
pub(crate) fn are_cut_off<'a>(sent: impl IntoIterator<Item = (SocketAddr, &'a [u8])>) {
    let begun = Instant::now();
    let open = |(address, bytes)| {
        let mut connection = Connection::open(address);
        connection.send(bytes);
        connection
    };
    let mut clients: Vec<_> = sent.into_iter().map(open).collect();
    for connection in &mut clients {
        connection.until_the_end();
    }
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}

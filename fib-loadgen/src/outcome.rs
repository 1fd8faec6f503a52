//! The result of one request: the closed list of ways it can fail, and how errors are classified.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use http::HeaderValue;

use crate::oracle::Flaw;

/// A way in which a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The name could not be resolved, or has a forbidden address.
    Dns,
    /// Nothing is listening there.
    ConnectRefused,
    /// No connection within the connect timeout.
    ConnectTimeout,
    /// The connection was reset while it was opened.
    ConnectReset,
    /// No free local port is left.
    ConnectAddrExhausted,
    /// The TLS handshake failed.
    Tls,
    /// The request could not be written, or the connection was reset before an answer began.
    Send,
    /// The server closed the connection before it answered.
    ClosedBeforeResponse,
    /// No answer within the timeout.
    TimeoutTotal,
    /// The connection ended in the middle of the body.
    BodyReset,
    /// The body did not end within the timeout.
    BodyTimeout,
    /// A status 4xx, other than 429.
    Http4xx,
    /// Status 429.
    Http429,
    /// A status 5xx, other than 503.
    Http5xx,
    /// Status 503.
    Http503,
    /// A status that is neither an answer nor an error, such as a redirect.
    HttpOther,
    /// The value is not F(n).
    WrongValue,
    /// The value has a different number of digits than F(n).
    WrongDigits,
    /// The body does not have the form of an answer.
    WrongFormat,
    /// The body is complete for HTTP, but ends in the middle of an answer.
    WrongTruncated,
    /// The content type is not JSON.
    WrongHeader,
    /// A check of `--check` on a header or the body failed.
    WrongCheck,
    /// The proxy did not open a tunnel.
    Proxy,
    /// This process may not open more files.
    LocalFdLimit,
    /// Anything else.
    Other,
}

impl Class {
    /// Its name in results.
    pub fn word(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::ConnectRefused => "connect.refused",
            Self::ConnectTimeout => "connect.timeout",
            Self::ConnectReset => "connect.reset",
            Self::ConnectAddrExhausted => "connect.addr_exhausted",
            Self::Tls => "tls",
            Self::Send => "send",
            Self::ClosedBeforeResponse => "closed.before_response",
            Self::TimeoutTotal => "timeout.total",
            Self::BodyReset => "body.reset",
            Self::BodyTimeout => "body.timeout",
            Self::Http4xx => "http.4xx",
            Self::Http429 => "http.429",
            Self::Http5xx => "http.5xx",
            Self::Http503 => "http.503",
            Self::HttpOther => "http.other",
            Self::WrongValue => "wrong.value",
            Self::WrongDigits => "wrong.digits",
            Self::WrongFormat => "wrong.format",
            Self::WrongTruncated => "wrong.truncated",
            Self::WrongHeader => "wrong.header",
            Self::WrongCheck => "wrong.check",
            Self::Proxy => "proxy",
            Self::LocalFdLimit => "local.fd_limit",
            Self::Other => "other",
        }
    }

    /// Whether the server gave a wrong answer.
    pub fn is_wrong(self) -> bool {
        matches!(
            self,
            Self::WrongValue
                | Self::WrongDigits
                | Self::WrongFormat
                | Self::WrongTruncated
                | Self::WrongHeader
                | Self::WrongCheck
        )
    }

    /// The class of a status other than 200.
    pub fn of_status(status: u16) -> Self {
        match status {
            429 => Self::Http429,
            503 => Self::Http503,
            400..=499 => Self::Http4xx,
            500..=599 => Self::Http5xx,
            _ => Self::HttpOther,
        }
    }

    /// The class of an error while connecting.
    pub fn of_connect(error: &std::io::Error) -> Self {
        // EMFILE and ENFILE have the same numbers on Linux, macOS and the BSDs.
        if matches!(error.raw_os_error(), Some(23 | 24)) {
            return Self::LocalFdLimit;
        }
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::ConnectRefused,
            ErrorKind::ConnectionReset => Self::ConnectReset,
            ErrorKind::AddrNotAvailable => Self::ConnectAddrExhausted,
            ErrorKind::TimedOut => Self::ConnectTimeout,
            ErrorKind::InvalidData | ErrorKind::UnexpectedEof => Self::Tls,
            _ => Self::Other,
        }
    }

    /// The class of an error on a connection; `in_body` once the head of the answer has arrived.
    pub fn of_hyper(error: &hyper::Error, in_body: bool) -> Self {
        if in_body {
            return Self::BodyReset;
        }
        if error.is_incomplete_message() || error.is_canceled() {
            return Self::ClosedBeforeResponse;
        }
        match io_kind(error) {
            Some(kind) => Self::of_kind(kind),
            // hyper's type for HTTP/2 can't be named here: a refused stream, or a connection that ended.
            None if error.to_string().contains("http2") => Self::ClosedBeforeResponse,
            None => Self::Other,
        }
    }

    /// The class of an error on a connection before the head of the answer has arrived.
    pub fn of_exchange(error: &std::io::Error) -> Self {
        Self::of_kind(error.kind())
    }

    fn of_kind(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
                Self::Send
            }
            ErrorKind::UnexpectedEof | ErrorKind::NotConnected => Self::ClosedBeforeResponse,
            // An alert, such as one that refuses our certificate.
            ErrorKind::InvalidData => Self::Tls,
            _ => Self::Other,
        }
    }
}

/// The kind of the first error of the operating system in a chain.
fn io_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}

/// The innermost error's text: the causes say what happened. Frames of HTTP/2 get their names.
pub fn described(error: &(dyn Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    let text = error.to_string();
    let frames = [
        (
            "connection error received: ",
            "the server ended the connection (GOAWAY)",
        ),
        (
            "stream error received: ",
            "the server reset the stream (RST_STREAM)",
        ),
    ];
    for (prefix, what) in frames {
        match text.strip_prefix(prefix) {
            Some("not a result of an error") => return what.to_owned(),
            Some(why) => return format!("{what}: {why}"),
            None => {}
        }
    }
    text
}

impl From<Flaw> for Class {
    fn from(flaw: Flaw) -> Self {
        match flaw {
            Flaw::Format => Self::WrongFormat,
            Flaw::Truncated => Self::WrongTruncated,
            Flaw::Value => Self::WrongValue,
            Flaw::Digits => Self::WrongDigits,
        }
    }
}

/// A finished request.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts about one answer that do not depend on each other"
)]
pub struct Outcome {
    /// How it failed; `None` if the answer was correct.
    pub failure: Option<Class>,
    /// The error, or the start of the wrong answer, for people.
    pub detail: Option<String>,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// Who answered, by the header `x-fib-pod`.
    pub pod: Option<HeaderValue>,
    /// Whether the server announced that it closes the connection.
    pub closing: bool,
    /// Whether the value was verified, not only its form.
    pub verified: bool,
    /// Whether a cache had stored the answer.
    pub cached: bool,
    /// Whether its checks were run.
    pub checked: bool,
    /// The failed checks, one bit each, in the request's own order.
    pub failed_checks: u64,
    /// Whether it was sent again because the server had closed the idle connection.
    pub resent: bool,
    /// Bytes of the body.
    pub bytes: u64,
    /// How many refused connections were retried before it.
    pub refused: u32,
    /// From the actual send to the head of the answer.
    pub ttfb: Option<Duration>,
    /// From the actual send to the end of the body.
    pub service: Duration,
}

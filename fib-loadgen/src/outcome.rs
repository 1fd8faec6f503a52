//! What one request amounted to: the closed list of ways it can fail, and how an error is told apart.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use crate::oracle::Flaw;

/// A way in which a request fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// The name could not be resolved, or led to an address that is not allowed.
    Dns,
    /// Nobody listens there.
    ConnectRefused,
    /// No connection within the connect timeout.
    ConnectTimeout,
    /// The connection was reset while it was made.
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
    /// The value has another number of digits than F(n).
    WrongDigits,
    /// The body does not have the form of an answer.
    WrongFormat,
    /// The body, complete by HTTP's account, ends in the middle of an answer.
    WrongTruncated,
    /// The content type is not JSON.
    WrongHeader,
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
            Self::LocalFdLimit => "local.fd_limit",
            Self::Other => "other",
        }
    }

    /// Whether the server answered, and wrongly.
    pub fn is_wrong(self) -> bool {
        matches!(
            self,
            Self::WrongValue
                | Self::WrongDigits
                | Self::WrongFormat
                | Self::WrongTruncated
                | Self::WrongHeader
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

    /// The class of an error of the client; `in_body` once the head of the answer has arrived.
    pub fn of_error(error: &reqwest::Error, in_body: bool) -> Self {
        let cause = Cause::of(error);
        if cause.forbidden || cause.text.contains("dns error") {
            return Self::Dns;
        }
        if cause.is_fd_limit() {
            return Self::LocalFdLimit;
        }
        if in_body {
            return if error.is_timeout() {
                Self::BodyTimeout
            } else {
                Self::BodyReset
            };
        }
        if error.is_connect() {
            return match cause.kind {
                Some(ErrorKind::ConnectionRefused) => Self::ConnectRefused,
                Some(ErrorKind::ConnectionReset) => Self::ConnectReset,
                Some(ErrorKind::AddrNotAvailable) => Self::ConnectAddrExhausted,
                _ if error.is_timeout() => Self::ConnectTimeout,
                // What is connected and ends here ends in the handshake.
                Some(ErrorKind::InvalidData | ErrorKind::UnexpectedEof) => Self::Tls,
                _ => Self::Other,
            };
        }
        if error.is_timeout() {
            return Self::TimeoutTotal;
        }
        if cause.closed_early {
            return Self::ClosedBeforeResponse;
        }
        match cause.kind {
            Some(
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted,
            ) => Self::Send,
            Some(ErrorKind::UnexpectedEof) => Self::ClosedBeforeResponse,
            _ => Self::Other,
        }
    }
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

/// What lies at the bottom of an error's chain.
struct Cause {
    kind: Option<ErrorKind>,
    os: Option<i32>,
    text: String,
    closed_early: bool,
    forbidden: bool,
}

impl Cause {
    fn of(error: &reqwest::Error) -> Self {
        let mut cause = Self {
            kind: None,
            os: None,
            text: String::new(),
            closed_early: false,
            forbidden: false,
        };
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(error) = next {
            if let Some(io) = error.downcast_ref::<std::io::Error>() {
                cause.kind = Some(io.kind());
                cause.os = io.raw_os_error().or(cause.os);
            }
            cause.forbidden |= error.is::<crate::target::Forbidden>();
            cause.text = error.to_string();
            // hyper's types are not ours to name; this is how its error for an early end reads.
            cause.closed_early |= cause
                .text
                .contains("connection closed before message completed");
            // An io::Error's source is that of the error that it wraps, which is left out: where TLS fails,
            // this is the one that says so.
            next = match error.downcast_ref::<std::io::Error>() {
                Some(io) => io
                    .get_ref()
                    .map(|wrapped| wrapped as &(dyn Error + 'static)),
                None => error.source(),
            };
            if cause.text.starts_with("dns error") {
                break;
            }
        }
        cause
    }

    /// EMFILE and ENFILE have the same numbers on Linux, macOS and the BSDs.
    fn is_fd_limit(&self) -> bool {
        matches!(self.os, Some(23 | 24))
    }
}

/// One request, over.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// How it failed; `None` when the answer was right.
    pub failure: Option<Class>,
    /// The error, or the head of the wrong answer, for a person to read.
    pub detail: Option<String>,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// Who answered, by the header `x-fib-pod`.
    pub pod: Option<String>,
    /// Whether the server announced that it closes the connection.
    pub closing: bool,
    /// Whether the value was proved, not only its form.
    pub verified: bool,
    /// Bytes of the body.
    pub bytes: u64,
    /// How many connections were refused and tried again before.
    pub refused: u32,
    /// From the actual send to the head of the answer.
    pub ttfb: Option<Duration>,
    /// From the actual send to the end of the body.
    pub service: Duration,
}

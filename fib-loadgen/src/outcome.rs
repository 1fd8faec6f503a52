//! The result of one request: the closed list of ways it can fail, and how errors are classified.

pub mod tls;

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
            // A stream that was reset, or a connection that ended.
            None if of_http2(error).is_some() => Self::ClosedBeforeResponse,
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

/// An error, its cause, that one's cause, and so on.
pub fn causes<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The kind of the first error of the operating system in a chain.
fn io_kind(error: &(dyn Error + 'static)) -> Option<ErrorKind> {
    let mut io = causes(error).filter_map(|cause| cause.downcast_ref::<std::io::Error>());
    io.next().map(std::io::Error::kind)
}

/// The error of HTTP/2 in a chain.
fn of_http2<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a h2::Error> {
    causes(error).find_map(|cause| cause.downcast_ref())
}

/// Whether the server says that it has not processed the request, so that it may be sent again: its stream was
/// refused, or is above the last one of a connection that ends without an error (RFC 9113, 6.8 and 8.7).
pub fn is_unprocessed(error: &(dyn Error + 'static)) -> bool {
    of_http2(error).is_some_and(|error| {
        let reason = error.reason();
        let refused = error.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM);
        let above_the_last = error.is_go_away() && reason == Some(h2::Reason::NO_ERROR);
        error.is_remote() && (refused || above_the_last)
    })
}

/// The innermost error's text: the causes say what happened. What a server says over HTTP/2 has its name.
pub fn described(error: &(dyn Error + 'static)) -> String {
    if let Some(http2) = of_http2(error).filter(|error| error.is_remote())
        && let Some(reason) = http2.reason()
    {
        let frame = if http2.is_go_away() {
            "GOAWAY"
        } else {
            "RST_STREAM"
        };
        return format!("the server sent {frame} with {reason:?}");
    }
    let of_tls = causes(error)
        .filter_map(|cause| cause.downcast_ref())
        .find_map(tls::described);
    of_tls.unwrap_or_else(|| {
        causes(error)
            .last()
            .map(ToString::to_string)
            .unwrap_or_default()
    })
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
    /// Whether it was sent again because the server had closed the idle connection, or said that it had not
    /// processed it.
    pub resent: bool,
    /// How often it was sent again because the server said that it had not processed it.
    pub unprocessed: u32,
    /// Bytes of the body.
    pub bytes: u64,
    /// How many refused connections were retried before it.
    pub refused: u32,
    /// From the actual send to the head of the answer.
    pub ttfb: Option<Duration>,
    /// From the actual send to the end of the body.
    pub service: Duration,
}

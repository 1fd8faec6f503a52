//! The head of an answer: the headers that matter, and how its body is delimited.

use std::mem::MaybeUninit;

use http::header::{AGE, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName};
use http::{HeaderValue, Version};
use httparse::{Header, ParserConfig, Response, Status};

use super::framing::Framing;

/// The header with which a server names its pod.
const POD: &str = "x-fib-pod";
/// The most headers of an answer: hyper's limit.
const MOST_HEADERS: usize = 100;

/// The parts of an answer's head that matter.
#[derive(Debug, Clone, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "facts about one answer that do not depend on each other"
)]
pub struct Said {
    /// The status.
    pub status: u16,
    /// Whether the body is JSON.
    pub json: bool,
    /// Whether the body claims to be compressed, which no request asks for.
    pub encoded: bool,
    /// Whether a cache had stored the answer.
    pub cached: bool,
    /// Whether the server closes the connection after it (RFC 9112, section 9.3).
    pub closing: bool,
    /// The pod that answered.
    pub pod: Option<HeaderValue>,
    /// All headers, if requested.
    pub headers: HeaderMap,
}

impl Said {
    /// The same from a head that hyper has read.
    pub fn of(status: u16, version: Version, headers: HeaderMap) -> Self {
        let mut said = Self::from_fields(
            status,
            version == Version::HTTP_10,
            headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_bytes())),
            &mut Known::default(),
        );
        said.closing &= version <= Version::HTTP_11;
        said.headers = headers;
        said
    }

    fn from_fields<'a>(
        status: u16,
        one_zero: bool,
        fields: impl Iterator<Item = (&'a str, &'a [u8])>,
        known: &mut Known,
    ) -> Self {
        let mut said = Self {
            status,
            ..Self::default()
        };
        let (mut close, mut keep_alive) = (false, false);
        for (name, value) in fields {
            let is = |header: &str| name.eq_ignore_ascii_case(header);
            // Most headers are distinguished by their length.
            match name.len() {
                3 if is(AGE.as_str()) => said.cached = true,
                9 if is(POD) => said.pod = known.pod(value),
                10 if is(CONNECTION.as_str()) => {
                    close |= has(value, b"close");
                    keep_alive |= has(value, b"keep-alive");
                }
                12 if is(CONTENT_TYPE.as_str()) => said.json = is_json(value),
                16 if is(CONTENT_ENCODING.as_str()) => {
                    said.encoded |= !value.eq_ignore_ascii_case(b"identity");
                }
                _ => {}
            }
        }
        said.closing = close || (one_zero && !keep_alive);
        said
    }
}

/// Values that were read before on a connection and will probably be the same again.
#[derive(Debug, Default)]
pub(super) struct Known {
    pod: Option<HeaderValue>,
}

impl Known {
    fn pod(&mut self, name: &[u8]) -> Option<HeaderValue> {
        if self.pod.as_ref().is_none_or(|pod| pod.as_bytes() != name) {
            self.pod = HeaderValue::from_bytes(name).ok();
        }
        self.pod.clone().filter(|_| !name.is_empty())
    }
}

/// A complete head.
pub(super) struct Head {
    /// Its bytes.
    pub(super) length: usize,
    pub(super) said: Said,
    pub(super) framing: Framing,
    /// Whether the final answer is still to come.
    pub(super) interim: bool,
}

/// Parses a head; `None` until it is complete. `to_head`: the request was a `HEAD`, whose answer has no body.
/// `keep`: keep all headers.
pub(super) fn parse(
    bytes: &[u8],
    to_head: bool,
    keep: bool,
    known: &mut Known,
) -> Result<Option<Head>, String> {
    let mut space = [const { MaybeUninit::<Header<'_>>::uninit() }; MOST_HEADERS];
    let mut response = Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut space,
    );
    let length = match parsed {
        Ok(Status::Complete(length)) => length,
        Ok(Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err("message head is too large".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    let status = response.code.unwrap_or_default();
    if status < 100 {
        return Err("invalid HTTP status-code parsed".to_owned());
    }
    let one_zero = response.version == Some(0);
    let headers = &*response.headers;
    let fields = headers.iter().map(|header| (header.name, header.value));
    let mut said = Said::from_fields(status, one_zero, fields, known);
    if keep {
        said.headers = map(headers)?;
    }
    let interim = (100..200).contains(&status) && status != 101;
    let bodiless = to_head || status == 101 || status == 204 || status == 304;
    Ok(Some(Head {
        length,
        framing: if bodiless || interim {
            Framing::None
        } else {
            framing(headers, one_zero)?
        },
        said,
        interim,
    }))
}

/// How the body is delimited (RFC 9112, section 6.3).
fn framing(headers: &[Header<'_>], one_zero: bool) -> Result<Framing, String> {
    let (mut length, mut encoded) = (None, None);
    for Header { name, value } in headers {
        if name.eq_ignore_ascii_case("transfer-encoding") {
            encoded = Some(*value);
        } else if name.eq_ignore_ascii_case("content-length") {
            // If it occurs several times, all values must be equal.
            for one in value.split(|byte| *byte == b',') {
                let one = number(one.trim_ascii());
                if one.is_none() || length.is_some_and(|before| Some(before) != one) {
                    return Err("invalid content-length parsed".to_owned());
                }
                length = one;
            }
        }
    }
    match (encoded, length) {
        (Some(_), _) if one_zero => Err("unexpected transfer-encoding parsed".to_owned()),
        (Some(value), _) => {
            let last = value
                .rsplit(|byte| *byte == b',')
                .next()
                .unwrap_or_default();
            Ok(if last.trim_ascii().eq_ignore_ascii_case(b"chunked") {
                Framing::chunked()
            } else {
                Framing::ToTheEnd
            })
        }
        (None, Some(0)) => Ok(Framing::None),
        (None, Some(length)) => Ok(Framing::Length(length)),
        (None, None) => Ok(Framing::ToTheEnd),
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    plain.then(|| std::str::from_utf8(digits).ok()?.parse().ok())?
}

fn map(headers: &[Header<'_>]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for Header { name, value } in headers {
        let bad = || format!("the header {name} is invalid");
        map.append(
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?,
            HeaderValue::from_bytes(value).map_err(|_| bad())?,
        );
    }
    Ok(map)
}

/// Whether a comma-separated list contains this option.
fn has(value: &[u8], option: &[u8]) -> bool {
    value
        .split(|byte| *byte == b',')
        .any(|one| one.trim_ascii().eq_ignore_ascii_case(option))
}

/// `application/json`, with parameters or without.
fn is_json(value: &[u8]) -> bool {
    let kind = value.split(|byte| *byte == b';').next().unwrap_or_default();
    kind.trim_ascii().eq_ignore_ascii_case(b"application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(lines: &str) -> Said {
        let text = format!("{lines}\r\n\r\n");
        let head = parse(text.as_bytes(), false, true, &mut Known::default());
        let head = head.unwrap().unwrap();
        // Both clients read the same.
        let version = if lines.starts_with("HTTP/1.0") {
            Version::HTTP_10
        } else {
            Version::HTTP_11
        };
        let other = Said::of(head.said.status, version, head.said.headers.clone());
        assert_eq!(format!("{:?}", head.said), format!("{other:?}"), "{lines}");
        head.said
    }

    #[test]
    fn a_server_closes_when_it_says_so_or_speaks_http_1_0_without_keeping_alive() {
        let closes = |lines: &str| said(lines).closing;
        for lines in [
            "HTTP/1.1 200 OK\r\nConnection: close",
            "HTTP/1.1 200 OK\r\nconnection: Close",
            "HTTP/1.1 200 OK\r\nconnection: x-trace, close",
            "HTTP/1.1 200 OK\r\nconnection: x-trace\r\nconnection: close",
            "HTTP/1.0 200 OK",
            "HTTP/1.0 200 OK\r\nconnection: x-trace",
        ] {
            assert!(closes(lines), "{lines}");
        }
        for lines in [
            "HTTP/1.1 200 OK",
            "HTTP/1.1 200 OK\r\nconnection: keep-alive, closed",
            "HTTP/1.0 200 OK\r\nConnection: Keep-Alive",
        ] {
            assert!(!closes(lines), "{lines}");
        }
    }

    #[test]
    fn json_is_recognized_exactly() {
        let is = |text: &str| said(&format!("HTTP/1.1 200 OK\r\ncontent-type: {text}")).json;
        for text in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/json;q=1",
        ] {
            assert!(is(text), "{text}");
        }
        for text in [
            "application/jsonfoo",
            "application/json-seq",
            "text/json",
            "application/",
            "",
        ] {
            assert!(!is(text), "{text}");
        }
        assert!(!said("HTTP/1.1 200 OK").json);
    }

    #[test]
    fn compressed_cached_and_pod_headers_are_recognized() {
        let said = said("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nAge: 0\r\nX-Fib-Pod: a-1");
        assert!(said.encoded && said.cached);
        assert_eq!(said.pod.unwrap(), "a-1");
        let plain = self::said("HTTP/1.1 200 OK\r\ncontent-encoding: Identity\r\nx-fib-pod: ");
        assert!(!plain.encoded && !plain.cached && plain.pod.is_none());
    }

    #[test]
    fn bodies_are_delimited_as_the_standard_says_and_contradictions_are_refused() {
        let of = |lines: &str| {
            let text = format!("HTTP/1.1 200 OK\r\n{lines}\r\n\r\n");
            parse(text.as_bytes(), false, false, &mut Known::default())
                .map(|head| head.unwrap().framing)
        };
        assert_eq!(of("content-length: 12"), Ok(Framing::Length(12)));
        assert_eq!(of("content-length: 5, 5"), Ok(Framing::Length(5)));
        assert_eq!(of("content-length: 0"), Ok(Framing::None));
        assert_eq!(of("x: y"), Ok(Framing::ToTheEnd));
        assert_eq!(
            of("transfer-encoding: chunked\r\ncontent-length: 3"),
            Ok(Framing::chunked())
        );
        assert_eq!(
            of("transfer-encoding: chunked, gzip"),
            Ok(Framing::ToTheEnd)
        );
        for lines in [
            "content-length: 1\r\ncontent-length: 2",
            "content-length: -5",
            "content-length: ",
        ] {
            assert!(of(lines).is_err(), "{lines}");
        }
        let to_head = parse(
            b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n",
            true,
            false,
            &mut Known::default(),
        );
        assert_eq!(to_head.unwrap().unwrap().framing, Framing::None);
        assert!(
            parse(
                b"HTTP/1.1 200 OK\r\nconte",
                false,
                false,
                &mut Known::default()
            )
            .unwrap()
            .is_none()
        );
        assert!(
            parse(
                b"SSH-2.0-OpenSSH\r\n\r\n",
                false,
                false,
                &mut Known::default()
            )
            .is_err()
        );
    }
}

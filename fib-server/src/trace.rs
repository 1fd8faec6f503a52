//! W3C Trace Context: a request that belongs to a trace is answered, and logged, as a span of it.

use std::fmt;

use salvo::http::{HeaderMap, HeaderName, HeaderValue};

/// The header.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// A `traceparent`: the trace of a request, and the span that answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceParent {
    trace: u128,
    parent: u64,
    span: u64,
    flags: u8,
}

impl TraceParent {
    /// The trace of a request with these headers. With two parents there is no telling which one is right, so
    /// it has none.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        match (parents.next(), parents.next()) {
            (Some(parent), None) => Self::read(parent),
            _ => None,
        }
    }

    /// Parses the header `traceparent` (W3C Trace Context, 3.2.2), and starts a span below its parent. Later
    /// versions may have more fields after the known ones; an invalid header is ignored.
    pub(crate) fn read(header: &HeaderValue) -> Option<Self> {
        let mut fields = header.to_str().ok()?.split('-');
        let version = hex(fields.next()?, 2)?;
        let trace = hex(fields.next()?, 32)?;
        let parent = hex(fields.next()?, 16)?;
        let flags = hex(fields.next()?, 2)?;
        let known = version != 0xff && (version != 0 || fields.next().is_none());
        (known && trace != 0 && parent != 0).then(|| Self {
            trace,
            parent: u64::try_from(parent).unwrap_or_default(),
            span: fastrand::u64(1..),
            flags: u8::try_from(flags).unwrap_or_default(),
        })
    }

    /// The trace's id, as in logs.
    pub(crate) fn trace_id(self) -> String {
        format!("{:032x}", self.trace)
    }

    /// Whether the trace is recorded: the flag `sampled`.
    pub(crate) fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }

    /// The flags as received.
    pub(crate) fn flags(self) -> u8 {
        self.flags
    }

    /// The id of the client's span.
    pub(crate) fn parent_id(self) -> String {
        format!("{:016x}", self.parent)
    }

    /// The id of the span that answers the request.
    pub(crate) fn span_id(self) -> String {
        format!("{:016x}", self.span)
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace, self.span, self.flags
        )
    }
}

/// This many hexadecimal digits in lower case.
fn hex(text: &str, digits: usize) -> Option<u128> {
    let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (text.len() == digits && text.bytes().all(lower))
        .then(|| u128::from_str_radix(text, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<TraceParent> {
        TraceParent::read(&HeaderValue::from_str(text).unwrap())
    }

    #[test]
    fn the_answer_is_a_span_of_its_own_in_the_same_trace() {
        let trace = read("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
        assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_ne!(trace.span_id(), "00f067aa0ba902b7");
        let text = trace.to_string();
        assert!(text.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && text.ends_with("-01"));
    }

    #[test]
    fn a_request_with_two_parents_has_none() {
        let mut headers = HeaderMap::new();
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        headers.append(TRACEPARENT, HeaderValue::from_static(parent));
        assert!(TraceParent::of(&headers).is_some());
        headers.append(TRACEPARENT, HeaderValue::from_static(parent));
        assert_eq!(TraceParent::of(&headers), None);
    }

    #[test]
    fn a_later_version_is_read_as_far_as_it_is_known() {
        assert!(read("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more").is_some());
    }

    #[test]
    fn invalid_headers_are_ignored() {
        for text in [
            "",
            "00",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e473-00f067aa0ba902b7-01",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}

//! How an answer looks: the contract with clients.

use std::cmp::Reverse;
use std::fmt::Write as _;
use std::io;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;

use crate::fibonacci::{self, Index};

/// The form of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `{"n":90,"value":"2880067194370816120","digits":19}`
    Json,
    /// The decimal digits alone.
    Text,
    /// The hexadecimal digits alone.
    Hex,
}

impl Format {
    /// The form that an `Accept` header wants more: by its weights, and of equal ones the one that it
    /// names first. JSON when it wants neither.
    pub fn accepted(accept: Option<&str>) -> Self {
        let Some(list) = accept.filter(|list| *list != "*/*") else {
            return Self::Json;
        };
        let wanted = |ranges| preference(list, ranges);
        let json = wanted(["application/json", "application/*", "*/*"]);
        let text = wanted(["text/plain", "text/*", "*/*"]);
        if text > json { Self::Text } else { Self::Json }
    }

    /// The content type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text | Self::Hex => "text/plain; charset=utf-8",
        }
    }

    /// The word in an entity tag.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
            Self::Hex => "hex",
        }
    }

    /// The body for the digits of F(n).
    pub fn body(self, index: Index, digits: String) -> Bytes {
        if self != Self::Json {
            return digits.into();
        }
        let mut body = String::with_capacity(digits.len() + 64);
        // Writing to a String can't fail.
        let _ = write!(
            body,
            r#"{{"n":{},"value":"{digits}","digits":{}}}"#,
            index.get(),
            digits.len()
        );
        body.into()
    }
}

/// How much a list of media ranges wants a type, which is given as the ranges that match it, the most
/// specific first, since that one counts (RFC 9110, 12.5.1): the weight, and between equals the place.
fn preference(list: &str, ranges: [&str; 3]) -> Option<(u16, Reverse<usize>)> {
    let find = |wanted: &&str| {
        list.split(',').enumerate().find_map(|(place, range)| {
            let mut parts = range.split(';').map(str::trim);
            parts
                .next()
                .filter(|name| name.eq_ignore_ascii_case(wanted))
                .map(|_| (weight(parts), Reverse(place)))
        })
    };
    ranges
        .iter()
        .find_map(find)
        .filter(|(weight, _)| *weight > 0)
}

/// The parameter `q` in thousandths: one, unless it says less.
fn weight<'p>(mut parameters: impl Iterator<Item = &'p str>) -> u16 {
    let q = parameters.find_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q=")));
    let q = q.and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 1000"
    )]
    let thousandths = (q.clamp(0.0, 1.0) * 1_000.0) as u16;
    thousandths
}

/// Chunks of a sequence are about this long: few system calls, and a turn for other connections
/// in between.
const CHUNK: usize = 16 * 1024;

/// The body of a sequence, made while it is sent: `{"n":10,"sequence":["0","1",…,"55"]}`.
pub fn sequence_body(last: Index) -> impl Stream<Item = Result<Bytes, io::Error>> + Send {
    let mut values = fibonacci::sequence();
    let mut next = Some(0_u64);
    let chunks = std::iter::from_fn(move || {
        let mut i = next?;
        let mut chunk = String::with_capacity(CHUNK + 1_024);
        if i == 0 {
            let _ = write!(chunk, r#"{{"n":{},"sequence":["#, last.get());
        }
        loop {
            let value = values.next()?;
            let comma = if i == 0 { "" } else { "," };
            let _ = write!(chunk, r#"{comma}"{value}""#);
            if i == last.get() {
                chunk.push_str("]}");
                next = None;
                break;
            }
            i += 1;
            next = Some(i);
            if chunk.len() >= CHUNK {
                break;
            }
        }
        Some(Ok(Bytes::from(chunk)))
    });
    stream::iter(chunks)
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt;

    use super::*;

    fn index(n: u64) -> Index {
        Index::parse(&n.to_string(), u64::MAX).unwrap()
    }

    #[tokio::test]
    async fn a_sequence_is_one_valid_document_however_many_chunks_it_takes() {
        for n in [0, 1, 10, 500] {
            let chunks: Vec<_> = sequence_body(index(n)).map(Result::unwrap).collect().await;
            let document: serde_json::Value = serde_json::from_slice(&chunks.concat()).unwrap();
            let values = document["sequence"].as_array().unwrap();
            assert_eq!(document["n"], n);
            assert_eq!(values.len() as u64, n + 1);
            if n == 500 {
                assert!(chunks.len() > 1);
            }
            for w in values.windows(3) {
                let [a, b, c] = [0, 1, 2].map(|i| {
                    w[i].as_str()
                        .unwrap()
                        .parse::<malachite::Natural>()
                        .unwrap()
                });
                assert_eq!(a + b, c);
            }
        }
    }

    #[test]
    fn the_accept_header_chooses_by_weight_and_then_by_order() {
        use Format::{Json, Text};
        assert_eq!(Format::accepted(None), Json);
        for (accept, wanted) in [
            ("", Json),
            ("*/*", Json),
            ("text/html, application/xml", Json),
            ("text/plain", Text),
            ("TEXT/PLAIN; charset=utf-8", Text),
            ("text/*", Text),
            ("text/plain, */*", Text),
            ("application/json, text/plain, */*", Json),
            ("text/plain, application/json", Text),
            ("application/json;q=0.1, text/plain", Text),
            ("text/plain;q=0.9, application/json", Json),
            ("text/plain;q=0, */*;q=0.1", Json),
            ("text/plain;q=0", Json),
            ("text/plain;q=nonsense", Text),
        ] {
            assert_eq!(Format::accepted(Some(accept)), wanted, "{accept:?}");
        }
    }
}

//! How an answer looks: the contract with clients.

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
    /// The first of the forms that an `Accept` header names; JSON when it names neither.
    pub fn accepted(accept: Option<&str>) -> Self {
        accept
            .into_iter()
            .flat_map(|list| list.split(','))
            .map(|range| range.split(';').next().unwrap_or_default().trim())
            .find_map(|media| match media {
                "application/json" | "application/*" | "*/*" => Some(Self::Json),
                "text/plain" | "text/*" => Some(Self::Text),
                _ => None,
            })
            .unwrap_or(Self::Json)
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
    fn the_accept_header_chooses_text_only_when_it_stands_first() {
        assert_eq!(Format::accepted(None), Format::Json);
        assert_eq!(Format::accepted(Some("*/*")), Format::Json);
        assert_eq!(Format::accepted(Some("text/plain")), Format::Text);
        assert_eq!(
            Format::accepted(Some("text/plain;q=0.9, application/json")),
            Format::Text
        );
        assert_eq!(
            Format::accepted(Some("text/html, application/json")),
            Format::Json
        );
    }
}

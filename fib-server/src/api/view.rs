//! How an answer looks: the contract with clients.

use std::cmp::Reverse;
use std::collections::VecDeque;

use bytes::Bytes;
use fib_numbers::Index;

use crate::admission::{Kind, Work};
use crate::cancel::{Cancel, Stopped};
use crate::digits;
use crate::memory::Reservation;

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

    /// What is computed for it.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Json | Self::Text => Kind::Decimal,
            Self::Hex => Kind::Hex,
        }
    }

    /// The body's parts around the digits.
    fn frame(self, index: Index, digits: u64) -> (String, String) {
        match self {
            Self::Json => (
                format!(r#"{{"n":{},"value":""#, index.get()),
                format!(r#"","digits":{digits}}}"#),
            ),
            Self::Text | Self::Hex => (String::new(), String::new()),
        }
    }

    /// The length of the body, without computing it; `None` where that can't be told.
    pub fn length(self, index: Index) -> Option<u64> {
        let digits = match self {
            Self::Json | Self::Text => digits::decimal(index.get()),
            Self::Hex => digits::hexadecimal(index.get()),
        }?;
        let (before, after) = self.frame(index, digits);
        Some(digits + (before.len() + after.len()) as u64)
    }

    /// The body for the digits of F(n), in pieces that take their part of a reservation with them.
    pub fn body(self, index: Index, digits: &[u8], mut held: Reservation) -> VecDeque<Bytes> {
        let (before, after) = self.frame(index, digits.len() as u64);
        let length = before.len() + digits.len() + after.len();
        let mut pieces = VecDeque::with_capacity(length / CHUNK + 1);
        let mut piece = Vec::with_capacity(length.min(CHUNK));
        for mut part in [before.as_bytes(), digits, after.as_bytes()] {
            while !part.is_empty() {
                if piece.len() == CHUNK {
                    let full = std::mem::replace(&mut piece, Vec::with_capacity(CHUNK));
                    pieces.push_back(held.split(CHUNK as u64).keep_for(full));
                }
                let (now, later) = part.split_at(part.len().min(CHUNK - piece.len()));
                piece.extend_from_slice(now);
                part = later;
            }
        }
        // The last piece keeps what is left, for what the kernel holds meanwhile.
        pieces.push_back(held.keep_for(piece));
        pieces
    }
}

/// What an answer of this length takes in memory until it is read: itself, and what the kernel holds of a
/// long one.
pub fn memory(length: u64) -> u64 {
    if length > CHUNK as u64 {
        length + IN_KERNEL
    } else {
        length
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

/// Answers are sent in pieces of about this length: few system calls, a turn for other connections in
/// between, and little memory for a client that does not read.
const CHUNK: usize = 16 * 1024;

/// What the kernel holds of an answer at most: its send buffer, as `serve` sets it.
const IN_KERNEL: u64 = 32 * 1024;

/// What a sequence takes in memory while it is sent: two pieces, and what the kernel holds.
pub const SEQUENCE_MEMORY: u64 = 2 * CHUNK as u64 + IN_KERNEL;

/// The length of a sequence's body, without computing it; `None` for a very long one.
pub fn sequence_length(last: Index) -> Option<u64> {
    let n = last.get();
    let digits = digits::of_sequence(n)?;
    let frame = format!(r#"{{"n":{n},"sequence":[]}}"#).len() as u64;
    // Two quotes around each number, and a comma between two.
    Some(frame + digits + 2 * (n + 1) + n)
}

/// A sequence that is written piece by piece: `{"n":10,"sequence":["0","1",…,"55"]}`.
pub struct Sequence {
    values: fib_numbers::Sequence,
    next: u64,
    last: u64,
}

impl Sequence {
    /// F(0) to F(last).
    pub fn up_to(last: Index) -> Self {
        Self {
            values: fib_numbers::Sequence::default(),
            next: 0,
            last: last.get(),
        }
    }

    /// Whether all of it was written.
    pub fn is_done(&self) -> bool {
        self.next > self.last
    }

    /// What the next piece computes.
    pub fn next_part(&self) -> Work {
        let mut length = 0;
        let mut to = self.next;
        while to < self.last {
            length += digits::about(to) + 3;
            if length >= CHUNK as u64 {
                break;
            }
            to += 1;
        }
        Work {
            kind: Kind::Sequence,
            from: self.next,
            to,
        }
    }

    /// Writes the next piece, up to an index.
    pub fn write(&mut self, to: u64, cancel: &Cancel) -> Result<Bytes, Stopped> {
        let mut piece = Vec::with_capacity(CHUNK + 1_024);
        if self.next == 0 {
            piece.extend_from_slice(format!(r#"{{"n":{},"sequence":["#, self.last).as_bytes());
        }
        while self.next <= to {
            cancel.check()?;
            piece.extend_from_slice(if self.next == 0 { b"\"" } else { b",\"" });
            self.values.write_next(&mut piece);
            piece.push(b'"');
            self.next += 1;
        }
        if self.is_done() {
            piece.extend_from_slice(b"]}");
        }
        Ok(piece.into())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use malachite::Natural;

    use super::*;
    use crate::memory::{Account, Budget};

    fn index(n: u64) -> Index {
        Index::parse(&n.to_string(), u64::MAX).unwrap()
    }

    fn patient() -> Cancel {
        Cancel::until(Instant::now() + Duration::from_mins(10))
    }

    fn pieces(n: u64) -> Vec<Bytes> {
        let mut sequence = Sequence::up_to(index(n));
        let mut pieces = Vec::new();
        while !sequence.is_done() {
            let to = sequence.next_part().to;
            pieces.push(sequence.write(to, &patient()).unwrap());
        }
        pieces
    }

    #[test]
    fn a_sequence_is_one_valid_document_however_many_pieces_it_takes() {
        for n in [0, 1, 10, 500] {
            let pieces = pieces(n);
            let document: serde_json::Value = serde_json::from_slice(&pieces.concat()).unwrap();
            let values = document["sequence"].as_array().unwrap();
            assert_eq!(document["n"], n);
            assert_eq!(values.len() as u64, n + 1);
            if n == 500 {
                assert!(pieces.len() > 1);
            }
            for w in values.windows(3) {
                let [a, b, c] =
                    [0, 1, 2].map(|i| w[i].as_str().unwrap().parse::<Natural>().unwrap());
                assert_eq!(a + b, c);
            }
        }
    }

    #[test]
    fn the_length_of_an_answer_is_known_before_it_is_computed() {
        for n in [0, 1, 9, 10, 99, 100, 1_500] {
            let length = pieces(n).iter().map(Bytes::len).sum::<usize>() as u64;
            assert_eq!(sequence_length(index(n)), Some(length), "{n}");
        }
        for (n, digits) in [(0, "0"), (7, "13"), (90, "2880067194370816120")] {
            for format in [Format::Json, Format::Text] {
                let (budget, account) = budget();
                let held = budget.reserve(&account, 100).unwrap();
                let body = format.body(index(n), digits.as_bytes(), held);
                let length = body.iter().map(Bytes::len).sum::<usize>() as u64;
                assert_eq!(format.length(index(n)), Some(length), "{n}");
            }
        }
    }

    fn budget() -> (Arc<Budget>, Arc<Account>) {
        let gauge = prometheus::IntGauge::new("held", "held").unwrap();
        (Arc::new(Budget::new(10_000_000, gauge)), Arc::default())
    }

    #[test]
    fn a_long_answer_gives_its_memory_back_piece_by_piece() {
        let (budget, account) = budget();
        let digits = "7".repeat(100_000);
        let held = budget.reserve(&account, memory(100_000)).unwrap();
        let mut body = Format::Text.body(index(1), digits.as_bytes(), held);
        assert_eq!(body.iter().flatten().count(), 100_000);
        let mut before = budget.held();
        while let Some(piece) = body.pop_front() {
            drop(piece);
            assert!(budget.held() < before);
            before = budget.held();
        }
        assert_eq!(before, 0);
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

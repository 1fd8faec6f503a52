//! The form of an answer: the contract with clients.

pub mod coding;
pub(crate) mod small;

use std::cmp::Reverse;
use std::collections::VecDeque;

use bytes::Bytes;
use fib_numbers::Index;

use crate::admission::{Kind, Work};
use crate::cancel::{Cancel, Stopped};
use crate::digits;
use crate::memory::Reservation;
use coding::{Coding, Compressor};

/// The format of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `{"n":90,"value":"2880067194370816120","digits":19}`
    Json,
    /// Only the decimal digits.
    Text,
    /// Only the hexadecimal digits.
    Hex,
}

/// A content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `application/json`
    Json,
    /// `text/plain`
    Text,
}

impl MediaType {
    /// The header's value.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

impl Format {
    /// The format that an `Accept` header prefers: by weight, then by order. JSON if it accepts neither.
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
    pub const fn media_type(self) -> MediaType {
        match self {
            Self::Json => MediaType::Json,
            Self::Text | Self::Hex => MediaType::Text,
        }
    }

    /// The entity tag of a number, known before it is computed: F(n) is constant, so index and format say
    /// everything.
    pub fn tag(self, index: Index, coding: Coding) -> String {
        let mut n = itoa::Buffer::new();
        let n = n.format(index.get());
        ["\"", n, "-", self.as_str(), coding.suffix(), "\""].concat()
    }

    /// The word in an entity tag.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
            Self::Hex => "hex",
        }
    }

    /// The kind of computation it needs.
    pub const fn kind(self) -> Kind {
        match self {
            Self::Json | Self::Text => Kind::Decimal,
            Self::Hex => Kind::Hex,
        }
    }

    /// The body's parts: the digits and the text around them.
    fn parts<'p>(self, n: &'p str, digits: &'p [u8], count: &'p str) -> [&'p [u8]; 7] {
        let (n, count) = (n.as_bytes(), count.as_bytes());
        match self {
            Self::Json => [
                br#"{"n":"#,
                n,
                br#","value":""#,
                digits,
                br#"","digits":"#,
                count,
                b"}",
            ],
            Self::Text | Self::Hex => [b"", b"", b"", digits, b"", b"", b""],
        }
    }

    /// The length of the body, without computing it; `None` if that is unknown.
    pub fn length(self, index: Index) -> Option<u64> {
        let digits = match self {
            Self::Json | Self::Text => digits::decimal(index.get()),
            Self::Hex => digits::hexadecimal(index.get()),
        }?;
        let (mut n, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
        let frame = self.parts(n.format(index.get()), b"", count.format(digits));
        let around: usize = frame.iter().map(|part| part.len()).sum();
        Some(digits + around as u64)
    }

    /// The whole body for a small F(n).
    pub fn body_of(self, index: Index, value: u128) -> Vec<u8> {
        match self {
            Self::Json | Self::Text => {
                self.body_with(index, itoa::Buffer::new().format(value).as_bytes())
            }
            Self::Hex => format!("{value:x}").into_bytes(),
        }
    }

    /// The whole body with the digits of F(n).
    pub fn body_with(self, index: Index, digits: &[u8]) -> Vec<u8> {
        let (mut n, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
        self.parts(n.format(index.get()), digits, count.format(digits.len()))
            .concat()
    }

    /// The body for the digits of F(n), in pieces that each hold their part of a reservation.
    pub fn body(
        self,
        index: Index,
        digits: Vec<u8>,
        coding: Coding,
        held: Reservation,
        cancel: &Cancel,
    ) -> Result<VecDeque<Bytes>, Stopped> {
        let (mut n, mut count) = (itoa::Buffer::new(), itoa::Buffer::new());
        let parts = self.parts(n.format(index.get()), &digits, count.format(digits.len()));
        if coding == Coding::Identity {
            return Ok(pieces(&parts, held));
        }
        let mut compressor = Compressor::new();
        for part in parts {
            compressor.feed(part, cancel)?;
        }
        Ok(pieces(&[&compressor.finish()], held))
    }
}

/// An answer's parts as pieces of equal length.
fn pieces(parts: &[&[u8]], mut held: Reservation) -> VecDeque<Bytes> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut pieces = VecDeque::with_capacity(length / CHUNK + 1);
    let mut piece = Vec::with_capacity(length.min(CHUNK));
    for mut part in parts.iter().copied() {
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
    // The last piece holds the rest, for what the kernel buffers.
    pieces.push_back(held.keep_for(piece));
    pieces
}

/// The memory for an answer of this length until it is read: itself, and what the kernel buffers of a long one.
pub fn memory(length: u64) -> u64 {
    if length > CHUNK as u64 {
        length + IN_KERNEL
    } else {
        length
    }
}

/// How much a list of media ranges prefers a type, which is given as the ranges that match it, most specific
/// first, since that one counts (RFC 9110, 12.5.1): the weight, and between equals the position.
fn preference(list: &str, ranges: [&str; 3]) -> Option<(u16, Reverse<usize>)> {
    ranges
        .iter()
        .find_map(|range| find(list, range))
        .filter(|(weight, _)| *weight > 0)
}

/// The weight of a list member, if it is in the list.
fn weight_of(list: &str, wanted: &str) -> Option<u16> {
    find(list, wanted).map(|(weight, _)| weight)
}

/// How many list members are read. Browsers send about ten; thousands would take milliseconds.
const MEMBERS: usize = 64;

fn find(list: &str, wanted: &str) -> Option<(u16, Reverse<usize>)> {
    let mut members = list.split(',').take(MEMBERS).enumerate();
    members.find_map(|(place, member)| {
        let mut parts = member.split(';').map(str::trim);
        parts
            .next()
            .filter(|name| name.eq_ignore_ascii_case(wanted))
            .map(|_| (weight(parts), Reverse(place)))
    })
}

/// The parameter `q` in thousandths; 1 if missing.
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

/// Answers are sent in pieces of about this length: few system calls, a turn for other connections in between,
/// and little memory for a client that does not read.
const CHUNK: usize = 16 * 1024;

/// The most that the kernel buffers of an answer: its send buffer, as set by `serve`.
const IN_KERNEL: u64 = 32 * 1024;

/// The memory of a sequence while it is sent: two pieces, what the kernel buffers, and the compressor if there
/// is one.
pub fn sequence_memory(coding: Coding) -> u64 {
    let compressor = match coding {
        Coding::Identity => 0,
        Coding::Gzip => coding::COMPRESSOR,
    };
    2 * CHUNK as u64 + IN_KERNEL + compressor
}

/// The length of a sequence's body, without computing it; `None` for a very long one.
pub fn sequence_length(last: Index) -> Option<u64> {
    let n = last.get();
    let digits = digits::of_sequence(n)?;
    let frame = format!(r#"{{"n":{n},"sequence":[]}}"#).len() as u64;
    // Two quotes around each number, and a comma between two.
    Some(frame + digits + 2 * (n + 1) + n)
}

/// The entity tag of a sequence.
pub fn sequence_tag(last: Index, coding: Coding) -> String {
    format!("\"0..{}-json{}\"", last.get(), coding.suffix())
}

/// A sequence that is written piece by piece: `{"n":10,"sequence":["0","1",…,"55"]}`.
pub struct SequenceBody {
    values: fib_numbers::Sequence,
    next: u64,
    last: u64,
    compressor: Option<Compressor>,
}

impl SequenceBody {
    /// F(0) to F(last).
    pub fn up_to(last: Index, coding: Coding) -> Self {
        Self {
            values: fib_numbers::Sequence::default(),
            next: 0,
            last: last.get(),
            compressor: (coding == Coding::Gzip).then(Compressor::new),
        }
    }

    /// The whole sequence, for a short one.
    pub fn whole(mut self) -> Vec<u8> {
        let mut all = Vec::new();
        while !self.is_done() {
            self.write_next(&mut all);
        }
        all
    }

    /// Whether everything was written.
    pub fn is_done(&self) -> bool {
        self.next > self.last
    }

    /// The work for the next piece.
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
        while self.next <= to {
            cancel.check()?;
            self.write_next(&mut piece);
        }
        let Some(compressor) = &mut self.compressor else {
            return Ok(piece.into());
        };
        compressor.feed(&piece, cancel)?;
        let mut small = compressor.take();
        if self.is_done()
            && let Some(compressor) = self.compressor.take()
        {
            small.extend(compressor.finish());
        }
        Ok(small.into())
    }

    /// Writes one number, with the text before the first and after the last.
    fn write_next(&mut self, piece: &mut Vec<u8>) {
        if self.next == 0 {
            let mut n = itoa::Buffer::new();
            let n = n.format(self.last).as_bytes();
            piece.extend_from_slice(&[br#"{"n":"#, n, br#","sequence":[""#].concat());
        } else {
            piece.extend_from_slice(b",\"");
        }
        self.values.write_next(piece);
        piece.push(b'"');
        self.next += 1;
        if self.is_done() {
            piece.extend_from_slice(b"]}");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
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

    fn sequence_in(n: u64, coding: Coding) -> Vec<Bytes> {
        let mut sequence = SequenceBody::up_to(index(n), coding);
        let mut pieces = Vec::new();
        while !sequence.is_done() {
            let to = sequence.next_part().to;
            pieces.push(sequence.write(to, &patient()).unwrap());
        }
        pieces
    }

    #[test]
    fn a_sequence_is_one_valid_document_in_any_number_of_pieces() {
        for n in [0, 1, 10, 500] {
            let pieces = sequence_in(n, Coding::Identity);
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
    fn compressed_pieces_are_one_stream_that_can_be_decoded_piece_by_piece() {
        let plain = sequence_in(500, Coding::Identity);
        let small = sequence_in(500, Coding::Gzip);
        assert_eq!(small.len(), plain.len());
        let mut decoder = flate2::write::GzDecoder::new(Vec::new());
        for (count, piece) in small.iter().enumerate() {
            decoder.write_all(piece).unwrap();
            decoder.flush().unwrap();
            assert_eq!(*decoder.get_ref(), plain[..=count].concat());
        }
        assert!(small.concat().len() * 2 < plain.concat().len());
        decoder.finish().unwrap();
    }

    #[test]
    fn the_length_of_an_answer_is_known_before_it_is_computed() {
        for n in [0, 1, 9, 10, 99, 100, 1_500] {
            let length = sequence_in(n, Coding::Identity)
                .iter()
                .map(Bytes::len)
                .sum::<usize>() as u64;
            assert_eq!(sequence_length(index(n)), Some(length), "{n}");
        }
        for (n, digits) in [(0, "0"), (7, "13"), (90, "2880067194370816120")] {
            for format in [Format::Json, Format::Text] {
                let held = Account::of(&budget()).reserve(100).unwrap();
                let body = format
                    .body(index(n), digits.into(), Coding::Identity, held, &patient())
                    .unwrap();
                let length = body.iter().map(Bytes::len).sum::<usize>() as u64;
                assert_eq!(format.length(index(n)), Some(length), "{n}");
                let at_once = format.body_of(index(n), digits.parse().unwrap());
                assert_eq!(at_once, body.iter().flatten().copied().collect::<Vec<u8>>());
            }
        }
    }

    fn budget() -> Arc<Budget> {
        let gauge = prometheus::IntGauge::new("held", "held").unwrap();
        Arc::new(Budget::new(10_000_000, gauge))
    }

    #[test]
    fn a_long_answer_releases_its_memory_piece_by_piece() {
        let budget = budget();
        let digits = "7".repeat(100_000);
        let held = Account::of(&budget).reserve(memory(100_000)).unwrap();
        let mut body = Format::Text
            .body(index(1), digits.into(), Coding::Identity, held, &patient())
            .unwrap();
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

    #[test]
    fn a_list_of_thousands_of_media_ranges_is_read_only_as_far_as_any_client_needs() {
        let after = |others: usize| format!("{}text/plain", "a/b,".repeat(others));
        assert_eq!(Format::accepted(Some(&after(MEMBERS - 1))), Format::Text);
        assert_eq!(Format::accepted(Some(&after(MEMBERS))), Format::Json);
    }
}

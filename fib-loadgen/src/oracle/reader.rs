//! Reads one JSON answer as it arrives and says at its end whether it proves F(n); memory stays flat.

use super::{MODULUS, digits, mul, residue};

/// Eighteen digits are the most that are sure to fit below 2^61.
const GROUP: u32 = 18;

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Not of the form `{"n":90,"value":"2880067194370816120","digits":19}`, or another `n`.
    Format,
    /// The body ends in the middle.
    Truncated,
    /// The value is not F(n).
    Value,
    /// The value has another number of digits than F(n), or `digits` says so.
    Digits,
}

/// Where in the answer the next byte belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// At this byte of the head, `{"n":90,"value":"`.
    Head(usize),
    /// In the digits of the value.
    Value,
    /// At this byte of the tail, `","digits":19}`; its first byte ended the value.
    Tail(usize),
}

/// A strict reader of one answer to `n`.
#[derive(Debug)]
pub struct Reader {
    n: u32,
    head: String,
    tail: String,
    part: Part,
    count: u64,
    residue: u64,
    group: u64,
    group_len: u32,
    leading_zero: bool,
    flaw: Option<Flaw>,
    prove: bool,
}

impl Reader {
    /// A reader that proves the answer to `n`, or, unless `prove`, checks all but the value's residue.
    pub fn new(n: u32, prove: bool) -> Self {
        Self {
            n,
            head: format!("{{\"n\":{n},\"value\":\""),
            tail: format!("\",\"digits\":{}}}", digits(n)),
            part: Part::Head(0),
            count: 0,
            residue: 0,
            group: 0,
            group_len: 0,
            leading_zero: false,
            flaw: None,
            prove,
        }
    }

    /// Takes the next bytes of the body.
    pub fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.flaw.is_none() {
            bytes = match self.part {
                Part::Head(at) => self.literal(at, bytes),
                Part::Value => self.value(bytes),
                Part::Tail(at) => self.literal(at, bytes),
            };
        }
    }

    /// Judges the whole body.
    pub fn finish(mut self) -> Result<(), Flaw> {
        if let Some(flaw) = self.flaw {
            return Err(flaw);
        }
        if self.part != Part::Tail(self.tail.len()) {
            return Err(Flaw::Truncated);
        }
        self.close_group();
        if self.count != digits(self.n) {
            return Err(Flaw::Digits);
        }
        // F(0) = 0 is the one value that starts with a zero.
        if self.leading_zero && self.n != 0 {
            return Err(Flaw::Format);
        }
        if self.prove && self.residue != residue(self.n) {
            return Err(Flaw::Value);
        }
        Ok(())
    }

    fn literal<'a>(&mut self, at: usize, bytes: &'a [u8]) -> &'a [u8] {
        let tail = matches!(self.part, Part::Tail(_));
        let expected = if tail {
            self.tail.as_bytes()
        } else {
            self.head.as_bytes()
        };
        let take = bytes.len().min(expected.len() - at);
        if take == 0 || bytes[..take] != expected[at..at + take] {
            // Past `","digits":` only the number can differ, and then it is the number that is wrong.
            let number_from = "\",\"digits\":".len();
            let same = bytes
                .iter()
                .zip(&expected[at..])
                .take_while(|(a, b)| a == b)
                .count();
            let in_number = tail && take > 0 && at + same >= number_from;
            self.flaw = Some(if in_number {
                Flaw::Digits
            } else {
                Flaw::Format
            });
            return &[];
        }
        let done = at + take;
        self.part = match (tail, done == expected.len()) {
            (false, true) => Part::Value,
            (false, false) => Part::Head(done),
            (true, _) => Part::Tail(done),
        };
        &bytes[take..]
    }

    fn value<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let end = bytes.iter().position(|byte| !byte.is_ascii_digit());
        let (run, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
        if self.count == 0 && run.first() == Some(&b'0') {
            self.leading_zero = true;
        }
        self.count += run.len() as u64;
        if self.prove {
            self.reduce(run);
        }
        if end.is_some() {
            self.part = Part::Tail(0);
        }
        rest
    }

    fn reduce(&mut self, mut run: &[u8]) {
        while !run.is_empty() {
            let take = run.len().min((GROUP - self.group_len) as usize);
            let (now, later) = run.split_at(take);
            for digit in now {
                self.group = self.group * 10 + u64::from(digit - b'0');
                self.group_len += 1;
            }
            if self.group_len == GROUP {
                self.close_group();
            }
            run = later;
        }
    }

    fn close_group(&mut self) {
        let shifted = mul(self.residue, 10_u64.pow(self.group_len) % MODULUS);
        self.residue = super::add(shifted, self.group);
        self.group = 0;
        self.group_len = 0;
    }
}

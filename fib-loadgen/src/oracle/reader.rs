//! Reads one JSON answer as it arrives and decides at its end whether it proves F(n), in constant memory.

use super::facts::{digits, residue};
use super::field::Field;

/// How many digits are collected before they are added to the residue: 10^16 is below every drawn prime.
const GROUP: u32 = 16;

/// What is wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Not of the form `{"n":90,"value":"2880067194370816120","digits":19}`, or another `n`.
    Format,
    /// The body ends in the middle.
    Truncated,
    /// The value is not F(n).
    Value,
    /// The value has a different number of digits than F(n), or `digits` claims so.
    Digits,
}

/// The correct answer to one `n`.
#[derive(Debug, Clone)]
pub struct Expected {
    n: u32,
    field: Field,
    head: String,
    tail: String,
    digits: u64,
    residue: u64,
    /// 10^16 with the field's factor.
    shift: u64,
}

impl Expected {
    /// Computes it; a user that requests the same `n` again reuses it.
    pub fn new(field: &Field, n: u32) -> Self {
        let digits = digits(n);
        Self {
            n,
            field: *field,
            head: format!("{{\"n\":{n},\"value\":\""),
            tail: format!("\",\"digits\":{digits}}}"),
            digits,
            residue: residue(field, n),
            shift: field.scaled(10_u64.pow(GROUP)),
        }
    }

    /// The index.
    pub fn n(&self) -> u32 {
        self.n
    }
}

/// The position of the next byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// At this byte of the head, `{"n":90,"value":"`.
    Head(usize),
    /// Among the digits of the value.
    Value,
    /// At this byte of the tail, `","digits":19}`; its first byte ended the value.
    Tail(usize),
}

/// A strict reader of one answer.
#[derive(Debug)]
pub struct Reader<'a> {
    expected: &'a Expected,
    part: Part,
    count: u64,
    residue: u64,
    group: u64,
    group_len: u32,
    leading_zero: bool,
    flaw: Option<Flaw>,
    prove: bool,
}

impl<'a> Reader<'a> {
    /// A reader that verifies the answer, or, without `prove`, checks everything except the value's residue.
    pub fn new(expected: &'a Expected, prove: bool) -> Self {
        Self {
            expected,
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

    /// Reads the next bytes of the body.
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
        let expected = self.expected;
        if let Some(flaw) = self.flaw {
            return Err(flaw);
        }
        if self.part != Part::Tail(expected.tail.len()) {
            return Err(Flaw::Truncated);
        }
        self.close_group();
        if self.count != expected.digits {
            return Err(Flaw::Digits);
        }
        // F(0) = 0 is the one value that starts with a zero.
        if self.leading_zero && expected.n != 0 {
            return Err(Flaw::Format);
        }
        if self.prove && self.residue != expected.residue {
            return Err(Flaw::Value);
        }
        Ok(())
    }

    fn literal<'b>(&mut self, at: usize, bytes: &'b [u8]) -> &'b [u8] {
        let tail = matches!(self.part, Part::Tail(_));
        let expected = if tail {
            self.expected.tail.as_bytes()
        } else {
            self.expected.head.as_bytes()
        };
        let take = bytes.len().min(expected.len() - at);
        if take == 0 || bytes[..take] != expected[at..at + take] {
            // After `","digits":` only the number can differ, so it is the number that is wrong.
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

    fn value<'b>(&mut self, mut bytes: &'b [u8]) -> &'b [u8] {
        if self.count == 0 && self.group_len == 0 && bytes.first() == Some(&b'0') {
            self.leading_zero = true;
        }
        loop {
            if self.group_len <= GROUP - 8
                && let Some((eight, rest)) = bytes.split_first_chunk()
                && let Some(number) = eight_digits(*eight)
            {
                self.group = self.group * 100_000_000 + number;
                self.group_len += 8;
                bytes = rest;
            } else if let Some((digit, rest)) = bytes.split_first()
                && digit.is_ascii_digit()
            {
                self.group = self.group * 10 + u64::from(digit - b'0');
                self.group_len += 1;
                bytes = rest;
            } else {
                if !bytes.is_empty() {
                    self.part = Part::Tail(0);
                }
                return bytes;
            }
            if self.group_len == GROUP {
                self.take_group(self.expected.shift);
            }
        }
    }

    /// Adds the digits read so far to the residue; `shift` is 10 to their number, with the field's factor.
    fn take_group(&mut self, shift: u64) {
        let field = &self.expected.field;
        self.count += u64::from(self.group_len);
        if self.prove {
            self.residue = field.add(field.mul(self.residue, shift), self.group);
        }
        self.group = 0;
        self.group_len = 0;
    }

    fn close_group(&mut self) {
        let shift = self.expected.field.scaled(10_u64.pow(self.group_len));
        self.take_group(shift);
    }
}

/// The number made of eight digits, computed at once: three multiplications instead of eight (Lemire, "Quickly
/// parsing eight digits", 2018). `None` if one is not a digit.
fn eight_digits(bytes: [u8; 8]) -> Option<u64> {
    let text = u64::from_le_bytes(bytes);
    // The high half of each byte is 3, even after 6 was added to the low half.
    let high = text & 0xf0f0_f0f0_f0f0_f0f0;
    let carried = text.wrapping_add(0x0606_0606_0606_0606) & 0xf0f0_f0f0_f0f0_f0f0;
    if high | carried >> 4 != 0x3333_3333_3333_3333 {
        return None;
    }
    let digits = text - 0x3030_3030_3030_3030;
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8);
    let low = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(0x000f_4240_0000_0064);
    let rest = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(0x0000_2710_0000_0001);
    Some(low.wrapping_add(rest) >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_digits_at_once_equal_eight_digits_one_by_one_and_nothing_else_is_accepted() {
        for number in [
            0_u64, 1, 10_203_040, 12_345_678, 87_654_321, 99_999_999, 90_909_090,
        ] {
            let text: [u8; 8] = format!("{number:08}").into_bytes().try_into().unwrap();
            assert_eq!(eight_digits(text), Some(number));
            for at in 0..8 {
                for byte in (0..=255_u8).filter(|byte| !byte.is_ascii_digit()) {
                    let mut wrong = text;
                    wrong[at] = byte;
                    assert_eq!(eight_digits(wrong), None, "{wrong:?}");
                }
            }
        }
    }
}

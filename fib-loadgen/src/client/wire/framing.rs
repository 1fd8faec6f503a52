//! Where the body of an answer ends.

/// The rest of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// Nothing.
    None,
    /// This many bytes.
    Length(u64),
    /// Chunks (RFC 9112, section 7.1).
    Chunked(Part),
    /// All until the server closes the connection.
    ToTheEnd,
}

/// A position within chunked encoding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// In the size of the next chunk, with whether it has a digit yet.
    Size(u64, bool),
    /// After the size, up to the end of its line.
    Extension(u64),
    /// This many bytes of the chunk are left.
    Data(u64),
    /// In the line end after a chunk.
    Gap,
    /// In the lines after the last chunk: bytes in all of them, and in this one.
    Trailers(u32, u32),
}

/// The longest trailers: hyper's limit.
const LONGEST_TRAILERS: u32 = 16 * 1024;

impl Framing {
    pub(super) fn chunked() -> Self {
        Self::Chunked(Part::Size(0, false))
    }

    pub(super) fn is_over(self) -> bool {
        self == Self::None
    }

    /// What is missing if the connection ends here.
    pub(super) fn cut_off(self) -> Option<&'static str> {
        match self {
            Self::None | Self::ToTheEnd => None,
            Self::Length(_) => Some("end of file before message length reached"),
            Self::Chunked(Part::Data(_)) => Some("unexpected EOF in a chunk"),
            Self::Chunked(_) => Some("unexpected EOF during chunk size line"),
        }
    }

    /// Extracts the body from the read bytes, piece by piece, until `take` needs no more; returns how many
    /// bytes were used.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        mut take: impl FnMut(&[u8]) -> bool,
    ) -> Result<usize, &'static str> {
        let mut used = 0;
        while used < bytes.len() {
            let rest = &bytes[used..];
            match self {
                Self::None => break,
                Self::ToTheEnd => {
                    take(rest);
                    return Ok(bytes.len());
                }
                Self::Length(left) | Self::Chunked(Part::Data(left)) => {
                    let here =
                        usize::try_from(*left).map_or(rest.len(), |left| left.min(rest.len()));
                    *left -= here as u64;
                    used += here;
                    let more = take(&rest[..here]);
                    self.step();
                    if !more {
                        break;
                    }
                }
                Self::Chunked(part) => {
                    used += 1;
                    match part.next(rest[0])? {
                        Some(next) => *part = next,
                        None => *self = Self::None,
                    }
                }
            }
        }
        Ok(used)
    }

    /// The state after the last byte of a length.
    fn step(&mut self) {
        match self {
            Self::Length(0) => *self = Self::None,
            Self::Chunked(part @ Part::Data(0)) => *part = Part::Gap,
            _ => {}
        }
    }
}

impl Part {
    /// Consumes one byte between data; `None` at the end of the body.
    fn next(self, byte: u8) -> Result<Option<Self>, &'static str> {
        let next = match (self, byte) {
            (Self::Size(size, _), b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                let larger = size
                    .checked_mul(16)
                    .and_then(|size| size.checked_add(digit.into()));
                Self::Size(larger.ok_or("Invalid chunk size: it is too large")?, true)
            }
            (Self::Size(_, false), _) => return Err("Invalid chunk size line: missing size digit"),
            (Self::Size(0, true) | Self::Extension(0), b'\n') => Self::Trailers(0, 0),
            (Self::Size(size, true) | Self::Extension(size), b'\n') => Self::Data(size),
            (Self::Size(size, true), b'\r' | b' ' | b'\t' | b';') => Self::Extension(size),
            (Self::Size(..), _) => return Err("Invalid chunk size line"),
            (Self::Extension(size), _) => Self::Extension(size),
            (Self::Gap, b'\n') => Self::Size(0, false),
            (Self::Gap, b'\r') => Self::Gap,
            (Self::Gap, _) => return Err("Invalid chunk body: no line end after it"),
            (Self::Trailers(_, 0), b'\n') => return Ok(None),
            (Self::Trailers(all, _), b'\n') => Self::Trailers(all + 1, 0),
            (Self::Trailers(all, line), b'\r') => Self::Trailers(all + 1, line),
            (Self::Trailers(all, line), _) if all < LONGEST_TRAILERS => {
                Self::Trailers(all + 1, line + 1)
            }
            (Self::Trailers(..), _) => return Err("chunk trailers bytes over limit"),
            // Data is not consumed byte by byte.
            (Self::Data(left), _) => Self::Data(left),
        };
        Ok(Some(next))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The body of a text that arrives in pieces of this size, the rest of the text, and the final state.
    fn read(
        mut framing: Framing,
        text: &[u8],
        piece: usize,
    ) -> Result<(String, usize, Framing), &'static str> {
        let mut body = Vec::new();
        let mut used = 0;
        for piece in text.chunks(piece) {
            used += framing.read(piece, |bytes| {
                body.extend_from_slice(bytes);
                true
            })?;
            if framing.is_over() {
                break;
            }
        }
        Ok((String::from_utf8(body).unwrap(), used, framing))
    }

    #[test]
    fn a_body_is_the_same_however_it_is_split() {
        let chunked = b"7\r\n{\"n\":90\r\nA;x=\"y\"\r\n0123456789\r\n1 \r\n}\r\n000\r\nx-sum: abc\r\ny: z\r\n\r\nnext";
        for piece in 1..chunked.len() {
            let (body, used, framing) = read(Framing::chunked(), chunked, piece).unwrap();
            assert_eq!(body, "{\"n\":900123456789}");
            assert_eq!(
                (used, framing),
                (chunked.len() - 4, Framing::None),
                "{piece}"
            );
            let (body, used, _) = read(Framing::Length(5), b"12345678", piece).unwrap();
            assert_eq!((body.as_str(), used), ("12345", 5));
        }
    }

    #[test]
    fn invalid_chunks_are_refused_and_a_truncated_one_is_detected() {
        for text in [
            "zz\r\n",
            "\r\n",
            "ffffffffffffffffff\r\n",
            "1x\r\n",
            "1\r\nab",
        ] {
            assert!(
                read(Framing::chunked(), text.as_bytes(), 100).is_err(),
                "{text}"
            );
        }
        for text in [
            "",
            "5",
            "5\r\n123",
            "5\r\n12345",
            "5\r\n12345\r\n",
            "0\r\n",
            "0\r\nx: y\r\n",
        ] {
            let (_, _, framing) = read(Framing::chunked(), text.as_bytes(), 100).unwrap();
            assert!(framing.cut_off().is_some(), "{text}");
        }
        assert!(
            read(Framing::Length(3), b"12", 9)
                .unwrap()
                .2
                .cut_off()
                .is_some()
        );
        assert!(
            read(Framing::ToTheEnd, b"12", 9)
                .unwrap()
                .2
                .cut_off()
                .is_none()
        );
    }

    #[test]
    fn the_rest_of_a_body_that_nobody_needs_is_not_read() {
        let mut framing = Framing::chunked();
        let used = framing.read(b"2\r\nab\r\n2\r\ncd\r\n", |_| false);
        assert_eq!((used, framing), (Ok(5), Framing::Chunked(Part::Gap)));
    }
}

//! Whether an answer is compressed on its way.
//!
//! Digits have 3.3 bits of information in 8, so Huffman codes alone take more than half of them away, and no search
//! for repetitions finds anything in them.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::cancel::{Cancel, Stopped};

/// A content coding (RFC 9110, 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// As it is.
    Identity,
    /// `gzip`
    Gzip,
}

impl Coding {
    /// What it adds to an entity tag.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Gzip => "-gzip",
        }
    }

    /// The coding for an `Accept-Encoding` header: gzip, where the client takes it as gladly as the plain answer.
    pub fn accepted(header: Option<&str>) -> Self {
        let Some(list) = header else {
            return Self::Identity;
        };
        let weight = |name| super::weight_of(list, name);
        let gzip = weight("gzip")
            .or_else(|| weight("x-gzip"))
            .or_else(|| weight("*"));
        let plain = weight("identity").unwrap_or_default();
        if gzip.is_some_and(|gzip| gzip > 0 && gzip >= plain) {
            Self::Gzip
        } else {
            Self::Identity
        }
    }
}

/// Compresses an answer piece by piece.
pub(super) struct Compressor(GzEncoder<Vec<u8>>);

/// What a compressor takes in memory at most: its window, its hash tables and what it has not given out yet.
pub(super) const COMPRESSOR: u64 = 384 * 1024;

/// As much is compressed between two looks at the deadline.
const STEP: usize = 256 * 1024;

impl Compressor {
    pub(super) fn new() -> Self {
        Self(GzEncoder::new(Vec::new(), Compression::fast()))
    }

    /// Compresses some more.
    pub(super) fn feed(&mut self, bytes: &[u8], cancel: &Cancel) -> Result<(), Stopped> {
        for step in bytes.chunks(STEP) {
            cancel.check()?;
            // Writing to memory does not fail.
            let _ = self.0.write_all(step);
        }
        Ok(())
    }

    /// What there is so far; a client can read all that was fed.
    pub(super) fn take(&mut self) -> Vec<u8> {
        let _ = self.0.flush();
        std::mem::take(self.0.get_mut())
    }

    /// The rest.
    pub(super) fn finish(self) -> Vec<u8> {
        self.0.finish().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_used_where_it_is_wanted_as_much_as_the_plain_answer() {
        use Coding::{Gzip, Identity};
        assert_eq!(Coding::accepted(None), Identity);
        for (header, wanted) in [
            ("", Identity),
            ("gzip", Gzip),
            ("GZIP", Gzip),
            ("x-gzip", Gzip),
            ("br, gzip;q=0.5", Gzip),
            ("*", Gzip),
            ("gzip;q=0", Identity),
            ("gzip;q=0, *", Identity),
            ("identity, gzip;q=0.5", Identity),
            ("identity;q=0.5, gzip", Gzip),
            ("deflate, br", Identity),
        ] {
            assert_eq!(Coding::accepted(Some(header)), wanted, "{header:?}");
        }
    }
}

//! Compression of answers.
//!
//! Digits have 3.3 bits of information in 8, so Huffman codes alone remove more than half of them, and
//! searching for repetitions finds nothing.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::cancel::{Cancel, Stopped};

/// A content coding (RFC 9110, 8.4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Unchanged.
    Identity,
    /// `gzip`
    Gzip,
}

impl Coding {
    /// Its suffix of an entity tag.
    pub(super) const fn suffix(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Gzip => "-gzip",
        }
    }

    /// The coding for an `Accept-Encoding` header: gzip, if the client likes it at least as much as the plain
    /// answer.
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

/// The most memory of a compressor: its window, its hash tables and its pending output.
pub(super) const COMPRESSOR: u64 = 384 * 1024;

/// How much is compressed between two checks of the deadline.
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

    /// The output so far; a client can decode everything that was fed.
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
    fn gzip_is_used_if_it_is_preferred_at_least_as_much_as_the_plain_answer() {
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

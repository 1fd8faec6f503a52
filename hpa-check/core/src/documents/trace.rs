//! A recording of a run as JSON Lines: a header, then one observation per line. It holds what was requested and
//! what was observed. It contains no credentials: secrets are removed from the command line.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};

use crate::expectation::Expectation;
use crate::observation::Observation;

/// The schema's name and version.
pub const SCHEMA: &str = "hpa-check-trace/1";

/// The first line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`SCHEMA`] for this version.
    pub schema: String,
    /// The version of the program that recorded it.
    pub version: String,
    /// What the run asserted.
    pub expectation: Expectation,
    /// The command line, without secrets; recordings of earlier versions lack it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
}

/// Writes a recording.
#[derive(Debug)]
pub struct TraceWriter<W: Write> {
    out: W,
}

impl<W: Write> TraceWriter<W> {
    /// Writes the header.
    pub fn new(out: W, expectation: &Expectation, command: Option<&str>) -> io::Result<Self> {
        let mut writer = Self { out };
        writer.line(&Header {
            schema: SCHEMA.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            expectation: expectation.clone(),
            command: command.map(str::to_owned),
        })?;
        Ok(writer)
    }

    /// Writes one observation.
    pub fn write(&mut self, observation: &Observation) -> io::Result<()> {
        self.line(observation)
    }

    /// Returns the underlying writer, flushed.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn line(&mut self, value: &impl Serialize) -> io::Result<()> {
        let mut line = serde_json::to_vec(value)?;
        line.push(b'\n');
        self.out.write_all(&line)
    }
}

/// Why a recording can't be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Reading failed.
    #[error("the trace can't be read: {0}")]
    Io(#[from] io::Error),
    /// The first line is not a header.
    #[error(
        "this is not a trace of hpa-check: its first line has to be a header with the schema \
         `{SCHEMA}`; record one with `-o trace=FILE`"
    )]
    NotATrace,
    /// It was made by a later version.
    #[error(
        "the trace has the schema `{found}`, and this program reads `{SCHEMA}`: use the version of hpa-check that recorded it"
    )]
    Version {
        /// The schema it names.
        found: String,
    },
    /// A line in the middle can't be read.
    #[error(
        "line {line} of the trace is damaged ({error}): record the run again, or cut the trace before that line"
    )]
    Damaged {
        /// The line's number, counted from 1.
        line: usize,
        /// The parser's error.
        error: serde_json::Error,
    },
}

/// Reads a recording, one observation at a time. A last line that was cut off when the recorder died is left
/// out, and [`Reader::torn`] returns true.
#[derive(Debug)]
pub struct Reader<R: BufRead> {
    input: R,
    header: Header,
    line: usize,
    torn: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    pub fn new(mut input: R) -> Result<Self, ReadError> {
        let mut first = Vec::new();
        input.read_until(b'\n', &mut first)?;
        let value: serde_json::Value =
            serde_json::from_slice(&first).map_err(|_| ReadError::NotATrace)?;
        let schema = value.get("schema").and_then(|s| s.as_str());
        let found = schema
            .filter(|s| s.starts_with("hpa-check-trace/"))
            .ok_or(ReadError::NotATrace)?;
        if found != SCHEMA {
            let found = found.to_owned();
            return Err(ReadError::Version { found });
        }
        let header =
            serde_json::from_value(value).map_err(|error| ReadError::Damaged { line: 1, error })?;
        Ok(Self {
            input,
            header,
            line: 1,
            torn: false,
        })
    }

    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Whether the last line was cut off and left out. Known once everything has been read.
    pub fn torn(&self) -> bool {
        self.torn
    }

    fn read(&mut self) -> Result<Option<Observation>, ReadError> {
        let mut line = Vec::new();
        if self.input.read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        match serde_json::from_slice(&line) {
            Ok(observation) => Ok(Some(observation)),
            Err(_) if line.last() != Some(&b'\n') => {
                self.torn = true;
                Ok(None)
            }
            Err(error) => Err(ReadError::Damaged {
                line: self.line,
                error,
            }),
        }
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Observation, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::observation::Seen;

    fn recorded(observations: usize) -> Vec<u8> {
        let mut writer = TraceWriter::new(Vec::new(), &Expectation::default(), None).unwrap();
        for _ in 0..observations {
            let (at, seen) = (Timestamp::UNIX_EPOCH, Seen::Interrupted);
            writer.write(&Observation { at, seen }).unwrap();
        }
        writer.finish().unwrap()
    }

    #[test]
    fn a_cut_off_last_line_is_left_out_and_reported() {
        let bytes = recorded(2);
        let mut reader = Reader::new(&bytes[..bytes.len() - 5]).unwrap();
        assert_eq!(reader.by_ref().flatten().count(), 1);
        assert!(reader.torn());
        let mut whole = Reader::new(bytes.as_slice()).unwrap();
        assert_eq!(whole.by_ref().flatten().count(), 2);
        assert!(!whole.torn());
    }

    #[test]
    fn a_damaged_line_in_the_middle_is_named_by_its_number() {
        let text = String::from_utf8(recorded(2)).unwrap();
        let text = text.replacen("interrupted", "nonsense", 1);
        let error = Reader::new(text.as_bytes()).unwrap().find_map(Result::err);
        assert!(matches!(error, Some(ReadError::Damaged { line: 2, .. })));
    }

    #[test]
    fn a_later_version_and_another_file_are_refused() {
        let later = r#"{"schema":"hpa-check-trace/2","version":"9"}"#;
        let error = Reader::new(later.as_bytes()).unwrap_err();
        assert!(matches!(error, ReadError::Version { found } if found == "hpa-check-trace/2"));
        for other in ["", "hello", "{}", r#"{"schema":"hpa-check/1"}"#] {
            let error = Reader::new(other.as_bytes()).unwrap_err();
            assert!(matches!(error, ReadError::NotATrace), "{other}");
        }
    }
}

//! A recording as a feed.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use hpa_check_core::documents::trace::{ReadError, Reader};
use hpa_check_core::expectation::Expectation;
use jiff::Timestamp;

use super::{Feed, Next};
use crate::failure::Failure;
use crate::notice::notice;

/// A trace, read one observation at a time.
pub(crate) struct Replay {
    path: PathBuf,
    trace: Reader<Box<dyn BufRead>>,
    now: Timestamp,
}

impl Replay {
    /// Opens the trace and reads its header; `-` is standard input.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let input: Box<dyn BufRead> = if path.as_os_str() == "-" {
            Box::new(io::stdin().lock())
        } else {
            Box::new(BufReader::new(File::open(path).map_err(|e| {
                let path = path.display();
                Failure::usage(format!(
                    "the trace `{path}` can't be opened ({e}): give a file written with -o trace="
                ))
            })?))
        };
        Ok(Self {
            trace: Reader::new(input).map_err(|e| damaged(path, &e))?,
            path: path.to_owned(),
            now: Timestamp::UNIX_EPOCH,
        })
    }

    /// What the recorded run asserted.
    pub(crate) fn expectation(&self) -> &Expectation {
        &self.trace.header().expectation
    }

    /// The command line of the recorded run; recordings of earlier versions lack it.
    pub(crate) fn command(&self) -> Option<&str> {
        self.trace.header().command.as_deref()
    }

    /// The version of the program that recorded it.
    pub(crate) fn version(&self) -> &str {
        &self.trace.header().version
    }
}

impl Feed for Replay {
    fn now(&self) -> Timestamp {
        self.now
    }

    async fn next(&mut self) -> Result<Next, Failure> {
        let Some(observation) = self.trace.next() else {
            return Ok(Next::End);
        };
        let observation = observation.map_err(|e| damaged(&self.path, &e))?;
        self.now = observation.at;
        Ok(Next::Observation(observation))
    }

    async fn close(self) {
        if self.trace.torn() {
            notice("hpa-check: the trace's last line is incomplete and was left out");
        }
    }
}

fn damaged(path: &Path, error: &ReadError) -> Failure {
    Failure::usage(format!("`{}`: {error}", path.display()))
}

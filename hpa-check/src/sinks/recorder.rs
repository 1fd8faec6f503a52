//! A trace in the making: it grows as `FILE.partial` and takes its name when the run is over.
//!
//! After a crash the `.partial` file is what was seen until then, and can be replayed.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use hpa_check_core::documents::trace::TraceWriter;
use hpa_check_core::expectation::Expectation;
use hpa_check_core::observation::Observation;

use crate::failure::Failure;
use crate::outputs::Destination;

/// Writes down every observation.
#[derive(Debug)]
pub(crate) struct Recorder(TraceWriter<Medium>);

impl Recorder {
    /// Begins the file with what the run asserts, and how the program was called.
    pub(crate) fn begin(
        destination: &Destination,
        expectation: &Expectation,
        command: Option<&str>,
    ) -> Result<Self, Failure> {
        Medium::begin(destination)
            .and_then(|medium| TraceWriter::new(medium, expectation, command))
            .map(Self)
            .map_err(|e| {
                Failure::usage(format!(
                    "the trace can't be begun ({e}): give another file with -o trace="
                ))
            })
    }

    /// Writes one observation.
    pub(crate) fn record(&mut self, observation: &Observation) -> io::Result<()> {
        self.0.write(observation)
    }

    /// Ends the file: all of it is on disk, under its own name.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.0.finish().and_then(Medium::finish)
    }
}

/// What a trace is written on.
#[derive(Debug)]
enum Medium {
    /// Each line goes out at once.
    Stdout(io::Stdout),
    /// A device or pipe.
    Device(File),
    /// A file that does not bear its name yet.
    Partial {
        /// Open for writing.
        file: File,
        /// Its name once it is whole.
        name: PathBuf,
    },
}

impl Medium {
    fn begin(destination: &Destination) -> io::Result<Self> {
        Ok(match destination {
            Destination::Stdout => Self::Stdout(io::stdout()),
            Destination::Device(path) => Self::Device(OpenOptions::new().write(true).open(path)?),
            Destination::File(path) => Self::Partial {
                file: File::create(partial(path))?,
                name: path.clone(),
            },
        })
    }

    fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut stdout) => stdout.flush(),
            Self::Device(mut file) => file.flush(),
            Self::Partial { file, name } => {
                file.sync_all()?;
                fs::rename(partial(&name), name)
            }
        }
    }
}

impl Write for Medium {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::Device(file) | Self::Partial { file, .. } => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::Device(file) | Self::Partial { file, .. } => file.flush(),
        }
    }
}

fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".partial");
    PathBuf::from(name)
}

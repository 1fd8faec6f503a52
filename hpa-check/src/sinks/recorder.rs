//! Records a trace: the file grows as `FILE.partial` and gets its final name when the run is over.
//!
//! After a crash, the `.partial` file has everything observed until then, and can be replayed.

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
    /// Starts the file with the run's assertions and the command line.
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
                    "the trace can't be started ({e}): give another file with -o trace="
                ))
            })
    }

    /// Writes one observation.
    pub(crate) fn record(&mut self, observation: &Observation) -> io::Result<()> {
        self.0.write(observation)
    }

    /// Completes the file: everything is on disk, under its final name.
    pub(crate) fn finish(self) -> io::Result<()> {
        self.0.finish().and_then(Medium::finish)
    }
}

/// Where a trace is written.
#[derive(Debug)]
enum Medium {
    /// Each line is written immediately.
    Stdout(io::Stdout),
    /// A device or pipe.
    Device(File),
    /// A file that does not have its final name yet.
    Partial {
        /// Open for writing.
        file: File,
        /// Its final name.
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

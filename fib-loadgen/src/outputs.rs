//! Places for results: checked before the run, and written at its end or line by line.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::exit::Failure;

mod lines;
pub mod store;

pub use lines::{Cut, Lines};

/// What to show during a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Ui {
    /// The screen on a terminal, else lines
    #[default]
    Auto,
    /// A small screen, redrawn in place
    Tui,
    /// A line every ten seconds
    Line,
    /// Only errors
    None,
}

/// A result format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// The whole document.
    Json,
    /// The whole document as lines that are safe in a log.
    Log,
    /// One object per second; immediately during a run.
    Ndjson,
    /// A page.
    Html,
    /// `JUnit` XML.
    Junit,
    /// Markdown.
    Markdown,
    /// One row per second.
    Csv,
    /// What k6 gives to `handleSummary`.
    K6,
    /// What k6 writes for `--summary-export`.
    SummaryExport,
    /// The summary that a terminal shows.
    Text,
}

impl ReportFormat {
    /// All of them, by the word for each.
    pub const ALL: [(&'static str, Self); 10] = [
        ("json", Self::Json),
        ("log", Self::Log),
        ("ndjson", Self::Ndjson),
        ("html", Self::Html),
        ("junit", Self::Junit),
        ("md", Self::Markdown),
        ("csv", Self::Csv),
        ("k6", Self::K6),
        ("summary-export", Self::SummaryExport),
        ("text", Self::Text),
    ];
}

/// One `-o KIND=FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The format.
    pub kind: ReportFormat,
    /// The file; `None` is standard output.
    pub file: Option<PathBuf>,
}

impl FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            let kinds = ReportFormat::ALL.map(|(word, _)| word).join(", ");
            format!("expected KIND=FILE with a kind of {kinds}, and - for standard output")
        };
        let (word, file) = text
            .split_once('=')
            .filter(|(_, file)| !file.is_empty())
            .ok_or_else(expected)?;
        let (_, kind) = ReportFormat::ALL
            .into_iter()
            .find(|(known, _)| *known == word)
            .ok_or_else(|| format!("`{word}` is not a kind of result: {}", expected()))?;
        Ok(Self {
            kind,
            file: (file != "-").then(|| PathBuf::from(file)),
        })
    }
}

/// Outputs that were found to be writable.
#[derive(Debug, Default)]
pub struct Opened {
    /// The places and formats of what is written at the end.
    pub documents: Vec<(ReportFormat, Destination)>,
    /// The places for lines.
    pub lines: Vec<Lines>,
}

/// A place for one document.
#[derive(Debug)]
pub enum Destination {
    /// Standard output.
    Stdout(File),
    /// A file, replaced by renaming a finished one over it.
    File(PathBuf),
    /// A device or a pipe, which must not be replaced. It stays open; otherwise the reader of a pipe would see
    /// its end.
    Device(PathBuf, File),
    /// An object of a store.
    Object(store::Object),
}

/// Reserves standard output for results: from now on, other prints go nowhere.
///
/// Goose prints when its users are up, whatever its settings, and would panic if the reader of a pipe were
/// gone.
pub fn claim_stdout() -> io::Result<File> {
    let claimed = io::stdout().as_fd().try_clone_to_owned()?;
    rustix::stdio::dup2_stdout(OpenOptions::new().write(true).open("/dev/null")?)?;
    Ok(claimed.into())
}

/// Restores standard output for everyone; `stdout` is what [`claim_stdout`] returned.
pub fn give_stdout_back(stdout: &File) -> io::Result<()> {
    Ok(rustix::stdio::dup2_stdout(stdout)?)
}

/// Checks that every output is writable before anything is sent; files keep their content for now. `stdout` is
/// what [`claim_stdout`] returned.
pub fn open(outputs: &[Output], stdout: &File) -> Result<Opened, Failure> {
    let mut opened = Opened::default();
    for (at, output) in outputs.iter().enumerate() {
        if outputs[..at].iter().any(|other| other.file == output.file) {
            return Err(Failure::usage(
                "two results go to one place: give each its own file, and standard output to one only",
            ));
        }
        let refused = |error: io::Error| {
            let path = output.file.as_deref().unwrap_or(Path::new("-")).display();
            Failure::usage(format!(
                "`{path}` can't be written ({error}): give a file in a folder that exists and may be written"
            ))
        };
        match (output.kind, &output.file) {
            (ReportFormat::Ndjson, None) => {
                opened.lines.push(Lines::to(
                    "standard output".to_owned(),
                    stdout.try_clone().map_err(refused)?,
                ));
            }
            (ReportFormat::Ndjson, Some(path)) => {
                opened.lines.push(Lines::open(path).map_err(refused)?);
            }
            (kind, None) => {
                let stdout = stdout.try_clone().map_err(refused)?;
                opened.documents.push((kind, Destination::Stdout(stdout)));
            }
            (kind, Some(path)) => opened
                .documents
                .push((kind, Destination::probe(path).map_err(refused)?)),
        }
    }
    Ok(opened)
}

impl Destination {
    /// Whether it is a file, which can be replaced repeatedly.
    pub fn is_file(&self) -> bool {
        matches!(self, Self::File(_))
    }

    /// A place that was found writable.
    pub fn probe(path: &Path) -> io::Result<Self> {
        match store::Object::named(path)? {
            Some(object) => Ok(Self::Object(object)),
            None => probe(path),
        }
    }

    /// Writes everything, or leaves the old content.
    pub fn write(&self, content: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => written_or_unread(&mut &*stdout, content),
            Self::Object(object) => object.write(content),
            Self::Device(_, device) => written_or_unread(&mut &*device, content),
            Self::File(path) => {
                let mut unfinished = beside(path)?;
                unfinished.write_all(content)?;
                unfinished.as_file().sync_all()?;
                unfinished
                    .persist(path)
                    .map(drop)
                    .map_err(|refused| refused.error)
            }
        }
    }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stdout(_) => f.write_str("standard output"),
            Self::Object(object) => write!(f, "`{object}`"),
            Self::File(path) | Self::Device(path, _) => write!(f, "`{}`", path.display()),
        }
    }
}

/// Writes everything; a reader that stops early, such as `head`, has read enough.
fn written_or_unread(sink: &mut impl Write, content: &[u8]) -> io::Result<()> {
    match sink.write_all(content) {
        Err(gone) if gone.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// The target of a path, even through a symbolic link to a missing file.
fn followed(path: &Path) -> PathBuf {
    if let Ok(whole) = fs::canonicalize(path) {
        return whole;
    }
    match fs::read_link(path) {
        Ok(target) => path.parent().unwrap_or(Path::new("")).join(target),
        Err(_) => path.to_owned(),
    }
}

fn probe(path: &Path) -> io::Result<Destination> {
    // A symbolic link stays a link: its target is replaced.
    let path = followed(path);
    match fs::metadata(&path) {
        Ok(there) if there.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(there) if !there.is_file() => {
            let device = OpenOptions::new().write(true).open(&path)?;
            Ok(Destination::Device(path, device))
        }
        _ => {
            beside(&path)?;
            Ok(Destination::File(path))
        }
    }
}

/// A new file in the same folder, removed when dropped, with the permissions of any new file.
fn beside(path: &Path) -> io::Result<tempfile::NamedTempFile> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    tempfile::Builder::new()
        .prefix(".fib-loadgen-")
        .suffix(".tmp")
        .make_in(parent.unwrap_or(Path::new(".")), |path| {
            File::create_new(path)
        })
}

#[cfg(test)]
mod tests;

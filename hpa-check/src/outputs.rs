//! Output flags, and files that are written atomically.

use std::path::PathBuf;

use clap::ValueEnum as _;

use crate::failure::Failure;

mod destination;

pub(crate) use destination::Destination;

/// The flags for results and for what to show during a run; `#[command(flatten)]` them.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct Outputs {
    /// The files.
    #[command(flatten)]
    pub files: Files,
    /// What to show during the run: a live panel, a line per change, or nothing
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Ui::Auto)]
    pub ui: Ui,
}

/// The reports to write.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub struct Files {
    /// Write a report: json, html, svg, md, junit, sarif, github or trace; `-` is standard output (repeatable)
    #[arg(short, long = "output", value_name = "KIND=FILE")]
    pub output: Vec<Output>,
}

/// What to show during a run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Ui {
    /// The panel on a terminal, otherwise lines
    #[default]
    Auto,
    /// A small panel, redrawn in place
    Tui,
    /// One line per change
    Line,
    /// Nothing
    None,
}

/// A report format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ReportFormat {
    /// The result document, `hpa-check/1`.
    Json,
    /// One self-contained page.
    Html,
    /// The timeline alone, as a picture.
    Svg,
    /// A step summary in Markdown.
    Md,
    /// The reasons as test cases, for CI systems.
    Junit,
    /// The findings as SARIF 2.1.0, for code scanning.
    Sarif,
    /// The reasons as annotations of GitHub Actions.
    Github,
    /// Every observation, to be replayed.
    Trace,
}

impl ReportFormat {
    /// Its word on the command line.
    pub fn word(self) -> String {
        let value = self.to_possible_value();
        value.map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// One `-o KIND=FILE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The format.
    pub kind: ReportFormat,
    /// The file; `None` is standard output.
    pub file: Option<PathBuf>,
}

impl std::str::FromStr for Output {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (word, file) = text
            .split_once('=')
            .filter(|(_, file)| !file.is_empty())
            .ok_or("expected KIND=FILE, such as html=report.html or json=-")?;
        let kind = ReportFormat::from_str(word, false).map_err(|_| {
            let words: Vec<String> = ReportFormat::value_variants()
                .iter()
                .map(|k| k.word())
                .collect();
            format!(
                "unknown kind `{word}`, expected one of {}",
                words.join(", ")
            )
        })?;
        let file = (file != "-").then(|| PathBuf::from(file));
        Ok(Self { kind, file })
    }
}

/// Outputs that were found to be writable.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Every report in the given order, except the trace.
    pub(crate) reports: Vec<(ReportFormat, Destination)>,
    /// Where the trace goes.
    pub(crate) trace: Option<Destination>,
}

impl Opened {
    /// Whether a report goes to standard output.
    pub(crate) fn is_piped(&self) -> bool {
        let mut destinations = self.reports.iter().map(|(_, to)| to);
        destinations.any(|to| to.path().is_none())
    }
}

impl Files {
    /// Checks that every output is writable before anything runs, without leaving anything behind.
    pub(crate) fn open(&self) -> Result<Opened, Failure> {
        self.refuse_collisions()?;
        let mut opened = Opened {
            reports: Vec::new(),
            trace: None,
        };
        for output in &self.output {
            let destination = Destination::open(output)?;
            if output.kind == ReportFormat::Trace {
                opened.trace = Some(destination);
            } else {
                opened.reports.push((output.kind, destination));
            }
        }
        Ok(opened)
    }

    /// Refuses every kind that the document does not have.
    pub(crate) fn only(&self, kinds: &[ReportFormat], what: &str) -> Result<(), Failure> {
        let Some(other) = self.output.iter().find(|o| !kinds.contains(&o.kind)) else {
            return Ok(());
        };
        let words: Vec<String> = kinds.iter().map(|kind| kind.word()).collect();
        Err(Failure::usage(format!(
            "{what} has no {}: give one of {}",
            other.kind.word(),
            words.join(", ")
        )))
    }

    fn refuse_collisions(&self) -> Result<(), Failure> {
        for (index, output) in self.output.iter().enumerate() {
            let mut earlier = self.output[..index].iter();
            if earlier.clone().any(|e| e.file == output.file) {
                let place = output.file.as_ref().map_or_else(
                    || "standard output".to_owned(),
                    |file| format!("`{}`", file.display()),
                );
                return Err(Failure::usage(format!(
                    "two outputs go to {place}, which takes one: give each its own file"
                )));
            }
            if output.kind == ReportFormat::Trace && earlier.any(|e| e.kind == ReportFormat::Trace)
            {
                return Err(Failure::usage(
                    "the trace can be written to one file only: give `-o trace=` once",
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

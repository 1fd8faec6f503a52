//! The reports: each is drawn only from the result document, so a stored result draws the same.

use hpa_check_core::documents::result::RunResult;
use serde::Serialize;

use crate::failure::Failure;
use crate::notice::notice;
use crate::outputs::{Opened, ReportFormat};

mod chart;
pub(crate) mod compared;
mod condense;
mod documentation;
pub(crate) use drawing::escape;
pub(crate) mod fleet;
mod github;
mod html;
mod junit;
mod lines;
mod markdown;
mod sarif;
mod settings;
pub(crate) mod simulated;
pub(crate) mod summary;
mod text;
pub(crate) mod words;

pub(crate) use html::live;
pub(crate) use text::terminal;

#[cfg(test)]
#[path = "../tests/fixtures/run.rs"]
pub(crate) mod fixture;

/// The report of this kind; `None` for the trace, which can't be made from a result.
pub(crate) fn render(kind: ReportFormat, result: &RunResult) -> Option<String> {
    match kind {
        ReportFormat::Json => Some(json(result)),
        ReportFormat::Html => Some(html::page(result)),
        ReportFormat::Svg => Some(chart::picture(result)),
        ReportFormat::Md => Some(markdown::summary(result)),
        ReportFormat::Junit => Some(junit::suite(result)),
        ReportFormat::Sarif => Some(sarif::run(result)),
        ReportFormat::Github => Some(github::annotations(result)),
        ReportFormat::Trace => None,
    }
}

/// Writes each report of a run; returns one sentence for each that could not be written.
pub(crate) fn write(outputs: &Opened, result: &RunResult) -> Vec<String> {
    write_each(outputs, |kind| render(kind, result))
}

/// Writes each available report; returns one sentence for each that could not be written.
pub(crate) fn write_each(
    outputs: &Opened,
    render: impl Fn(ReportFormat) -> Option<String>,
) -> Vec<String> {
    outputs
        .reports
        .iter()
        .filter_map(|(kind, destination)| {
            let content = render(*kind)?;
            let error = destination.write(content.as_bytes()).err()?;
            let place = destination.path().map_or_else(
                || "standard output".to_owned(),
                |path| format!("`{}`", path.display()),
            );
            Some(format!(
                "the {} report can't be written to {place} ({error}); nothing half-written is left",
                kind.word()
            ))
        })
        .collect()
}

/// Writes each available report; fails with the first that could not be written.
pub(crate) fn write_all(
    outputs: &Opened,
    render: impl Fn(ReportFormat) -> Option<String>,
) -> Result<(), Failure> {
    let failed = write_each(outputs, render).into_iter().next();
    failed.map_or(Ok(()), |failure| Err(Failure::internal(failure)))
}

/// The effect of unwritten reports on the exit code. A missing report must not look like success; next to a
/// worse exit code it is only a notice.
pub(crate) fn settle(failed: Vec<String>, exit_code: u8) -> Result<(), Failure> {
    match failed.into_iter().next() {
        Some(failure) if exit_code == 0 => Err(Failure::internal(failure)),
        Some(failure) => {
            notice(&format!("hpa-check: {failure}"));
            Ok(())
        }
        None => Ok(()),
    }
}

/// A document as JSON, for people too.
pub(crate) fn json(document: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(document)
        .expect("a document is plain data with text keys, which JSON always has a form for");
    text.push('\n');
    text
}

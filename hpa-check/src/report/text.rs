//! The end of a run on a terminal: the verdict, why, and where the reports are.

use std::fmt::Write as _;

use hpa_check_core::result::RunResult;

use super::escape::Terminal;
use super::{summary, words};
use crate::outputs::{Kind, Opened};

/// The summary.
pub(crate) fn terminal(result: &RunResult, outputs: &Opened) -> String {
    let mut text = format!(
        "\n{}  {}\n      {}\n",
        summary::badge(result.verdict.outcome),
        Terminal(summary::subject(result)),
        summary::meaning(result.verdict.outcome),
    );
    for reason in &result.verdict.reasons {
        // Writing to a String can't fail.
        let _ = write!(
            text,
            "\n  {}\n      {}\n",
            Terminal(&reason.id),
            Terminal(&reason.message)
        );
        for evidence in &reason.evidence {
            let _ = writeln!(text, "      seen: {}", Terminal(evidence));
        }
        if let Some(fix) = &reason.fix {
            let _ = writeln!(text, "      do:   {}", Terminal(fix));
        }
    }
    let _ = writeln!(text, "\n  replicas   {}", summary::way_with_times(result));
    let _ = writeln!(
        text,
        "  syncs      {} of {} explained by the model",
        result.syncs.explained, result.syncs.observed
    );
    if let Some(load) = &result.load {
        let _ = writeln!(
            text,
            "  load       {} requests, {} failed, {} wrong, {} verified; generator {}",
            words::count(load.requests),
            words::count(load.failed),
            words::count(load.wrong),
            words::count(load.verified),
            Terminal(&load.generator),
        );
    }
    let _ = writeln!(
        text,
        "  unseen     {} at the longest",
        words::milliseconds(result.longest_gap_ms)
    );
    for (kind, path) in files(outputs) {
        let _ = writeln!(text, "  {:<9}  {}", kind.word(), Terminal(path));
    }
    text
}

/// The files that were written, the page last since that is the one to open.
fn files(outputs: &Opened) -> Vec<(Kind, String)> {
    let trace = outputs
        .trace
        .iter()
        .map(|destination| (Kind::Trace, destination));
    let mut files: Vec<_> = outputs
        .reports
        .iter()
        .map(|(kind, destination)| (*kind, destination))
        .chain(trace)
        .filter_map(|(kind, destination)| Some((kind, destination.path()?.display().to_string())))
        .collect();
    files.sort_by_key(|(kind, _)| *kind == Kind::Html);
    files
}

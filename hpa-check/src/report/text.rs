//! The end of a run on a terminal: the verdict, the reasons, and where the reports are.

use crossterm::style::{Color, Stylize as _};
use hpa_check_core::documents::result::RunResult;
use hpa_check_core::verdict::Outcome;

use super::escape::Terminal;
use super::lines::Lines;
use super::{summary, words};
use crate::outputs::{Opened, ReportFormat};

/// The summary. On a terminal with this many columns, long lines are wrapped between words and the outcome is
/// colored; elsewhere neither.
pub(crate) fn terminal(result: &RunResult, outputs: &Opened, columns: Option<usize>) -> String {
    let outcome = result.verdict.outcome;
    let mut page = Lines::new(columns);
    let badge = outcome.badge();
    let badge = match columns {
        Some(_) => badge.bold().with(color(outcome)).to_string(),
        None => badge.to_owned(),
    };
    page.line(format_args!(""));
    page.line(format_args!(
        "{badge}  {}",
        Terminal(summary::subject(result))
    ));
    page.hanging("      ", summary::meaning(outcome));
    for reason in &result.verdict.reasons {
        page.line(format_args!(""));
        page.line(format_args!("  {}", Terminal(&reason.id)));
        page.hanging("      ", &reason.message);
        for evidence in &reason.evidence {
            page.hanging("      seen: ", evidence);
        }
        if let Some(fix) = &reason.fix {
            page.hanging("      do:   ", fix);
        }
    }
    page.line(format_args!(""));
    let way = summary::way_with_times(result);
    if !way.is_empty() {
        page.hanging("  replicas   ", &way);
    }
    let syncs = &result.syncs;
    let explained = format!(
        "{} of {} explained by the model",
        syncs.explained, syncs.observed
    );
    page.hanging("  syncs      ", &explained);
    if let Some(load) = &result.load {
        let sent = format!(
            "{} requests, {} failed",
            words::count(load.requests),
            words::count(load.failed)
        );
        let account = if load.verified == 0 && load.wrong == 0 {
            format!("{sent}; no answer was verified")
        } else {
            let (wrong, verified) = (words::count(load.wrong), words::count(load.verified));
            format!("{sent}, {wrong} wrong, {verified} verified")
        };
        page.hanging("  load       ", &account);
        let reasons = load.generator_reasons.iter().cloned();
        let itself = std::iter::once(load.generator.to_string()).chain(reasons);
        let generator = itself.collect::<Vec<_>>().join("; ");
        page.hanging("  generator  ", &generator);
    }
    let unseen = words::milliseconds(result.longest_gap_ms);
    page.hanging("  unobserved ", &format!("{unseen} at the longest"));
    for (kind, path) in files(outputs) {
        page.line(format_args!("  {:<9}  {}", kind.word(), Terminal(path)));
    }
    page.text
}

fn color(outcome: Outcome) -> Color {
    match outcome {
        Outcome::Pass => Color::Green,
        Outcome::Wrong => Color::Red,
        Outcome::Environment | Outcome::Inconclusive => Color::Yellow,
    }
}

/// The files that were written; the page is last because people open it.
fn files(outputs: &Opened) -> Vec<(ReportFormat, String)> {
    let trace = outputs
        .trace
        .iter()
        .map(|destination| (ReportFormat::Trace, destination));
    let mut files: Vec<_> = outputs
        .reports
        .iter()
        .map(|(kind, destination)| (*kind, destination))
        .chain(trace)
        .filter_map(|(kind, destination)| Some((kind, destination.path()?.display().to_string())))
        .collect();
    files.sort_by_key(|(kind, _)| *kind == ReportFormat::Html);
    files
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn told(result: &RunResult, columns: Option<usize>) -> String {
        let nothing = Opened {
            reports: Vec::new(),
            trace: None,
        };
        terminal(result, &nothing, columns)
    }

    #[test]
    fn lines_are_wrapped_to_the_terminal_and_nowhere_else() {
        let run = fixture::passed();
        let longest = |columns| {
            let text = told(&run, columns);
            let plain = text.lines().filter(|line| !line.contains('\u{1b}'));
            plain.map(|line| line.chars().count()).max().unwrap_or(0)
        };
        for columns in [40, 80, 120] {
            assert!(longest(Some(columns)) <= columns);
        }
        assert!(longest(None) > 80);
    }

    #[test]
    fn a_log_gets_no_colors_and_no_escape_sequences_from_outside() {
        assert!(!told(&fixture::passed(), None).contains('\u{1b}'));
        assert!(!told(&fixture::hostile(), None).contains('\u{1b}'));
    }

    #[test]
    fn every_reason_has_its_evidence_and_advice() {
        let mut run = fixture::hostile();
        run.verdict.reasons[0].evidence = vec!["pod a: none".to_owned()];
        run.verdict.reasons[0].fix = Some("set one".to_owned());
        let text = told(&run, None);
        assert!(
            text.contains("      seen: pod a: none\n      do:   set one\n"),
            "{text}"
        );
    }
}

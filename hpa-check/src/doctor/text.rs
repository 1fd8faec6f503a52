//! A report on a terminal: by finding, the weightiest first, each with its fix once.

use std::fmt::Write as _;

use hpa_check_core::documents::doctor::{AutoscalerReport, Report};
use hpa_check_core::verdict::{Outcome, Reason};

use crate::report::escape::Terminal;
use crate::report::{summary, words};

/// Autoscalers told of in full under one finding; the others by name.
const IN_FULL: usize = 5;
/// Names in a line of them.
const NAMES: usize = 12;

/// The whole text, without a last line break.
pub(crate) fn terminal(report: &Report) -> String {
    let sick = report
        .autoscalers
        .iter()
        .filter(|a| !a.is_healthy())
        .count();
    let all = report.autoscalers.len();
    let mut text = format!(
        "{}  {} in {}, {}{}\n",
        summary::badge(report.outcome),
        plural(all, "autoscaler"),
        plural(
            usize::try_from(report.namespaces).unwrap_or(usize::MAX),
            "namespace"
        ),
        plural(usize::try_from(report.pods).unwrap_or(usize::MAX), "pod"),
        report
            .kubernetes
            .as_ref()
            .map_or_else(String::new, |v| format!("; Kubernetes {}", Terminal(v))),
    );
    let _ = match (sick, all) {
        (_, 0) => writeln!(
            text,
            "      There is no HorizontalPodAutoscaler in {}, so nothing was checked.",
            report.scope.namespace.as_ref().map_or_else(
                || "any namespace".to_owned(),
                |name| format!("namespace {}", Terminal(name))
            )
        ),
        (0, 1) => writeln!(text, "      Nothing wrong was found with it."),
        (0, _) => writeln!(text, "      Nothing wrong was found with any of them."),
        (n, _) => writeln!(
            text,
            "      Something is wrong with {n}; nothing was found with {}.",
            all - n
        ),
    };
    for (id, cases) in by_finding(report) {
        finding(&mut text, id, &cases);
    }
    if let [only] = report.autoscalers.as_slice()
        && let Some(explanation) = &only.explanation
    {
        let _ = write!(text, "\n  now    {}\n", Terminal(explanation));
    }
    for unseen in &report.unseen {
        let _ = write!(
            text,
            "\n  not seen  {}: {}\n            ({})\n",
            Terminal(&unseen.rule),
            Terminal(&unseen.consequence),
            Terminal(&unseen.error)
        );
    }
    aside(&mut text, report);
    if report.is_blind() && sick == 0 {
        text.push_str("\n      Too much could not be read to call them healthy.\n");
    }
    text.truncate(text.trim_end().len());
    text
}

/// What was found and does not count, and what is odd about the question.
fn aside(text: &mut String, report: &Report) {
    for autoscaler in &report.autoscalers {
        for one in &autoscaler.ignored {
            let (id, because) = (Terminal(&one.finding.id), Terminal(&one.because));
            let _ = write!(
                text,
                "\n  ignored  {}: {id}, because {because}\n",
                name(autoscaler)
            );
        }
    }
    if let Some(baseline) = &report.baseline {
        let known: usize = report.autoscalers.iter().map(|a| a.known.len()).sum();
        let at = words::date_and_time(baseline.at);
        let _ = write!(
            text,
            "\n  baseline  {} of {at} known, {} gone\n",
            plural(known, "finding"),
            baseline.gone.len()
        );
        for gone in &baseline.gone {
            let full = format!("{}/{}", gone.namespace, gone.autoscaler);
            let _ = writeln!(
                text,
                "    gone: {}: {}",
                Terminal(full),
                Terminal(&gone.finding.id)
            );
        }
    }
    for warning in &report.warnings {
        let _ = write!(text, "\n  warning  {}\n", Terminal(warning));
    }
    if report.exit_code != report.outcome.exit_code() {
        let code = report.exit_code;
        let _ = write!(text, "\n  The exit code is {code}, by --fail-on.\n");
    }
}

type Case<'a> = (&'a AutoscalerReport, &'a Reason);

/// The findings in the order of weight, which is that of each autoscaler's own list.
fn by_finding(report: &Report) -> Vec<(&str, Vec<Case<'_>>)> {
    let rank = |id: &str| hpa_check_core::findings::rank(id).unwrap_or(usize::MAX);
    let mut groups: Vec<(&str, Vec<Case<'_>>)> = Vec::new();
    for autoscaler in &report.autoscalers {
        for reason in &autoscaler.findings {
            let case = (autoscaler, reason);
            match groups.iter_mut().find(|(id, _)| *id == reason.id) {
                Some((_, cases)) => cases.push(case),
                None => groups.push((&reason.id, vec![case])),
            }
        }
    }
    groups.sort_by_key(|(id, _)| rank(id));
    groups
}

fn finding(text: &mut String, id: &str, cases: &[Case<'_>]) {
    let Some((_, first)) = cases.first() else {
        return;
    };
    let weight = match first.outcome {
        Outcome::Pass => "note".to_owned(),
        outcome => summary::badge(outcome).to_lowercase(),
    };
    // Writing to a String can't fail.
    let _ = write!(text, "\n  {} ({weight})\n", Terminal(id));
    for (autoscaler, reason) in cases.iter().take(IN_FULL) {
        let _ = writeln!(
            text,
            "      {}: {}",
            name(autoscaler),
            Terminal(&reason.message)
        );
        for evidence in &reason.evidence {
            let _ = writeln!(text, "        seen: {}", Terminal(evidence));
        }
    }
    let rest = &cases[cases.len().min(IN_FULL)..];
    if !rest.is_empty() {
        let names: Vec<String> = rest.iter().take(NAMES).map(|(e, _)| name(e)).collect();
        let dots = if rest.len() > NAMES { ", …" } else { "" };
        let count = words::count(rest.len() as u64);
        let _ = writeln!(text, "      and {count} more: {}{dots}", names.join(", "));
    }
    if let Some(fix) = &first.fix {
        let _ = writeln!(text, "      do: {}", Terminal(fix));
    }
}

fn name(autoscaler: &AutoscalerReport) -> String {
    Terminal(format!("{}/{}", autoscaler.namespace, autoscaler.name)).to_string()
}

fn plural(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {what}{s}", words::count(count as u64))
}

//! A fleet in Markdown, for a pull request or a step summary: the causes first, then the autoscalers with them.

use std::fmt::Write as _;

use hpa_check_core::documents::doctor::{Cause, Part, Report};

use super::super::documentation::link;
use super::super::escape::Markdown;
use super::super::markdown::details;
use super::{cases, conclusion, gravity, has_owners, names, plural, settings, subject, word};

/// How many autoscalers are shown in full under one cause: a step summary is limited to a megabyte.
const IN_FULL: usize = 20;
/// How many more are named.
const NAMES: usize = 100;
/// Namespaces or owners in a table.
const ROWS: usize = 100;

/// The whole text.
pub(super) fn summary(report: &Report) -> String {
    let mut text = format!(
        "## {}: {}\n\n{} Exit code {}.\n\n",
        report.outcome.badge(),
        Markdown(subject(report)),
        Markdown(conclusion(report)),
        report.exit_code,
    );
    causes(&mut text, report);
    for cause in &report.groups.causes {
        in_full(&mut text, report, cause);
    }
    // A single namespace adds nothing to the headline.
    if report.groups.namespaces.len() > 1 {
        parts(&mut text, "Namespace", &report.groups.namespaces);
    }
    if has_owners(report) {
        parts(&mut text, "Owner", &report.groups.owners);
    }
    aside(&mut text, report);
    text + &super::super::settings::table(&settings(report))
}

fn causes(text: &mut String, report: &Report) {
    if report.groups.causes.is_empty() {
        return;
    }
    text.push_str("| finding | weight | outcome | autoscalers |\n| --- | --- | --- | ---: |\n");
    for cause in &report.groups.causes {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            link(&cause.id),
            word(&cause.weight),
            gravity(cause.outcome),
            cause.autoscalers.len()
        );
    }
}

fn in_full(text: &mut String, report: &Report, cause: &Cause) {
    let cases = cases(report, cause);
    let _ = writeln!(
        text,
        "\n<details><summary>{}: {}</summary>\n",
        Markdown(&cause.id),
        plural(cases.len() as u64, "autoscaler")
    );
    for (autoscaler, reason) in cases.iter().take(IN_FULL) {
        let _ = writeln!(
            text,
            "- **{}**: {}",
            Markdown(autoscaler.full_name()),
            Markdown(&reason.message)
        );
        details(text, reason);
    }
    let rest = &cases[cases.len().min(IN_FULL)..];
    if !rest.is_empty() {
        let names = names(rest, NAMES, |name| Markdown(name).to_string());
        let _ = writeln!(text, "- and {} more: {names}", rest.len());
    }
    text.push_str("\n</details>\n");
}

fn parts(text: &mut String, heading: &str, parts: &[Part]) {
    let _ = write!(
        text,
        "\n| {heading} | autoscalers | with a fault | findings |\n| --- | ---: | ---: | --- |\n"
    );
    for part in parts.iter().take(ROWS) {
        let findings: Vec<String> = part
            .findings
            .iter()
            .map(|f| format!("{} ×{}", Markdown(&f.id), f.autoscalers))
            .collect();
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} |",
            Markdown(part.name.as_deref().unwrap_or("none")),
            part.autoscalers,
            part.faulty,
            findings.join(", ")
        );
    }
    if parts.len() > ROWS {
        let _ = writeln!(
            text,
            "\nAnd {} more.",
            plural((parts.len() - ROWS) as u64, &heading.to_lowercase())
        );
    }
}

/// What does not count, and what could not be read.
fn aside(text: &mut String, report: &Report) {
    let mut lines = Vec::new();
    for autoscaler in &report.autoscalers {
        for one in &autoscaler.ignored {
            lines.push(format!(
                "ignored: {}: {}, because {}",
                Markdown(autoscaler.full_name()),
                link(&one.finding.id),
                Markdown(&one.because)
            ));
        }
        for known in &autoscaler.known {
            lines.push(format!(
                "known: {}: {}",
                Markdown(autoscaler.full_name()),
                link(&known.id)
            ));
        }
    }
    for gone in report.baseline.iter().flat_map(|b| &b.gone) {
        lines.push(format!(
            "gone: {}: {}",
            Markdown(format!("{}/{}", gone.namespace, gone.autoscaler)),
            link(&gone.finding.id)
        ));
    }
    for unseen in &report.unseen {
        lines.push(format!(
            "not seen: {}: {} ({})",
            Markdown(&unseen.rule),
            Markdown(&unseen.consequence),
            Markdown(&unseen.error)
        ));
    }
    for warning in &report.warnings {
        lines.push(format!("warning: {}", Markdown(warning)));
    }
    if !lines.is_empty() {
        let _ = write!(text, "\n- {}\n", lines.join("\n- "));
    }
}

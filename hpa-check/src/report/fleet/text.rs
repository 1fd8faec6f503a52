//! A report on a terminal: an overview, then each finding, heaviest first, with its fix once.

use std::fmt::Write as _;

use hpa_check_core::documents::doctor::{AutoscalerReport, Cause, Report};
use hpa_check_core::verdict::Reason;

use super::super::escape::Terminal;
use super::super::lines::Lines;
use super::super::words;
use super::{cases, conclusion, gravity, names, plural};

/// How many autoscalers are shown in full under one finding; the others are only named.
const IN_FULL: usize = 5;
/// Names on one line.
const NAMES: usize = 12;
/// From this many causes on, there is an overview first.
const GLANCE: usize = 3;
/// Namespaces in that overview.
const SPACES: usize = 5;

/// The whole text, without a trailing newline. On a terminal with this many columns, long lines are wrapped
/// between words.
pub(crate) fn terminal(report: &Report, columns: Option<usize>) -> String {
    let mut page = Lines::new(columns);
    headline(&mut page, report);
    glance(&mut page, report);
    for cause in &report.groups.causes {
        finding(&mut page, cause, &cases(report, cause));
    }
    if let [only] = report.autoscalers.as_slice()
        && let Some(explanation) = &only.explanation
    {
        page.line("");
        page.hanging("  now    ", explanation);
    }
    for unseen in &report.unseen {
        page.line("");
        let rule = format!("{}: {}", unseen.rule, unseen.consequence);
        page.hanging("  not seen  ", &rule);
        page.hanging("            ", &format!("({})", unseen.error));
    }
    aside(&mut page, report);
    page.text.truncate(page.text.trim_end().len());
    page.text
}

fn headline(page: &mut Lines, report: &Report) {
    let all = report.autoscalers.len() as u64;
    let kubernetes = report.kubernetes.as_ref();
    let text = format!(
        "{} in {}, {}{}",
        plural(all, "autoscaler"),
        plural(report.namespaces, "namespace"),
        plural(report.pods, "pod"),
        kubernetes.map_or_else(String::new, |v| format!("; Kubernetes {v}")),
    );
    page.hanging(&format!("{}  ", report.outcome.badge()), &text);
    page.hanging("      ", &conclusion(report));
}

/// How many autoscalers have each finding, and where: many findings of many autoscalers fill more than a
/// screen.
fn glance(page: &mut Lines, report: &Report) {
    let causes = &report.groups.causes;
    if causes.len() <= GLANCE {
        return;
    }
    let widest = |names: &mut dyn Iterator<Item = &str>| {
        let longest = names.map(|name| name.chars().count()).max();
        longest.unwrap_or(0).min(40)
    };
    let width = widest(&mut causes.iter().map(|cause| cause.id.as_str()));
    page.line("");
    for cause in causes {
        let (id, gravity) = (Terminal(&cause.id).to_string(), gravity(cause.outcome));
        let count = words::count(cause.autoscalers.len() as u64);
        page.line(format_args!("  {count:>7}  {id:<width$}  {gravity}"));
    }
    let spaces = &report.groups.namespaces;
    let faulty: Vec<_> = spaces.iter().filter(|space| space.faulty > 0).collect();
    if spaces.len() > 1 && !faulty.is_empty() {
        let named = faulty.iter().take(SPACES).map(|space| {
            let name = space.name.as_deref().unwrap_or("none");
            format!("{name} ({} of {})", space.faulty, space.autoscalers)
        });
        let mut text = named.collect::<Vec<_>>().join(", ");
        if faulty.len() > SPACES {
            let rest = (faulty.len() - SPACES) as u64;
            let _ = write!(text, ", and {}", plural(rest, "more namespace"));
        }
        page.line("");
        page.hanging("  most in  ", &text);
    }
}

/// What was found but does not count, and problems with the request.
fn aside(page: &mut Lines, report: &Report) {
    for autoscaler in &report.autoscalers {
        for one in &autoscaler.ignored {
            let (name, id) = (autoscaler.full_name(), &one.finding.id);
            page.line("");
            let text = format!("{name}: {id}, because {}", one.because);
            page.hanging("  ignored  ", &text);
        }
    }
    if let Some(baseline) = &report.baseline {
        let known: usize = report.autoscalers.iter().map(|a| a.known.len()).sum();
        let at = words::date_and_time(baseline.at);
        page.line("");
        let known = plural(known as u64, "finding");
        let text = format!("{known} of {at} known, {} gone", baseline.gone.len());
        page.hanging("  baseline  ", &text);
        for gone in &baseline.gone {
            let (space, name) = (&gone.namespace, &gone.autoscaler);
            let text = format!("{space}/{name}: {}", gone.finding.id);
            page.hanging("    gone: ", &text);
        }
    }
    for warning in &report.warnings {
        page.line("");
        page.hanging("  warning  ", warning);
    }
    if report.exit_code != report.outcome.exit_code() {
        page.line("");
        let text = format!("The exit code is {}, by --fail-on.", report.exit_code);
        page.hanging("  ", &text);
    }
}

fn finding(page: &mut Lines, cause: &Cause, cases: &[(&AutoscalerReport, &Reason)]) {
    page.line("");
    page.line(format_args!(
        "  {} ({})",
        Terminal(&cause.id),
        gravity(cause.outcome)
    ));
    for (autoscaler, reason) in cases.iter().take(IN_FULL) {
        let text = format!("{}: {}", autoscaler.full_name(), reason.message);
        page.hanging("      ", &text);
        for evidence in &reason.evidence {
            page.hanging("        seen: ", evidence);
        }
    }
    let rest = &cases[cases.len().min(IN_FULL)..];
    if !rest.is_empty() {
        let count = words::count(rest.len() as u64);
        let text = format!("and {count} more: {}", names(rest, NAMES, |name| name));
        page.hanging("      ", &text);
    }
    if let Some(fix) = &cause.fix {
        page.hanging("      do: ", fix);
    }
}

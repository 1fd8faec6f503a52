//! One annotation per cause: GitHub shows only the first ten of a step.

use hpa_check_core::documents::doctor::Report;
use hpa_check_core::verdict::Outcome;

use super::super::{documentation, github};
use super::{cases, gravity, names, plural, subject};

/// How many autoscalers get their own message.
const IN_FULL: usize = 3;
/// Names in an annotation.
const NAMES: usize = 20;

/// One line per cause, and one for what could not be read.
pub(super) fn annotations(report: &Report) -> String {
    let mut text = String::new();
    for cause in &report.groups.causes {
        let cases = cases(report, cause);
        let place = match cases.as_slice() {
            [(only, _)] => only.full_name(),
            several => plural(several.len() as u64, "autoscaler"),
        };
        let badge = gravity(cause.outcome).to_uppercase();
        let title = format!("{badge}: {} in {place}", cause.id);
        let mut lines: Vec<String> = cases
            .iter()
            .take(IN_FULL)
            .map(|(autoscaler, reason)| format!("{}: {}", autoscaler.full_name(), reason.message))
            .collect();
        let rest = &cases[cases.len().min(IN_FULL)..];
        if !rest.is_empty() {
            let names = names(rest, NAMES, |name| name);
            lines.push(format!("And {} more: {names}", rest.len()));
        }
        lines.extend(cause.fix.as_ref().map(|fix| format!("Do: {fix}")));
        lines.extend(documentation::of(&cause.id).map(|page| format!("See: {page}")));
        text.push_str(&github::annotation(cause.outcome, &title, &lines));
    }
    let unseen = report.unseen.iter();
    let mut unread: Vec<String> = unseen
        .map(|u| format!("{}: {} ({})", u.rule, u.consequence, u.error))
        .collect();
    unread.extend(report.warnings.iter().cloned());
    if !unread.is_empty() {
        let title = format!("Not everything was checked: {}", subject(report));
        text.push_str(&github::annotation(Outcome::Inconclusive, &title, &unread));
    }
    text
}

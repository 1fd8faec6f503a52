//! The reports of `doctor`: one autoscaler or a whole fleet, grouped by cause, namespace and owner. All are
//! drawn only from the document.

mod github;
mod junit;
mod markdown;
mod page;
mod sarif;
mod text;

#[cfg(test)]
mod tests;

use hpa_check_core::documents::doctor::{AutoscalerReport, Cause, Report, weight};
use hpa_check_core::settings::{COMMAND, Settings, of_controller, time};
use hpa_check_core::verdict::{Outcome, Reason};
use serde::Serialize;

pub(crate) use text::terminal;

use super::words;
use crate::outputs::ReportFormat;

/// What `doctor` can write.
pub(crate) const KINDS: [ReportFormat; 6] = [
    ReportFormat::Json,
    ReportFormat::Html,
    ReportFormat::Md,
    ReportFormat::Junit,
    ReportFormat::Sarif,
    ReportFormat::Github,
];

/// The report of this kind; `None` for kinds that show time, which a snapshot lacks.
pub(crate) fn render(kind: ReportFormat, report: &Report) -> Option<String> {
    match kind {
        ReportFormat::Json => Some(super::json(report)),
        ReportFormat::Html => Some(page::page(report)),
        ReportFormat::Md => Some(markdown::summary(report)),
        ReportFormat::Junit => Some(junit::suites(report)),
        ReportFormat::Sarif => Some(sarif::log(report)),
        ReportFormat::Github => Some(github::annotations(report)),
        ReportFormat::Svg | ReportFormat::Trace => None,
    }
}

/// What was checked: `shop/cart`, `12 autoscalers in 3 namespaces`.
fn subject(report: &Report) -> String {
    if let [only] = report.autoscalers.as_slice() {
        return only.full_name();
    }
    format!(
        "{} in {}",
        plural(report.autoscalers.len() as u64, "autoscaler"),
        plural(report.namespaces, "namespace")
    )
}

/// The result, in one sentence.
fn conclusion(report: &Report) -> String {
    let all = report.autoscalers.len();
    let faulty = faulty(report);
    match (faulty, all) {
        (_, 0) => {
            let (place, advice) = match &report.scope.namespace {
                Some(name) => (
                    format!("namespace {name}"),
                    "name another with --namespace, or check all with -A",
                ),
                None => (
                    "any namespace".to_owned(),
                    "create one, or choose another --context",
                ),
            };
            format!(
                "There is no HorizontalPodAutoscaler in {place}, so nothing was checked: {advice}."
            )
        }
        (0, _) if report.is_blind() => {
            "Nothing wrong was found, but too much could not be read to call anything healthy."
                .to_owned()
        }
        (0, _) if known(report) > 0 => format!(
            "Nothing new was found beside {} of the baseline.",
            plural(known(report) as u64, "finding")
        ),
        (0, 1) => "Nothing wrong was found with it.".to_owned(),
        (0, _) => "Nothing wrong was found with any of them.".to_owned(),
        (1, 1) => "Something is wrong with it.".to_owned(),
        (n, _) => format!(
            "Something is wrong with {}; nothing was found with {}.",
            words::count(n as u64),
            words::count((all - n) as u64)
        ),
    }
}

/// Findings that the baseline has too.
fn known(report: &Report) -> usize {
    report.autoscalers.iter().map(|a| a.known.len()).sum()
}

/// Autoscalers with a fault that counts.
fn faulty(report: &Report) -> usize {
    let all = report.autoscalers.iter();
    all.filter(|a| !a.is_healthy()).count()
}

/// The findings of an autoscaler that affect the exit code.
fn counted<'a>(report: &Report, autoscaler: &'a AutoscalerReport) -> Vec<&'a Reason> {
    let counts = |finding: &&Reason| report.fail_on.counts(weight(finding));
    autoscaler.findings.iter().filter(counts).collect()
}

/// The autoscalers with a cause, each with its own message.
fn cases<'a>(report: &'a Report, cause: &Cause) -> Vec<(&'a AutoscalerReport, &'a Reason)> {
    let all = report.autoscalers.iter();
    all.filter_map(|autoscaler| {
        let mut findings = autoscaler.findings.iter();
        Some((autoscaler, findings.find(|f| f.id == cause.id)?))
    })
    .collect()
}

/// The names of those autoscalers, but no more than `most`. `shown` escapes each for the output.
fn names(
    cases: &[(&AutoscalerReport, &Reason)],
    most: usize,
    shown: impl Fn(String) -> String,
) -> String {
    let named = cases.iter().take(most).map(|(a, _)| shown(a.full_name()));
    let names = named.collect::<Vec<_>>().join(", ");
    names + if cases.len() > most { ", …" } else { "" }
}

/// Whether any autoscaler has an owner, so that grouping by owner makes sense.
fn has_owners(report: &Report) -> bool {
    report.groups.owners.iter().any(|part| part.name.is_some())
}

/// The settings as names and values. Reports of earlier versions have fewer.
fn settings(report: &Report) -> Settings {
    let mut rows = Settings::new();
    let place = match (&report.scope.namespace, &report.scope.autoscaler) {
        (_, Some(name)) => format!("the autoscaler {name}"),
        (Some(space), None) => format!("the namespace {space}"),
        (None, None) => "all namespaces".to_owned(),
    };
    let looks = if report.looks == 1 { "once" } else { "twice" };
    rows.push(("looked at", format!("{place}, {looks}")));
    rows.extend(report.kubernetes.clone().map(|v| ("Kubernetes", v)));
    if let Some(settings) = &report.settings {
        rows.extend(of_controller(&settings.controller));
        rows.push(("metrics resolution", time(settings.metrics_resolution)));
        let asserted = [
            ("asserted minimum", settings.expect_min, ""),
            ("asserted maximum", settings.expect_max, ""),
            ("asserted CPU target", settings.expect_cpu, " %"),
        ];
        for (name, value, unit) in asserted {
            rows.extend(value.map(|value| (name, format!("{value}{unit}"))));
        }
    }
    rows.push((
        "exit code",
        format!(
            "{}; a finding counts from {} up",
            report.exit_code,
            word(&report.fail_on)
        ),
    ));
    if !report.owner_labels.is_empty() {
        rows.push(("owner labels", report.owner_labels.join(", ")));
    }
    rows.push(("hpa-check", report.version.clone()));
    if let Some(baseline) = &report.baseline {
        rows.push(("baseline of", words::date_and_time(baseline.at)));
    }
    let command = report.settings.as_ref().and_then(|s| s.command.clone());
    rows.extend(command.map(|command| (COMMAND, command)));
    rows
}

/// A value's word in the document.
fn word(value: &impl Serialize) -> String {
    let json = serde_json::to_value(value).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

/// The outcome of a finding as an adjective: a pass is a note.
fn gravity(outcome: Outcome) -> String {
    match outcome {
        Outcome::Pass => "note".to_owned(),
        outcome => outcome.badge().to_lowercase(),
    }
}

fn plural(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {what}{s}", words::count(count))
}

/// The requests of one pod, such as `100m` or `app 100m, proxy 20m`; empty if no pod was read.
fn requests(autoscaler: &AutoscalerReport) -> String {
    let amount = |cpu: Option<hpa_check_core::units::Millicores>| {
        cpu.map_or_else(|| "none".to_owned(), |cpu| cpu.to_string())
    };
    match autoscaler.requests.as_slice() {
        [] => "–".to_owned(),
        [only] => amount(only.cpu_request),
        several => {
            let each = several
                .iter()
                .map(|c| format!("{} {}", c.name, amount(c.cpu_request)));
            each.collect::<Vec<_>>().join(", ")
        }
    }
}

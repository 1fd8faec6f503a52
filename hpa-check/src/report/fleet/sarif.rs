//! A fleet's findings as SARIF: ignored ones are suppressed, those of the baseline unchanged or absent.

use hpa_check_core::documents::doctor::{AutoscalerReport, IgnoredBy, Report};
use hpa_check_core::verdict::Reason;

use super::super::sarif::{self, Log, Sighting};

/// The whole document.
pub(super) fn log(report: &Report) -> String {
    let compared = report.baseline.is_some();
    let mut results = Vec::new();
    for autoscaler in &report.autoscalers {
        let own = |reason, baseline| sighting(autoscaler, reason, baseline);
        let fresh = compared.then_some("new");
        results.extend(autoscaler.findings.iter().map(|f| own(f, fresh)));
        let known = autoscaler.known.iter();
        results.extend(known.map(|f| own(f, Some("unchanged"))));
        results.extend(autoscaler.ignored.iter().map(|one| {
            let kind = match one.by {
                IgnoredBy::Flag => "external",
                IgnoredBy::Annotation => "inSource",
            };
            Sighting {
                suppressed: Some((kind, &one.because)),
                ..own(&one.finding, None)
            }
        }));
    }
    for gone in report.baseline.iter().flat_map(|b| &b.gone) {
        results.push(Sighting {
            namespace: &gone.namespace,
            autoscaler: &gone.autoscaler,
            reason: &gone.finding,
            baseline: Some("absent"),
            suppressed: None,
        });
    }
    let unseen = report.unseen.iter();
    let unseen = unseen.map(|u| format!("{}: {} ({})", u.rule, u.consequence, u.error));
    sarif::log(&Log {
        version: &report.version,
        command: report
            .settings
            .as_ref()
            .and_then(|settings| settings.command.as_deref()),
        ended: report.at,
        exit_code: report.exit_code,
        results,
        notifications: unseen.chain(report.warnings.iter().cloned()).collect(),
    })
}

fn sighting<'a>(
    autoscaler: &'a AutoscalerReport,
    reason: &'a Reason,
    baseline: Option<&'static str>,
) -> Sighting<'a> {
    Sighting {
        namespace: &autoscaler.namespace,
        autoscaler: &autoscaler.name,
        reason,
        baseline,
        suppressed: None,
    }
}

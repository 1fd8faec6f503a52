//! Which findings of a report count: some are ignored, some are in the baseline, some are too light to fail on.

use std::collections::{BTreeMap, BTreeSet};

use super::ignore::Ignore;
use crate::documents::doctor::{
    AutoscalerReport, Baseline, FailOn, Gone, Ignored, IgnoredBy, Report, Scope, weight,
};
use crate::findings::{Weight, rank};
use crate::verdict::{Outcome, Reason};

/// The exit code of a report whose only counted findings are notes.
const NOTED: u8 = 99;

/// The scope of a report, and which of its findings count.
#[derive(Debug, Clone, Default)]
pub struct ReportPolicy {
    /// The scope.
    pub scope: Scope,
    /// The labels that name the owner of an autoscaler.
    pub owner_labels: Vec<String>,
    /// Findings to ignore.
    pub ignore: Vec<Ignore>,
    /// An earlier report. Its findings don't count.
    pub baseline: Option<Report>,
    /// The lightest findings that affect the exit code.
    pub fail_on: FailOn,
}

impl ReportPolicy {
    /// Separates the findings that count from the others, and sets the outcome and the exit code.
    pub fn apply(self, mut report: Report) -> Report {
        report.scope = self.scope;
        report.owner_labels = self.owner_labels;
        report.fail_on = self.fail_on;
        let ignored = ignore(&mut report.autoscalers, &self.ignore, IgnoredBy::Flag);
        let idle = self.ignore.iter().filter(|i| !ignored.contains(&i.id));
        report
            .warnings
            .extend(idle.map(|i| format!("--ignore {}: no autoscaler has this finding", i.id)));
        if let Some(baseline) = self.baseline {
            compare(&mut report, &baseline);
        }
        settle(report)
    }
}

/// Sets ignored findings aside, and returns the entries that matched something.
pub(super) fn ignore(
    autoscalers: &mut [AutoscalerReport],
    list: &[Ignore],
    by: IgnoredBy,
) -> BTreeSet<String> {
    let mut met = BTreeSet::new();
    for autoscaler in autoscalers {
        let findings = std::mem::take(&mut autoscaler.findings);
        for finding in findings {
            match list.iter().find(|ignore| ignore.id == finding.id) {
                Some(ignore) => {
                    met.insert(finding.id.clone());
                    autoscaler.ignored.push(Ignored {
                        finding,
                        because: ignore.because.clone(),
                        by,
                    });
                }
                None => autoscaler.findings.push(finding),
            }
        }
    }
    met
}

type Named<'a> = (&'a str, &'a str);

/// Sets aside what is in the baseline, and lists what has gone since. A finding that the baseline ignored is
/// not new either, even if it is no longer ignored.
fn compare(report: &mut Report, baseline: &Report) {
    let mut before: BTreeMap<Named<'_>, &AutoscalerReport> = BTreeMap::new();
    for autoscaler in &baseline.autoscalers {
        before.insert((&autoscaler.namespace, &autoscaler.name), autoscaler);
    }
    for autoscaler in &mut report.autoscalers {
        let named = (autoscaler.namespace.as_str(), autoscaler.name.as_str());
        let Some(earlier) = before.get(&named) else {
            continue;
        };
        let knew: BTreeSet<&str> = all(earlier).map(|f| f.id.as_str()).collect();
        let findings = std::mem::take(&mut autoscaler.findings);
        let (known, new) = findings
            .into_iter()
            .partition(|finding| knew.contains(finding.id.as_str()));
        (autoscaler.known, autoscaler.findings) = (known, new);
    }
    let gone = gone(report, baseline);
    if report.is_blind() && !gone.is_empty() {
        report.warnings.push(
            "findings that are gone may still be there: not everything could be read".to_owned(),
        );
    }
    report.baseline = Some(Baseline {
        at: baseline.at,
        gone,
    });
}

fn gone(report: &Report, baseline: &Report) -> Vec<Gone> {
    let now: BTreeMap<Named<'_>, &AutoscalerReport> = report
        .autoscalers
        .iter()
        .map(|a| ((a.namespace.as_str(), a.name.as_str()), a))
        .collect();
    let scope = &report.scope;
    let looked_at = |a: &&AutoscalerReport| {
        let space = scope.namespace.as_ref().is_none_or(|n| *n == a.namespace);
        space && scope.autoscaler.as_ref().is_none_or(|n| *n == a.name)
    };
    let mut gone = Vec::new();
    for earlier in baseline.autoscalers.iter().filter(looked_at) {
        let still = now.get(&(earlier.namespace.as_str(), earlier.name.as_str()));
        let found: BTreeSet<&str> = still
            .into_iter()
            .flat_map(|a| all(a))
            .map(|f| f.id.as_str())
            .collect();
        let counted = earlier.findings.iter().chain(&earlier.known);
        for finding in counted.filter(|f| !found.contains(f.id.as_str())) {
            gone.push(Gone {
                namespace: earlier.namespace.clone(),
                autoscaler: earlier.name.clone(),
                finding: finding.clone(),
                with_autoscaler: still.is_none(),
            });
        }
    }
    gone
}

/// All findings of an autoscaler, whether they count or not.
fn all(autoscaler: &AutoscalerReport) -> impl Iterator<Item = &Reason> {
    let ignored = autoscaler.ignored.iter().map(|i| &i.finding);
    autoscaler
        .findings
        .iter()
        .chain(&autoscaler.known)
        .chain(ignored)
}

/// Sets the outcome of the findings that count, the exit code and the groups.
pub(super) fn settle(mut report: Report) -> Report {
    let proves_nothing = report.is_blind() || report.autoscalers.is_empty();
    let heaviest = |counted: &dyn Fn(Weight) -> bool| {
        let findings = report.autoscalers.iter().flat_map(|a| &a.findings);
        findings
            .filter(|finding| counted(weight(finding)))
            .min_by_key(|finding| rank(&finding.id).unwrap_or(usize::MAX))
            .map(|finding| finding.outcome)
    };
    let outcome = match heaviest(&|_| true) {
        None | Some(Outcome::Pass) if proves_nothing => Outcome::Inconclusive,
        found => found.unwrap_or(Outcome::Pass),
    };
    let fail_on = report.fail_on;
    let exit_code = match heaviest(&|weight| fail_on.counts(weight)) {
        _ if fail_on == FailOn::None => 0,
        Some(Outcome::Pass) if !proves_nothing => NOTED,
        None | Some(Outcome::Pass) if proves_nothing => Outcome::Inconclusive.exit_code(),
        found => found.unwrap_or(Outcome::Pass).exit_code(),
    };
    report.outcome = outcome;
    report.exit_code = exit_code;
    report.grouped()
}

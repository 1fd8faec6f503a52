//! A suite per namespace and a case per autoscaler, which fails if a fault affects the exit code.

use hpa_check_core::documents::doctor::{AutoscalerReport, Report};
use hpa_check_core::verdict::{Outcome, Reason};
use quick_junit::{TestCase, TestSuite};

use super::super::{documentation, junit};
use super::counted;

/// The suites, plus one for what could not be read.
pub(super) fn suites(report: &Report) -> String {
    let mut document = quick_junit::Report::new("hpa-check doctor");
    for group in report
        .autoscalers
        .chunk_by(|a, b| a.namespace == b.namespace)
    {
        let mut suite = TestSuite::new(group[0].namespace.as_str());
        suite.add_test_cases(group.iter().map(|one| case(report, one)));
        document.add_test_suite(suite);
    }
    if !report.unseen.is_empty() {
        let mut suite = TestSuite::new("not read");
        suite.add_test_cases(report.unseen.iter().map(|unseen| {
            let message = format!("{}: {}", unseen.consequence, unseen.error);
            let mut case = TestCase::new(unseen.rule.as_str(), junit::skipped(&message));
            case.set_classname("hpa-check");
            case
        }));
        document.add_test_suite(suite);
    }
    junit::text(&document)
}

fn case(report: &Report, autoscaler: &AutoscalerReport) -> TestCase {
    let counted = counted(report, autoscaler);
    let status = match counted.first() {
        None => junit::success(),
        Some(first) if first.outcome == Outcome::Inconclusive => junit::skipped(&first.message),
        Some(first) => {
            let details: Vec<String> = counted.iter().map(|reason| detail(reason)).collect();
            junit::failure(&first.id, &first.message, &details.join("\n\n"))
        }
    };
    let mut case = TestCase::new(autoscaler.name.as_str(), status);
    case.set_classname(autoscaler.namespace.as_str());
    let said = autoscaler.findings.iter();
    let rest: Vec<String> = said
        .filter(|finding| !counted.contains(finding))
        .map(|finding| format!("{}: {}", finding.id, finding.message))
        .chain(autoscaler.known.iter().map(|f| format!("known: {}", f.id)))
        .chain(autoscaler.ignored.iter().map(|one| {
            let (id, because) = (&one.finding.id, &one.because);
            format!("ignored: {id}, because {because}")
        }))
        .collect();
    if !rest.is_empty() {
        case.set_system_out(rest.join("\n"));
    }
    case
}

fn detail(reason: &Reason) -> String {
    let seen = reason.evidence.iter().map(|seen| format!("seen: {seen}"));
    let fix = reason.fix.iter().map(|fix| format!("do: {fix}"));
    let page = documentation::of(&reason.id);
    std::iter::once(format!("{}: {}", reason.id, reason.message))
        .chain(seen)
        .chain(fix)
        .chain(page.map(|page| format!("see: {page}")))
        .collect::<Vec<_>>()
        .join("\n")
}

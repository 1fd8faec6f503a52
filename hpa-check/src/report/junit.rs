//! The verdict as `JUnit` XML: each reason is a test case, for CI systems that show those.

use std::time::Duration;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::verdict::{Outcome, Reason};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::summary;

/// One suite with a case per reason. A fault is a failure; a reason that proves nothing is skipped.
pub(crate) fn suite(result: &RunResult) -> String {
    let timeline = &result.timeline;
    let took = timeline.until.duration_since(timeline.from);
    let mut suite = TestSuite::new(format!("hpa-check {}", summary::subject(result)));
    suite.set_time(Duration::try_from(took).unwrap_or_default());
    suite.add_test_cases(result.verdict.reasons.iter().map(case));
    let mut report = Report::new("hpa-check");
    report.add_test_suite(suite);
    text(&report)
}

/// The document as text.
pub(super) fn text(report: &Report) -> String {
    report
        .to_string()
        .expect("writing a report to memory can't fail")
}

pub(super) fn success() -> TestCaseStatus {
    TestCaseStatus::success()
}

pub(super) fn skipped(message: &str) -> TestCaseStatus {
    let mut skipped = TestCaseStatus::skipped();
    skipped.set_message(message);
    skipped
}

pub(super) fn failure(kind: &str, message: &str, details: &str) -> TestCaseStatus {
    let mut failure = TestCaseStatus::non_success(NonSuccessKind::Failure);
    failure.set_type(kind);
    failure.set_message(message);
    failure.set_description(details);
    failure
}

fn case(reason: &Reason) -> TestCase {
    let passed = reason.outcome == Outcome::Pass;
    let status = match reason.outcome {
        Outcome::Pass => success(),
        Outcome::Inconclusive => skipped(&reason.message),
        _ => failure(&reason.id, &reason.message, &detail(reason)),
    };
    let mut case = TestCase::new(reason.id.as_str(), status);
    case.set_classname("hpa-check");
    if passed {
        case.set_system_out(reason.message.as_str());
    }
    case
}

fn detail(reason: &Reason) -> String {
    let fix = reason.fix.iter().map(|fix| format!("do: {fix}"));
    reason
        .evidence
        .iter()
        .cloned()
        .chain(fix)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn a_pass_has_no_failure() {
        let xml = suite(&fixture::passed());
        assert!(
            xml.contains("failures=\"0\"") && !xml.contains("<failure"),
            "{xml}"
        );
    }

    #[test]
    fn a_fault_is_a_failure_with_its_evidence_and_a_reason_that_proves_nothing_is_skipped() {
        let mut run = fixture::hostile();
        let mut open = run.verdict.reasons[0].clone();
        open.id = "watch-gap".to_owned();
        open.outcome = Outcome::Inconclusive;
        run.verdict.reasons[0].evidence = vec!["pod a: none".to_owned()];
        run.verdict.reasons.push(open);
        let xml = suite(&run);
        for attribute in ["tests=\"2\"", "failures=\"1\"", "skipped=\"1\""] {
            assert!(xml.contains(attribute), "{attribute}: {xml}");
        }
        let cases: Vec<&str> = xml.split("<testcase ").skip(1).collect();
        assert!(
            cases[0].starts_with("name=\"missing-cpu-request\""),
            "{xml}"
        );
        assert!(cases[0].contains("<failure message="), "{xml}");
        assert!(cases[0].contains(">pod a: none\ndo: "), "{xml}");
        assert!(cases[1].starts_with("name=\"watch-gap\""), "{xml}");
        assert!(cases[1].contains("<skipped message="), "{xml}");
        assert_eq!(cases.len(), 2);
    }

    #[test]
    fn text_from_outside_is_escaped() {
        let xml = suite(&fixture::hostile());
        assert!(!xml.contains("<script") && !xml.contains('\u{1b}'), "{xml}");
    }
}

//! The result as `JUnit` XML: what the run had to show, one test case each, for CI systems that read it.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::facts;
use crate::exit::Failure;
use crate::generator::Verdict;
use crate::result::{Document, ThresholdResult};

/// One suite per document, with a case for each rule and for what every run must show.
pub(super) fn junit(documents: &[Document]) -> Result<String, Failure> {
    let mut report = Report::new("fib-loadgen");
    report.add_test_suites(documents.iter().map(suite));
    report
        .to_string()
        .map_err(|error| Failure::internal(format!("the result can't be put into JUnit ({error})")))
}

fn suite(document: &Document) -> TestSuite {
    let mut suite = TestSuite::new(format!("fib-loadgen {}", facts::subject(document)));
    suite.set_time(Duration::from_secs_f64(document.totals.elapsed_s.max(0.0)));
    if let Ok(at) = document.run.started_utc.parse::<jiff::Timestamp>() {
        suite.add_property(Property::new("started", at.to_string()));
    }
    suite.add_property(Property::new("run", document.run.id.as_str()));
    suite.add_property(Property::new("seed", document.run.seed.to_string()));
    suite.add_test_cases(document.thresholds.iter().map(rule));
    let totals = &document.totals;
    suite.add_test_case(case(
        "every answer is correct",
        (totals.wrong > 0).then(|| format!("{} answers were wrong", totals.wrong)),
        &format!(
            "{} answers, {} of them verified",
            totals.ok, totals.verified
        ),
    ));
    suite.add_test_case(case(
        "the target answers",
        (totals.ok == 0)
            .then(|| format!("none of {} requests was answered correctly", totals.sent)),
        &format!(
            "{} of {} requests failed{}",
            totals.failed,
            totals.sent,
            facts::lost(totals)
        ),
    ));
    suite.add_test_case(generator(document));
    let interrupted = document
        .exit
        .reasons
        .iter()
        .any(|reason| reason == "interrupted");
    suite.add_test_case(case(
        "the run went to its end",
        if document.run.unfinished {
            Some("it was killed or is still running: this is a checkpoint".to_owned())
        } else {
            interrupted.then(|| "it was interrupted".to_owned())
        },
        "",
    ));
    suite
}

fn rule(rule: &ThresholdResult) -> TestCase {
    let ended = if rule.aborted {
        ", which ended the run"
    } else {
        ""
    };
    let broken = (!rule.passed).then(|| format!("observed {}{ended}", rule.observed));
    case(&rule.rule, broken, &format!("observed {}", rule.observed))
}

/// A saturated generator is a failure only if the run was set to fail for it; otherwise nothing is proved.
fn generator(document: &Document) -> TestCase {
    let name = "the generator is not the bottleneck";
    let reasons = document.generator.reasons.join("; ");
    let failed = document
        .exit
        .reasons
        .iter()
        .any(|reason| reason == "generator-saturated");
    if failed || document.generator.verdict == Verdict::Ok {
        return case(
            name,
            failed.then_some(reasons),
            document.generator.verdict.word(),
        );
    }
    let mut status = TestCaseStatus::skipped();
    status.set_message(format!("{}: {reasons}", document.generator.verdict.word()));
    with_class(TestCase::new(name, status))
}

fn case(name: &str, broken: Option<String>, otherwise: &str) -> TestCase {
    if let Some(message) = broken {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(message);
        return with_class(TestCase::new(name, status));
    }
    let mut case = TestCase::new(name, TestCaseStatus::success());
    if !otherwise.is_empty() {
        case.set_system_out(otherwise);
    }
    with_class(case)
}

fn with_class(mut case: TestCase) -> TestCase {
    case.set_classname("fib-loadgen");
    case
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_pass_has_no_failure_and_names_its_rules() {
        let xml = junit(&[fixture::passed()]).unwrap();
        assert!(
            xml.contains("failures=\"0\"") && xml.contains("name=\"p99&lt;250ms\""),
            "{xml}"
        );
    }

    #[test]
    fn a_violated_rule_is_a_failure_and_a_suspect_generator_is_skipped() {
        let xml = junit(&[fixture::failed()]).unwrap();
        assert!(
            xml.contains("tests=\"5\"") && xml.contains("failures=\"2\""),
            "{xml}"
        );
        assert!(
            xml.contains("skipped=\"1\"") && xml.contains("observed 812.0 ms"),
            "{xml}"
        );
    }

    #[test]
    fn text_from_outside_is_escaped() {
        let xml = junit(&[fixture::failed()]).unwrap();
        assert!(!xml.contains("<script") && !xml.contains('\u{1b}'), "{xml}");
    }
}

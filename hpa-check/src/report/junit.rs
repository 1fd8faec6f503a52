//! The verdict as `JUnit`'s XML: each reason a test case, for CI systems that show those.

use std::fmt::Write as _;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::verdict::{Outcome, Reason};

use super::escape::Xml;
use super::summary;

/// One suite with a case for each reason. What is not a pass is a failure; what proves nothing is
/// skipped.
pub(crate) fn suite(result: &RunResult) -> String {
    let reasons = &result.verdict.reasons;
    let count =
        |outcome: fn(Outcome) -> bool| reasons.iter().filter(|r| outcome(r.outcome)).count();
    let failures = count(fails);
    let skipped = count(|o| o == Outcome::Inconclusive);
    let seconds =
        (result.timeline.until.as_millisecond() - result.timeline.from.as_millisecond()) / 1_000;
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"hpa-check {}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{skipped}\" time=\"{seconds}\">\n",
        Xml(summary::subject(result)),
        reasons.len(),
    );
    for reason in reasons {
        // Writing to a String can't fail.
        let _ = write!(
            xml,
            "  <testcase classname=\"hpa-check\" name=\"{}\">",
            Xml(&reason.id)
        );
        if fails(reason.outcome) {
            let _ = write!(
                xml,
                "<failure message=\"{}\">{}</failure>",
                Xml(&reason.message),
                Xml(detail(reason))
            );
        } else if reason.outcome == Outcome::Inconclusive {
            let _ = write!(xml, "<skipped message=\"{}\"/>", Xml(&reason.message));
        } else {
            let _ = write!(xml, "<system-out>{}</system-out>", Xml(&reason.message));
        }
        xml.push_str("</testcase>\n");
    }
    xml.push_str("</testsuite>\n");
    xml
}

fn fails(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Wrong | Outcome::Environment)
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
    fn a_fault_is_a_failure_with_its_evidence_and_what_proves_nothing_is_skipped() {
        let mut run = fixture::hostile();
        let mut open = run.verdict.reasons[0].clone();
        open.id = "watch-gap".to_owned();
        open.outcome = Outcome::Inconclusive;
        run.verdict.reasons[0].evidence = vec!["pod a: none".to_owned()];
        run.verdict.reasons.push(open);
        let xml = suite(&run);
        assert!(
            xml.contains("tests=\"2\" failures=\"1\" skipped=\"1\""),
            "{xml}"
        );
        assert!(
            xml.contains("name=\"missing-cpu-request\"><failure message="),
            "{xml}"
        );
        assert!(xml.contains(">pod a: none\ndo: "), "{xml}");
        assert!(
            xml.contains("name=\"watch-gap\"><skipped message="),
            "{xml}"
        );
        assert_eq!(xml.matches("</testcase>").count(), 2);
    }

    #[test]
    fn text_from_the_world_stays_text() {
        let xml = suite(&fixture::hostile());
        assert!(!xml.contains("<script") && !xml.contains('\u{1b}'), "{xml}");
    }
}

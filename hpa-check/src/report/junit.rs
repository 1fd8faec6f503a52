//! The verdict as `JUnit`'s XML: each reason a test case, for CI systems that show those.

use std::fmt::Write as _;

use hpa_check_core::result::RunResult;
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
    matches!(outcome, Outcome::Wrong | Outcome::Surroundings)
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
    fn text_from_the_world_stays_text() {
        let xml = suite(&fixture::hostile());
        assert!(!xml.contains("<script") && !xml.contains('\u{1b}'), "{xml}");
    }
}

//! The reasons as annotations: commands that GitHub Actions reads from a step's output.

use std::fmt::{self, Write as _};

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::verdict::Outcome;

use super::summary;

/// One line per reason. A fault is an error; a reason that proves nothing is a warning.
pub(crate) fn annotations(result: &RunResult) -> String {
    let mut text = String::new();
    for reason in &result.verdict.reasons {
        let badge = result.verdict.outcome.badge();
        let title = format!("{badge}: {} ({})", summary::subject(result), reason.id);
        let fix = reason.fix.iter().map(|fix| format!("Do: {fix}"));
        let lines: Vec<String> = std::iter::once(reason.message.clone()).chain(fix).collect();
        text.push_str(&annotation(reason.outcome, &title, &lines));
    }
    text
}

/// One annotation, with its newline.
pub(super) fn annotation(outcome: Outcome, title: &str, lines: &[String]) -> String {
    let command = match outcome {
        Outcome::Pass => "notice",
        Outcome::Inconclusive => "warning",
        Outcome::Wrong | Outcome::Environment => "error",
    };
    format!(
        "::{command} title={}::{}\n",
        Property(title),
        Data(&lines.join("\n"))
    )
}

/// The text of a command in one line, with newlines escaped for GitHub.
struct Data<'a>(&'a str);

impl fmt::Display for Data<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '%' => f.write_str("%25")?,
                '\r' => f.write_str("%0D")?,
                '\n' => f.write_str("%0A")?,
                c if c.is_control() => f.write_char('\u{fffd}')?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A property of a command, in which two more characters are escaped.
struct Property<'a>(&'a str);

impl fmt::Display for Property<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Data(self.0).to_string();
        f.write_str(&text.replace(':', "%3A").replace(',', "%2C"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn a_pass_is_a_notice_and_a_fault_is_an_error_with_advice() {
        let text = annotations(&fixture::passed());
        assert_eq!(text.lines().count(), 3);
        let first = "::notice title=PASS%3A fib-server (scaled-as-asked)::Replicas went";
        assert!(text.starts_with(first), "{text}");
        let text = annotations(&fixture::hostile());
        assert!(text.starts_with("::error title=WRONG%3A "), "{text}");
        assert!(text.contains("%0ADo: "), "{text}");
    }

    #[test]
    fn no_text_from_outside_starts_a_command() {
        let mut run = fixture::hostile();
        run.verdict.reasons[0].message = "100 %\r\n::stop-commands::x".to_owned();
        run.setting.as_mut().unwrap().autoscaler = "a,b::c".to_owned();
        let text = annotations(&run);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("100 %25%0D%0A::stop-commands::x"), "{text}");
        assert!(text.contains("a%2Cb%3A%3Ac in namespace"), "{text}");
    }
}

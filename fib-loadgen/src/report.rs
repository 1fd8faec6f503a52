//! What people see: the live screen, the periodic line, and the summary at the end. Pure: text from data.

mod csv;
mod facts;
mod html;
mod junit;
mod k6;
mod lines;
mod markdown;
pub(crate) mod plot;
mod progress;
mod summary;
pub(crate) mod words;

#[cfg(test)]
pub(crate) mod fixture;

pub use progress::line;
pub use summary::summary;

use std::time::Duration;

use crate::exit::Failure;
use crate::outputs::ReportFormat;
use crate::result::Document;

/// A document in one of the result formats.
pub fn render(kind: ReportFormat, document: &Document) -> Result<String, Failure> {
    match kind {
        ReportFormat::Json => json(document),
        ReportFormat::Log => crate::shipping::to_log(document),
        ReportFormat::Ndjson => Ok(lines::ndjson(document)),
        ReportFormat::Html => Ok(html::page(document)),
        ReportFormat::Junit => junit::junit(std::slice::from_ref(document)),
        ReportFormat::Markdown => Ok(markdown::markdown(document)),
        ReportFormat::Csv => Ok(csv::csv(document)),
        ReportFormat::K6 => Ok(k6::summary(document)),
        ReportFormat::SummaryExport => Ok(k6::summary_export(document)),
        ReportFormat::Text => Ok(summary(document)),
    }
}

/// Several documents in one of the formats. Formats that can't be concatenated need one file each.
pub fn render_all(kind: ReportFormat, documents: &[Document]) -> Result<String, Failure> {
    match documents {
        [document] => render(kind, document),
        _ => match kind {
            ReportFormat::Junit => junit::junit(documents),
            ReportFormat::Markdown | ReportFormat::Text | ReportFormat::Log => documents
                .iter()
                .map(|document| render(kind, document))
                .collect(),
            _ => Err(Failure::usage(format!(
                "{} can't be written to one file in this format: give one result, or merge them",
                words::counted(documents.len(), "result")
            ))),
        },
    }
}

fn json(document: &Document) -> Result<String, Failure> {
    let mut text = serde_json::to_string_pretty(document).map_err(|error| {
        Failure::internal(format!("the result can't be put into JSON ({error})"))
    })?;
    text.push('\n');
    Ok(text)
}

/// `1910400` as `1,910,400`.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `134 s` as `02:14`, an hour as `1:00:00`.
pub(crate) fn clock(time: Duration) -> String {
    let seconds = (time.as_secs_f64()).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "seconds of a run"
    )]
    let seconds = seconds as u64;
    let (minutes, seconds) = (seconds / 60, seconds % 60);
    match minutes / 60 {
        0 => format!("{minutes:02}:{seconds:02}"),
        hours => format!("{hours}:{:02}:{seconds:02}", minutes % 60),
    }
}

/// A level of the load: whole, or with enough digits that a small rate doesn't read as 0.
pub(crate) fn level(level: f64) -> String {
    if level == 0.0 || level >= 100.0 || (level - level.round()).abs() < 1e-9 {
        return format!("{level:.0}");
    }
    if level >= 1.0 {
        return format!("{level:.1}");
    }
    let digits = format!("{level:.4}");
    match digits.trim_end_matches('0') {
        "0." => format!("{level:.0e}"),
        short => short.to_owned(),
    }
}

/// The levels at a phase's start and end, as one if they read alike.
pub(crate) fn levels([from, to]: [f64; 2], between: &str) -> String {
    let (from, to) = (level(from), level(to));
    if from == to { to } else { from + between + &to }
}

/// Microseconds as milliseconds, with a sensible number of decimals; a dash if there is none.
#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds shown with three digits"
)]
pub(crate) fn ms(us: Option<u64>) -> String {
    match us {
        None => "-".to_owned(),
        Some(us) if us < 1_000 => format!("{:.2}", us as f64 / 1e3),
        Some(us) if us < 1_000_000 => format!("{:.1}", us as f64 / 1e3),
        Some(us) => format!("{:.0}", us as f64 / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_easy_to_read() {
        assert_eq!(thousands(1_910_400), "1,910,400");
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(clock(Duration::from_secs(134)), "02:14");
        assert_eq!(clock(Duration::from_mins(90)), "1:30:00");
    }

    #[test]
    fn every_report_for_people_shows_requests_that_were_never_sent_or_given_up() {
        let mut document = fixture::passed();
        document.totals.unsent = 2_790;
        document.totals.unfinished = 31_337;
        for kind in [
            ReportFormat::Text,
            ReportFormat::Html,
            ReportFormat::Markdown,
            ReportFormat::Junit,
        ] {
            let text = render(kind, &document).unwrap();
            let lost = ["2,790", "31,337"].map(|count| text.contains(count));
            assert_eq!(lost, [true; 2], "{kind:?}: {text}");
            assert!(!text.contains("Every answer is right"), "{kind:?}");
        }
        for kind in [ReportFormat::K6, ReportFormat::SummaryExport] {
            assert!(
                render(kind, &document)
                    .unwrap()
                    .contains("dropped_iterations")
            );
            assert!(
                !render(kind, &fixture::passed())
                    .unwrap()
                    .contains("dropped_iterations")
            );
        }
    }

    #[test]
    fn a_small_rate_does_not_read_as_zero() {
        let cases = [
            (0.0, "0"),
            (0.5, "0.5"),
            (2.0 / 60.0, "0.0333"),
            (1e-6, "1e-6"),
            (2.5, "2.5"),
            (430.0, "430"),
            (429.6, "430"),
        ];
        for (rate, text) in cases {
            assert_eq!(level(rate), text);
        }
        assert_eq!(
            (ms(Some(50)), ms(Some(12_400)), ms(None)),
            ("0.05".into(), "12.4".into(), "-".into())
        );
    }
}

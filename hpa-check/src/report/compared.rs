//! The reports of a comparison: the settings that differ, the effect, and whether the second is a regression.

use std::fmt::Write as _;

use drawing::layout::Format;
use drawing::page::{Header, section};
use hpa_check_core::compare::{Change, Comparison, ComparisonRow, Side, one_axis};
use hpa_check_core::settings::COMMAND;

use super::chart::pair::pair;
use super::escape::{Markdown, Terminal, Xml};
use super::{documentation, html, settings};
use crate::failure::Failure;
use crate::outputs::{Opened, ReportFormat};

/// What `compare` and `what-if` can write.
pub(crate) const KINDS: [ReportFormat; 3] =
    [ReportFormat::Json, ReportFormat::Html, ReportFormat::Md];

/// The report of this kind; `None` if a comparison does not have it.
fn render(kind: ReportFormat, comparison: &Comparison, a: &Side, b: &Side) -> Option<String> {
    match kind {
        ReportFormat::Json => Some(super::json(comparison)),
        ReportFormat::Html => Some(page(comparison, a, b)),
        ReportFormat::Md => Some(markdown(comparison)),
        _ => None,
    }
}

/// Writes every report.
pub(crate) fn write(
    opened: &Opened,
    comparison: &Comparison,
    a: &Side,
    b: &Side,
) -> Result<(), Failure> {
    super::write_all(opened, |kind| render(kind, comparison, a, b))
}

fn badge(comparison: &Comparison) -> &'static str {
    match (comparison.is_conclusive(), comparison.is_regression()) {
        (false, _) => "INCONCLUSIVE",
        (true, true) => "REGRESSION",
        (true, false) => "NO REGRESSION",
    }
}

/// The reason, in one sentence.
fn cause(comparison: &Comparison) -> String {
    let reasons = if comparison.is_conclusive() {
        &comparison.regressions
    } else {
        &comparison.doubts
    };
    if reasons.is_empty() {
        return format!("B is not worse than A. {}", rule(comparison));
    }
    format!("{}.", reasons.join("; "))
}

/// The rule by which it was judged.
fn rule(comparison: &Comparison) -> String {
    format!(
        "A regression is a verdict that got worse, a new fault, or a measure that grew by more than {:.0} % and by more than a sync of the controller can explain.",
        comparison.tolerance * 100.0
    )
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Same => "same",
        Change::Better => "better",
        Change::Worse => "WORSE",
        Change::Unknown => "unknown",
    }
}

/// A measure, its values in A and B, the change, and the verdict.
fn cells(row: &ComparisonRow) -> [String; 5] {
    let change = row.change.map(|share| format!("{:+.1} %", share * 100.0));
    [
        row.measure.name().to_owned(),
        row.measure.told(row.a),
        row.measure.told(row.b),
        change.unwrap_or_else(|| "–".to_owned()),
        word(row.verdict).to_owned(),
    ]
}

/// The findings that are new and gone, and other notes, in sentences. `finding` and `text` format them for the
/// output.
fn notes(
    comparison: &Comparison,
    finding: impl Fn(&str) -> String,
    text: impl Fn(&str) -> String,
) -> Vec<String> {
    let told = |what: &str, ids: &[String]| {
        let all: Vec<String> = ids.iter().map(|id| finding(id)).collect();
        (!all.is_empty()).then(|| format!("{what}: {}", all.join(", ")))
    };
    let all = [
        told("New faults", &comparison.new_faults),
        told("Faults that are gone", &comparison.gone_faults),
    ];
    let notes = comparison.notes.iter().map(|note| text(note));
    all.into_iter().flatten().chain(notes).collect()
}

const UNSET: &str = "–";

/// The text for a terminal, without a trailing newline.
pub(crate) fn terminal(comparison: &Comparison) -> String {
    let Comparison { a, b, .. } = comparison;
    // Writing to a String can't fail.
    let mut text = format!(
        "A  {}  {}\nB  {}  {}\n\n",
        a.outcome,
        Terminal(&a.name),
        b.outcome,
        Terminal(&b.name)
    );
    let _ = writeln!(
        text,
        "{:<24}{:>14}{:>14}{:>10}   verdict",
        "", "A", "B", "change"
    );
    for row in &comparison.rows {
        let [name, a, b, change, verdict] = cells(row);
        let _ = writeln!(text, "{name:<24}{a:>14}{b:>14}{change:>10}   {verdict}");
    }
    let plain = |text: &str| Terminal(text).to_string();
    for line in notes(comparison, plain, plain) {
        let _ = writeln!(text, "{line}");
    }
    if !comparison.differences.is_empty() {
        text.push_str("\nSettings that differ:\n");
    }
    for difference in &comparison.differences {
        let of = |side: &Option<String>| side.clone().unwrap_or_else(|| UNSET.to_owned());
        let (a, b) = (of(&difference.a), of(&difference.b));
        let change = format!("{}: {a} → {b}", difference.setting);
        let _ = writeln!(text, "  {}", Terminal(change));
    }
    let cause = Terminal(cause(comparison)).to_string();
    let _ = write!(text, "\n{}: {cause}", badge(comparison));
    text
}

fn markdown(comparison: &Comparison) -> String {
    let Comparison { a, b, .. } = comparison;
    // Writing to a String can't fail.
    let mut text = format!(
        "## {}\n\n{}\n\nA: {}, {}. B: {}, {}.\n\n| | A | B | change | |\n| --- | --- | --- | --- | --- |\n",
        badge(comparison),
        Markdown(cause(comparison)),
        Markdown(&a.name),
        a.outcome,
        Markdown(&b.name),
        b.outcome,
    );
    for row in &comparison.rows {
        let _ = writeln!(text, "| {} |", cells(row).join(" | "));
    }
    for line in notes(comparison, documentation::link, |text| {
        Markdown(text).to_string()
    }) {
        let _ = writeln!(text, "\n{line}");
    }
    for (index, difference) in comparison.differences.iter().enumerate() {
        if index == 0 {
            text.push_str("\n| setting | A | B |\n| --- | --- | --- |\n");
        }
        let of = |side: &Option<String>| {
            let value = side.as_deref().unwrap_or(UNSET);
            Markdown(value).to_string()
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            settings::heading(&difference.setting),
            of(&difference.a),
            of(&difference.b)
        );
    }
    text.push_str("\nThe same in both:\n");
    text + &settings::table(&shared(comparison))
}

/// The settings that both sides have, and the command lines.
fn shared(comparison: &Comparison) -> Vec<(&str, String)> {
    let same = comparison.same.iter();
    let mut rows: Vec<(&str, String)> = same
        .map(|shared| (shared.setting.as_str(), shared.value.clone()))
        .collect();
    let commands = [
        ("command of A", &comparison.a.command),
        ("command of B", &comparison.b.command),
        (COMMAND, &comparison.command),
    ];
    rows.extend(
        commands
            .into_iter()
            .filter_map(|(name, c)| Some((name, c.clone()?))),
    );
    rows
}

fn page(comparison: &Comparison, a: &Side, b: &Side) -> String {
    let badge = badge(comparison);
    let class = match (comparison.is_conclusive(), comparison.is_regression()) {
        (false, _) => "inconclusive",
        (true, true) => "wrong",
        (true, false) => "pass",
    };
    let (named_a, named_b) = (&comparison.a, &comparison.b);
    let (from_a, from_b, length) = one_axis(&a.timeline, a.begin(), &b.timeline, b.begin());
    let drawn = |format| pair(a, b, badge, format);
    let chart = html::framed(
        &format!("{}{}", drawn(Format::Wide), drawn(Format::Narrow)),
        length.as_secs(),
    );
    let measures = html::table(
        "measures",
        &["Measure", "A", "B", "Change", "Verdict"],
        comparison.rows.iter().map(|row| cells(row).to_vec()),
    );
    let differences = html::table(
        "differences",
        &["Setting", "A", "B"],
        comparison.differences.iter().map(|difference| {
            let of = |side: &Option<String>| side.clone().unwrap_or_else(|| UNSET.to_owned());
            vec![
                settings::heading(&difference.setting),
                of(&difference.a),
                of(&difference.b),
            ]
        }),
    );
    let notes = notes(comparison, html::named, |text| Xml(text).to_string())
        .iter()
        .fold(String::new(), |mut html, line| {
            // Writing to a String can't fail.
            let _ = writeln!(html, "<p class=\"note\">{line}</p>");
            html
        });
    let same = "<p class=\"note\">No setting differs.</p>\n".to_owned();
    let sections = [
        section("measures", "Measures", &(notes + &measures)),
        section("timeline", "Timeline", &chart),
        section(
            "differences",
            "Settings that differ",
            if differences.is_empty() {
                &same
            } else {
                &differences
            },
        ),
        section("settings", "Settings", &settings::rows(&shared(comparison))),
    ];
    let subject = format!("{} against {}", named_b.name, named_a.name);
    let header = Header {
        class,
        badge,
        subject: &subject,
        cause: &cause(comparison),
        when: &format!(
            "A is {}: {}. B is {}: {}.",
            named_a.name, named_a.outcome, named_b.name, named_b.outcome
        ),
    };
    let rule = format!("<p class=\"note\">{}</p>\n", Xml(rule(comparison)));
    let main = sections.concat() + &rule;
    let offset = |side: &Side, from: jiff::Timestamp| {
        (side.timeline.from.as_millisecond() - from.as_millisecond()).max(0) / 100
    };
    html::shell(&html::Shell {
        title: &format!("{badge}: {subject}"),
        content: &header.over(
            &main,
            &html::writer(&comparison.version, &comparison.schema),
        ),
        data: serde_json::json!({
            "length": i64::try_from(length.as_millis()).unwrap_or(0) / 100,
            "sides": [
                {"name": "A", "offset": offset(a, from_a), "data": html::data::compact(&a.timeline)},
                {"name": "B", "offset": offset(b, from_b), "data": html::data::compact(&b.timeline)},
            ],
        }),
        allowed: "",
        more: "",
    })
}

#[cfg(test)]
mod tests {
    use hpa_check_core::compare::compare;

    use super::super::fixture;
    use super::*;

    #[test]
    fn every_report_names_the_outcome_each_measure_and_the_rule() {
        let a = Side::of_run("a.json", fixture::passed());
        let b = Side::of_run("b.json", fixture::hostile());
        let comparison = compare(&a, &b, "1", 0.05);
        for text in [
            terminal(&comparison),
            markdown(&comparison),
            page(&comparison, &a, &b),
        ] {
            assert!(
                text.contains("scaling events") && text.contains("a.json"),
                "{text}"
            );
            assert!(text.contains(badge(&comparison)), "{text}");
        }
        let shown = page(&comparison, &a, &b);
        assert_eq!(shown.matches("<script").count(), 2, "the page's own two");
        assert!(
            shown.contains("<h2 id=\"settings\">") && shown.contains(">missing-cpu-request</a>")
        );
        let same = compare(&a, &a, "1", 0.05);
        assert!(terminal(&same).contains("NO REGRESSION: B is not worse than A"));
        let page = page(&same, &a, &a);
        assert!(page.contains("No setting differs") && page.contains("grew by more than 5 %"));
        assert_eq!(page.matches("class=\"timeline ").count(), 2);
    }
}

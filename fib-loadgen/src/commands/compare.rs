//! `compare`: whether the second run is worse than the first beyond noise.

use std::fmt::Write;

use serde_json::json;

use super::{print, report::read_one};
use crate::args::CompareArgs;
use crate::compare::{self as comparing, Change, Comparison, Measure, Row};
use crate::exit::{Ending, Failure};
use crate::report::ms;

pub(super) fn compare(args: &CompareArgs) -> Result<u8, Failure> {
    let (a, b) = (read_one(&args.a)?, read_one(&args.b)?);
    let comparison = comparing::compare(&a, &b, args.tolerance).map_err(Failure::usage)?;
    let text = if args.json {
        format!("{:#}", as_json(&comparison))
    } else {
        table(&comparison, args.tolerance)
    };
    print(text.trim_end())?;
    code(&comparison)
}

/// A saturated generator only measures itself, so it takes precedence.
fn code(comparison: &Comparison) -> Result<u8, Failure> {
    if comparison.saturated {
        return Ok(Ending::Saturated.code());
    }
    if !comparison.tells_something() {
        return Err(Failure::usage(
            "the results are too short to tell a change from noise: give longer runs of this version",
        ));
    }
    Ok(if comparison.is_worse() {
        Ending::Threshold.code()
    } else {
        0
    })
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Same => "same",
        Change::Better => "better",
        Change::Worse => "WORSE",
        Change::Unknown => "unknown",
    }
}

fn table(comparison: &Comparison, tolerance: f64) -> String {
    let mut text = String::new();
    // Writing to a String can't fail.
    let _ = writeln!(
        text,
        "{:<18}{:>12}{:>12}{:>10}   {:<20}verdict",
        "", "A", "B", "change", "99 % bounds"
    );
    for row in &comparison.rows {
        let bounds = row.bounds.map_or_else(
            || "-".to_owned(),
            |(low, high)| format!("{} .. {}", percent(low), percent(high)),
        );
        let _ = writeln!(
            text,
            "{:<18}{:>12}{:>12}{:>10}   {bounds:<20}{}",
            name(row.measure),
            value(row, row.a),
            value(row, row.b),
            row.change.map_or_else(|| "-".to_owned(), percent),
            word(row.verdict)
        );
    }
    for note in &comparison.notes {
        let _ = writeln!(text, "note: {note}");
    }
    let summary = if comparison.saturated {
        "a generator was the bottleneck, so the runs prove nothing about the server".to_owned()
    } else if comparison.is_worse() {
        format!(
            "B is worse than A by more than noise and a tolerance of {}",
            percent(tolerance).trim_start_matches('+')
        )
    } else if comparison.tells_something() {
        "B is not worse than A, as far as these runs can tell".to_owned()
    } else {
        "these runs are inconclusive".to_owned()
    };
    let _ = writeln!(text, "\n{summary}");
    text
}

fn name(measure: Measure) -> String {
    match measure {
        Measure::Percentile(_) => format!("{}, ms", measure.name()),
        Measure::Rate | Measure::Failures => measure.name(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds of a request"
)]
fn value(row: &Row, value: Option<f64>) -> String {
    match (value, row.measure) {
        (None, _) => "-".to_owned(),
        (Some(us), Measure::Percentile(_)) => ms(Some(us as u64)),
        (Some(rate), Measure::Rate) => format!("{rate:.1}"),
        (Some(share), Measure::Failures) => format!("{:.3} %", share * 100.0),
    }
}

fn percent(share: f64) -> String {
    format!("{:+.1} %", share * 100.0)
}

fn as_json(comparison: &Comparison) -> serde_json::Value {
    let rows = comparison.rows.iter().map(|row| {
        json!({
            "measure": row.measure.name(),
            "unit": match row.measure {
                Measure::Rate => "1/s",
                Measure::Percentile(_) => "us",
                Measure::Failures => "share",
            },
            "a": row.a,
            "b": row.b,
            "change": row.change,
            "bounds": row.bounds.map(|(low, high)| [low, high]),
            "verdict": word(row.verdict).to_lowercase(),
        })
    });
    json!({
        "schema": "fib-loadgen-comparison/1",
        "rows": rows.collect::<Vec<_>>(),
        "notes": comparison.notes,
        "saturated": comparison.saturated,
        "worse": comparison.is_worse(),
    })
}

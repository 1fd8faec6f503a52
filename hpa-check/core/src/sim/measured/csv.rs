//! Measured series as CSV from Grafana's inspector: a time column and one column per series, or one row per
//! value.

use std::collections::BTreeMap;

use super::{Sample, Series, time};

pub(super) fn read(text: &str) -> Result<Vec<Series>, String> {
    // Excel reads the separator from a line of its own.
    let (given, text) = match text.strip_prefix("sep=") {
        Some(rest) => (
            rest.chars().next(),
            rest.split_once('\n').map_or("", |(_, t)| t),
        ),
        None => (None, text),
    };
    let separator = given.unwrap_or_else(|| separator(text));
    let byte = u8::try_from(separator).map_err(|_| {
        format!("has the separator `{separator}`: separate its columns with commas")
    })?;
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(byte)
        .flexible(false)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let header: Vec<String> = match reader.headers() {
        Ok(header) => header.iter().map(str::to_owned).collect(),
        Err(e) => return Err(format!("is not CSV: {e}")),
    };
    let column = |name: &str| header.iter().position(|h| h.eq_ignore_ascii_case(name));
    let times = column("time")
        .or_else(|| column("timestamp"))
        .or_else(|| column("date"))
        .unwrap_or(0);
    if header.len() < 2 || time(&header[times]).is_some() {
        return Err(
            "has no heading with a column of times and one of values: export the panel's data as CSV, such as `Time,Value`"
                .to_owned(),
        );
    }
    // With one row per value, a column has the name of the series.
    let long = column("series").zip(column("value"));
    let mut series = BTreeMap::<usize, Series>::new();
    let mut named = BTreeMap::<String, usize>::new();
    for record in reader.records() {
        let record = record.map_err(|e| format!("is not CSV: {e}"))?;
        let line = record.position().map_or(0, csv::Position::line);
        let at = record.get(times).unwrap_or_default();
        let at_ms = time(at).ok_or_else(|| {
            format!("has `{at}` in line {line}, which is not a time: write 2026-11-20T15:00:00Z, or seconds since 1970")
        })?;
        let mut add = |index: usize, name: &str, cell: &str| -> Result<(), String> {
            let value = number(cell, separator).map_err(|()| {
                format!(
                    "has `{cell}` in line {line}, which is not a number: export the data unformatted (in Grafana's inspector, switch off `Formatted data`)"
                )
            })?;
            let series = series.entry(index).or_insert_with(|| Series {
                name: name.to_owned(),
                samples: Vec::new(),
            });
            series.samples.push(Sample { at_ms, value });
            Ok(())
        };
        match long {
            Some((name, value)) => {
                let name = record.get(name).unwrap_or_default();
                let next = named.len();
                let index = *named.entry(name.to_owned()).or_insert(next);
                add(index, name, record.get(value).unwrap_or_default())?;
            }
            None => {
                for (index, name) in header.iter().enumerate().filter(|(i, _)| *i != times) {
                    add(index, name, record.get(index).unwrap_or_default())?;
                }
            }
        }
    }
    Ok(series.into_values().collect())
}

/// The character after the first column's heading, which may be quoted.
fn separator(text: &str) -> char {
    let heading = text.lines().next().unwrap_or_default();
    let after = match heading.strip_prefix('"') {
        Some(quoted) => quoted.split_once('"').map_or("", |(_, rest)| rest),
        None => heading,
    };
    let found = after.chars().find(|c| [',', ';', '\t'].contains(c));
    found.unwrap_or(',')
}

/// A cell's number; `None` if nothing was measured. If semicolons separate columns, the decimal separator may
/// be a comma.
fn number(cell: &str, separator: char) -> Result<Option<f64>, ()> {
    if ["", "-", "null", "undefined"].contains(&cell.to_lowercase().as_str()) {
        return Ok(None);
    }
    let cell = if separator == ',' {
        cell.to_owned()
    } else {
        cell.replace(',', ".")
    };
    let value: f64 = cell.parse().map_err(|_| ())?;
    Ok(Some(value).filter(|v| v.is_finite()))
}

//! A measured load: reads series exported from Prometheus or Grafana as a load profile.
//!
//! It is lenient about form (which export, separator or clock) and strict about content: anything that can't be
//! the load of one application is an error that says what to do.

mod csv;
mod json;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::{LoadProfile, Point};

/// A measured series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Its labels, or its column heading.
    pub name: String,
    /// Its samples, in order of time.
    pub samples: Vec<Sample>,
}

/// A value at an instant.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Cores, or requests per second; `None` if nothing was measured.
    pub value: Option<f64>,
}

/// A load profile with notes about its origin.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The load, from the first sample on.
    pub profile: LoadProfile,
    /// The first sample's instant.
    pub from: Timestamp,
    /// The last sample's instant.
    pub until: Timestamp,
    /// What a reader must know, one sentence each.
    pub notes: Vec<String>,
}

/// Samples further apart than this many steps have a gap between them.
const GAP_STEPS: f64 = 1.5;

/// Reads the series of an export: an answer of Prometheus' API, the output of `promtool query range -o json`, a
/// Grafana data frame, or CSV. The error completes a sentence that begins with the file's name.
pub fn read(text: &str) -> Result<Vec<Series>, String> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.is_empty() {
        return Err("is empty: export the query's result as CSV or JSON".to_owned());
    }
    if text.starts_with(['{', '[']) {
        json::read(text)
    } else {
        csv::read(text)
    }
}

/// Turns the series into a load: their sum if `sum` is set, otherwise the only one. With the CPU time of one
/// request, values are requests per second; otherwise they are cores. The error completes a sentence that
/// begins with the origin's name.
pub fn profile(series: Vec<Series>, sum: bool, cost: Option<Duration>) -> Result<Measured, String> {
    let mut measured: Vec<Series> = series
        .into_iter()
        .filter(|s| s.samples.iter().any(|sample| sample.value.is_some()))
        .collect();
    let samples = match measured.len() {
        0 => {
            return Err("holds no value: check the query's labels and the time range".to_owned());
        }
        1 => measured.remove(0).samples,
        _ if sum => summed(&measured)?,
        several => {
            let names: Vec<&str> = measured.iter().take(3).map(|s| s.name.as_str()).collect();
            let more = if several > 3 { ", …" } else { "" };
            return Err(format!(
                "holds {several} series ({}{more}): sum them in the query, as in sum(…), or add them up with --load-sum",
                names.join(", ")
            ));
        }
    };
    load(&samples, cost)
}

/// Like PromQL's `sum`: adds the values that exist at each instant.
fn summed(series: &[Series]) -> Result<Vec<Sample>, String> {
    let mut sums = BTreeMap::<i64, Option<f64>>::new();
    for sample in series.iter().flat_map(|s| &s.samples) {
        let sum = sums.entry(sample.at_ms).or_default();
        *sum = match (*sum, sample.value) {
            (Some(sum), Some(value)) => Some(sum + value),
            (known, other) => known.or(other),
        };
    }
    let all: Vec<Sample> = sums
        .into_iter()
        .map(|(at_ms, value)| Sample { at_ms, value })
        .collect();
    let finest = series.iter().filter_map(|s| step(&s.samples)).min();
    if let (Some(together), Some(finest)) = (step(&all), finest)
        && together * 2 <= finest
    {
        return Err(
            "holds series with different instants, which can't be added up: sum them in the query, as in sum(…)"
                .to_owned(),
        );
    }
    Ok(all)
}

fn load(samples: &[Sample], cost: Option<Duration>) -> Result<Measured, String> {
    let mut known = Vec::with_capacity(samples.len());
    for sample in samples {
        let Some(value) = sample.value else { continue };
        let at = instant(sample.at_ms)?;
        if value < 0.0 {
            return Err(format!(
                "holds the negative value {value} at {at}: query a rate or a use, such as sum(rate(container_cpu_usage_seconds_total[2m]))"
            ));
        }
        if value > 1e9 {
            return Err(format!(
                "holds the value {value} at {at}, which is beyond any cluster: query cores, or requests per second with --cost"
            ));
        }
        if let Some((before, _)) = known.last()
            && *before >= sample.at_ms
        {
            return Err(format!(
                "goes back in time at {at}: export it in order of time, and in UTC if the clocks were changed"
            ));
        }
        known.push((sample.at_ms, value));
    }
    let (Some((first, _)), Some((last, _)), true) = (known.first(), known.last(), known.len() > 1)
    else {
        return Err("holds a single value: a load needs two or more, over a time range".to_owned());
    };
    let (from, until) = (instant(*first)?, instant(*last)?);
    let millicores = cost.map_or(1_000.0, |cost| cost.as_secs_f64() * 1_000.0);
    let points = known.iter().map(|(at, value)| Point {
        second: seconds(at - first),
        millicores: value * millicores,
    });
    Ok(Measured {
        profile: LoadProfile {
            points: points.collect(),
            cost_us: cost.map(|c| c.as_secs_f64() * 1e6),
            source: None,
        },
        from,
        until,
        notes: gaps(&known)?,
    })
}

/// The notes on gaps; an error if more is missing than present.
fn gaps(known: &[(i64, f64)]) -> Result<Vec<String>, String> {
    let apart = || {
        known
            .windows(2)
            .map(|pair| (pair[0].0, pair[1].0 - pair[0].0))
    };
    let mut steps: Vec<i64> = apart().map(|(_, step)| step).collect();
    steps.sort_unstable();
    let Some(step) = steps.get(steps.len() / 2).copied() else {
        return Ok(Vec::new());
    };
    let gaps: Vec<(i64, i64)> = apart()
        .filter(|(_, apart)| seconds(*apart) > GAP_STEPS * seconds(step))
        .collect();
    let Some((at, longest)) = gaps.iter().max_by_key(|(_, length)| *length) else {
        return Ok(Vec::new());
    };
    let missing: i64 = gaps.iter().map(|(_, length)| length - step).sum();
    let whole: i64 = steps.iter().sum();
    if missing * 2 > whole {
        return Err(format!(
            "lacks more than half of its range: {} of {} were not measured; choose a range with data",
            told(missing),
            told(whole)
        ));
    }
    let count = match gaps.len() {
        1 => "a gap".to_owned(),
        several => format!("{several} gaps"),
    };
    Ok(vec![format!(
        "{count}, {} in total, filled by straight lines; the longest is {} from {}",
        told(missing),
        told(*longest),
        instant(*at)?
    )])
}

/// The usual time between two samples, in milliseconds.
fn step(samples: &[Sample]) -> Option<i64> {
    let mut steps: Vec<i64> = samples
        .windows(2)
        .map(|pair| pair[1].at_ms - pair[0].at_ms)
        .collect();
    steps.sort_unstable();
    steps.get(steps.len() / 2).copied()
}

fn instant(at_ms: i64) -> Result<Timestamp, String> {
    Timestamp::from_millisecond(at_ms)
        .map_err(|_| format!("holds the time {at_ms} ms since 1970, which is out of range"))
}

/// A time span such as `1h 30m`.
fn told(ms: i64) -> String {
    let seconds = ms / 1_000;
    let parts = [
        (seconds / 86_400, 'd'),
        (seconds / 3_600 % 24, 'h'),
        (seconds / 60 % 60, 'm'),
        (seconds % 60, 's'),
    ];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .take(2)
        .map(|(count, unit)| format!("{count}{unit}"))
        .collect();
    if parts.is_empty() {
        return "0s".to_owned();
    }
    parts.join(" ")
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 are far below 2^52"
)]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

/// Parses an instant into milliseconds since 1970: a number of seconds or milliseconds, RFC 3339, or a date and
/// time without a zone, which is UTC.
fn time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<f64>() {
        return number_time(number);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at.as_millisecond());
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let at = jiff::tz::Offset::UTC.to_timestamp(civil).ok()?;
    Some(at.as_millisecond())
}

/// Seconds or milliseconds since 1970: numbers beyond this bound are milliseconds, since seconds reach it only
/// in the year 5138.
#[expect(
    clippy::cast_possible_truncation,
    reason = "checked to be far below 2^52"
)]
fn number_time(number: f64) -> Option<i64> {
    match number.abs() {
        size if size < 1e11 => Some((number * 1_000.0).round() as i64),
        size if size < 1e15 => Some(number.round() as i64),
        _ => None,
    }
}

#[cfg(test)]
mod tests;

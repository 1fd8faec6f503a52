//! Series as paths: steps that hold until the next one, and points joined by straight lines. Only the visible
//! points of a column are kept, so a picture of a day is no larger than one of an hour.

use hpa_check_core::run::timeline::Step;
use jiff::Timestamp;

use super::axis::{TimeAxis, ValueAxis};
use super::canvas::Px;
use crate::report::condense::extremes;

/// Columns per pixel: no screen shows finer lines.
const COLUMNS: f64 = 2.0;

/// The column of a place on the time axis.
#[expect(clippy::cast_possible_truncation, reason = "a sheet has few columns")]
fn column(x: f64) -> i64 {
    (x * COLUMNS).floor() as i64
}

/// The time span of one column of a picture, in milliseconds.
#[expect(
    clippy::cast_precision_loss,
    reason = "runs are far shorter than 2^52 ms"
)]
pub(crate) fn column_ms(time: &TimeAxis) -> f64 {
    let length = time.until.as_millisecond() - time.from.as_millisecond();
    length as f64 / (time.right - time.left) / COLUMNS
}

/// The path of a step series to the end of the axis; a `None` leaves a hole.
pub(crate) fn line<T: Copy>(
    steps: &[Step<T>],
    time: &TimeAxis,
    axis: &ValueAxis,
    value: impl Fn(T) -> Option<f64>,
) -> String {
    let known = steps.chunk_by(|a, b| value(a.value).is_some() == value(b.value).is_some());
    let (mut d, mut begun) = (String::new(), 0);
    for run in known {
        begun += run.len();
        let until = steps.get(begun).map_or(time.until, |next| next.at);
        let places = run
            .iter()
            .filter_map(|step| Some((time.x(step.at), axis.y(value(step.value)?))));
        d += &stairs(places, time.x(until));
    }
    d
}

/// The path of steps without gaps, each a place and a height, up to a place.
fn stairs(places: impl Iterator<Item = (f64, f64)>, until: f64) -> String {
    let mut d = String::new();
    let mut at: Option<f64> = None;
    for (x, y) in extremes(places, |(x, _)| column(*x), |(_, y)| *y) {
        // A repeated value only extends the line.
        match at {
            Some(before) if before.to_bits() == y.to_bits() => {}
            Some(_) => d += &format!("H{}V{}", Px(x), Px(y)),
            None => d += &format!("M{} {}", Px(x), Px(y)),
        }
        at = Some(y);
    }
    if at.is_some() {
        d += &format!("H{}", Px(until));
    }
    d
}

/// The area under a step series without holes.
pub(crate) fn area(steps: &[Step<i32>], time: &TimeAxis, axis: &ValueAxis) -> String {
    let Some(first) = steps.first() else {
        return String::new();
    };
    let top = line(steps, time, axis, |value| Some(f64::from(value)));
    format!("{top}V{}H{}Z", Px(axis.bottom), Px(time.x(first.at)))
}

/// Points joined by lines. Points further apart than `hole_ms` are not joined, unless the gap would be too
/// narrow to see.
pub(crate) fn polyline(
    points: impl Iterator<Item = (Timestamp, Option<f64>)>,
    time: &TimeAxis,
    axis: &ValueAxis,
    hole_ms: i64,
) -> String {
    let mut d = String::new();
    let mut run: Vec<(f64, f64)> = Vec::new();
    let mut before: Option<Timestamp> = None;
    for (at, value) in points {
        let near = |b: Timestamp| {
            at.as_millisecond() - b.as_millisecond() <= hole_ms
                || (time.x(at) - time.x(b)) * COLUMNS < 1.0
        };
        if value.is_none() || !before.is_some_and(near) {
            d += &joined_up(&run);
            run.clear();
        }
        run.extend(value.map(|value| (time.x(at), axis.y(value))));
        before = value.is_some().then_some(at);
    }
    d + &joined_up(&run)
}

fn joined_up(run: &[(f64, f64)]) -> String {
    let mut d = String::new();
    let places = extremes(run.iter().copied(), |(x, _)| column(*x), |(_, y)| *y);
    for (index, (x, y)) in places.into_iter().enumerate() {
        d += &format!("{}{} {}", if index == 0 { 'M' } else { 'L' }, Px(x), Px(y));
    }
    d
}

/// The largest value of a series, or 0.
pub(crate) fn largest<T: Copy>(steps: &[Step<T>], value: impl Fn(T) -> Option<f64>) -> f64 {
    steps
        .iter()
        .filter_map(|step| value(step.value))
        .fold(0.0, f64::max)
}

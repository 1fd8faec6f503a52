//! Series as paths: steps that hold until the next one, and points joined by straight lines.

use hpa_check_core::run::timeline::Step;
use jiff::Timestamp;

use super::axis::{TimeAxis, ValueAxis};
use super::canvas::Px;

/// The path of a step series to the end of the axis; a `None` leaves a hole.
pub(crate) fn line<T: Copy>(
    steps: &[Step<T>],
    time: &TimeAxis,
    axis: &ValueAxis,
    value: impl Fn(T) -> Option<f64>,
) -> String {
    let mut d = String::new();
    // The place at which the pen is down, and how far it is to go at that height.
    let mut pen: Option<(f64, f64)> = None;
    for (index, step) in steps.iter().enumerate() {
        let until = steps.get(index + 1).map_or(time.until, |next| next.at);
        let Some(height) = value(step.value) else {
            if let Some((_, to)) = pen.take() {
                d += &format!("H{}", Px(to));
            }
            continue;
        };
        let (y, to) = (axis.y(height), time.x(until));
        // What is the same again only goes further.
        match pen {
            Some((before, _)) if before.to_bits() == y.to_bits() => {}
            Some((_, from)) => d += &format!("H{}V{}", Px(from), Px(y)),
            None => d += &format!("M{} {}", Px(time.x(step.at)), Px(y)),
        }
        pen = Some((y, to));
    }
    if let Some((_, to)) = pen {
        d += &format!("H{}", Px(to));
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

/// Points joined by lines. Points further apart than `hole_ms` are not joined; of points closer
/// than half a pixel only the first and the highest are kept, so that a long run stays small.
pub(crate) fn polyline(
    points: impl Iterator<Item = (Timestamp, Option<f64>)>,
    time: &TimeAxis,
    axis: &ValueAxis,
    hole_ms: i64,
) -> String {
    let mut d = String::new();
    let mut last: Option<(Timestamp, f64, f64)> = None;
    for (at, value) in points {
        let Some(value) = value else {
            last = None;
            continue;
        };
        let (x, y) = (time.x(at), axis.y(value));
        let joined = last
            .is_some_and(|(before, ..)| at.as_millisecond() - before.as_millisecond() <= hole_ms);
        if joined && last.is_some_and(|(_, px, py)| x - px < 0.5 && y >= py) {
            continue;
        }
        d += &format!("{}{} {}", if joined { 'L' } else { 'M' }, Px(x), Px(y));
        last = Some((at, x, y));
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

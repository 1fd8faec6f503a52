//! The load: its rate, and its response times.

use hpa_check_core::run::timeline::LoadPoint;

use super::super::key::Key;
use super::super::{Sheet, steps};
use super::ValueRange;

/// Between seconds of load further apart than this, nothing was measured.
const HOLE_MS: i64 = 3_000;

/// Requests per second: planned and answered.
pub(in super::super) fn rate(sheet: &mut Sheet<'_>) {
    let points = &sheet.timeline.load;
    if points.is_empty() {
        return;
    }
    let most = |p: &LoadPoint| p.rps.max(p.offered_rps.unwrap_or(0.0));
    let scale = ValueRange {
        largest: points.iter().map(most).fold(0.0, f64::max),
        whole: true,
        unit: "",
    };
    let keys = [
        Key::line("rps", "answered"),
        Key::line("offered", "offered"),
    ];
    sheet.title("Requests per second", &keys);
    let axis = sheet.frame(84.0, &scale);
    let draw = |value: fn(&LoadPoint) -> Option<f64>| {
        let points = points.iter().map(|p| (p.at, value(p)));
        steps::polyline(points, &sheet.time, &axis, HOLE_MS)
    };
    let (offered, answered) = (draw(|p| p.offered_rps), draw(|p| Some(p.rps)));
    sheet.canvas.path("offered", &offered);
    sheet.canvas.path("rps", &answered);
}

/// The 99th percentile of each second's response times, in milliseconds, or in seconds if those would make long
/// labels.
pub(in super::super) fn response_time(sheet: &mut Sheet<'_>) {
    let points = &sheet.timeline.load;
    let slowest = points.iter().filter_map(p99_ms).fold(0.0, f64::max);
    if slowest <= 0.0 {
        return;
    }
    sheet.title("Response time, p99", &[]);
    let (in_a_unit, unit) = if slowest < 1000.0 {
        (1.0, " ms")
    } else {
        (1000.0, " s")
    };
    let scale = ValueRange {
        largest: slowest / in_a_unit,
        whole: false,
        unit,
    };
    let axis = sheet.frame(60.0, &scale);
    let points = points
        .iter()
        .map(|p| (p.at, p99_ms(p).map(|ms| ms / in_a_unit)));
    let line = steps::polyline(points, &sheet.time, &axis, HOLE_MS);
    sheet.canvas.path("p99", &line);
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of a request are far below 2^52"
)]
fn p99_ms(point: &LoadPoint) -> Option<f64> {
    point.p99_us.map(|us| us as f64 / 1000.0)
}

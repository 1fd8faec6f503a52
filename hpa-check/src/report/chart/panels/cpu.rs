//! Utilization as the controller saw it, the target, and its tolerance band.

use super::super::key::Key;
use super::super::{Sheet, steps};
use super::ValueRange;

/// The panel.
pub(in super::super) fn utilization(sheet: &mut Sheet<'_>) {
    let timeline = sheet.timeline;
    let percent = |value: Option<i32>| value.map(f64::from);
    let target = timeline.target_percent.iter().rev().find_map(|s| s.value);
    let largest = steps::largest(&timeline.utilization, percent)
        .max(steps::largest(&timeline.target_percent, percent) * 1.3)
        .max(10.0);
    let keys = [
        Key::line("utilization", "utilization"),
        Key::line("target", "target"),
        Key::filled("band", "no change"),
    ];
    sheet.title("CPU, percent of the request", &keys);
    let scale = ValueRange {
        largest,
        whole: true,
        unit: " %",
    };
    let axis = sheet.frame(110.0, &scale);
    if let Some(target) = target.map(f64::from) {
        let (top, bottom) = (axis.y(target * 1.1), axis.y(target * 0.9));
        let (left, right) = (sheet.left(), sheet.right());
        sheet.canvas.rect("band", (left, top), (right, bottom), "");
    }
    let line = steps::line(&timeline.target_percent, &sheet.time, &axis, percent);
    sheet.canvas.path("target", &line);
    let line = steps::line(&timeline.utilization, &sheet.time, &axis, percent);
    sheet.canvas.path("utilization", &line);
}

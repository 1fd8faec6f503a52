//! Two timelines on one axis, aligned at the rise of the load: replicas, CPU and requests.

use drawing::layout::{BARE_HEAD, FOOT, Format, GAP, HEAD};
use hpa_check_core::compare::{Side, one_axis};
use hpa_check_core::run::timeline::{LoadPoint, Step, Timeline};

use super::axis::TimeAxis;
use super::canvas::Canvas;
use super::key::Key;
use super::panels::ValueRange;
use super::{Sheet, framed, left, steps};

/// Both in one picture.
pub(in crate::report) fn pair(a: &Side, b: &Side, title: &str, format: Format) -> String {
    let (from_a, from_b, length) = one_axis(&a.timeline, a.begin(), &b.timeline, b.begin());
    let (left, right) = (left(format), format.width() - 16.0);
    let whole = TimeAxis {
        from: from_a,
        until: from_a + length,
        left,
        right,
    };
    // Each ends at its own end, not at that of the longer one.
    let axis = |timeline: &Timeline, from: jiff::Timestamp| TimeAxis {
        from,
        until: timeline.until,
        left,
        right: whole.x(from_a + timeline.until.duration_since(from)),
    };
    let axes = [axis(&a.timeline, from_a), axis(&b.timeline, from_b)];
    let mut sheet = Sheet {
        timeline: &a.timeline,
        work: None,
        time: whole,
        canvas: Canvas::default(),
        y: BARE_HEAD,
    };
    let sides = [&a.timeline, &b.timeline];
    let replicas = sides.map(|t| numbers(&t.spec, Some));
    panel(&mut sheet, "Replicas set", replicas, &axes, true);
    let ready = sides.map(|t| numbers(&t.ready, Some));
    panel(&mut sheet, "Ready pods", ready, &axes, true);
    let used = sides.map(|t| numbers(&t.utilization, |percent| percent));
    panel(
        &mut sheet,
        "CPU, percent of the request",
        used,
        &axes,
        false,
    );
    requests(&mut sheet, sides, &axes);
    let bottom = sheet.y - GAP;
    sheet.foot(bottom);
    let height = bottom + FOOT.max(HEAD);
    framed(format, height, title, "", "", &sheet.canvas.into_svg())
}

fn numbers<T: Copy>(steps: &[Step<T>], value: impl Fn(T) -> Option<i32>) -> Vec<Step<Option<i32>>> {
    let all = steps.iter().map(|step| Step {
        at: step.at,
        value: value(step.value),
    });
    all.collect()
}

const KEYS: [Key<'static>; 2] = [Key::line("rps", "A"), Key::line("spec", "B")];

fn panel(
    sheet: &mut Sheet<'_>,
    title: &str,
    series: [Vec<Step<Option<i32>>>; 2],
    axes: &[TimeAxis; 2],
    whole: bool,
) {
    let value = |value: Option<i32>| value.map(f64::from);
    let largest = steps::largest(&series[0], value).max(steps::largest(&series[1], value));
    sheet.title(title, &KEYS);
    let scale = ValueRange {
        largest: if whole { largest + 1.0 } else { largest },
        whole,
        unit: "",
    };
    let axis = sheet.frame(110.0, &scale);
    for ((series, time), key) in series.iter().zip(axes).zip(KEYS) {
        let line = steps::line(series, time, &axis, value);
        sheet.canvas.path(key.class, &line);
    }
}

fn requests(sheet: &mut Sheet<'_>, sides: [&Timeline; 2], axes: &[TimeAxis; 2]) {
    if sides.iter().all(|timeline| timeline.load.is_empty()) {
        return;
    }
    let points = sides.iter().flat_map(|timeline| &timeline.load);
    let scale = ValueRange {
        largest: points.map(|p: &LoadPoint| p.rps).fold(0.0, f64::max),
        whole: true,
        unit: "",
    };
    sheet.title("Requests per second", &KEYS);
    let axis = sheet.frame(84.0, &scale);
    for ((timeline, time), key) in sides.iter().zip(axes).zip(KEYS) {
        let points = timeline.load.iter().map(|p| (p.at, Some(p.rps)));
        let line = steps::polyline(points, time, &axis, 3_000);
        sheet.canvas.path(key.class, &line);
    }
}

//! Work in a simulation: what was requested, and what the ready pods can do.

use std::time::Duration;

use hpa_check_core::run::timeline::Step;

use super::super::key::Key;
use super::super::{Sheet, steps};
use super::ValueRange;

/// Draws the panel. A load in requests per second has a panel of its own; if pods do any amount of work, there
/// is no capacity to show.
pub(in super::super) fn work(sheet: &mut Sheet<'_>) {
    let Some(work) = sheet.work.filter(|work| work.load.cost_us.is_none()) else {
        return;
    };
    let timeline = sheet.timeline;
    let (from, until) = (timeline.from, timeline.until);
    let length = (until.as_millisecond() - from.as_millisecond()).max(0);
    let second = |ms: i64| Duration::from_millis(u64::try_from(ms).unwrap_or(0)).as_secs_f64();
    let wanted = |ms: i64| work.load.at(second(ms)) / 1000.0;
    let points: Vec<_> = (0..=POINTS)
        .map(|i| length * i / POINTS)
        .map(|ms| {
            (
                from + jiff::SignedDuration::from_millis(ms),
                Some(wanted(ms)),
            )
        })
        .collect();
    let pod = work.pod.most().map(|most| most.cores());
    let capacity = |ready: i32| pod.map(|pod| pod * f64::from(ready));
    let most = points.iter().filter_map(|(_, w)| *w).fold(0.0, f64::max);
    let scale = ValueRange {
        largest: most.max(steps::largest(&timeline.ready, capacity)),
        whole: false,
        unit: "",
    };
    let (load, most) = (
        Key::line("rps", "wanted"),
        Key::line("offered", "ready pods can do"),
    );
    let keys = [load, most];
    sheet.title(
        "Work, cores",
        if pod.is_some() { &keys } else { &keys[..1] },
    );
    let axis = sheet.frame(84.0, &scale);
    let ready: &[Step<i32>] = &timeline.ready;
    let line = steps::line(ready, &sheet.time, &axis, capacity);
    sheet.canvas.path("offered", &line);
    let line = steps::polyline(points.into_iter(), &sheet.time, &axis, i64::MAX);
    sheet.canvas.path("rps", &line);
}

/// The requested work is drawn from this many points, about one per pixel.
const POINTS: i64 = 880;

//! The panels of the picture, each a function that draws itself below the one before.

use hpa_check_core::timeline::{PodSeries, Step};

use super::axis::ValueAxis;
use super::canvas::{Anchor, text_width};
use super::steps;
use super::{GAP, LEFT, RIGHT, Sheet, TITLE};
use crate::report::words;

/// Seconds of load further apart than this were not measured in between.
const LOAD_HOLE_MS: i64 = 3_000;

/// A legend's entry: the class that colours it and what it stands for.
type Entry = (&'static str, &'static str);

impl Sheet<'_> {
    /// Begins a panel: its title, its legend, its frame and grid. Gives the axis back.
    fn panel(
        &mut self,
        title: &str,
        legend: &[Entry],
        height: f64,
        largest: f64,
        whole: bool,
        unit: &str,
    ) -> ValueAxis {
        self.title(title, legend);
        let top = self.y;
        let axis = ValueAxis::new(top + height, top, largest, whole);
        for tick in &axis.ticks {
            let y = axis.y(*tick);
            self.canvas.line("grid", (LEFT, y), (RIGHT, y));
            self.canvas.text(
                "label",
                (LEFT - 8.0, y + 4.0),
                Anchor::End,
                &format!("{tick}{unit}"),
            );
        }
        self.y = top + height + GAP;
        axis
    }

    fn title(&mut self, title: &str, legend: &[Entry]) {
        let baseline = self.y + 15.0;
        self.canvas
            .text("title", (LEFT, baseline), Anchor::Start, title);
        let mut right = RIGHT;
        for (class, name) in legend.iter().rev() {
            right -= text_width(name);
            self.canvas
                .text("legend", (right, baseline), Anchor::Start, name);
            right -= 22.0;
            let middle = baseline - 4.0;
            self.canvas
                .line(class, (right, middle), (right + 16.0, middle));
            right -= 14.0;
        }
        self.y += TITLE;
    }
}

/// Requests a second, and the response time's 99th percentile as a second line on its own scale.
pub(super) fn load(sheet: &mut Sheet<'_>) {
    let timeline = sheet.timeline;
    if timeline.load.is_empty() {
        return;
    }
    let most = timeline
        .load
        .iter()
        .map(|l| l.rps.max(l.offered_rps.unwrap_or(0.0)))
        .fold(0.0, f64::max);
    let legend: &[Entry] = &[
        ("rps", "answered"),
        ("offered", "offered"),
        ("p99", "p99 response time"),
    ];
    let axis = sheet.panel("Load, requests a second", legend, 90.0, most, true, "");
    let time = &sheet.time;
    let points = timeline.load.iter();
    let offered = steps::polyline(
        points.clone().map(|l| (l.at, l.offered_rps)),
        time,
        &axis,
        LOAD_HOLE_MS,
    );
    let answered = steps::polyline(
        points.clone().map(|l| (l.at, Some(l.rps))),
        time,
        &axis,
        LOAD_HOLE_MS,
    );
    let slowest = timeline
        .load
        .iter()
        .filter_map(|l| l.p99_us)
        .max()
        .unwrap_or(0);
    let slow = ValueAxis {
        max: as_f64(slowest).max(1.0),
        ..axis.clone()
    };
    let p99 = steps::polyline(
        points.map(|l| (l.at, l.p99_us.map(as_f64))),
        time,
        &slow,
        LOAD_HOLE_MS,
    );
    sheet.canvas.path("offered", &offered);
    sheet.canvas.path("p99", &p99);
    sheet.canvas.path("rps", &answered);
    if slowest > 0 {
        let text = format!("p99 at most {}", words::microseconds(slowest));
        sheet
            .canvas
            .text("note", (RIGHT - 4.0, axis.top + 12.0), Anchor::End, &text);
    }
}

/// Utilization as the controller saw it, the target and the band in which nothing happens.
pub(super) fn cpu(sheet: &mut Sheet<'_>) {
    let timeline = sheet.timeline;
    let percent = |value: Option<i32>| value.map(f64::from);
    let target = timeline.target_percent.iter().rev().find_map(|s| s.value);
    let largest = steps::largest(&timeline.utilization, percent)
        .max(steps::largest(&timeline.target_percent, percent) * 1.3)
        .max(10.0);
    let legend: &[Entry] = &[
        ("utilization", "utilization"),
        ("target", "target, and the band of no change"),
    ];
    let axis = sheet.panel(
        "CPU, percent of the request",
        legend,
        110.0,
        largest,
        true,
        " %",
    );
    if let Some(target) = target.map(f64::from) {
        let (top, bottom) = (axis.y(target * 1.1), axis.y(target * 0.9));
        sheet.canvas.rect("band", (LEFT, top), (RIGHT, bottom), "");
    }
    let line = steps::line(&timeline.target_percent, &sheet.time, &axis, percent);
    sheet.canvas.path("target", &line);
    let line = steps::line(&timeline.utilization, &sheet.time, &axis, percent);
    sheet.canvas.path("utilization", &line);
}

/// Replicas: asked for by the metric, decided, set, ready; and the bounds.
pub(super) fn replicas(sheet: &mut Sheet<'_>) {
    let timeline = sheet.timeline;
    let count = |value: i32| Some(f64::from(value));
    let bound = steps::largest(&timeline.max_replicas, count);
    let largest = steps::largest(&timeline.ready, count)
        .max(steps::largest(&timeline.spec, count))
        .max(bound)
        + 1.0;
    let legend: &[Entry] = &[
        ("ready", "ready"),
        ("spec", "set"),
        ("proposed", "asked for by the metric"),
        ("bound", "bounds"),
    ];
    let axis = sheet.panel("Replicas", legend, 170.0, largest, true, "");
    let time = &sheet.time;
    let draw = |class, d: String, canvas: &mut super::Canvas| canvas.path(class, &d);
    let area = steps::area(&timeline.ready, time, &axis);
    let proposed = steps::line(&timeline.proposed, time, &axis, count);
    let lines: [(&str, &[Step<i32>]); 4] = [
        ("bound", &timeline.min_replicas),
        ("bound", &timeline.max_replicas),
        ("ready", &timeline.ready),
        ("spec", &timeline.spec),
    ];
    draw("ready-area", area, &mut sheet.canvas);
    draw("proposed", proposed, &mut sheet.canvas);
    for (class, series) in lines {
        let d = steps::line(series, time, &axis, count);
        draw(class, d, &mut sheet.canvas);
    }
    for pair in timeline.spec.windows(2) {
        let (x, y) = (time.x(pair[1].at), axis.y(f64::from(pair[1].value)));
        let text = format!("{} → {}", pair[0].value, pair[1].value);
        let grows = pair[1].value > pair[0].value;
        let fits_left = x - text_width(&text) - 6.0 > LEFT;
        let (dx, anchor) = if grows && fits_left {
            (-6.0, Anchor::End)
        } else {
            (6.0, Anchor::Start)
        };
        let fits_right = x + text_width(&text) + 6.0 < RIGHT;
        if grows || fits_right {
            sheet
                .canvas
                .text("change", (x + dx, y - 5.0), anchor, &text);
        }
    }
}

/// A row a pod: when it lived, and how hot it was.
pub(super) fn pods(sheet: &mut Sheet<'_>) {
    const ROW: f64 = 11.0;
    const MOST: usize = 40;
    let pods: Vec<&PodSeries> = sheet.timeline.pods.iter().take(MOST).collect();
    if pods.is_empty() {
        return;
    }
    sheet.title("Pods, CPU in percent of the request", &[]);
    heat_legend(sheet);
    for pod in pods {
        let (top, bottom) = (sheet.y, sheet.y + ROW - 2.0);
        let end = pod.gone_at.unwrap_or(sheet.time.until);
        let life = (sheet.time.x(pod.first_seen), sheet.time.x(end));
        sheet
            .canvas
            .rect("life", (life.0, top), (life.1, bottom), &pod.pod);
        for (index, sample) in pod.cpu_milli.iter().enumerate() {
            let until = pod
                .cpu_milli
                .get(index + 1)
                .map_or(end, |next| next.at)
                .min(end);
            let (from, until) = (sheet.time.x(sample.at), sheet.time.x(until));
            let Some(request) = pod.request_milli.filter(|r| *r > 0) else {
                continue;
            };
            let percent = sample.value.max(0) * 100 / request;
            if until > from {
                let title = format!("{}: {percent} % of its request", pod.pod);
                sheet
                    .canvas
                    .rect(heat(percent), (from, top), (until, bottom), &title);
            }
        }
        sheet.y += ROW;
    }
    let hidden = sheet.timeline.pods.len().saturating_sub(MOST);
    if hidden > 0 {
        let text = format!("and {hidden} more");
        sheet
            .canvas
            .text("note", (LEFT, sheet.y + 10.0), Anchor::Start, &text);
        sheet.y += ROW + 4.0;
    }
    sheet.y += GAP;
}

const HEATS: [(i64, &str, &str); 6] = [
    (25, "heat h0", "0"),
    (50, "heat h1", "25"),
    (75, "heat h2", "50"),
    (100, "heat h3", "75"),
    (200, "heat h4", "100"),
    (i64::MAX, "heat h5", "200 %"),
];

fn heat(percent: i64) -> &'static str {
    HEATS
        .iter()
        .find(|(below, ..)| percent < *below)
        .map_or("heat h5", |(_, class, _)| class)
}

fn heat_legend(sheet: &mut Sheet<'_>) {
    let baseline = sheet.y - TITLE + 15.0;
    let mut x = RIGHT - 230.0;
    for (_, class, label) in HEATS {
        sheet
            .canvas
            .rect(class, (x, baseline - 9.0), (x + 12.0, baseline), "");
        sheet
            .canvas
            .text("legend", (x + 15.0, baseline), Anchor::Start, label);
        x += 38.0;
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of a request are far below 2^52"
)]
fn as_f64(number: u64) -> f64 {
    number as f64
}

//! Replicas: proposed by the metric, decided, set, ready; and the bounds.

use hpa_check_core::run::timeline::Step;

use super::super::canvas::{Anchor, text_width};
use super::super::key::Key;
use super::super::lanes::{self, Place, Side};
use super::super::{Sheet, steps};
use super::ValueRange;

/// Lanes for the labels of the changes, and the height of each.
const LANES: usize = 2;
const LANE: f64 = 15.0;
/// A proposal is drawn completely up to this many times the maximum.
const MOST_BEYOND: f64 = 3.0;
/// The gap between a label and its hairline.
const AIR: f64 = 5.0;

/// The panel.
pub(in super::super) fn replicas(sheet: &mut Sheet<'_>) {
    let timeline = sheet.timeline;
    let count = |value: i32| Some(f64::from(value));
    let bound = steps::largest(&timeline.max_replicas, count);
    // The metric may ask for far more than the maximum. If that would flatten everything else it is cut off,
    // and the key shows how far it goes.
    let proposed = steps::largest(&timeline.proposed, count);
    let asked = proposed.min(bound.max(1.0) * MOST_BEYOND);
    let largest = steps::largest(&timeline.ready, count)
        .max(steps::largest(&timeline.spec, count))
        .max(asked)
        .max(bound + 1.0);
    let cut = format!("asked for by the metric, up to {proposed}");
    let asked_for = if asked < proposed {
        &cut
    } else {
        "asked for by the metric"
    };
    let keys = [
        Key::filled("ready-area", "ready"),
        Key::line("spec", "set"),
        Key::line("desired", "decided"),
        Key::line("proposed", asked_for),
        Key::line("bound", "bounds"),
    ];
    sheet.title("Replicas", &keys);
    let changes = changes(sheet);
    let top = sheet.y;
    let lanes = changes.iter().map(|c| c.place.lane + 1).max().unwrap_or(0);
    sheet.y += LANE * as_f64(lanes);
    let scale = ValueRange {
        largest,
        whole: true,
        unit: "",
    };
    let axis = sheet.frame(170.0, &scale);
    for change in changes {
        let baseline = top + LANE * as_f64(lanes - change.place.lane) - 4.0;
        let (from, to) = (baseline - 10.0, axis.y(f64::from(change.to)));
        sheet.canvas.line("flag", (change.x, from), (change.x, to));
        let (x, anchor) = match change.place.side {
            Side::Left => (change.x - AIR, Anchor::End),
            Side::Right => (change.x + AIR, Anchor::Start),
        };
        sheet
            .canvas
            .text("change", (x, baseline), anchor, &change.text);
    }
    let area = steps::area(&timeline.ready, &sheet.time, &axis);
    sheet.canvas.path("ready-area", &area);
    // The decision is a broad band, so that it stays visible where it was also set.
    let lines: [(&str, &[Step<i32>]); 6] = [
        ("proposed", &timeline.proposed),
        ("bound", &timeline.min_replicas),
        ("bound", &timeline.max_replicas),
        ("desired", &timeline.desired),
        ("ready", &timeline.ready),
        ("spec", &timeline.spec),
    ];
    for (class, series) in lines {
        let d = steps::line(series, &sheet.time, &axis, count);
        sheet.canvas.path(class, &d);
    }
}

/// A change of the replicas, and the place of its label.
struct Change {
    x: f64,
    to: i32,
    text: String,
    place: Place,
}

/// The changes for which there is room, in lanes above the panel.
fn changes(sheet: &Sheet<'_>) -> Vec<Change> {
    let pairs = sheet.timeline.spec.windows(2);
    let all: Vec<(f64, i32, String)> = pairs
        .map(|pair| {
            let (from, to) = (pair[0].value, pair[1].value);
            (sheet.time.x(pair[1].at), to, format!("{from} → {to}"))
        })
        .collect();
    let labels: Vec<(f64, f64)> = all
        .iter()
        .map(|(x, _, text)| (*x, text_width(text) + AIR))
        .collect();
    let places = lanes::place(&labels, sheet.left(), LANES);
    all.into_iter()
        .zip(places)
        .filter_map(|((x, to, text), place)| {
            Some(Change {
                x,
                to,
                text,
                place: place?,
            })
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "there are two lanes")]
fn as_f64(lanes: usize) -> f64 {
    lanes as f64
}

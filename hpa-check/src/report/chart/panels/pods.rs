//! One row per pod: when it existed, and how busy it was.

use drawing::layout::GAP;
use hpa_check_core::run::timeline::PodSeries;

use super::super::Sheet;
use super::super::axis::TimeAxis;
use super::super::canvas::{Anchor, Px};
use super::super::key::Key;
use crate::report::escape::Xml;

const ROW: f64 = 13.0;
/// More rows than this are not readable.
const MOST: usize = 40;

/// A part of a row that is narrower than this, in pixels, is merged with the next one.
const FINEST: f64 = 1.5;

/// The upper end of each color in percent of the request, its class, and its name in the key.
const HEATS: [(i64, &str, &str); 6] = [
    (25, "heat h0", "below 25"),
    (50, "heat h1", "50"),
    (75, "heat h2", "75"),
    (100, "heat h3", "100"),
    (200, "heat h4", "200"),
    (i64::MAX, "heat h5", "above"),
];

/// The panel.
pub(in super::super) fn pods(sheet: &mut Sheet<'_>) {
    let pods: Vec<&PodSeries> = sheet.timeline.pods.iter().take(MOST).collect();
    if pods.is_empty() {
        return;
    }
    let keys = HEATS.map(|(_, class, name)| Key::filled(class, name));
    sheet.title("Pods, CPU in percent of the request", &keys);
    for pod in pods {
        row(sheet, pod);
        sheet.y += ROW;
    }
    let hidden = sheet.timeline.pods.len().saturating_sub(MOST);
    if hidden > 0 {
        let (place, text) = ((sheet.left(), sheet.y + 10.0), format!("and {hidden} more"));
        sheet.canvas.text("label", place, Anchor::Start, &text);
        sheet.y += ROW + 4.0;
    }
    sheet.y += GAP;
}

fn row(sheet: &mut Sheet<'_>, pod: &PodSeries) {
    let (top, bottom) = (sheet.y, sheet.y + ROW - 2.0);
    let end = pod.gone_at.unwrap_or(sheet.time.until);
    let name = (sheet.left() - 8.0, bottom - 1.5);
    sheet
        .canvas
        .text("pod", name, Anchor::End, &ending(&pod.pod));
    let life = (sheet.time.x(pod.first_seen), sheet.time.x(end));
    sheet
        .canvas
        .rect("life", (life.0, top), (life.1, bottom), &pod.pod);
    let Some(request) = pod.request_milli.filter(|r| *r > 0) else {
        return;
    };
    let all = stretches(&sheet.time, pod, end, request);
    for (_, class, _) in HEATS {
        let same: Vec<&Stretch> = all.iter().filter(|s| heat(s.most) == class).collect();
        let least = same.iter().map(|s| s.least).min();
        let most = same.iter().map(|s| s.most).max();
        let (Some(least), Some(most)) = (least, most) else {
            continue;
        };
        let percent = if least == most {
            format!("{most}")
        } else {
            format!("{least} to {most}")
        };
        let boxes = same.iter().fold(String::new(), |d, stretch| {
            let (from, until) = (Px(stretch.x.0), Px(stretch.x.1));
            d + &format!("M{from} {}H{until}V{}H{from}Z", Px(top), Px(bottom))
        });
        sheet.canvas.raw(format_args!(
            "<path class=\"{class}\" d=\"{boxes}\"><title>{}: {percent} % of its request</title></path>",
            Xml(&pod.pod)
        ));
    }
}

/// A part of a pod's row in one color: its start and end, and the use in percent.
#[derive(Debug)]
struct Stretch {
    x: (f64, f64),
    least: i64,
    most: i64,
}

/// The samples of a pod, with those of one color joined; within a pixel the highest counts, so a day of samples
/// is no larger than a picture of it.
fn stretches(time: &TimeAxis, pod: &PodSeries, end: jiff::Timestamp, request: i64) -> Vec<Stretch> {
    let mut all: Vec<Stretch> = Vec::new();
    for (index, sample) in pod.cpu_milli.iter().enumerate() {
        let next = pod.cpu_milli.get(index + 1);
        let until = next.map_or(end, |next| next.at).min(end);
        let (from, until) = (time.x(sample.at), time.x(until));
        let percent = sample.value.max(0) * 100 / request;
        if until <= from {
            continue;
        }
        match all.last_mut() {
            Some(last) if heat(last.most) == heat(percent) || last.x.1 - last.x.0 < FINEST => {
                last.x.1 = until;
                last.least = last.least.min(percent);
                last.most = last.most.max(percent);
            }
            _ => all.push(Stretch {
                x: (from, until),
                least: percent,
                most: percent,
            }),
        }
    }
    all
}

/// The end of a pod's name, which distinguishes it from the others of its owner.
fn ending(name: &str) -> String {
    const MOST: usize = 7;
    let last = name.rsplit('-').next().unwrap_or(name);
    let letters = last.chars().count();
    last.chars().skip(letters.saturating_sub(MOST)).collect()
}

fn heat(percent: i64) -> &'static str {
    HEATS
        .iter()
        .find(|(below, ..)| percent < *below)
        .map_or("heat h5", |(_, class, _)| class)
}

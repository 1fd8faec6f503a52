//! The timeline as a picture: load, response time, CPU, replicas and pods, one below the other on one time
//! axis.

mod key;
mod lanes;
pub(super) mod pair;
mod panels;
mod steps;

use drawing::layout::{BARE_HEAD, FOOT, Format, GAP, HEAD};
use drawing::{axis, canvas};
use hpa_check_core::documents::result::RunResult;
use hpa_check_core::run::timeline::Timeline;
use hpa_check_core::sim::{LoadProfile, PodShape};

use self::axis::TimeAxis;
use self::canvas::{Anchor, Canvas, Px, text_width};
use super::escape::Xml;
use super::{summary, words};

/// Room for the labels left of the panels.
const fn left(format: Format) -> f64 {
    match format {
        Format::Wide => 64.0,
        Format::Narrow => 50.0,
    }
}

/// What is drawn.
#[derive(Debug, Clone)]
pub(crate) struct Picture<'a> {
    /// Everything on one axis.
    pub(crate) timeline: &'a Timeline,
    /// What it shows, in a line.
    pub(crate) title: String,
    /// Work instead of requests, as in simulations.
    pub(crate) work: Option<Work<'a>>,
}

/// Work requested from pods of this shape.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'a> {
    /// The work requested.
    pub(crate) load: &'a LoadProfile,
    /// What one pod can do.
    pub(crate) pod: &'a PodShape,
}

impl<'a> Picture<'a> {
    /// The picture of a run. The badge shows how it ended, or that it has not.
    pub(crate) fn of(result: &'a RunResult, badge: &str) -> Self {
        Self {
            timeline: &result.timeline,
            title: format!("{badge}: {}", summary::way_in_short(result)),
            work: None,
        }
    }
}

/// A sheet being drawn.
struct Sheet<'a> {
    timeline: &'a Timeline,
    work: Option<Work<'a>>,
    time: TimeAxis,
    canvas: Canvas,
    /// The vertical position reached so far.
    y: f64,
}

/// The picture as a document of its own.
pub(crate) fn picture(result: &RunResult) -> String {
    let badge = result.verdict.outcome.badge();
    alone(&Picture::of(result, badge))
}

/// A picture as a document of its own.
pub(crate) fn alone(picture: &Picture<'_>) -> String {
    let style = format!("<style>{}</style>", drawing::CHART);
    drawing(picture, Format::Wide, &style)
}

/// A run's picture inside a page.
#[cfg(test)]
fn inline(result: &RunResult, badge: &str, format: Format) -> String {
    inside(&Picture::of(result, badge), format)
}

/// A picture to embed in a page, which provides the style.
pub(crate) fn inside(picture: &Picture<'_>, format: Format) -> String {
    drawing(picture, format, "")
}

/// How many seconds of a run share one column of its wide picture.
pub(crate) fn seconds_in_a_column(timeline: &Timeline) -> f64 {
    let (width, left) = (Format::Wide.width(), left(Format::Wide));
    let time = TimeAxis {
        from: timeline.from,
        until: timeline.until,
        left,
        right: width - 16.0,
    };
    steps::column_ms(&time) / 1000.0
}

fn drawing(picture: &Picture<'_>, format: Format, style: &str) -> String {
    let timeline = picture.timeline;
    let (width, left) = (format.width(), left(format));
    let right = width - 16.0;
    let head = if timeline.phases.is_empty() {
        BARE_HEAD
    } else {
        HEAD
    };
    let mut sheet = Sheet {
        timeline,
        work: picture.work,
        time: TimeAxis {
            from: timeline.from,
            until: timeline.until,
            left,
            right,
        },
        canvas: Canvas::default(),
        y: head,
    };
    panels::load::rate(&mut sheet);
    panels::work::work(&mut sheet);
    panels::load::response_time(&mut sheet);
    panels::cpu::utilization(&mut sheet);
    panels::replicas::replicas(&mut sheet);
    panels::pods::pods(&mut sheet);
    let bottom = sheet.y - GAP;
    sheet.foot(bottom);
    let mut behind = Canvas::default();
    phases(&mut behind, &sheet.time, timeline, bottom);
    gaps(&mut behind, &sheet.time, timeline, (head, bottom));
    let (behind, front) = (behind.into_svg(), sheet.canvas.into_svg());
    framed(
        format,
        bottom + FOOT,
        &picture.title,
        style,
        &behind,
        &front,
    )
}

/// A sheet of this height, with what is behind its panels and what is drawn on it. When a page's script zooms,
/// it moves everything outside groups of class `fixed`.
fn framed(
    format: Format,
    height: f64,
    title: &str,
    style: &str,
    behind: &str,
    front: &str,
) -> String {
    let (width, left) = (format.width(), left(format));
    let right = width - 16.0;
    let behind = if behind.is_empty() {
        String::new()
    } else {
        format!("<g class=\"behind\">{behind}</g>")
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{}\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
         aria-label=\"{title}\" data-left=\"{left}\" data-right=\"{right}\">\
         <title>{title}</title>{style}\
         <rect class=\"sheet\" x=\"0\" y=\"0\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>{behind}{front}</svg>\n",
        format.class(),
        height = Px(height),
        title = Xml(title),
    )
}

impl Sheet<'_> {
    fn left(&self) -> f64 {
        self.time.left
    }

    fn right(&self) -> f64 {
        self.time.right
    }

    /// The labels of the time axis.
    fn foot(&mut self, bottom: f64) {
        self.canvas.raw(format_args!(
            "<g class=\"fixed ticks\" data-bottom=\"{}\">",
            Px(bottom)
        ));
        for (second, x) in self.time.ticks(64.0) {
            self.canvas.line("grid", (x, bottom), (x, bottom + 4.0));
            let label = words::tick(second);
            self.canvas
                .text("label", (x, bottom + 17.0), Anchor::Middle, &label);
        }
        self.canvas.raw(format_args!("</g>"));
    }
}

/// The phases as background bands, each with its name if there is room.
fn phases(canvas: &mut Canvas, time: &TimeAxis, timeline: &Timeline, bottom: f64) {
    for (index, span) in timeline.phases.iter().enumerate() {
        let (from, until) = (time.x(span.from), time.x(span.until));
        if until - from < 1.0 {
            continue;
        }
        let name = summary::phase(span.phase);
        let class = if index % 2 == 0 {
            "phase even"
        } else {
            "phase odd"
        };
        canvas.rect(class, (from, HEAD - 22.0), (until, bottom), name);
        if until - from > text_width(name) + 6.0 {
            canvas.text(
                "phase-name",
                (f64::midpoint(from, until), HEAD - 8.0),
                Anchor::Middle,
                name,
            );
        }
    }
}

/// Gaps in the observations as a veil; gaps of one resource that can't be told apart by eye are merged.
fn gaps(canvas: &mut Canvas, time: &TimeAxis, timeline: &Timeline, (top, bottom): (f64, f64)) {
    let mut drawn: Vec<(&'static str, f64, f64)> = Vec::new();
    for gap in &timeline.gaps {
        let (name, from, until) = (gap.resource.name(), time.x(gap.from), time.x(gap.until));
        let before = drawn.iter_mut().rev().find(|(known, ..)| *known == name);
        match before {
            Some((_, begun, end)) if from >= *begun && from - *end < 1.0 => *end = end.max(until),
            _ => drawn.push((name, from, until)),
        }
    }
    for (name, from, until) in drawn {
        let title = format!("{name} not observed");
        canvas.rect("gap", (from, top), (until.max(from + 1.0), bottom), &title);
    }
}

#[cfg(test)]
mod tests;

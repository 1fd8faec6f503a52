//! The run over time: rates, response times as percentiles and as a heat map, failures, users and pods, one
//! below the other on one time axis.

mod heat;
mod panels;
mod scale;

pub(super) use scale::short_time;

use drawing::axis::TimeAxis;
use drawing::canvas::{Anchor, Canvas, Px, text_width};
use drawing::escape::Xml;
use drawing::layout::{FOOT, Format, GAP, HEAD, TITLE};
use jiff::{SignedDuration, Timestamp};

use crate::report::{clock, facts};
use crate::result::Document;

/// Room for the labels left of the panels.
const fn left(format: Format) -> f64 {
    match format {
        Format::Wide => 64.0,
        Format::Narrow => 54.0,
    }
}

/// A sheet being drawn.
struct Sheet<'a> {
    document: &'a Document,
    /// When each step ended, seconds since the start.
    ends: Vec<f64>,
    time: TimeAxis,
    canvas: Canvas,
    format: Format,
    /// The vertical position reached so far.
    y: f64,
}

/// The picture in two formats; the style shows the one that fits. A script shows the values at an instant.
/// Empty if there are no steps.
pub(super) fn timeline(document: &Document) -> String {
    let ends = document.series.ends();
    let Some(last) = ends.last() else {
        return String::new();
    };
    format!(
        "<div class=\"chart\" tabindex=\"0\" role=\"slider\" aria-label=\"Instant of the run, in seconds\" \
         aria-valuemin=\"0\" aria-valuemax=\"{last:.0}\" aria-valuenow=\"0\" aria-describedby=\"how\">{}{}\
         <div class=\"cross\" hidden></div></div>\n\
         <div class=\"readout\"><p id=\"how\">Point at the picture, or use the arrow keys, to see every value at an instant.</p></div>\n",
        picture(document, &ends, Format::Wide),
        picture(document, &ends, Format::Narrow),
    )
}

fn picture(document: &Document, ends: &[f64], format: Format) -> String {
    let (width, left) = (format.width(), left(format));
    let right = width - 16.0;
    let mut sheet = Sheet {
        document,
        ends: ends.to_vec(),
        time: TimeAxis {
            from: instant(0.0),
            until: instant(ends.last().copied().unwrap_or(0.0)),
            left,
            right,
        },
        canvas: Canvas::default(),
        format,
        y: HEAD,
    };
    panels::rate(&mut sheet);
    panels::percentiles(&mut sheet);
    heat::times(&mut sheet);
    panels::failures(&mut sheet);
    panels::users(&mut sheet);
    heat::pods(&mut sheet);
    panels::fairness(&mut sheet);
    let bottom = sheet.y - GAP;
    sheet.foot(bottom);
    let behind = sheet.phases(bottom);
    let height = bottom + FOOT;
    let title = format!("{}: {}", facts::badge(document), facts::subject(document));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{}\" viewBox=\"0 0 {width} {}\" role=\"img\" \
         aria-label=\"{}\" data-left=\"{left}\" data-right=\"{right}\"><title>{}</title>\
         <rect class=\"sheet\" x=\"0\" y=\"0\" width=\"{width}\" height=\"{}\" rx=\"8\"/>{behind}{}</svg>\n",
        format.class(),
        Px(height),
        Xml(&title),
        Xml(&title),
        Px(height),
        sheet.canvas.into_svg(),
    )
}

/// A time since the start as an instant of the axis.
fn instant(seconds: f64) -> Timestamp {
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a run")]
    let ms = (seconds * 1e3) as i64;
    Timestamp::UNIX_EPOCH
        .checked_add(SignedDuration::from_millis(ms))
        .unwrap_or(Timestamp::MAX)
}

impl Sheet<'_> {
    fn x(&self, seconds: f64) -> f64 {
        self.time.x(instant(seconds))
    }

    /// The labels of the time axis.
    fn foot(&mut self, bottom: f64) {
        for (second, x) in self.time.ticks(64.0) {
            self.canvas.line("grid", (x, bottom), (x, bottom + 4.0));
            let label = clock(std::time::Duration::from_secs(second.unsigned_abs()));
            self.canvas
                .text("label", (x, bottom + 17.0), Anchor::Middle, &label);
        }
    }

    /// The phases as background bands, each with its name if there is room.
    fn phases(&self, bottom: f64) -> String {
        let mut canvas = Canvas::default();
        for (index, phase) in self.document.phases.iter().enumerate() {
            let (from, until) = (self.x(phase.start_s), self.x(phase.end_s));
            if until - from < 1.0 {
                continue;
            }
            let class = if index % 2 == 0 {
                "phase even"
            } else {
                "phase odd"
            };
            canvas.rect(class, (from, HEAD - 22.0), (until, bottom), &phase.name);
            if until - from > text_width(&phase.name) + 6.0 {
                let middle = (f64::midpoint(from, until), HEAD - 8.0);
                canvas.text("phase-name", middle, Anchor::Middle, &phase.name);
            }
        }
        canvas.into_svg()
    }

    /// A panel's title and, next to or below it, the meaning of each color.
    fn title(&mut self, title: &str, keys: &[(&str, &str)]) {
        const SIGN: f64 = 21.0;
        const BETWEEN: f64 = 14.0;
        let (left, right) = (self.time.left, self.time.right);
        let mut baseline = self.y + 15.0;
        self.canvas
            .text("title", (left, baseline), Anchor::Start, title);
        let width = |name: &str| SIGN + text_width(name) + BETWEEN;
        let whole: f64 = keys.iter().map(|(_, name)| width(name)).sum::<f64>() - BETWEEN;
        let mut x = right - whole;
        if !keys.is_empty() && x < left + text_width(title) * 1.15 + BETWEEN {
            baseline += 17.0;
            x = left;
        }
        for (class, name) in keys {
            if x > left && x + width(name) - BETWEEN > right + 0.5 {
                baseline += 17.0;
                x = left;
            }
            self.canvas
                .line(class, (x, baseline - 4.0), (x + 16.0, baseline - 4.0));
            self.canvas
                .text("key", (x + SIGN, baseline), Anchor::Start, name);
            x += width(name);
        }
        self.y = baseline - 15.0 + TITLE;
    }

    /// Points at the ends of steps, joined by lines; of points closer than half a pixel only the first and the
    /// highest are kept, so that a long run stays small.
    fn polyline(
        &self,
        class: &str,
        value: impl Fn(usize) -> Option<f64>,
        y: impl Fn(f64) -> f64,
    ) -> Canvas {
        let mut canvas = Canvas::default();
        let mut d = String::new();
        let mut last: Option<(f64, f64)> = None;
        for (at, end) in self.ends.iter().enumerate() {
            let Some(value) = value(at) else {
                last = None;
                continue;
            };
            let (x, y) = (self.x(*end), y(value));
            if last.is_some_and(|(px, py)| x - px < 0.5 && y >= py) {
                continue;
            }
            let pen = if last.is_some() { 'L' } else { 'M' };
            d += &format!("{pen}{} {}", Px(x), Px(y));
            last = Some((x, y));
        }
        canvas.path(class, &d);
        canvas
    }

    fn draw(&mut self, class: &str, value: impl Fn(usize) -> Option<f64>, y: impl Fn(f64) -> f64) {
        let line = self.polyline(class, value, y);
        self.canvas.raw(format_args!("{}", line.into_svg()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn every_panel_is_drawn_and_nothing_is_drawn_beyond_the_sheet() {
        let document = fixture::passed();
        let ends = document.series.ends();
        for format in [Format::Wide, Format::Narrow] {
            let svg = picture(&document, &ends, format);
            for title in [
                "Requests per second<",
                "Response time<",
                "Response times, by",
                "Users<",
                "Pods, by",
                "Fairness",
            ] {
                assert!(svg.contains(&format!(">{title}")), "{format:?}: {title}");
            }
            for place in svg.split(" x=\"").skip(1) {
                let x: f64 = place.split('"').next().unwrap().parse().unwrap();
                assert!((0.0..=format.width()).contains(&x), "{format:?}: {x}");
            }
            assert!(!svg.contains("NaN"));
        }
    }

    #[test]
    fn a_day_of_seconds_stays_a_small_picture() {
        let mut document = fixture::passed();
        let entry = document.series.entries().unwrap()[12].clone();
        document.series = crate::result::Series::by_the_second();
        for second in 1..3_500 {
            document.series.push(&crate::result::Entry {
                end_ms: second * 1_000,
                ..entry.clone()
            });
        }
        let svg = picture(&document, &document.series.ends(), Format::Wide);
        assert!(svg.len() < 400_000, "{}", svg.len());
    }
}

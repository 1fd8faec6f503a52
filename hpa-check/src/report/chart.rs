//! The timeline as a picture: load, CPU, replicas and pods under one another on one time axis.

mod axis;
mod canvas;
mod panels;
mod steps;

use hpa_check_core::result::RunResult;
use hpa_check_core::timeline::Timeline;

use self::axis::TimeAxis;
use self::canvas::{Anchor, Canvas, Px, text_width};
use super::escape::Xml;
use super::{summary, words};

/// Colours, chosen to be told apart by people with any kind of colour vision; light and dark.
const STYLE: &str = include_str!("chart/chart.css");

const WIDTH: f64 = 960.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = WIDTH - 16.0;
/// Room for the phases' names above the first panel.
const HEAD: f64 = 30.0;
/// Room for a panel's title and legend.
const TITLE: f64 = 24.0;
/// Room below a panel.
const GAP: f64 = 16.0;
/// Room for the labels of the time axis.
const FOOT: f64 = 26.0;

/// The sheet while it is drawn.
struct Sheet<'a> {
    timeline: &'a Timeline,
    time: TimeAxis,
    canvas: Canvas,
    /// How far down it is drawn.
    y: f64,
}

/// The picture alone, as a document of its own.
pub(crate) fn picture(result: &RunResult) -> String {
    drawing(result, true)
}

/// The picture to stand inside a page, which brings the style.
pub(crate) fn inline(result: &RunResult) -> String {
    drawing(result, false)
}

/// The style that [`inline`] needs.
pub(crate) fn style() -> &'static str {
    STYLE
}

fn drawing(result: &RunResult, alone: bool) -> String {
    let timeline = &result.timeline;
    let mut sheet = Sheet {
        timeline,
        time: TimeAxis {
            from: timeline.from,
            until: timeline.until,
            left: LEFT,
            right: RIGHT,
        },
        canvas: Canvas::default(),
        y: HEAD,
    };
    panels::load(&mut sheet);
    panels::cpu(&mut sheet);
    panels::replicas(&mut sheet);
    panels::pods(&mut sheet);
    let bottom = sheet.y - GAP;
    sheet.foot(bottom);
    let mut behind = Canvas::default();
    phases(&mut behind, &sheet.time, timeline, bottom);
    gaps(&mut behind, &sheet.time, timeline, bottom);
    let height = bottom + FOOT;
    let title = format!(
        "{}: {}",
        summary::badge(result.verdict.outcome),
        summary::way_in_short(result)
    );
    let style = if alone {
        format!("<style>{STYLE}</style>")
    } else {
        String::new()
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"timeline\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" \
         aria-label=\"{}\" data-left=\"{LEFT}\" data-right=\"{RIGHT}\" data-top=\"{HEAD}\" data-bottom=\"{}\">\
         <title>{}</title>{style}<defs><pattern id=\"unseen\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"rotate(45)\"><path class=\"hatch\" d=\"M0 0V6\"/></pattern></defs>\
         <rect class=\"sheet\" x=\"0\" y=\"0\" width=\"{WIDTH}\" height=\"{}\" rx=\"8\"/>{}{}</svg>\n",
        Px(height),
        Xml(&title),
        Px(bottom),
        Xml(&title),
        Px(height),
        behind.into_svg(),
        sheet.canvas.into_svg(),
    )
}

impl Sheet<'_> {
    /// The labels of the time axis.
    fn foot(&mut self, bottom: f64) {
        for (second, x) in self.time.ticks(64.0) {
            self.canvas.line("grid", (x, bottom), (x, bottom + 4.0));
            let label = words::clock_seconds(second);
            self.canvas
                .text("label", (x, bottom + 17.0), Anchor::Middle, &label);
        }
    }
}

/// The phases as bands behind everything, each with its name where there is room.
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

/// What was not seen, hatched.
fn gaps(canvas: &mut Canvas, time: &TimeAxis, timeline: &Timeline, bottom: f64) {
    for gap in &timeline.gaps {
        let title = format!("{} not seen", gap.resource);
        let (from, until) = (time.x(gap.from), time.x(gap.until));
        canvas.rect("gap", (from, HEAD), (until.max(from + 1.0), bottom), &title);
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    #[test]
    fn a_picture_is_well_formed_and_names_the_way() {
        let svg = picture(&fixture::passed());
        assert!(
            svg.starts_with("<svg") && svg.contains("PASS: 3 → 7 → 10 → 3"),
            "{svg}"
        );
        assert_eq!(svg.matches("<text").count(), svg.matches("</text>").count());
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn names_from_the_world_stay_text() {
        let svg = picture(&fixture::hostile());
        assert!(!svg.contains("<script"), "{svg}");
    }

    #[test]
    fn a_run_of_no_length_can_be_drawn() {
        let mut run = fixture::passed();
        run.timeline.until = run.timeline.from;
        assert!(!picture(&run).contains("NaN"));
    }
}

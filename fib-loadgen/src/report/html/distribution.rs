//! How many requests took how long, over the whole judged run: a histogram and its percentiles.

use std::fmt::Write as _;

use drawing::axis::ValueAxis;
use drawing::canvas::{Anchor, Canvas, Px};
use drawing::escape::Xml;
use hdrhistogram::Histogram;

use super::chart::short_time;
use crate::report::{ms, thousands};
use crate::result::{Document, Timing, decode};

/// Bars per factor of ten.
const BARS: f64 = 12.0;

/// The picture and the table; only the table if there is no histogram.
pub(super) fn section(document: &Document) -> String {
    let response = &document.latency.response;
    let histogram = response
        .hdr_b64
        .as_deref()
        .and_then(|text| decode(text).ok());
    let drawn = histogram
        .filter(|histogram| !histogram.is_empty())
        .map(|histogram| {
            let marks = [
                ("p50", response.p50),
                ("p90", response.p90),
                ("p99", response.p99),
                ("p99.9", response.p999),
            ];
            format!(
                "<div class=\"chart plain\">{}{}</div>\n",
                picture(&histogram, &marks, 960.0, "timeline wide"),
                picture(&histogram, &marks, 400.0, "timeline narrow"),
            )
        });
    drawn.unwrap_or_default() + &table(document)
}

/// A bar for each twelfth of a factor of ten, as high as its share of requests.
fn picture(
    histogram: &Histogram<u64>,
    marks: &[(&str, Option<u64>)],
    width: f64,
    class: &str,
) -> String {
    const TOP: f64 = 56.0;
    const BOTTOM: f64 = 206.0;
    const HEIGHT: f64 = 232.0;
    /// From one mark's name to the next: the height of its text.
    const LINE: f64 = 12.0;
    let (left, right) = (54.0, width - 16.0);
    let bars = bars(histogram);
    let (Some(first), Some(last)) = (bars.first().map(|bar| bar.0), bars.last().map(|bar| bar.0))
    else {
        return String::new();
    };
    let most = bars.iter().map(|bar| bar.1).fold(0.0, f64::max);
    let axis = ValueAxis::new(BOTTOM, TOP, most * 100.0, false);
    let all = f64::from(last - first + 1);
    let x = |slot: f64| left + (slot - f64::from(first)) / all * (right - left);
    let place = |us: f64| x(us.max(1.0).log10() * BARS).clamp(left, right);
    let mut canvas = Canvas::default();
    for tick in &axis.ticks {
        canvas.line("grid", (left, axis.y(*tick)), (right, axis.y(*tick)));
        let label = format!("{} %", (tick * 1e6).round() / 1e6);
        canvas.text(
            "label",
            (left - 6.0, axis.y(*tick) + 4.0),
            Anchor::End,
            &label,
        );
    }
    for (slot, share) in &bars {
        let (from, to) = (x(f64::from(*slot)), x(f64::from(*slot) + 1.0));
        let title = format!(
            "{} to {}: {:.2} %",
            short_time(at(*slot)),
            short_time(at(slot + 1)),
            share * 100.0
        );
        canvas.rect(
            "times",
            (from + 0.5, axis.y(share * 100.0)),
            (to - 0.5, BOTTOM),
            &title,
        );
    }
    for power in 0..10 {
        let us = 10_f64.powi(power);
        let at = x(f64::from(power) * BARS);
        if (left..=right).contains(&at) {
            canvas.line("grid", (at, BOTTOM), (at, BOTTOM + 4.0));
            canvas.text(
                "label",
                (at.clamp(left + 18.0, right - 18.0), BOTTOM + 17.0),
                Anchor::Middle,
                &short_time(us),
            );
        }
    }
    // Marks whose names would overlap have lines of their own.
    for (line, (name, us)) in marks.iter().enumerate() {
        let Some(us) = us else { continue };
        #[expect(clippy::cast_precision_loss, reason = "microseconds of a request")]
        let at = place(*us as f64);
        let y = 10.0 + LINE * f64::from(u32::try_from(line).unwrap_or(0));
        canvas.line("flag", (at, y + 2.0), (at, BOTTOM));
        let anchor = if at > right - 60.0 {
            Anchor::End
        } else {
            Anchor::Start
        };
        let shift = if anchor == Anchor::End { -4.0 } else { 4.0 };
        canvas.text("pod", (at + shift, y + 4.0), anchor, name);
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{class}\" viewBox=\"0 0 {width} {HEIGHT}\" role=\"img\" \
         aria-label=\"Histogram of the response times\"><rect class=\"sheet\" x=\"0\" y=\"0\" width=\"{}\" height=\"{HEIGHT}\" rx=\"8\"/>{}</svg>",
        Px(width),
        canvas.into_svg(),
    )
}

/// The start of a bar, in microseconds.
fn at(slot: i32) -> f64 {
    10_f64.powf(f64::from(slot) / BARS)
}

/// The index of each bar, and its share of requests.
fn bars(histogram: &Histogram<u64>) -> Vec<(i32, f64)> {
    let mut bars: std::collections::BTreeMap<i32, u64> = std::collections::BTreeMap::new();
    for step in histogram.iter_recorded() {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_precision_loss,
            reason = "a logarithm of microseconds"
        )]
        let slot = ((step.value_iterated_to().max(1) as f64).log10() * BARS).floor() as i32;
        *bars.entry(slot).or_default() += step.count_since_last_iteration();
    }
    #[expect(clippy::cast_precision_loss, reason = "counts as shares")]
    let share = |count: u64| count as f64 / histogram.len() as f64;
    bars.into_iter()
        .map(|(slot, count)| (slot, share(count)))
        .collect()
}

fn table(document: &Document) -> String {
    let latency = &document.latency;
    let rows = [
        (
            "response",
            "from the intended send to the end of the body",
            &latency.response,
        ),
        (
            "service",
            "from the actual send to the end of the body",
            &latency.service,
        ),
        (
            "first byte",
            "from the actual send to the head of the answer",
            &latency.ttfb,
        ),
        (
            "send lag",
            "from the intended to the actual send",
            &latency.send_lag,
        ),
    ];
    let mut html = String::from(
        "<div class=\"scroll\" tabindex=\"0\"><table class=\"numbers\"><thead><tr><th>Time in ms</th><th>Count</th><th>Min</th><th>Mean</th><th>p50</th>\
         <th>p90</th><th>p95</th><th>p99</th><th>p99.9</th><th>p99.99</th><th>Max</th><th class=\"text\">What it is</th></tr></thead><tbody>\n",
    );
    for (name, what, timing) in rows {
        row(&mut html, name, what, timing);
    }
    html + "</tbody></table></div>\n"
}

fn row(html: &mut String, name: &str, what: &str, timing: &Timing) {
    // Writing to a String can't fail.
    let _ = write!(
        html,
        "<tr><th scope=\"row\">{name}</th><td>{}</td>",
        thousands(timing.count)
    );
    for us in [
        timing.min,
        timing.mean,
        timing.p50,
        timing.p90,
        timing.p95,
        timing.p99,
        timing.p999,
        timing.p9999,
        timing.max,
    ] {
        let _ = write!(html, "<td>{}</td>", ms(us));
    }
    let _ = writeln!(html, "<td class=\"text\">{}</td></tr>", Xml(what));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_bars_contain_every_request() {
        let bars = bars(&fixture::times(500, 3));
        assert!(
            (bars.iter().map(|bar| bar.1).sum::<f64>() - 1.0).abs() < 1e-9,
            "{bars:?}"
        );
    }

    #[test]
    fn a_single_request_has_a_histogram_too() {
        let one = fixture::times(1, 3);
        let svg = picture(&one, &[("p50", Some(3_000))], 960.0, "timeline wide");
        assert!(svg.contains("100 %") && !svg.contains("NaN"), "{svg}");
    }
}

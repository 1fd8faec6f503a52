//! The replicas over time, as a chart of character cells: ready pods are filled, the target's replicas are a
//! line.

use crossterm::style::{Stylize, style};
use hpa_check_core::observation::Phase;
use hpa_check_core::run::timeline::{Step, Timeline, value_at};
use jiff::{SignedDuration, Timestamp};

use super::row::{NAMES, Row};
use crate::report::{summary, words};

/// Cells are filled in eighths.
const EIGHTHS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// This many rows of cells, and one below them with the phases; the last column is now.
pub(super) fn replicas(
    timeline: &Timeline,
    now: Timestamp,
    columns: usize,
    height: usize,
) -> Vec<Row> {
    let cells = columns.saturating_sub(NAMES + 1).max(1);
    let most = [&timeline.ready, &timeline.spec, &timeline.max_replicas];
    let most = most
        .into_iter()
        .flatten()
        .map(|s| s.value)
        .max()
        .unwrap_or(1)
        .max(1);
    let instants: Vec<Timestamp> = (1..=cells)
        .map(|cell| instant(timeline, now, cell, cells))
        .collect();
    let level = |series: &[Step<i32>], at| eighths(value_at(series, at).unwrap_or(0), most, height);
    let mut rows: Vec<Row> = (0..height)
        .rev()
        .map(|row| {
            let name = match row {
                _ if row + 1 == height => most.to_string(),
                0 => "0".to_owned(),
                _ => String::new(),
            };
            let line: Vec<(char, bool)> = instants
                .iter()
                .map(|at| cell(level(&timeline.ready, *at), level(&timeline.spec, *at), row))
                .collect();
            line.chunk_by(|a, b| a.1 == b.1).fold(
                Row::plain(format!("{name:>width$} ", width = NAMES - 1)),
                |whole, run| {
                    let text: String = run.iter().map(|(sign, _)| sign).collect();
                    whole.and(if run[0].1 {
                        text.cyan()
                    } else {
                        text.dark_yellow()
                    })
                },
            )
        })
        .collect();
    rows.push(phases(timeline, &instants));
    rows
}

/// The instant of one of this many cells; the last one is now.
fn instant(timeline: &Timeline, now: Timestamp, cell: usize, cells: usize) -> Timestamp {
    let span = now.as_millisecond() - timeline.from.as_millisecond();
    let share = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let ms = span.max(0).saturating_mul(share(cell)) / share(cells).max(1);
    timeline.from + SignedDuration::from_millis(ms)
}

/// A count in eighths of a row.
fn eighths(count: i32, most: i32, height: usize) -> usize {
    let share = |n: i32| usize::try_from(n.max(0)).unwrap_or(0);
    share(count) * height * 8 / share(most).max(1)
}

/// The character of a cell, and whether it shows ready pods.
fn cell(ready: usize, set: usize, row: usize) -> (char, bool) {
    let filled = ready.saturating_sub(row * 8).min(8);
    if filled > 0 {
        return (EIGHTHS[filled - 1], true);
    }
    let line = set.div_ceil(8).saturating_sub(1) == row && set > ready;
    (if line { '─' } else { ' ' }, false)
}

/// The name of each phase below its start, if there is room, and the time at the end.
fn phases(timeline: &Timeline, instants: &[Timestamp]) -> Row {
    let mut text = String::new();
    let shown = timeline
        .phases
        .iter()
        .filter(|s| s.phase != Phase::Preflight);
    for span in shown {
        let at = instants.partition_point(|instant| *instant < span.from);
        let length = text.chars().count();
        if at >= length {
            text += &" ".repeat(at - length);
            text += summary::phase(span.phase);
            text.push(' ');
        }
    }
    let now = instants.last().map(|now| words::clock(timeline.from, *now));
    let now = now.unwrap_or_default();
    let room = instants.len().saturating_sub(now.chars().count());
    let text: String = text.chars().take(room).collect();
    Row::plain(" ".repeat(NAMES))
        .and(format!("{text:<room$}").dark_grey())
        .and(style(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_chart_goes_from_nothing_to_the_maximum_and_ends_now() {
        let run = fixture::passed();
        let timeline = &run.timeline;
        let rows = replicas(timeline, timeline.until, 80, 8);
        let text: Vec<String> = rows.iter().map(Row::plain_text).collect();
        assert_eq!(text.len(), 9);
        assert!(
            text.iter().all(|row| row.chars().count() <= 79),
            "{text:#?}"
        );
        // The top is the maximum, 10, and filled only while ten pods were ready.
        assert!(
            text[0].starts_with("       10 ") && text[0].contains('█'),
            "{text:#?}"
        );
        assert!(text[0].ends_with(' '), "{text:#?}");
        // At the baseline there are three of ten: two rows of eight and a bit.
        assert!(
            text[7].ends_with('█') && text[5].ends_with('▃'),
            "{text:#?}"
        );
        assert!(
            text[8].contains(summary::phase(Phase::Up)) && text[8].ends_with("2:30"),
            "{text:#?}"
        );
    }
}

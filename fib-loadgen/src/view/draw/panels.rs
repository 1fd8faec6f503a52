//! The lower half: the histogram, the pods, the failures, the generator.

use hdrhistogram::Histogram;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::{ANSWERED, BAD, GOOD, SOFT, block};
use crate::report::{clock, ms, thousands};
use crate::view::state::{Pod, State};

/// The response times of the whole run: one row per band of a geometric scale.
pub(super) fn histogram(state: &State, area: Rect) -> Paragraph<'static> {
    let rows = usize::from(area.height.saturating_sub(2));
    let width = usize::from(area.width.saturating_sub(2));
    let bands = bands(&state.whole, rows);
    let most = bands.iter().map(|band| band.2).fold(1e-9, f64::max);
    let lines: Vec<Line<'static>> = bands
        .into_iter()
        .map(|(from, until, share)| {
            let name = format!("{:>7} to {:<7}", ms(Some(from)), ms(Some(until)));
            let room = width.saturating_sub(name.len() + 9);
            Line::from(vec![
                Span::raw(name),
                Span::styled(bar(share / most, room), ANSWERED),
                Span::raw(format!("{:>7.2} %", share * 100.0)),
            ])
        })
        .collect();
    Paragraph::new(lines).block(block(" Histogram of the run, ms "))
}

/// This many bands from the shortest to the longest time, in geometric steps, each with its share of requests.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "microseconds and counts on a screen"
)]
fn bands(histogram: &Histogram<u64>, rows: usize) -> Vec<(u64, u64, f64)> {
    if histogram.is_empty() || rows == 0 {
        return Vec::new();
    }
    let (least, most) = (histogram.min().max(1) as f64, histogram.max().max(2) as f64);
    let factor = (most / least).max(1.01).powf(1.0 / rows as f64);
    let bound = |row: usize| (least * factor.powf(row as f64)) as u64;
    let mut bands: Vec<(u64, u64, f64)> = (0..rows)
        .map(|row| (bound(row), bound(row + 1), 0.0))
        .collect();
    for step in histogram.iter_recorded() {
        let us = step.value_iterated_to().max(1) as f64;
        let row = ((us / least).ln() / factor.ln()) as usize;
        let share = step.count_since_last_iteration() as f64 / histogram.len() as f64;
        bands[row.min(rows - 1)].2 += share;
    }
    bands
}

/// A bar for this share of so many cells, to an eighth of a cell.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "cells of a screen"
)]
fn bar(share: f64, cells: usize) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * cells as f64 * 8.0).round() as usize;
    let text = "█".repeat(eighths / 8) + PARTS[eighths % 8];
    format!("{text:<cells$}")
}

/// The pods that answer now, the newest first, so that a new one is visible at once.
pub(super) fn pods(state: &State, area: Rect) -> Paragraph<'static> {
    let rows = usize::from(area.height.saturating_sub(2));
    let width = usize::from(area.width.saturating_sub(2));
    let all: u64 = state.pods.iter().map(|pod| pod.now).sum();
    let mut answering: Vec<&Pod> = state.pods.iter().filter(|pod| pod.now > 0).collect();
    answering.sort_by(|a, b| b.first.total_cmp(&a.first).then(a.name.cmp(&b.name)));
    let count = answering.len();
    let lines: Vec<Line<'static>> = answering
        .into_iter()
        .take(rows)
        .map(|pod| {
            #[expect(clippy::cast_precision_loss, reason = "counts as shares")]
            let share = pod.now as f64 / all.max(1) as f64;
            let since = clock(std::time::Duration::from_secs_f64(pod.first));
            let fixed = 8 + 1 + 5 + 3 + 5;
            let room = width.saturating_sub(fixed);
            Line::from(vec![
                Span::raw(format!("{:<8} ", tail(&pod.name, 8))),
                Span::styled(bar(share, room), ANSWERED),
                Span::raw(format!("{:>4.0} %", share * 100.0)),
                Span::styled(format!("  {since}"), SOFT),
            ])
        })
        .collect();
    let gone = state.pods.len() - count;
    let title = format!(" Pods: {count} answer, {gone} did before; since ");
    Paragraph::new(lines).block(block(title))
}

/// The end of a pod's name, which distinguishes it from its siblings.
fn tail(name: &str, letters: usize) -> String {
    let skip = name.chars().count().saturating_sub(letters);
    name.chars().skip(skip).collect()
}

/// Answers by status, and failures by class.
pub(super) fn failures(state: &State) -> Paragraph<'static> {
    let so_far = &state.now.so_far;
    let mut lines: Vec<Line<'static>> = Vec::new();
    let mut errors: Vec<_> = so_far.errors.iter().collect();
    errors.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    for (class, count) in errors {
        lines.push(Line::from(vec![
            Span::raw(format!("{class:<26}")),
            Span::styled(thousands(*count), BAD),
        ]));
    }
    for (status, count) in &so_far.statuses {
        let style = if *status < 400 { GOOD } else { BAD };
        lines.push(Line::from(vec![
            Span::raw(format!("status {status:<19}")),
            Span::styled(thousands(*count), style),
        ]));
    }
    Paragraph::new(lines).block(block(" Failures and statuses "))
}

/// The generator's measurements of itself.
pub(super) fn generator(state: &State) -> Paragraph<'static> {
    let own = &state.now.own;
    let row = |name: &str, value: String| {
        Line::from(vec![Span::raw(format!("{name:<20}")), Span::raw(value)])
    };
    let lines = vec![
        row(
            "CPU",
            format!("{:.2} of {:.2} cores", own.cpu_used, own.cpu_allowed),
        ),
        row("timer late, p99", format!("{} ms", ms(own.timer_lag_us))),
        row("throttled periods", thousands(own.throttled)),
        row("found no free user", thousands(own.queued)),
        row(
            "memory, connections",
            format!(
                "{} MB, {}",
                own.rss / 1_000_000,
                thousands(state.now.so_far.connections)
            ),
        ),
    ];
    Paragraph::new(lines).block(block(" The generator itself "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_bands_contain_every_request_for_any_number_of_bands() {
        for rows in [1, 5, 40] {
            let bands = bands(&fixture::times(500, 3), rows);
            assert_eq!(bands.len(), rows);
            assert!((bands.iter().map(|band| band.2).sum::<f64>() - 1.0).abs() < 1e-9);
        }
        assert!(bands(&Histogram::new(2).unwrap(), 5).is_empty());
    }

    #[test]
    fn a_bar_fills_its_cells_to_an_eighth() {
        assert_eq!(
            (bar(0.5, 4), bar(1.0, 2), bar(0.0, 2)),
            ("██  ".into(), "██".into(), "  ".into())
        );
        assert_eq!(bar(0.1875, 2), "▍ ");
    }
}

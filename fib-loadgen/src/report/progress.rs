//! What is shown while the load is on.

use std::collections::VecDeque;
use std::time::Duration;

use super::{clock, ms, thousands};
use crate::live::Tick;

const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// A plan longer than this has no end worth showing.
const LONG: Duration = Duration::from_hours(720);

/// One line, for logs.
pub fn line(tick: &Tick, end: Duration) -> String {
    let offered = tick
        .offered_rps
        .map_or_else(String::new, |due| format!(" (offered {due:.0})"));
    format!(
        "{}  {:<10} users {}  rps {:.0}{offered}  p50 {} ms  p99 {} ms  ok {}  failed {}  wrong {}  in flight {}  pods {}",
        progress(tick, end),
        tick.phase,
        tick.users,
        tick.rps,
        ms(tick.p50_us),
        ms(tick.p99_us),
        thousands(tick.ok),
        thousands(tick.failed),
        thousands(tick.wrong),
        tick.in_flight,
        tick.pods.len(),
    )
}

/// The rows of the screen; the last tick is now.
pub fn screen(
    history: &VecDeque<Tick>,
    end: Duration,
    most_users: u32,
    width: usize,
) -> Vec<String> {
    let Some(now) = history.back() else {
        return Vec::new();
    };
    let offered = now
        .offered_rps
        .map_or_else(String::new, |due| format!("   offered {due:.0}"));
    let curve_width = width.saturating_sub(20).clamp(10, 60);
    let rates: Vec<f64> = history.iter().map(|tick| tick.rps).collect();
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds drawn as one of nine bars"
    )]
    let tails: Vec<f64> = history
        .iter()
        .map(|tick| tick.p99_us.unwrap_or(0) as f64 / 1e3)
        .collect();
    let rows = [
        format!(
            " phase {:<12} {} {}   users {}/{most_users}",
            now.phase,
            bar(now, end),
            progress(now, end),
            now.users
        ),
        format!(" requests/s   {:>9.0}{offered}", now.rps),
        format!(
            " p50  p99 ms  {:>9} {:>9}   in flight {}",
            ms(now.p50_us),
            ms(now.p99_us),
            now.in_flight
        ),
        format!(
            " ok {}   verified {}   failed {}   wrong {}",
            thousands(now.ok),
            thousands(now.verified),
            thousands(now.failed),
            thousands(now.wrong)
        ),
        format!(" rps  {} {:.0}", curve(&rates, curve_width), peak(&rates)),
        format!(
            " p99  {} {:.0} ms",
            curve(&tails, curve_width),
            peak(&tails)
        ),
        pods(now),
    ];
    rows.into_iter()
        .map(|row| row.chars().take(width).collect())
        .collect()
}

fn progress(tick: &Tick, end: Duration) -> String {
    let now = clock(Duration::from_millis(tick.elapsed_ms));
    if end > LONG {
        now
    } else {
        format!("{now}/{}", clock(end))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of twenty cells"
)]
fn bar(tick: &Tick, end: Duration) -> String {
    let share = Duration::from_millis(tick.elapsed_ms).as_secs_f64() / end.as_secs_f64().max(1e-9);
    let filled = (share.clamp(0.0, 1.0) * 20.0) as usize;
    format!("[{}{}]", "#".repeat(filled), "-".repeat(20 - filled))
}

fn peak(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of eight bars"
)]
fn curve(values: &[f64], width: usize) -> String {
    let top = peak(values);
    let values = &values[values.len().saturating_sub(width)..];
    let one = |value: &f64| {
        BARS[if top > 0.0 {
            (value / top * 8.0).round() as usize
        } else {
            0
        }]
    };
    format!("{:<width$}", values.iter().map(one).collect::<String>())
}

#[expect(clippy::cast_precision_loss, reason = "counts as percentages")]
fn pods(tick: &Tick) -> String {
    let all: u64 = tick.pods.values().sum();
    let shares = tick.pods.iter().map(|(name, count)| {
        // The end of a pod's name is what tells it from its siblings.
        let short: String = name
            .chars()
            .skip(name.chars().count().saturating_sub(8))
            .collect();
        format!(
            "  {short} {:.0}%",
            *count as f64 * 100.0 / all.max(1) as f64
        )
    });
    format!(" pods {}{}", tick.pods.len(), shares.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tick(seconds: u64, rps: f64) -> Tick {
        Tick {
            at: String::new(),
            elapsed_ms: seconds * 1000,
            users: 500,
            offered_rps: Some(430.0),
            rps,
            sent: 10,
            ok: 12_345,
            failed: 0,
            wrong: 0,
            verified: 12_345,
            p50_us: Some(1_900),
            p99_us: None,
            in_flight: 3,
            phase: "hold".into(),
            pods: [("fib-a".to_owned(), 3), ("fib-b".to_owned(), 1)].into(),
        }
    }

    #[test]
    fn the_line_says_how_far_how_much_and_how_well() {
        assert_eq!(
            line(&tick(10, 429.6), Duration::from_secs(40)),
            "00:10/00:40  hold       users 500  rps 430 (offered 430)  p50 1.9 ms  p99 - ms  ok 12,345  failed 0  wrong 0  in flight 3  pods 2"
        );
    }

    #[test]
    fn the_screen_fits_the_terminal_and_shows_the_pods() {
        let history: VecDeque<Tick> = (1..=30)
            .map(|second| tick(second, f64::from(u32::try_from(second).unwrap())))
            .collect();
        for width in [20, 80, 200] {
            let rows = screen(&history, Duration::from_secs(40), 500, width);
            assert!(
                rows.iter().all(|row| row.chars().count() <= width),
                "{rows:#?}"
            );
        }
        let rows = screen(&history, Duration::from_secs(40), 500, 80).join("\n");
        assert!(
            rows.contains("fib-a 75%") && rows.contains('█') && rows.contains("users 500/500"),
            "{rows}"
        );
    }
}

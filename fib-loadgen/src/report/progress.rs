//! The periodic line during the load.

use std::time::Duration;

use super::{clock, ms, thousands};
use crate::live::Tick;

/// A longer plan has no end worth showing.
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

fn progress(tick: &Tick, end: Duration) -> String {
    let now = clock(Duration::from_millis(tick.elapsed_ms));
    if end > LONG {
        now
    } else {
        format!("{now}/{}", clock(end))
    }
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
            unsent: 0,
            unfinished: 0,
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
    fn the_line_shows_progress_load_and_quality() {
        assert_eq!(
            line(&tick(10, 429.6), Duration::from_secs(40)),
            "00:10/00:40  hold       users 500  rps 430 (offered 430)  p50 1.9 ms  p99 - ms  ok 12,345  failed 0  wrong 0  in flight 3  pods 2"
        );
    }
}

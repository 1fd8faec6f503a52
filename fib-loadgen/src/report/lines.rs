//! The run over time as NDJSON, one line per step, with the keys of `-o ndjson=` as far as a result has them.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::facts;
use crate::result::{Document, utc};

/// A line for each step of the series.
pub(super) fn ndjson(document: &Document) -> String {
    let series = &document.series;
    let started: Option<Timestamp> = document.run.started_utc.parse().ok();
    let (mut ok, mut failed) = (0, 0);
    let mut text = String::new();
    for (at, end) in series.ends().into_iter().enumerate() {
        ok += series.ok.get(at).copied().unwrap_or_default();
        failed += series.failed.get(at).copied().unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a run")]
        let elapsed_ms = (end * 1e3).round() as i64;
        let instant = started.and_then(|from| {
            from.checked_add(SignedDuration::from_millis(elapsed_ms))
                .ok()
        });
        let pods: serde_json::Map<_, _> = document
            .pods
            .iter()
            .filter_map(|pod| {
                let index = at.checked_sub(pod.line.first)?;
                let count = pod.line.requests.get(index).filter(|count| **count > 0)?;
                Some((pod.name.clone(), json!(count)))
            })
            .collect();
        let line = json!({
            "at": instant.map(utc),
            "elapsed_ms": elapsed_ms,
            "phase": facts::phase_at(document, end - 1e-3),
            "users": series.users.get(at),
            "in_flight": series.in_flight.get(at),
            "offered_rps": series.offered_rps.get(at),
            "rps": series.rps.get(at),
            "ok": ok,
            "failed": failed,
            "p50_us": series.p50.get(at),
            "p90_us": series.p90.get(at),
            "p99_us": series.p99.get(at),
            "p999_us": series.p999.get(at),
            "pods": pods,
        });
        text += &format!("{line}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn a_line_is_a_step_with_its_instant_and_its_pods() {
        let text = ndjson(&fixture::passed());
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), fixture::passed().series.len());
        assert_eq!(lines[0]["at"], "2026-11-27T04:47:43.259Z");
        assert!(lines[0]["pods"]["fib-a"].is_u64(), "{}", lines[0]);
        assert_eq!(lines.last().unwrap()["ok"], fixture::passed().totals.ok);
    }
}

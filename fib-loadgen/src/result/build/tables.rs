//! The tables of a result: phases, decades of n, failures, pods.

use std::time::Duration;

use crate::plan::Model;
use crate::recorder::{Counts, Tally, ThreadTally};
use crate::result::{ErrorResult, Latency, NResult, PhaseResult, Totals};
use crate::user::Load;

#[expect(clippy::cast_precision_loss, reason = "a count of requests as a rate")]
pub(super) fn totals(counts: &Counts, window: Duration) -> Totals {
    let seconds = window.as_secs_f64();
    Totals {
        sent: counts.ended() + counts.given_up,
        ok: counts.ok,
        failed: counts.failed,
        wrong: counts.wrong,
        verified: counts.verified,
        unfinished: counts.given_up,
        unsent: counts.unsent,
        cached: counts.cached,
        late: Some(counts.late),
        bytes: counts.bytes,
        elapsed_s: to_ms(seconds),
        window_s: to_ms(seconds),
        rps: if seconds > 0.0 {
            counts.ok.saturating_sub(counts.late) as f64 / seconds
        } else {
            0.0
        },
        offered_rps: None,
        achieved_ratio: None,
    }
}

pub(super) fn phases(load: &Load, shard: &ThreadTally, window: Duration) -> Vec<PhaseResult> {
    let shape = &load.plan.shape;
    let one = |(phase, tally): (&crate::plan::Phase, &Tally)| {
        let end = phase.end.min(window.max(phase.start));
        // Just before its end, since the next phase may start at a different level.
        let last = phase.end.saturating_sub(Duration::from_nanos(1));
        let mut totals = totals(&tally.counts, end.saturating_sub(phase.start));
        if matches!(load.plan.model, Model::Open { .. }) {
            let due = shape.area(end) - shape.area(phase.start);
            totals.offered_rps = Some(due / totals.window_s.max(1e-9));
            totals.achieved_ratio = Some(tally.counts.achieved());
        }
        PhaseResult {
            name: phase.name.clone(),
            start_s: to_ms(phase.start.as_secs_f64()),
            end_s: to_ms(end.as_secs_f64()),
            users: [to_ms(shape.at(phase.start)), to_ms(shape.at(last))],
            judged: phase.judged,
            totals,
            latency: (&tally.latencies).into(),
        }
    };
    load.phases
        .iter()
        .zip(&shard.phases)
        .filter(|(phase, _)| phase.start <= window)
        .map(one)
        .collect()
}

pub(super) fn by_n(shard: &ThreadTally, window: Duration) -> Vec<NResult> {
    let asked = shard
        .by_n
        .iter()
        .zip(0_u32..)
        .filter(|(tally, _)| tally.counts.ended() > 0);
    asked
        .map(|(tally, decade)| {
            let low = if decade == 0 { 0 } else { 10_u64.pow(decade) };
            NResult {
                n_class: format!("{low}..={}", 10_u64.pow(decade + 1) - 1),
                totals: totals(&tally.counts, window),
                latency: Latency::from(&tally.latencies),
            }
        })
        .collect()
}

pub(super) fn errors(shard: &ThreadTally) -> Vec<ErrorResult> {
    let mut errors: Vec<ErrorResult> = shard
        .errors
        .iter()
        .map(|(class, tally)| ErrorResult {
            class: class.word().into(),
            count: tally.count,
            first_s: to_ms(tally.first.as_secs_f64()),
            last_s: to_ms(tally.last.as_secs_f64()),
            example: tally.example.clone(),
        })
        .collect();
    errors.sort_by(|a, b| b.count.cmp(&a.count).then(a.class.cmp(&b.class)));
    errors
}

/// Seconds (or any number) to three decimals.
pub(in crate::result) fn to_ms(seconds: f64) -> f64 {
    (seconds * 1e3).round() / 1e3
}

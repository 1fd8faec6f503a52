//! Judges the rules again on everything the shards observed together, and computes how the run ended.

use super::Part;
use super::parts::late_of;
use crate::exit::Ending;
use crate::recorder::{Counts, Histogram, Latencies, Tally};
use crate::result::{Document, Exit, Latency, ThresholdResult, Timing, Totals, decode_as};
use crate::thresholds::{Evidence, Threshold};

/// Each rule once, in the order of the first shard that has it.
pub(super) fn judge(merged: &Document, parts: &[Part<'_>]) -> Result<Vec<ThresholdResult>, String> {
    let mut rules: Vec<(&str, bool)> = Vec::new();
    for rule in parts.iter().flat_map(|part| &part.document.thresholds) {
        match rules.iter_mut().find(|(other, _)| *other == rule.rule) {
            Some((_, aborted)) => *aborted |= rule.aborted,
            None => rules.push((&rule.rule, rule.aborted)),
        }
    }
    let whole = whole(merged)?;
    rules
        .into_iter()
        .map(|(text, aborted)| {
            let rule: Threshold = text.parse()?;
            let phase = rule.phase.as_ref().map(|name| {
                let phase = merged.phases.iter().find(|phase| phase.name == *name);
                phase.map(|phase| (phase, tally(&phase.totals, &phase.latency)))
            });
            let judgement = match phase {
                Some(Some((phase, tally))) => {
                    let tally = tally?;
                    rule.judge(&evidence(&tally, phase.end_s - phase.start_s))
                }
                // A phase that no shard reached has no evidence.
                Some(None) => rule.judge(&evidence(&Tally::default(), 0.0)),
                None => rule.judge(&evidence(&whole.0, whole.1)),
            };
            Ok(ThresholdResult {
                rule: text.to_owned(),
                observed: rule.show(judgement.observed),
                value: judgement.observed,
                // It was violated for the shard that it ended.
                passed: judgement.passed && !aborted,
                aborted,
            })
        })
        .collect()
}

fn evidence(tally: &Tally, seconds: f64) -> Evidence<'_> {
    Evidence { tally, seconds }
}

/// Everything except the warm-up, and its length in seconds.
fn whole(merged: &Document) -> Result<(Tally, f64), String> {
    let mut sum = Tally::default();
    for phase in merged.phases.iter().filter(|phase| phase.judged) {
        sum.add(&tally(&phase.totals, &phase.latency)?);
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a warm-up")]
    let warmup = merged.plan.warmup_ms as f64 / 1e3;
    let window = if merged.totals.window_s > 0.0 {
        merged.totals.window_s
    } else {
        merged.totals.elapsed_s
    };
    Ok((sum, (window - warmup).max(0.0)))
}

fn tally(totals: &Totals, latency: &Latency) -> Result<Tally, String> {
    Ok(Tally {
        counts: Counts {
            ok: totals.ok,
            failed: totals.failed,
            wrong: totals.wrong,
            verified: totals.verified,
            bytes: totals.bytes,
            unsent: totals.unsent,
            given_up: totals.unfinished,
            late: late_of(totals),
            cached: totals.cached,
        },
        latencies: Latencies {
            response: histogram(&latency.response)?,
            service: histogram(&latency.service)?,
            ttfb: histogram(&latency.ttfb)?,
            send_lag: histogram(&latency.send_lag)?,
            connect: histogram(&latency.connect)?,
        },
    })
}

fn histogram(timing: &Timing) -> Result<Histogram, String> {
    match &timing.hdr_b64 {
        Some(text) => Ok(Histogram(decode_as(text)?)),
        None => Ok(Histogram::default()),
    }
}

/// How the run of all shards ended.
pub(super) fn exit(merged: &Document, parts: &[Part<'_>]) -> Exit {
    let totals = &merged.totals;
    let any = |word: &str| {
        let mut reasons = parts.iter().flat_map(|part| &part.document.exit.reasons);
        reasons.any(|reason| reason == word)
    };
    Exit::of([
        (totals.wrong > 0, Ending::Wrong),
        (
            totals.ok == 0 && totals.wrong == 0 && totals.failed + totals.unsent > 0,
            Ending::Target,
        ),
        (
            merged.thresholds.iter().any(|rule| !rule.passed),
            Ending::Threshold,
        ),
        (any(Ending::Saturated.word()), Ending::Saturated),
        (any(Ending::NotAchieved.word()), Ending::NotAchieved),
        (any(Ending::Internal.word()), Ending::Internal),
        (any(Ending::Interrupted.word()), Ending::Interrupted),
    ])
}

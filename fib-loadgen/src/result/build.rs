//! From what was counted to the document.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use jiff::Timestamp;

mod tables;

pub(super) use tables::to_ms;
use tables::{by_n, errors, phases, totals};

use super::pods::{self, PodLines};
use super::{
    Connections, Document, Exit, Generator, GooseFacts, GooseStep, PlanFacts, Run, SCHEMA, Series,
    Step, TargetFacts, ThresholdResult, fairness, jain,
};
use crate::attack::Facts;
use crate::exit::{Ending, code_of};
use crate::generator::{self, OnSaturation, Signals, Verdict};
use crate::outcome::Class;
use crate::plan::Model;
use crate::recorder::{Counts, Shard, Tally};
use crate::settings::Settings;
use crate::thresholds::{Records, Threshold};
use crate::user::Load;

/// How a run went, apart from what its recorder counted.
#[derive(Debug)]
pub struct Ended {
    /// When the load began.
    pub started: Timestamp,
    /// How long it was on, to the end of the last request.
    pub elapsed: Duration,
    /// One entry for each second.
    pub series: Series,
    /// Who answered when.
    pub pods: PodLines,
    /// What the engine says.
    pub facts: Facts,
    /// What the generator measured about itself: the parts that the recorder does not know.
    pub signals: Signals,
    /// CPU time used.
    pub cpu: Duration,
    /// Most memory seen.
    pub rss_peak: u64,
    /// What the host resolved to.
    pub resolved: Vec<String>,
}

/// Puts the document together, and judges.
#[expect(clippy::cast_precision_loss, reason = "counts as shares and rates")]
pub fn build(settings: &Settings, load: &Load, ended: &Ended) -> Document {
    let shard = load.recorder.merged();
    let records = Records::new(&load.phases, &shard.phases, load.plan.warmup, ended.elapsed);
    let mut whole = Counts::default();
    shard
        .phases
        .iter()
        .for_each(|tally| whole.add(&tally.counts));
    let sent = load.recorder.sent.load(Relaxed);
    let offered = offered(load, ended.elapsed);
    let mut totals = totals(&whole, ended.elapsed);
    totals.sent = sent;
    totals.unfinished = sent.saturating_sub(whole.ended());
    totals.offered_rps = offered.map(|due| due / totals.elapsed_s.max(1e-9));
    totals.achieved_ratio = offered.map(|due| {
        if due > 0.0 {
            (sent as f64 / due).min(1.0)
        } else {
            1.0
        }
    });
    let phases = phases(load, &shard, ended.elapsed);
    let thresholds = thresholds(load, &records);
    let generator = generator(load, &shard, &records.judged, offered, ended, sent);
    let exit = exit(settings, load, &whole, &thresholds, generator.verdict);
    let plan = plan(settings, load);
    let pods = pods::results(&shard, &ended.pods, &plan.steps);
    let mut series = ended.series.clone();
    series.fairness = fairness(&pods, series.len(), series.step_s);
    series.fairness_window_s = super::FAIRNESS_WINDOW_S;
    Document {
        schema: SCHEMA.into(),
        run: run(settings, ended),
        target: TargetFacts {
            url: load.base.to_string(),
            resolved: ended.resolved.clone(),
            http: "HTTP/1.1".into(),
            addresses: Vec::new(),
        },
        plan,
        totals,
        latency: (&records.judged.latencies).into(),
        phases,
        by_n: by_n(&shard, ended.elapsed),
        statuses: shard
            .statuses
            .iter()
            .map(|(status, count)| (*status, *count))
            .collect::<BTreeMap<_, _>>(),
        errors: errors(&shard),
        fairness_jain: jain(shard.pods.values().map(|pod| pod.requests as f64)),
        pods,
        connections: Connections {
            opened: load.counters.opened.load(Relaxed),
            recycled_count: load.recorder.recycled_count.load(Relaxed),
            recycled_age: load.recorder.recycled_age.load(Relaxed),
            closed_by_peer: load.recorder.closed_by_peer.load(Relaxed),
            refused_retried: load.recorder.refused_retried.load(Relaxed),
            peak_open: None,
            dns_lookups: load.counters.lookups.load(Relaxed),
            failed: 0,
            resent: 0,
        },
        series,
        checks: Vec::new(),
        thresholds,
        generator,
        goose: goose(&ended.facts),
        exit,
        warnings: Vec::new(),
    }
}

/// How many requests were due by the end; `None` in the closed model.
#[expect(clippy::cast_precision_loss, reason = "a count of requests")]
fn offered(load: &Load, elapsed: Duration) -> Option<f64> {
    let due = load.plan.shape.area(elapsed.min(load.plan.shape.end()));
    let due = load
        .plan
        .requests
        .map_or(due, |limit| due.min(limit as f64));
    matches!(load.plan.model, Model::Open { .. }).then_some(due)
}

fn thresholds(load: &Load, records: &Records<'_>) -> Vec<ThresholdResult> {
    let judge = |(at, rule): (usize, &Threshold)| {
        let judgement = rule.judge(&records.about(rule));
        let aborted = load.aborted_by.get() == Some(&at);
        ThresholdResult {
            rule: rule.rule.clone(),
            observed: rule.show(judgement.observed),
            value: judgement.observed,
            // It was broken when it ended the run, whatever the last answers made of it.
            passed: judgement.passed && !aborted,
            aborted,
        }
    };
    load.thresholds.iter().enumerate().map(judge).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "counts"
)]
fn generator(
    load: &Load,
    shard: &Shard,
    judged: &Tally,
    offered: Option<f64>,
    ended: &Ended,
    sent: u64,
) -> Generator {
    let local = [Class::LocalFdLimit, Class::ConnectAddrExhausted];
    let signals = Signals {
        own_lag_p99: shard.own_lag.at(0.99).map(Duration::from_micros),
        service_p50: judged.latencies.service.at(0.5).map(Duration::from_micros),
        sent,
        offered: offered.map_or(sent, |due| due as u64),
        queued: load.recorder.queued.load(Relaxed),
        local_failures: local
            .iter()
            .filter_map(|class| shard.errors.get(class))
            .map(|tally| tally.count)
            .sum(),
        ..ended.signals.clone()
    };
    let (verdict, reasons) = generator::judge(&signals);
    Generator {
        verdict,
        reasons,
        cpu_used: to_ms(signals.cpu_used),
        cpu_allowed: signals.cpu_allowed,
        cpu_us_per_request: (sent > 0)
            .then(|| (ended.cpu.as_secs_f64() * 1e6 / sent as f64).round()),
        throttled_periods: signals.throttled_periods,
        timer_lag_p99_us: signals.timer_lag_p99.map(|lag| lag.as_micros() as u64),
        queued: signals.queued,
        own_lag_p99_us: signals.own_lag_p99.map(|lag| lag.as_micros() as u64),
        queue_wait_p99_us: None,
        periods: signals.periods,
        rss_peak: ended.rss_peak,
        bytes_per_user: ended.rss_peak / u64::from(load.plan.users().max(1)),
    }
}

fn exit(
    settings: &Settings,
    load: &Load,
    counts: &Counts,
    thresholds: &[ThresholdResult],
    verdict: Verdict,
) -> Exit {
    let mut endings = Vec::new();
    let mut when = |applies: bool, ending: Ending| {
        if applies {
            endings.push(ending);
        }
    };
    when(counts.wrong > 0, Ending::Wrong);
    // Not one right answer: whatever was measured, it was not this service.
    when(
        counts.ok == 0 && counts.wrong == 0 && counts.failed > 0,
        Ending::Target,
    );
    when(
        thresholds.iter().any(|rule| !rule.passed),
        Ending::Threshold,
    );
    when(
        verdict == Verdict::Saturated && settings.on_saturation == OnSaturation::Fail,
        Ending::Saturated,
    );
    when(load.stop.was_interrupted(), Ending::Interrupted);
    endings.sort();
    Exit {
        code: code_of(&endings),
        reasons: endings
            .into_iter()
            .map(|ending| ending.word().into())
            .collect(),
    }
}

fn run(settings: &Settings, ended: &Ended) -> Run {
    let ended_at = ended.started + ended.elapsed;
    Run {
        id: format!("{:x}-{:x}", ended.started.as_millisecond(), settings.seed),
        version: env!("CARGO_PKG_VERSION").into(),
        goose: "0.19.0".into(),
        host: sysinfo::System::host_name().ok(),
        cpus: settings.cpus,
        started_utc: utc(ended.started),
        ended_utc: utc(ended_at),
        unfinished: false,
        argv: settings.argv.clone(),
        seed: settings.seed,
        shard: settings.shard.map(|shard| shard.to_string()),
        merged: Vec::new(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "durations of a plan in milliseconds fit 64 bits"
)]
fn plan(settings: &Settings, load: &Load) -> PlanFacts {
    let plan = &load.plan;
    let open = matches!(plan.model, Model::Open { .. });
    let (arrival, think) = match plan.model {
        Model::Open { arrival, .. } => (Some(arrival.word()), None),
        Model::Closed { think: (from, to) } => {
            (None, Some([from.as_millis() as u64, to.as_millis() as u64]))
        }
    };
    let step = |at: Duration, level: f64| Step {
        t_s: to_ms(at.as_secs_f64()),
        users: (!open).then_some(level),
        rate: open.then_some(level),
    };
    let corners = plan.shape.pieces().iter();
    PlanFacts {
        model: if open { "open" } else { "closed" }.into(),
        arrival: arrival.map(Into::into),
        steps: corners
            .flat_map(|piece| [step(piece.start, piece.from), step(piece.end(), piece.to)])
            .collect(),
        n_spec: settings.n_spec.clone(),
        verify: settings.verify_spec.clone(),
        think,
        conn: settings.sharing_word().into(),
        pacing: "coarse".into(),
        client: "reqwest".into(),
        verify_prime: None,
        warmup_ms: plan.warmup.as_millis() as u64,
        requests: plan.requests,
        users: plan.users(),
    }
}

fn goose(facts: &Facts) -> GooseFacts {
    let step = |(action, at, users): &(String, i64, usize)| GooseStep {
        action: action.clone(),
        utc: Timestamp::from_millisecond(*at)
            .map(utc)
            .unwrap_or_default(),
        users: *users,
    };
    GooseFacts {
        error: None,
        maximum_users: facts.maximum_users,
        total_users: facts.total_users,
        history: facts.history.iter().map(step).collect(),
    }
}

/// RFC 3339 with milliseconds.
pub(crate) fn utc(at: Timestamp) -> String {
    format!("{at:.3}")
}

//! Builds the document from what was counted.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use jiff::Timestamp;

mod tables;
mod warnings;

pub(super) use tables::to_ms;
use tables::{by_n, errors, phases, totals};

use super::pods::{self, PodLines};
use super::{
    AddressResult, CheckResult, Connections, Document, Exit, Generator, GooseFacts, GooseStep,
    PlanFacts, Run, SCHEMA, Series, Step, TargetFacts, ThresholdResult, Totals, fairness, jain,
};
use crate::attack::Facts;
use crate::client::{AddressCounts, ClientKind};
use crate::exit::Ending;
use crate::generator::{self, OnSaturation, Signals, Verdict};
use crate::outcome::Class;
use crate::plan::Model;
use crate::recorder::{Counts, Tally, ThreadTally};
use crate::settings::Settings;
use crate::thresholds::{Records, Threshold};
use crate::user::Load;

/// A run's facts other than what its recorder counted.
#[derive(Debug)]
pub struct Ended {
    /// When the load began.
    pub started: Timestamp,
    /// How long it was on, to the end of the last request.
    pub elapsed: Duration,
    /// Whether it has not ended yet.
    pub unfinished: bool,
    /// One entry for each second.
    pub series: Series,
    /// Who answered when.
    pub pods: PodLines,
    /// What the engine says.
    pub facts: Facts,
    /// What the generator measured about itself, except for what the recorder knows.
    pub signals: Signals,
    /// CPU time used.
    pub cpu: Duration,
    /// Most memory seen.
    pub rss_peak: u64,
    /// What the host resolved to.
    pub resolved: Vec<String>,
}

/// Builds the document, and judges.
#[expect(clippy::cast_precision_loss, reason = "counts as shares")]
pub fn build(settings: &Settings, load: &Load, ended: &Ended) -> Document {
    let shard = load.recorder.merged();
    let window = load.window();
    let mut records = Records::new(&load.phases, &shard.phases, load.plan.warmup, window);
    records.judged.latencies.connect = load.connector.counters().connect();
    let mut whole = Counts::default();
    shard
        .phases
        .iter()
        .for_each(|tally| whole.add(&tally.counts));
    let totals = whole_run(load, &whole, window, ended.elapsed);
    let phases = phases(load, &shard, window);
    let thresholds = thresholds(load, &records);
    let generator = generator(load, &shard, &records.judged, &whole, ended);
    let exit = exit(
        settings,
        load,
        ended,
        &whole,
        &thresholds,
        generator.verdict,
    );
    let warnings = warnings::warnings(settings, load, &totals);
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
            path: load.source.path().map(str::to_owned),
            resolved: ended.resolved.clone(),
            http: http(load).into(),
            addresses: addresses(load),
        },
        plan,
        totals,
        latency: (&records.judged.latencies).into(),
        phases,
        by_n: by_n(&shard, window),
        statuses: shard.statuses.iter().copied().collect(),
        errors: errors(&shard),
        fairness_jain: jain(shard.pods.iter().map(|(_, pod)| pod.requests as f64)),
        pods,
        connections: connections(load, &shard),
        series,
        checks: checks(load, &shard),
        thresholds,
        generator,
        goose: goose(&ended.facts),
        exit,
        warnings,
    }
}

/// All requests. The open model's rates are relative to the plan until the load ended.
#[expect(clippy::cast_precision_loss, reason = "counts as rates")]
fn whole_run(load: &Load, whole: &Counts, window: Duration, elapsed: Duration) -> Totals {
    let mut totals = totals(whole, window);
    totals.sent = load.recorder.sent.load(Relaxed);
    totals.elapsed_s = to_ms(elapsed.as_secs_f64());
    if is_open(load) {
        let due = totals.sent + whole.unsent;
        totals.offered_rps = Some(due as f64 / window.as_secs_f64().max(1e-9));
        totals.achieved_ratio = Some(if due > 0 {
            totals.sent as f64 / due as f64
        } else {
            1.0
        });
    }
    totals
}

fn is_open(load: &Load) -> bool {
    matches!(load.plan.model, Model::Open { .. })
}

fn http(load: &Load) -> &'static str {
    let counters = load.connector.counters();
    match (counters.opened.load(Relaxed), counters.http2.load(Relaxed)) {
        (_, 0) => "HTTP/1.1",
        (all, http2) if all == http2 => "HTTP/2",
        _ => "HTTP/1.1 and HTTP/2",
    }
}

fn addresses(load: &Load) -> Vec<AddressResult> {
    let one = |address: Arc<AddressCounts>| AddressResult {
        address: address.name.clone(),
        connections: address.connections.load(Relaxed),
        failed: address.failed.load(Relaxed),
        requests: address.requests.load(Relaxed),
    };
    load.connector
        .counters()
        .addresses()
        .into_iter()
        .map(one)
        .collect()
}

fn connections(load: &Load, shard: &ThreadTally) -> Connections {
    let counters = load.connector.counters();
    Connections {
        opened: counters.opened.load(Relaxed),
        recycled_count: load.recorder.recycled_count.load(Relaxed),
        recycled_age: load.recorder.recycled_age.load(Relaxed),
        closed_by_peer: shard.closed_by_peer,
        refused_retried: shard.refused_retried,
        peak_open: Some(counters.peak_open.load(Relaxed)),
        dns_lookups: counters.lookups.load(Relaxed),
        failed: counters.failed.load(Relaxed),
        tls_resumed: counters.resumed.load(Relaxed),
        resent: shard.resent,
    }
}

fn checks(load: &Load, shard: &ThreadTally) -> Vec<CheckResult> {
    let counted = |at: usize| shard.checks.get(at).copied().unwrap_or_default();
    let checks = load.source.checks().iter().enumerate();
    checks
        .map(|(at, check)| CheckResult {
            check: check.rule.clone(),
            passed: counted(at).0,
            failed: counted(at).1,
        })
        .collect()
}

fn thresholds(load: &Load, records: &Records<'_>) -> Vec<ThresholdResult> {
    let judge = |(at, rule): (usize, &Threshold)| {
        let judgement = rule.judge(&records.about(rule));
        let aborted = load.aborted_by.get() == Some(&at);
        ThresholdResult {
            rule: rule.rule.clone(),
            observed: rule.show(judgement.observed),
            value: judgement.observed,
            // It was violated when it ended the run, whatever the last answers changed.
            passed: judgement.passed && !aborted,
            aborted,
        }
    };
    load.thresholds.iter().enumerate().map(judge).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "counts"
)]
fn generator(
    load: &Load,
    shard: &ThreadTally,
    judged: &Tally,
    whole: &Counts,
    ended: &Ended,
) -> Generator {
    let local = [Class::LocalFdLimit, Class::ConnectAddrExhausted];
    let sent = load.recorder.sent.load(Relaxed);
    let signals = Signals {
        own_lag_p99: shard.own_lag.at(0.99).map(Duration::from_micros),
        service_p50: judged.latencies.service.at(0.5).map(Duration::from_micros),
        due: sent + whole.unsent,
        unsent: whole.unsent,
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
        timer_lag_max_us: signals.timer_lag_max.map(|lag| lag.as_micros() as u64),
        queued: load.recorder.queued.load(Relaxed),
        own_lag_p99_us: signals.own_lag_p99.map(|lag| lag.as_micros() as u64),
        queue_wait_p99_us: if is_open(load) {
            shard.queue_wait.at(0.99)
        } else {
            None
        },
        periods: signals.periods,
        rss_peak: ended.rss_peak,
        bytes_per_user: ended.rss_peak / u64::from(load.plan.users().max(1)),
    }
}

fn exit(
    settings: &Settings,
    load: &Load,
    ended: &Ended,
    counts: &Counts,
    thresholds: &[ThresholdResult],
    verdict: Verdict,
) -> Exit {
    let fails = settings.on_saturation == OnSaturation::Fail;
    Exit::of([
        (counts.wrong > 0, Ending::Wrong),
        // There was not one correct answer: whatever was measured, it was not this service.
        (
            counts.ok == 0 && counts.wrong == 0 && counts.failed + counts.unsent > 0,
            Ending::Target,
        ),
        (
            thresholds.iter().any(|rule| !rule.passed),
            Ending::Threshold,
        ),
        (fails && verdict == Verdict::Saturated, Ending::Saturated),
        (
            fails && counts.achieved() < generator::ACHIEVED,
            Ending::NotAchieved,
        ),
        (ended.facts.error.is_some(), Ending::Internal),
        (load.stop.was_interrupted(), Ending::Interrupted),
    ])
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
        unfinished: ended.unfinished,
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
        conn: settings.client.sharing.word().into(),
        pacing: "precise".into(),
        client: if settings.client.pools() {
            ClientKind::Pool
        } else {
            ClientKind::Direct
        }
        .word()
        .into(),
        verify_prime: Some(settings.field.prime().to_string()),
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
        error: facts.error.clone(),
        maximum_users: facts.maximum_users,
        total_users: facts.total_users,
        history: facts.history.iter().map(step).collect(),
    }
}

/// RFC 3339 with milliseconds.
pub(crate) fn utc(at: Timestamp) -> String {
    format!("{at:.3}")
}

//! The sums: counts, histograms, series, pods.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::Part;
use crate::generator::Verdict;
use crate::result::{
    Entry, ErrorResult, Generator, Latency, PodLine, PodMinute, PodResult, Series, Timing, Totals,
    decode, encode,
};

/// The counts of simultaneous shards. Rates are counts divided by the longest window, as if one generator had
/// run.
pub(super) fn totals<'a>(all: impl Iterator<Item = &'a Totals>) -> Totals {
    let mut sum = Totals::default();
    let (mut offered, mut late) = (None, 0);
    // Due requests, if every shard knows them.
    let mut due = Some(0.0);
    for one in all {
        sum.sent += one.sent;
        sum.ok += one.ok;
        sum.failed += one.failed;
        sum.wrong += one.wrong;
        sum.verified += one.verified;
        sum.unfinished += one.unfinished;
        sum.unsent += one.unsent;
        sum.cached += one.cached;
        sum.bytes += one.bytes;
        sum.elapsed_s = sum.elapsed_s.max(one.elapsed_s);
        sum.window_s = sum.window_s.max(one.window_s);
        late += late_of(one);
        if let Some(rate) = one.offered_rps {
            offered = Some(offered.unwrap_or(0.0) + rate * seconds(one));
        }
        due = due.zip(due_of(one)).map(|(sum, due)| sum + due);
    }
    sum.late = Some(late);
    #[expect(clippy::cast_precision_loss, reason = "counts of requests")]
    let in_time = sum.ok.saturating_sub(late) as f64;
    let rate = |count: f64| match seconds(&sum) {
        0.0 => 0.0,
        seconds => count / seconds,
    };
    (sum.rps, sum.offered_rps) = (rate(in_time), offered.map(rate));
    #[expect(clippy::cast_precision_loss, reason = "counts of requests")]
    let achieved = |due: f64| (sum.sent as f64 / due).min(1.0);
    sum.achieved_ratio = due.filter(|due| *due > 0.0).map(achieved);
    sum
}

/// How long the load lasted. Results from before the window was recorded only have the whole time.
fn seconds(one: &Totals) -> f64 {
    if one.window_s > 0.0 {
        one.window_s
    } else {
        one.elapsed_s
    }
}

/// The correct answers that the rate excludes, because they came after the load.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count that was a whole number before it was divided"
)]
pub(super) fn late_of(one: &Totals) -> u64 {
    one.late.unwrap_or_else(|| {
        // Results from before the window was recorded excluded none.
        let in_time = (one.rps * one.window_s).round() as u64;
        if one.window_s > 0.0 {
            one.ok.saturating_sub(in_time)
        } else {
            0
        }
    })
}

/// How many requests a shard's plan asked for.
#[expect(clippy::cast_precision_loss, reason = "counts of requests")]
fn due_of(one: &Totals) -> Option<f64> {
    match one.achieved_ratio {
        Some(ratio) if ratio > 0.0 => Some(one.sent as f64 / ratio),
        // None of it was sent.
        Some(_) => Some(one.offered_rps? * seconds(one)),
        None => None,
    }
}

pub(super) fn latency(all: &[&Latency]) -> Result<Latency, String> {
    let sum = |of: fn(&Latency) -> &Timing| timing(all.iter().map(|latency| of(latency)));
    Ok(Latency {
        unit: "us".into(),
        response: sum(|l| &l.response)?,
        service: sum(|l| &l.service)?,
        ttfb: sum(|l| &l.ttfb)?,
        send_lag: sum(|l| &l.send_lag)?,
        connect: sum(|l| &l.connect)?,
    })
}

fn timing<'a>(all: impl Iterator<Item = &'a Timing>) -> Result<Timing, String> {
    let mut sum = Histogram::new(3).map_err(|error| error.to_string())?;
    for one in all {
        add(&mut sum, one.count, one.hdr_b64.as_deref())?;
    }
    Ok(Timing::of(&sum))
}

/// Adds a histogram; if a result has samples but no histogram, an exact merge is impossible.
fn add(sum: &mut Histogram<u64>, count: u64, text: Option<&str>) -> Result<(), String> {
    match text {
        Some(text) => sum
            .add(decode(text)?)
            .map_err(|error| format!("histograms can't be added ({error})")),
        None if count == 0 => Ok(()),
        None => Err(
            "a result has no histogram of its times, so they can't be merged exactly: run again with this version"
                .to_owned(),
        ),
    }
}

/// The steps of all shards, each at its own time.
pub(super) fn series(parts: &[Part<'_>], pods: &[PodResult]) -> Result<Series, String> {
    let step_s = step(parts);
    let mut steps: BTreeMap<usize, Entry> = BTreeMap::new();
    for part in parts {
        for (at, entry) in placed(part, step_s)? {
            let entry = match steps.remove(&at) {
                Some(there) => there.beside(&entry),
                None => entry,
            };
            steps.insert(at, entry);
        }
    }
    let mut all = Series::of_step(step_s);
    for (at, mut entry) in steps {
        let answering = pods.iter().filter(|pod| pod.line.at(at) > 0).count();
        entry.pods = entry.pods.max(answering);
        all.push(&entry);
    }
    Ok(all)
}

/// The coarsest step of all shards.
fn step(parts: &[Part<'_>]) -> u64 {
    let steps = parts.iter().map(|part| part.document.series.step_s);
    steps.max().unwrap_or(1).max(1)
}

/// The steps of a shard by their index in the merged series, whose steps may be longer.
fn placed(part: &Part<'_>, step_s: u64) -> Result<BTreeMap<usize, Entry>, String> {
    let series = &part.document.series;
    let mut steps: BTreeMap<usize, Entry> = BTreeMap::new();
    for (at, entry) in series.entries()?.into_iter().enumerate() {
        let at = place(at, part, step_s);
        let entry = match steps.remove(&at) {
            Some(before) => before.followed_by(&entry),
            None => entry,
        };
        steps.insert(at, entry);
    }
    Ok(steps)
}

/// The index of a shard's step in the merged series.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "steps of a run"
)]
fn place(at: usize, part: &Part<'_>, step_s: u64) -> usize {
    let its = part.document.series.step_s.max(1);
    let later = (part.later / its as f64).round() as usize;
    (at + later) / (step_s / its).max(1) as usize
}

/// A pod's running totals: its numbers, its times, and its answers per step.
struct Sum {
    pod: PodResult,
    response: Histogram<u64>,
    line: BTreeMap<usize, u64>,
}

impl Sum {
    fn of(pod: &PodResult) -> Result<Self, String> {
        Ok(Self {
            pod: PodResult {
                name: pod.name.clone(),
                addr: pod.addr.clone(),
                first_s: f64::INFINITY,
                ..PodResult::default()
            },
            response: Histogram::new(3).map_err(|error| error.to_string())?,
            line: BTreeMap::new(),
        })
    }

    fn add(&mut self, pod: &PodResult, part: &Part<'_>, step_s: u64) -> Result<(), String> {
        add(&mut self.response, pod.ok, pod.hdr_b64.as_deref())?;
        let sum = &mut self.pod;
        sum.first_s = sum.first_s.min(pod.first_s + part.later);
        sum.last_s = sum.last_s.max(pod.last_s + part.later);
        sum.requests += pod.requests;
        sum.ok += pod.ok;
        for (step, requests) in pod.line.steps() {
            *self.line.entry(place(step, part, step_s)).or_default() += requests;
        }
        minutes(&mut sum.minutes, &pod.minutes)
    }

    fn finish(self) -> PodResult {
        let response = &self.response;
        let at = |quantile| (!response.is_empty()).then(|| response.value_at_quantile(quantile));
        let mut line = PodLine::default();
        for (step, requests) in self.line {
            line.add(step, requests);
        }
        PodResult {
            p50: at(0.5),
            p99: at(0.99),
            hdr_b64: encode(response),
            line,
            ..self.pod
        }
    }
}

pub(super) fn pods(parts: &[Part<'_>]) -> Result<Vec<PodResult>, String> {
    let step_s = step(parts);
    let mut all: BTreeMap<&str, Sum> = BTreeMap::new();
    for part in parts {
        for pod in &part.document.pods {
            if !all.contains_key(pod.name.as_str()) {
                all.insert(&pod.name, Sum::of(pod)?);
            }
            if let Some(sum) = all.get_mut(pod.name.as_str()) {
                sum.add(pod, part, step_s)?;
            }
        }
    }
    let mut pods: Vec<PodResult> = all.into_values().map(Sum::finish).collect();
    shares(&mut pods);
    pods.sort_by(|a, b| b.requests.cmp(&a.requests).then(a.name.cmp(&b.name)));
    Ok(pods)
}

/// Minutes count from the start of the load, so those of two shards match by number.
fn minutes(sum: &mut Vec<PodMinute>, other: &[PodMinute]) -> Result<(), String> {
    let number = |minute: &PodMinute| (minute.start_s / 60.0).round();
    for minute in other {
        let same = sum
            .iter_mut()
            .find(|mine| (number(mine) - number(minute)).abs() < 0.5);
        let Some(mine) = same else {
            sum.push(minute.clone());
            continue;
        };
        let mut response = Histogram::new(2).map_err(|error| error.to_string())?;
        add(&mut response, mine.ok, mine.hdr_b64.as_deref())?;
        add(&mut response, minute.ok, minute.hdr_b64.as_deref())?;
        mine.requests += minute.requests;
        mine.ok += minute.ok;
        let at = |quantile| (!response.is_empty()).then(|| response.value_at_quantile(quantile));
        (mine.p50, mine.p99) = (at(0.5), at(0.99));
        mine.hdr_b64 = encode(&response);
    }
    sum.sort_by(|a, b| a.start_s.total_cmp(&b.start_s));
    Ok(())
}

/// Each pod's share of all answers in each minute.
#[expect(clippy::cast_precision_loss, reason = "counts as shares")]
fn shares(pods: &mut [PodResult]) {
    let number = |minute: &PodMinute| minute.start_s.to_bits();
    let mut all: BTreeMap<u64, u64> = BTreeMap::new();
    for minute in pods.iter().flat_map(|pod| &pod.minutes) {
        *all.entry(number(minute)).or_default() += minute.requests;
    }
    for minute in pods.iter_mut().flat_map(|pod| &mut pod.minutes) {
        let of = all.get(&number(minute)).copied().unwrap_or(1).max(1);
        minute.share = (minute.requests as f64 / of as f64 * 1e3).round() / 1e3;
    }
}

pub(super) fn errors(parts: &[Part<'_>]) -> Vec<ErrorResult> {
    let mut all: Vec<ErrorResult> = Vec::new();
    for part in parts {
        for error in &part.document.errors {
            let placed = ErrorResult {
                first_s: error.first_s + part.later,
                last_s: error.last_s + part.later,
                ..error.clone()
            };
            match all.iter_mut().find(|other| other.class == error.class) {
                Some(sum) => {
                    sum.count += placed.count;
                    sum.first_s = sum.first_s.min(placed.first_s);
                    sum.last_s = sum.last_s.max(placed.last_s);
                    sum.example = sum.example.take().or(placed.example);
                }
                None => all.push(placed),
            }
        }
    }
    all.sort_by(|a, b| b.count.cmp(&a.count).then(a.class.cmp(&b.class)));
    all
}

/// The generators together: their usage adds up, and the worst verdict counts.
#[expect(clippy::cast_precision_loss, reason = "counts of requests as weights")]
pub(super) fn generator(parts: &[Part<'_>]) -> Generator {
    let all = || parts.iter().map(|part| &part.document.generator);
    let sum = |count: fn(&Generator) -> u64| all().map(count).sum::<u64>();
    let worst = |time: fn(&Generator) -> Option<u64>| all().filter_map(time).max();
    let mut reasons = Vec::new();
    for part in parts {
        let shard = part
            .document
            .run
            .shard
            .as_deref()
            .unwrap_or(&part.document.run.id);
        let its = part.document.generator.reasons.iter();
        reasons.extend(its.map(|reason| format!("shard {shard}: {reason}")));
    }
    let cpu_us: f64 = parts
        .iter()
        .filter_map(|part| {
            let us = part.document.generator.cpu_us_per_request?;
            Some(us * part.document.totals.sent as f64)
        })
        .sum();
    let sent: u64 = parts.iter().map(|part| part.document.totals.sent).sum();
    let users: u32 = parts.iter().map(|part| part.document.plan.users).sum();
    let rss_peak = sum(|g| g.rss_peak);
    Generator {
        verdict: all().map(|g| g.verdict).max().unwrap_or(Verdict::Ok),
        reasons,
        cpu_used: all().map(|g| g.cpu_used).sum(),
        cpu_allowed: all().map(|g| g.cpu_allowed).sum(),
        cpu_us_per_request: (sent > 0).then(|| (cpu_us / sent as f64).round()),
        throttled_periods: sum(|g| g.throttled_periods),
        periods: sum(|g| g.periods),
        timer_lag_p99_us: worst(|g| g.timer_lag_p99_us),
        timer_lag_max_us: worst(|g| g.timer_lag_max_us),
        own_lag_p99_us: worst(|g| g.own_lag_p99_us),
        queue_wait_p99_us: worst(|g| g.queue_wait_p99_us),
        queued: sum(|g| g.queued),
        rss_peak,
        bytes_per_user: rss_peak / u64::from(users.max(1)),
    }
}

//! Loads a target: checks it, prepares, attacks, collects.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use jiff::Timestamp;
use program_common::{cgroup, process};

use super::say;
use crate::attack::{self, Facts};
use crate::client::{Connector, Counters, Pool, Sharing};
use crate::exchange::{Caller, Rules};
use crate::exit::Failure;
use crate::generator::{Probe, Signals, Usage};
use crate::live::{Collected, Collector, Sinks};
use crate::outputs::{Cut, Destination, ReportFormat};
use crate::pacer::Gate;
use crate::plan::Schedule;
use crate::preflight;
use crate::recorder::Recorder;
use crate::report;
use crate::request::{Place, Question, Source};
use crate::result::{self, Document, Ended};
use crate::settings::Settings;
use crate::stop::{self, Stop};
use crate::user::Load;

/// Files that this process opens in addition to its connections: libraries, the runtime's, outputs.
const OTHER_FILES: usize = 32;

/// Writes the current result during the run, so that it exists even if this process is killed. `None` if no
/// file is to hold it: then nothing is copied either.
fn checkpoint(known: &Arc<Known>, sinks: &Sinks) -> Option<impl FnMut(Collected) + Send + use<>> {
    let (known, places) = (Arc::clone(known), Arc::clone(&sinks.documents));
    let is_kept = |(kind, place): &&(ReportFormat, Destination)| {
        *kind == ReportFormat::Json && place.is_file()
    };
    places
        .iter()
        .any(|place| is_kept(&place))
        .then_some(move |collected| {
            let document = known.document(collected, Facts::default(), true).rounded();
            for (kind, place) in places.iter().filter(is_kept) {
                // The next attempt, or the end of the run, tries again and reports it.
                let _ = report::render(*kind, &document).map(|text| place.write(text.as_bytes()));
            }
        })
}

/// Runs the load; returns its result, and the line outputs that could not be written completely.
pub(super) async fn load(
    settings: &Arc<Settings>,
    stop: &Arc<Stop>,
    sinks: Sinks,
) -> Result<(Document, Vec<Cut>), Failure> {
    // A start time in the past is found before anything is sent.
    settings.start_at.map(still_ahead).transpose()?;
    let resolved = resolved(settings).await?;
    let rules = Arc::new(rules(settings));
    check_target(settings, &rules, stop).await?;
    if let Some(at) = settings.start_at {
        tokio::select! {
            () = until(still_ahead(at)?, Timestamp::now) => {}
            () = stop.reached(stop::Urgency::Finish) => return Err(Failure::interrupted()),
        }
    }
    let load = Arc::new(prepare(settings, &rules, stop)?);
    process::raise_open_files_limit();
    let mut probe = Probe::new();
    warn_of_few_files(settings, &mut probe);
    settings
        .warnings
        .iter()
        .for_each(|warning| say(&format!("warning: {warning}")));
    let timer = probe.watch_timer();
    let known = Known {
        settings: Arc::clone(settings),
        load: Arc::clone(&load),
        started: Timestamp::now(),
        resolved,
    };
    let known = Arc::new(known);
    let checkpoint = checkpoint(&known, &sinks);
    let collector = Collector::start(Arc::clone(&load), probe, sinks, checkpoint);
    let facts = Box::pin(attack::run(&load)).await;
    timer.abort();
    let mut collected = collector
        .finish()
        .ok_or_else(|| Failure::internal("the collector of results has stopped"))?;
    if let Some(error) = &facts.error {
        say(&format!(
            "error: goose ended the load ({error}): the result covers what was done until then"
        ));
    }
    let cut = std::mem::take(&mut collected.cut);
    Ok((known.document(collected, facts, false), cut))
}

/// What a result needs in addition to what was collected.
struct Known {
    settings: Arc<Settings>,
    load: Arc<Load>,
    started: Timestamp,
    resolved: Vec<String>,
}

impl Known {
    fn document(&self, collected: Collected, facts: Facts, unfinished: bool) -> Document {
        let ended = Ended {
            started: self.started,
            elapsed: self.load.elapsed(),
            unfinished,
            signals: signals(&collected),
            cpu: collected.last.cpu.saturating_sub(collected.first.cpu),
            rss_peak: collected.rss_peak,
            series: collected.series,
            pods: collected.pods,
            facts,
            resolved: self.resolved.clone(),
        };
        result::build(&self.settings, &self.load, &ended)
    }
}

/// The addresses of the target's host, or of the proxy's; none for a Unix socket.
async fn resolved(settings: &Settings) -> Result<Vec<String>, Failure> {
    let client = &settings.client;
    let target = client.near();
    let elsewhere = client
        .resolve
        .iter()
        .any(|rule| rule.is_for(target.host(), target.port()));
    if client.unix_socket.is_some() || elsewhere {
        return Ok(Vec::new());
    }
    let found = target.resolve().await?;
    Ok(found.iter().map(ToString::to_string).collect())
}

fn rules(settings: &Settings) -> Rules {
    Rules {
        client: settings.client.clone(),
        life: settings.life,
        seed: settings.seed,
        retry_refused: settings.retry_refused,
        field: settings.field,
        checks: settings.source.checks().to_vec(),
        cookies: settings.cookies,
    }
}

/// Requests one answer, before anything else.
async fn check_target(
    settings: &Settings,
    rules: &Arc<Rules>,
    stop: &Arc<Stop>,
) -> Result<(), Failure> {
    let apart = Arc::new(Counters::default());
    let connector = Arc::new(Connector::new(&settings.client, &apart).map_err(Failure::usage)?);
    let mut caller = Caller::new(rules, &connector, None, stop, 0).map_err(Failure::usage)?;
    let question = match &settings.source {
        Source::Fibonacci(workload) => Question::Fibonacci {
            n: workload.smallest(),
            prove: true,
        },
        Source::Requests(requests) => {
            let now = Timestamp::now().as_millisecond();
            Question::Template(
                requests.pick(settings.seed, 0),
                Place::new(settings.seed, 0, 0, now),
            )
        }
    };
    tokio::select! {
        checked = preflight::check(&mut caller, &settings.client, &question) => checked,
        () = stop.reached(stop::Urgency::Finish) => Err(Failure::interrupted()),
    }
}

fn warn_of_few_files(settings: &Settings, probe: &mut Probe) {
    let users = settings.plan.users() as usize;
    let limit = probe.usage().open_files;
    if let Some(limit) = limit.filter(|limit| *limit < users + OTHER_FILES) {
        say(&format!(
            "warning: {users} users need as many open files and this process may have {limit}: raise `ulimit -Hn`"
        ));
    }
}

/// The instant at which all shards start, unless it has passed.
fn still_ahead(at: Timestamp) -> Result<Timestamp, Failure> {
    if at < Timestamp::now() {
        return Err(Failure::usage(format!(
            "--start-at {at} has passed: give a time when every shard will be up, such as a minute from now"
        )));
    }
    Ok(at)
}

/// How often a wait for an instant looks at the clock.
const LOOK: Duration = Duration::from_millis(200);

/// Waits for an instant. The clock may be set meanwhile, on one machine and not on the others, so the time left is
/// read again and again.
async fn until(at: Timestamp, clock: impl Fn() -> Timestamp) {
    while let Ok(left) = Duration::try_from(at.duration_since(clock()))
        && !left.is_zero()
    {
        tokio::time::sleep(left.min(LOOK)).await;
    }
}

/// What the generator measured about itself.
fn signals(collected: &Collected) -> Signals {
    let (first, last) = (&collected.first, &collected.last);
    let since = |count: fn(&cgroup::Cpu) -> u64| {
        let of = |usage: &Usage| usage.group.as_ref().map_or(0, count);
        of(last).saturating_sub(of(first))
    };
    Signals {
        cpu_used: last.cpus_since(first),
        cpu_allowed: last.cpu_allowed(),
        periods: since(|group| group.periods),
        throttled_periods: since(|group| group.throttled_periods),
        timer_lag_p99: collected.timer_lag_p99,
        timer_lag_max: collected.timer_lag_max,
        ..Signals::default()
    }
}

fn prepare(settings: &Settings, rules: &Arc<Rules>, stop: &Arc<Stop>) -> Result<Load, Failure> {
    let counters = Arc::new(Counters::default());
    let connector = Connector::new(&settings.client, &counters).map_err(Failure::usage)?;
    let connector = Arc::new(connector);
    let shared = settings.client.sharing == Sharing::Shared;
    let phases = settings.plan.phases();
    Ok(Load {
        recorder: Recorder::new(phases.len(), settings.workers),
        schedule: Schedule::new(&settings.plan, settings.seed),
        gate: Gate::default(),
        plan: settings.plan.clone(),
        phases,
        source: settings.source.clone(),
        seed: settings.seed,
        verify: settings.verify,
        rules: Arc::clone(rules),
        shared: shared.then(|| Pool::new(&settings.client, &connector)),
        connector,
        thresholds: settings.thresholds.clone(),
        aborted_by: OnceLock::new(),
        stop: Arc::clone(stop),
        base: settings.client.target.base.clone(),
        started: OnceLock::new(),
        ended: OnceLock::new(),
        unsent: OnceLock::new(),
        exhausted: AtomicBool::new(false),
        done: AtomicU64::new(0),
    })
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[tokio::test]
    async fn a_clock_that_is_set_during_the_wait_moves_the_start() {
        let at: Timestamp = "2026-11-27T12:00:00Z".parse().unwrap();
        let (hour, millisecond) = (Duration::from_hours(1), Duration::from_millis(1));
        for (read, looks) in [
            // Set forward beyond the start, and back before it.
            (vec![at - hour, at + hour], 2),
            (vec![at - millisecond, at - 2 * millisecond, at], 3),
            (vec![at], 1),
        ] {
            let seen = Cell::new(0);
            until(at, || read[seen.replace(seen.get() + 1)]).await;
            assert_eq!(seen.get(), looks);
        }
    }
}

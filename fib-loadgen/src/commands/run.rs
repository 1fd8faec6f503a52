//! `run`: check, load, judge, report.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use jiff::Timestamp;
use program_common::{cgroup, process};

use super::{runtime, say};
use crate::args::RunArgs;
use crate::attack;
use crate::client::{Counters, Sharing};
use crate::exit::Failure;
use crate::generator::{OnSaturation, Probe, Signals, Usage, Verdict};
use crate::live::{Collected, Collector, Sinks};
use crate::outputs::{self, Kind, Opened, Ui};
use crate::plan::Schedule;
use crate::preflight;
use crate::recorder::Recorder;
use crate::report::{self, summary};
use crate::result::{self, Document, Ended};
use crate::settings::Settings;
use crate::stop::{self, Stop};
use crate::telemetry::{self, otlp, prometheus};
use crate::user::Load;

/// Files that this process opens beside its connections: libraries, the runtime's, outputs.
const OTHER_FILES: usize = 32;

pub(super) fn run(args: &RunArgs, argv: Vec<String>) -> Result<u8, Failure> {
    let settings = Settings::new(args, argv)?;
    let stdout = outputs::claim_stdout()
        .map_err(|error| Failure::internal(format!("standard output can't be kept ({error})")))?;
    let Opened { documents, lines } = outputs::open(&args.outputs(), &stdout)?;
    let runtime = runtime(settings.workers)?;
    let stop = Arc::new(Stop::default());
    stop::on_signals(&stop)
        .map_err(|error| Failure::internal(format!("signals can't be caught ({error})")))?;
    if args.exit_with_stdin {
        let stop = Arc::clone(&stop);
        process::when_stdin_ends(move || stop.abort())
            .map_err(|error| Failure::internal(format!("no thread can be started ({error})")))?;
    }
    let telemetry = telemetry(args)?;
    let sinks = Sinks {
        lines,
        ui: args.ui,
        telemetry: telemetry.clone(),
    };
    let document = runtime.block_on(async {
        let pushing = telemetry.zip(args.otlp.clone()).map(|(shared, url)| {
            let (end, over) = tokio::sync::oneshot::channel();
            let run = format!("{:x}", settings.seed);
            (end, tokio::spawn(otlp::push(url, run, shared, over)))
        });
        let document = load(&settings, &stop, sinks).await;
        if let Some((end, pushing)) = pushing {
            drop(end);
            // Its last numbers have a time limit of their own.
            let _ = pushing.await;
        }
        document
    })?;
    let document = document.rounded();
    // What is still in flight has been given up; waiting for it would only delay the result.
    runtime.shutdown_timeout(Duration::from_millis(100));
    if args.ui != Ui::None || document.exit.code != 0 {
        say(&summary(&document));
    }
    if settings.on_saturation == OnSaturation::Warn
        && document.generator.verdict == Verdict::Saturated
    {
        say(
            "warning: the generator was the limit, so these numbers are about it and not about the target",
        );
    }
    write(&document, &documents)?;
    Ok(document.exit.code)
}

/// Where the numbers of each second are kept for those who collect them; `None` when nobody is to.
fn telemetry(args: &RunArgs) -> Result<Option<telemetry::Shared>, Failure> {
    let shared = telemetry::Shared::default();
    if let Some(address) = args.prometheus {
        let listener = prometheus::listen(address, args.prometheus_to_network)?;
        prometheus::serve(listener, Arc::clone(&shared))
            .map_err(|error| Failure::internal(format!("no thread can be started ({error})")))?;
    }
    let wanted = args.prometheus.is_some() || args.otlp.is_some();
    Ok(wanted.then_some(shared))
}

fn write(document: &Document, places: &[(Kind, outputs::Destination)]) -> Result<(), Failure> {
    for (kind, place) in places {
        let text = report::render(*kind, document)?;
        place.write(text.as_bytes()).map_err(|error| {
            Failure::internal(format!("the result could not be written to {place} ({error}): make room there and run again"))
        })?;
    }
    Ok(())
}

/// Puts the load on and says what came of it.
pub(super) async fn load(
    settings: &Settings,
    stop: &Arc<Stop>,
    sinks: Sinks,
) -> Result<Document, Failure> {
    // What has passed already is found before anybody is asked.
    settings.start_at.map(until).transpose()?;
    let target = &settings.client.target;
    let resolved = target.resolve().await?;
    let load = Arc::new(prepare(settings, stop)?);
    let scout = build_client(settings, &Counters::default())?.client;
    tokio::select! {
        checked = preflight::check(&scout, target, settings.workload.smallest()) => checked?,
        () = stop.reached(stop::Urgency::Finish) => return Err(Failure::interrupted()),
    }
    if let Some(at) = settings.start_at {
        tokio::select! {
            () = until(at)? => {}
            () = stop.reached(stop::Urgency::Finish) => return Err(Failure::interrupted()),
        }
    }
    process::raise_open_files_limit();
    let mut probe = Probe::new();
    let users = settings.plan.users() as usize;
    if let Some(limit) = probe
        .usage()
        .open_files
        .filter(|limit| *limit < users + OTHER_FILES)
    {
        say(&format!(
            "warning: {users} users need as many open files and this process may have {limit}: raise `ulimit -Hn`"
        ));
    }
    let timer = probe.watch_timer();
    let started = Timestamp::now();
    let collector = Collector::start(Arc::clone(&load), probe, sinks);
    let attacked = Box::pin(attack::run(&load)).await;
    let elapsed = load.elapsed();
    timer.abort();
    let collected = collector.finish();
    let facts = attacked
        .map_err(|why| Failure::internal(format!("goose could not run the load ({why})")))?;
    let collected =
        collected.ok_or_else(|| Failure::internal("the collector of results has stopped"))?;
    let signals = signals(settings, &collected);
    let ended = Ended {
        started,
        elapsed,
        series: collected.series,
        pods: collected.pods,
        facts,
        signals,
        cpu: collected.last.cpu.saturating_sub(collected.first.cpu),
        rss_peak: collected.rss_peak,
        resolved: resolved.iter().map(ToString::to_string).collect(),
    };
    Ok(result::build(settings, &load, &ended))
}

/// Waits for the instant at which all shards begin.
fn until(at: Timestamp) -> Result<impl Future<Output = ()>, Failure> {
    let left = Duration::try_from(at.duration_since(Timestamp::now())).map_err(|_| {
        Failure::usage(format!(
            "--start-at {at} has passed: give an instant by which every shard is up, such as a minute from now"
        ))
    })?;
    Ok(tokio::time::sleep(left))
}

/// What the generator measured about itself.
#[expect(clippy::cast_precision_loss, reason = "a number of CPUs")]
fn signals(settings: &Settings, collected: &Collected) -> Signals {
    let (first, last) = (&collected.first, &collected.last);
    let since = |count: fn(&cgroup::Cpu) -> u64| {
        let of = |usage: &Usage| usage.group.as_ref().map_or(0, count);
        of(last).saturating_sub(of(first))
    };
    let cpus = settings.cpus as f64;
    let quota = last.group.and_then(|group| group.quota_cores);
    Signals {
        cpu_used: last.cpus_since(first),
        cpu_allowed: quota.map_or(cpus, |quota| quota.min(cpus)),
        periods: since(|group| group.periods),
        throttled_periods: since(|group| group.throttled_periods),
        timer_lag_p99: collected.probe.timer_lag_p99(),
        ..Signals::default()
    }
}

fn build_client(
    settings: &Settings,
    counters: &Counters,
) -> Result<crate::client::Counted, Failure> {
    settings
        .client
        .build(counters)
        .map_err(|error| Failure::internal(format!("no HTTP client can be made ({error})")))
}

fn prepare(settings: &Settings, stop: &Arc<Stop>) -> Result<Load, Failure> {
    let counters = Counters::default();
    let shared = match settings.client.sharing {
        Sharing::User => None,
        Sharing::Shared | Sharing::Fresh => Some(build_client(settings, &counters)?),
    };
    let phases = settings.plan.phases();
    Ok(Load {
        recorder: Recorder::new(phases.len(), settings.workers),
        schedule: Schedule::new(&settings.plan, settings.seed),
        plan: settings.plan.clone(),
        phases,
        workload: settings.workload.clone(),
        seed: settings.seed,
        verify: settings.verify,
        life: settings.life,
        retry_refused: settings.retry_refused,
        client: settings.client.clone(),
        shared,
        counters,
        thresholds: settings.thresholds.clone(),
        aborted_by: OnceLock::new(),
        stop: Arc::clone(stop),
        base: settings.client.target.base.clone(),
        timeout: settings.client.timeout,
        started: OnceLock::new(),
        exhausted: AtomicBool::new(false),
    })
}

//! Once a second: passes what happened in the last second to the series, the line files and the screen.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::abort;
use crate::generator::{Probe, Usage};
use crate::outputs::{Cut, Destination, Lines, ReportFormat, Ui};
use crate::plan::phase_at;
use crate::recorder::{Counts, Histogram, Second};
use crate::result::{Collecting, Entry, PodLines, Series, coarsely};
use crate::telemetry;
use crate::user::Load;
pub use crate::view::say;
use crate::view::{Moment, Own, SoFar, View};

mod tick;

pub use tick::Tick;

/// The collector's result.
#[derive(Debug)]
pub struct Collected {
    /// The run over time.
    pub series: Series,
    /// The answers of pods over time.
    pub pods: PodLines,
    /// The highest memory use.
    pub rss_peak: u64,
    /// Usage at the first user.
    pub first: Usage,
    /// Usage at the end.
    pub last: Usage,
    /// How late a 10 ms timer was, 99th percentile.
    pub timer_lag_p99: Option<Duration>,
    /// How late it was at most.
    pub timer_lag_max: Option<Duration>,
    /// Line files that could not be written completely.
    pub cut: Vec<Cut>,
}

/// The collector's thread.
#[derive(Debug)]
pub struct Collector {
    over: mpsc::Sender<()>,
    thread: std::thread::JoinHandle<Collected>,
}

/// The receivers of each second.
#[derive(Debug, Default)]
pub struct Sinks {
    /// Line files.
    pub lines: Vec<Lines>,
    /// The screen.
    pub ui: Ui,
    /// Collectors of metrics.
    pub telemetry: Option<telemetry::Shared>,
    /// The places for the result, which get a checkpoint every ten seconds.
    pub documents: Arc<Vec<(ReportFormat, Destination)>>,
}

/// The interval.
const SECOND: Duration = Duration::from_secs(1);
/// Seconds between checkpoints.
const CHECKPOINT: u64 = 10;
/// Pods are counted separately for each interval of this length.
const MINUTE: Duration = Duration::from_mins(1);

impl Collector {
    /// Starts it on a thread of its own, so that a slow terminal delays no request. Every ten seconds
    /// `checkpoint` gets the current result.
    pub fn start(
        load: Arc<Load>,
        mut probe: Probe,
        sinks: Sinks,
        mut checkpoint: Option<impl FnMut(Collected) + Send + 'static>,
    ) -> Self {
        let Sinks {
            lines,
            ui,
            telemetry,
            ..
        } = sinks;
        let (over, ends) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let first = probe.usage();
            let mut view = View::new(ui, &load);
            let mut state = State::new(&load, first);
            let mut next = Instant::now() + SECOND;
            let mut seconds = 0_u64;
            loop {
                let left = next.saturating_duration_since(Instant::now());
                let ended = !matches!(
                    ends.recv_timeout(left),
                    Err(mpsc::RecvTimeoutError::Timeout)
                );
                next += SECOND;
                let moment = state.second(&mut probe);
                if let Some(shared) = &telemetry {
                    telemetry::take(shared, &moment);
                }
                abort::check(&load);
                if let Ok(text) = serde_json::to_string(&moment.tick) {
                    for line in &lines {
                        line.send(text.clone());
                    }
                }
                if ended {
                    view.end();
                    let cut = lines.into_iter().filter_map(|lines| lines.finish().err());
                    return Collected {
                        cut: cut.collect(),
                        ..state.collected(first, &probe)
                    };
                }
                view.show(moment, &load);
                seconds += 1;
                if let Some(checkpoint) = &mut checkpoint
                    && seconds.is_multiple_of(CHECKPOINT)
                {
                    checkpoint(state.collected(first, &probe));
                }
            }
        });
        Self { over, thread }
    }

    /// Stops it and returns its result.
    pub fn finish(self) -> Option<Collected> {
        let _ = self.over.send(());
        self.thread.join().ok()
    }
}

struct State {
    load: Arc<Load>,
    collecting: Collecting,
    totals: Counts,
    then: Duration,
    /// When the minute of the pods began.
    minute: Duration,
    usage: Usage,
    rss_peak: u64,
}

impl State {
    fn new(load: &Arc<Load>, usage: Usage) -> Self {
        Self {
            load: Arc::clone(load),
            collecting: Collecting::default(),
            totals: Counts::default(),
            then: Duration::ZERO,
            minute: Duration::ZERO,
            usage,
            rss_peak: usage.rss,
        }
    }

    fn second(&mut self, probe: &mut Probe) -> Moment {
        let before = std::mem::replace(&mut self.usage, probe.usage());
        self.rss_peak = self.rss_peak.max(self.usage.rss);
        let now = self.load.elapsed();
        let second = self.load.recorder.take_second();
        self.totals.add(&second.counts);
        self.append(&second, now);
        if now.saturating_sub(self.minute) >= MINUTE {
            self.end_minute(now);
        }
        let own = self.own(&before, probe);
        let response = coarsely(&second.response);
        let failed = second.counts.failed;
        let tick = self.describe(second, now);
        self.then = now;
        Moment {
            tick,
            response,
            failed,
            so_far: self.so_far(),
            own,
        }
    }

    fn so_far(&self) -> SoFar {
        let (statuses, errors) = self.load.recorder.so_far();
        SoFar {
            statuses,
            errors,
            bytes: self.totals.bytes,
            connections: self.load.connector.counters().opened.load(Relaxed),
        }
    }

    fn own(&self, before: &Usage, probe: &Probe) -> Own {
        let usage = &self.usage;
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        Own {
            cpu_used: usage.cpus_since(before),
            cpu_allowed: usage.cpu_allowed(),
            cpu_s: usage.cpu.as_secs_f64(),
            rss: usage.rss,
            timer_lag_us: probe.timer_lag_p99().map(micros),
            throttled: usage.group.map_or(0, |group| group.throttled_periods),
            queued: self.load.recorder.queued.load(Relaxed),
        }
    }

    /// The requests of a last, short second must be counted somewhere too.
    fn append(&mut self, second: &Second, now: Duration) {
        let load = &self.load;
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let entry = Entry {
            end_ms: ms(now),
            width_ms: ms(now).saturating_sub(ms(self.then)),
            users: load.recorder.users.load(Relaxed),
            in_flight: load.in_flight(),
            offered: self.due_until(now),
            ok: second.counts.ok,
            failed: second.counts.failed,
            bytes: second.counts.bytes,
            response: coarsely(&second.response),
            pods: second.pods.len(),
        };
        let pods = second
            .pods
            .iter()
            .map(|(name, count)| (name.as_str(), *count));
        if entry.width_ms > 0 {
            self.collecting.push(entry, pods);
        }
    }

    /// Requests that became due since the last second; `None` in the closed model.
    fn due_until(&self, now: Duration) -> Option<f64> {
        Some(self.load.due_by(now)? - self.load.due_by(self.then)?)
    }

    fn end_minute(&mut self, now: Duration) {
        let pods = self.load.recorder.take_minute();
        self.collecting.minute(self.minute.as_secs_f64(), pods);
        self.minute = now;
    }

    /// The result, as if the run had ended now.
    fn collected(&self, first: Usage, probe: &Probe) -> Collected {
        let mut collecting = self.collecting.clone();
        let pods = self.load.recorder.minute();
        collecting.minute(self.minute.as_secs_f64(), pods);
        let (series, pods) = collecting.finish();
        Collected {
            series,
            pods,
            rss_peak: self.rss_peak,
            first,
            last: self.usage,
            timer_lag_p99: probe.timer_lag_p99(),
            timer_lag_max: probe.timer_lag_max(),
            cut: Vec::new(),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts as rates")]
    fn describe(&self, second: Second, now: Duration) -> Tick {
        let load = &self.load;
        let width = now.saturating_sub(self.then).as_secs_f64();
        let rate = |count: f64| {
            if width > 0.0 {
                (count / width * 10.0).round() / 10.0
            } else {
                0.0
            }
        };
        let at = |quantile| Histogram::at(&second.response, quantile);
        let (p50_us, p99_us) = (at(0.5), at(0.99));
        Tick {
            at: crate::result::utc(Timestamp::now()),
            elapsed_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            users: load.recorder.users.load(Relaxed),
            offered_rps: self.due_until(now).map(rate),
            rps: rate(second.counts.ok as f64),
            sent: load.recorder.sent.load(Relaxed),
            unsent: load.unsent(),
            unfinished: load.recorder.given_up.load(Relaxed),
            ok: self.totals.ok,
            failed: self.totals.failed,
            wrong: self.totals.wrong,
            verified: self.totals.verified,
            p50_us,
            p99_us,
            in_flight: load.in_flight(),
            phase: load
                .phases
                .get(phase_at(&load.phases, now))
                .map_or_else(String::new, |phase| phase.name.clone()),
            pods: second.pods.into_iter().collect(),
        }
    }
}

//! Once a second: what happened since the last time, to the series, the line files and the screen.

use std::collections::VecDeque;
use std::io::{self, IsTerminal, Write};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::abort;
use crate::generator::{Probe, Usage};
use crate::outputs::{Lines, Ui};
use crate::plan::{Model, phase_at};
use crate::recorder::{Counts, Histogram, Second};
use crate::report::{line, screen};
use crate::result::{Series, encode};
use crate::tick::Tick;
use crate::user::Load;

/// What the collector brings back.
#[derive(Debug)]
pub struct Collected {
    /// One entry for each second.
    pub series: Series,
    /// Most memory seen.
    pub rss_peak: u64,
    /// What was used from the first user to the end.
    pub first: Usage,
    /// See `first`.
    pub last: Usage,
    /// The probe, with the lags it saw.
    pub probe: Probe,
}

/// The collector's thread.
#[derive(Debug)]
pub struct Collector {
    over: mpsc::Sender<()>,
    thread: std::thread::JoinHandle<Collected>,
}

/// How often.
const SECOND: Duration = Duration::from_secs(1);
/// How often a line is shown where there is no terminal.
const LINE_EVERY: u64 = 10;
/// Seconds that the screen's curves go back.
const HISTORY: usize = 60;
/// A last second shorter than this is added to no series: its rate would be an accident.
const SHORTEST: Duration = Duration::from_millis(500);

impl Collector {
    /// Starts it. It has a thread of its own, so that a slow terminal delays no request.
    pub fn start(load: Arc<Load>, mut probe: Probe, lines: Vec<Lines>, ui: Ui) -> Self {
        let (over, ends) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let first = probe.usage();
            let mut view = View::new(ui, &load);
            let mut state = State::new(&load, first);
            let mut next = Instant::now() + SECOND;
            loop {
                let left = next.saturating_duration_since(Instant::now());
                let ended = !matches!(
                    ends.recv_timeout(left),
                    Err(mpsc::RecvTimeoutError::Timeout)
                );
                next += SECOND;
                let tick = state.tick(&mut probe);
                abort::check(&load);
                if let Ok(text) = serde_json::to_string(&tick) {
                    for line in &lines {
                        line.send(text.clone());
                    }
                }
                if ended {
                    view.clear();
                    lines.into_iter().for_each(Lines::finish);
                    return Collected {
                        series: state.series,
                        rss_peak: state.rss_peak,
                        first,
                        last: state.usage,
                        probe,
                    };
                }
                view.show(&tick, &load);
            }
        });
        Self { over, thread }
    }

    /// Ends it and takes what it has.
    pub fn finish(self) -> Option<Collected> {
        let _ = self.over.send(());
        self.thread.join().ok()
    }
}

struct State {
    load: Arc<Load>,
    series: Series,
    totals: Counts,
    then: Duration,
    usage: Usage,
    rss_peak: u64,
}

impl State {
    fn new(load: &Arc<Load>, usage: Usage) -> Self {
        Self {
            load: Arc::clone(load),
            series: Series {
                step_s: 1,
                ..Series::default()
            },
            totals: Counts::default(),
            then: Duration::ZERO,
            usage,
            rss_peak: usage.rss,
        }
    }

    fn tick(&mut self, probe: &mut Probe) -> Tick {
        self.usage = probe.usage();
        self.rss_peak = self.rss_peak.max(self.usage.rss);
        let now = self.load.elapsed();
        let second = self.load.recorder.take_second();
        self.totals.add(&second.counts);
        let filled = !second.response.0.is_empty();
        let histogram = filled.then(|| encode(&second.response)).flatten();
        let tick = self.describe(second, now);
        if now.saturating_sub(self.then) >= SHORTEST {
            self.append(&tick, histogram);
        }
        self.then = now;
        tick
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
        let shape = &load.plan.shape;
        let open = matches!(load.plan.model, Model::Open { .. });
        let at = |quantile| Histogram::at(&second.response, quantile);
        let (p50_us, p99_us) = (at(0.5), at(0.99));
        Tick {
            at: crate::result::utc(Timestamp::now()),
            elapsed_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
            users: load.recorder.users.load(Relaxed),
            offered_rps: open.then(|| rate(shape.area(now) - shape.area(self.then))),
            rps: rate(second.counts.ok as f64),
            sent: load.recorder.sent.load(Relaxed),
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
            failed_now: second.counts.failed,
        }
    }

    fn append(&mut self, tick: &Tick, histogram: Option<String>) {
        let seconds = self.series.users.len();
        for (pod, count) in &tick.pods {
            let counts = self.series.by_pod.entry(pod.clone()).or_default();
            counts.resize(seconds, 0);
            counts.push(*count);
        }
        self.series.offered.extend(tick.offered_rps);
        self.series.in_flight.push(tick.in_flight);
        self.series.hdr_b64.push(histogram);
        self.series.users.push(tick.users);
        self.series.rps.push(tick.rps);
        self.series.failed.push(tick.failed_now);
        self.series.p50.push(tick.p50_us);
        self.series.p99.push(tick.p99_us);
        self.series.pods.push(tick.pods.len());
        for counts in self.series.by_pod.values_mut() {
            counts.resize(seconds + 1, 0);
        }
    }
}

/// What is shown, and how.
enum View {
    Screen { drawn: u16, history: VecDeque<Tick> },
    Line,
    Nothing,
}

impl View {
    fn new(ui: Ui, load: &Load) -> Self {
        let terminal = io::stderr().is_terminal();
        if ui != Ui::None {
            say(&format!("fib-loadgen  {}  seed {}", load.base, load.seed));
        }
        match ui {
            Ui::Tui => Self::Screen {
                drawn: 0,
                history: VecDeque::new(),
            },
            Ui::Auto if terminal => Self::Screen {
                drawn: 0,
                history: VecDeque::new(),
            },
            Ui::Auto | Ui::Line => Self::Line,
            Ui::None => Self::Nothing,
        }
    }

    fn show(&mut self, tick: &Tick, load: &Load) {
        match self {
            Self::Screen { history, drawn } => {
                if history.len() == HISTORY {
                    history.pop_front();
                }
                history.push_back(tick.clone());
                let width =
                    crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
                let rows = screen(history, load.plan.shape.end(), load.plan.users(), width);
                // A terminal that can't be drawn on costs the picture, never the run.
                let _ = redraw(&rows, drawn);
            }
            Self::Line if ((tick.elapsed_ms + 500) / 1000).is_multiple_of(LINE_EVERY) => {
                say(&line(tick, load.plan.shape.end()));
            }
            Self::Line | Self::Nothing => {}
        }
    }

    fn clear(&mut self) {
        if let Self::Screen { drawn, .. } = self {
            let _ = redraw(&[], drawn);
        }
    }
}

/// Draws over what was drawn last.
fn redraw(rows: &[String], drawn: &mut u16) -> io::Result<()> {
    use crossterm::terminal::{Clear, ClearType};
    use crossterm::{cursor, queue};
    let mut stderr = io::stderr().lock();
    if *drawn > 0 {
        queue!(stderr, cursor::MoveToPreviousLine(*drawn))?;
    }
    queue!(stderr, Clear(ClearType::FromCursorDown))?;
    for row in rows {
        writeln!(stderr, "{row}")?;
    }
    *drawn = u16::try_from(rows.len()).unwrap_or(u16::MAX);
    stderr.flush()
}

/// A line for people, on standard error.
pub fn say(text: &str) {
    // Nobody may be listening any more.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

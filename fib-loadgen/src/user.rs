//! One user's turn: takes a ticket, waits for its time, sends, reads, records.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use url::Url;

use crate::chance::{self, Purpose};
use crate::client::{Connector, GivenUp, Pool};
use crate::exchange::{Caller, Recycled, Rules};
use crate::pacer::{Claim, Gate};
use crate::plan::{Model, Phase, Plan, Schedule, Ticket, phase_at};
use crate::recorder::{Recorder, Sample};
use crate::request::{Place, Question, Source};
use crate::stop::{Stop, Urgency};
use crate::thresholds::Threshold;

/// Which answers are verified. The form of every answer is always checked.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verify {
    /// Every one.
    Full,
    /// This share of them, chosen by the seed.
    Sample(f64),
    /// None.
    Off,
}

/// Everything that all users share.
#[derive(Debug)]
pub struct Load {
    /// The load at every instant.
    pub plan: Plan,
    /// The phases of that plan.
    pub phases: Vec<Phase>,
    /// The tickets.
    pub schedule: Schedule,
    /// Where the tickets of an open model are released.
    pub gate: Gate,
    /// The requests to send.
    pub source: Source,
    /// The seed of all draws.
    pub seed: u64,
    /// Which answers are verified.
    pub verify: Verify,
    /// What applies to every request.
    pub rules: Arc<Rules>,
    /// Opens all connections.
    pub connector: Arc<Connector>,
    /// The pool of all users, if they share one.
    pub shared: Option<Pool>,
    /// Receives outcomes.
    pub recorder: Recorder,
    /// The rules, some of which may end the load.
    pub thresholds: Vec<Threshold>,
    /// The one that did.
    pub aborted_by: OnceLock<usize>,
    /// When to stop.
    pub stop: Arc<Stop>,
    /// The target.
    pub base: Url,
    /// When the first user started.
    pub started: OnceLock<Instant>,
    /// When the load was over: nothing more was sent from then on.
    pub ended: OnceLock<Duration>,
    /// Requests that were due and never sent, counted after the load (open model).
    pub unsent: OnceLock<u64>,
    /// Whether the schedule has no more tickets (closed model).
    pub exhausted: AtomicBool,
    /// Tickets of an open model that are done.
    pub done: AtomicU64,
}

/// A closed-model user returns to goose at least this often, so that it can be stopped.
const TURN: Duration = Duration::from_millis(100);
/// A pausing user returns this often, for the same reason.
const THINK_SLICE: Duration = Duration::from_millis(250);
/// A user with nothing more to do waits this long for goose to stop it.
const PARK: Duration = Duration::from_millis(20);
/// How long after the end of the plan tickets that were due before it may still be sent.
const LAST_TICKETS: Duration = Duration::from_millis(250);

impl Load {
    /// A user is up; the first one starts the clock.
    pub fn user_started(&self) {
        self.started.get_or_init(Instant::now);
        self.recorder.users.fetch_add(1, Ordering::Relaxed);
    }

    /// A user is gone.
    pub fn user_stopped(&self) {
        self.recorder.users.fetch_sub(1, Ordering::Relaxed);
    }

    /// How long the load has been on.
    pub fn elapsed(&self) -> Duration {
        self.started.get().map_or(Duration::ZERO, Instant::elapsed)
    }

    /// How long the load lasted: to the end of the plan, to the last of a number of requests, or until it was
    /// stopped. Rates are divided by it.
    pub fn window(&self) -> Duration {
        let ended = self.ended.get().copied();
        let window = ended
            .unwrap_or_else(|| self.elapsed())
            .min(self.plan.shape.end());
        if ended.is_some() && self.plan.requests.is_some() && self.is_exhausted() {
            return window.min(self.recorder.last_ended());
        }
        window
    }

    /// When the load should end, or did.
    fn end(&self) -> Duration {
        let end = self.plan.shape.end();
        self.ended.get().map_or(end, |ended| end.min(*ended))
    }

    /// Whether the plan is over: its time, or its requests.
    pub fn is_over(&self) -> bool {
        // Only a number of requests ends a run early: a plan may end with a quiet time.
        if self.plan.requests.is_some() && self.is_exhausted() {
            return true;
        }
        let (elapsed, end) = (self.elapsed(), self.plan.shape.end());
        elapsed >= end && (self.gate.backlog() == 0 || elapsed >= end + LAST_TICKETS)
    }

    /// Nothing more is sent from now on.
    pub fn finish(&self) {
        self.stop.finish();
        // Users stopped at that instant, which may be earlier.
        self.ended
            .get_or_init(|| match (self.started.get(), self.stop.since()) {
                (Some(start), Some(stop)) => stop.saturating_duration_since(*start),
                _ => Duration::ZERO,
            });
    }

    /// How many requests an open model's plan has until then; none after the load has ended.
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    pub fn due_by(&self, time: Duration) -> Option<f64> {
        if matches!(self.plan.model, Model::Closed { .. }) {
            return None;
        }
        let until = self.ended.get().map_or(time, |ended| time.min(*ended));
        let due = self.plan.shape.area(until);
        Some(self.plan.requests.map_or(due, |most| due.min(most as f64)))
    }

    /// Requests that are due and not sent; those never sent, once the load has ended.
    pub fn unsent(&self) -> u64 {
        let counted = self.unsent.get().copied();
        counted.unwrap_or_else(|| self.gate.backlog())
    }

    /// Counts the due tickets that nobody has taken.
    pub fn record_unsent(&self) {
        let ended = self.ended.get().copied().unwrap_or_else(|| self.elapsed());
        let mut unsent = 0;
        for _ in 0..self.gate.backlog() {
            let ticket = self.schedule.take().and_then(|ticket| ticket.due);
            // What was released after the load had ended was never due.
            let Some(due) = ticket.filter(|due| *due <= ended) else {
                break;
            };
            unsent += 1;
            let phase = phase_at(&self.phases, due);
            self.recorder
                .record_unanswered(phase, ended.saturating_sub(due), false);
        }
        self.unsent.get_or_init(|| unsent);
    }

    fn is_exhausted(&self) -> bool {
        match self.plan.model {
            Model::Closed { .. } => {
                self.exhausted.load(Ordering::Relaxed)
                    && self.recorder.outstanding.load(Ordering::Relaxed) == 0
            }
            Model::Open { .. } => {
                self.gate.is_exhausted()
                    && self.done.load(Ordering::Relaxed) == self.gate.released()
            }
        }
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.recorder.in_flight.load(Ordering::Relaxed)
    }

    /// The state of the user with this number.
    pub fn new_user(&self, number: usize) -> Result<User, String> {
        let caller = Caller::new(
            &self.rules,
            &self.connector,
            self.shared.as_ref(),
            &self.stop,
            number as u64,
        )?;
        Ok(User {
            caller,
            number,
            thinking_until: None,
        })
    }
}

/// What one user keeps between turns.
#[derive(Debug)]
pub struct User {
    caller: Caller,
    number: usize,
    thinking_until: Option<Instant>,
}

impl User {
    /// Works for a short while.
    pub async fn turn(&mut self, load: &Load) {
        if load.stop.is_stopping() {
            return tokio::time::sleep(PARK).await;
        }
        let mut free = Instant::now();
        let turn_ends = free + TURN;
        match load.plan.model {
            Model::Open { .. } => {
                while free < turn_ends
                    && !load.stop.is_stopping()
                    && self.released(free, load).await
                {
                    free = Instant::now();
                }
            }
            Model::Closed { think } => {
                if self.still_thinking(load).await {
                    return;
                }
                while let Some(index) = self.next(load).await {
                    let share = chance::unit(load.seed, Purpose::Think, index);
                    let pause = think.0 + think.1.saturating_sub(think.0).mul_f64(share);
                    if !pause.is_zero() {
                        self.thinking_until = Some(Instant::now() + pause);
                        return;
                    }
                    if Instant::now() >= turn_ends || load.stop.is_stopping() {
                        return;
                    }
                }
            }
        }
    }

    async fn still_thinking(&mut self, load: &Load) -> bool {
        let Some(until) = self.thinking_until else {
            return false;
        };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            self.thinking_until = None;
            return false;
        }
        tokio::select! {
            () = tokio::time::sleep(left.min(THINK_SLICE)) => {}
            () = load.stop.reached(Urgency::Finish) => {}
        }
        true
    }

    /// Closed model: takes, sends and records the next ticket; returns its number, or `None` if there is none.
    async fn next(&mut self, load: &Load) -> Option<u64> {
        let outstanding = Gauge::raise(&load.recorder.outstanding);
        let Some(ticket) = load.schedule.take() else {
            load.exhausted.store(true, Ordering::Relaxed);
            drop(outstanding);
            load.stop.reached(Urgency::Finish).await;
            return None;
        };
        self.send(ticket, None, load).await;
        Some(ticket.index)
    }

    /// Open model: the next ticket released for this user, which has been free since `free`; false if the load
    /// ends first.
    async fn released(&mut self, free: Instant, load: &Load) -> bool {
        let watch = &mut self.caller.watch;
        let Some(claim) = load.gate.claim(self.number, free, watch).await else {
            return false;
        };
        let _done = Done(&load.done);
        // Tickets are taken only after they were released, so there is one.
        if let Some(ticket) = load.schedule.take() {
            let queued_until = (claim == Claim::Queued).then_some(free);
            self.send(ticket, queued_until, load).await;
        }
        true
    }

    /// Sends a ticket's request; `queued_until` is when a user became free for it, if it had to wait.
    async fn send(&mut self, ticket: Ticket, queued_until: Option<Instant>, load: &Load) {
        let Some(start) = load.started.get().copied() else {
            return;
        };
        let recorder = &load.recorder;
        let sent = Instant::now();
        // Without a time of its own, a request is due when it is sent.
        let intended = ticket.due.map_or(sent, |due| start + due);
        let send_lag = sent.saturating_duration_since(intended);
        let queued = queued_until.map_or(Duration::ZERO, |free| {
            free.saturating_duration_since(intended)
        });
        if !queued.is_zero() {
            recorder.queued.fetch_add(1, Ordering::Relaxed);
        }
        let phase = phase_at(&load.phases, intended.saturating_duration_since(start));
        let (question, checks) = self.question(ticket, load);
        let in_flight = Gauge::raise(&recorder.in_flight);
        recorder.sent.fetch_add(1, Ordering::Relaxed);
        let asked = self.caller.ask(&question, sent).await;
        drop(in_flight);
        let Some((outcome, recycled)) = asked else {
            // Given up: it counts as sent, but neither as correct nor as failed.
            recorder.record_unanswered(phase, intended.elapsed(), true);
            return;
        };
        note_connection(recycled, recorder);
        let ended = sent.saturating_duration_since(start) + outcome.service;
        recorder.record(&Sample {
            outcome: &outcome,
            n: match question {
                Question::Fibonacci { n, .. } => Some(n),
                Question::Template(..) => None,
            },
            checks,
            phase,
            ended,
            response: send_lag + outcome.service,
            send_lag,
            queued,
            late: ticket.due.is_none() && ended > load.end(),
        });
    }

    fn question<'a>(&self, ticket: Ticket, load: &'a Load) -> (Question<'a>, &'a [usize]) {
        match &load.source {
            Source::Fibonacci(workload) => {
                let prove = match load.verify {
                    Verify::Full => true,
                    Verify::Sample(share) => {
                        chance::unit(load.seed, Purpose::Sample, ticket.index) < share
                    }
                    Verify::Off => false,
                };
                let n = workload.n(load.seed, ticket.index);
                (Question::Fibonacci { n, prove }, &[])
            }
            Source::Requests(requests) => {
                let template = requests.pick(load.seed, ticket.index);
                let now = Timestamp::now().as_millisecond();
                let place = Place::new(load.seed, ticket.index, self.number as u64, now);
                (Question::Template(template, place), &template.checks)
            }
        }
    }
}

fn note_connection(recycled: Recycled, recorder: &Recorder) {
    match recycled.why {
        Some(GivenUp::Count) => recorder.recycled_count.fetch_add(1, Ordering::Relaxed),
        Some(GivenUp::Age) => recorder.recycled_age.fetch_add(1, Ordering::Relaxed),
        None => 0,
    };
}

/// Marks a ticket as done when dropped, however its future ends.
struct Done<'a>(&'a AtomicU64);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Increments a gauge for its lifetime, however its future ends.
struct Gauge<'a>(&'a AtomicUsize);

impl<'a> Gauge<'a> {
    fn raise(gauge: &'a AtomicUsize) -> Self {
        gauge.fetch_add(1, Ordering::Relaxed);
        Self(gauge)
    }
}

impl Drop for Gauge<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

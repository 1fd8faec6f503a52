//! One user's turn: take a ticket, wait for its time, ask, read, record.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use reqwest::Url;

use crate::chance::{self, Purpose};
use crate::client::{Connection, Counted, Counters, GivenUp, Life, Settings, Sharing};
use crate::exchange::{Question, exchange};
use crate::outcome::Outcome;
use crate::plan::{Model, Phase, Plan, Schedule, Ticket, phase_at};
use crate::recorder::{Recorder, Sample};
use crate::stop::{Stop, Urgency};
use crate::thresholds::Threshold;
use crate::workload::Workload;

/// Which answers are proved. The form of every answer is checked in any case.
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
    /// What load at which instant.
    pub plan: Plan,
    /// The phases of that plan.
    pub phases: Vec<Phase>,
    /// The tickets.
    pub schedule: Schedule,
    /// Which n.
    pub workload: Workload,
    /// What is drawn from.
    pub seed: u64,
    /// Which answers are proved.
    pub verify: Verify,
    /// When connections are given up.
    pub life: Life,
    /// How often a refused connection is tried again.
    pub retry_refused: u32,
    /// How clients are made.
    pub client: Settings,
    /// The client of all users, when they share one.
    pub shared: Option<Counted>,
    /// Connections and look-ups.
    pub counters: Counters,
    /// Where outcomes go.
    pub recorder: Recorder,
    /// The rules, of which some may end the load.
    pub thresholds: Vec<Threshold>,
    /// Which of them did.
    pub aborted_by: OnceLock<usize>,
    /// When to stop.
    pub stop: Arc<Stop>,
    /// The target.
    pub base: Url,
    /// How long a request may take.
    pub timeout: Duration,
    /// When the first user started.
    pub started: OnceLock<Instant>,
    /// Whether the schedule has no more tickets.
    pub exhausted: AtomicBool,
}

/// A closed-model user comes back to goose at least this often, to be told to go.
const TURN: Duration = Duration::from_millis(100);
/// A thinking user comes back this often, for the same reason.
const THINK_SLICE: Duration = Duration::from_millis(250);
/// A user that has nothing more to do waits this long for goose to end it.
const PARK: Duration = Duration::from_millis(20);
/// A ticket this late after the end of the plan is not sent any more.
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

    /// Whether the plan is over: its time, or its requests.
    pub fn is_over(&self) -> bool {
        // Only a number of requests ends a run early: a plan may well end in silence.
        let done = self.plan.requests.is_some()
            && self.exhausted.load(Ordering::Relaxed)
            && self.recorder.outstanding.load(Ordering::Relaxed) == 0;
        let time = match self.plan.model {
            Model::Closed { .. } => self.plan.shape.end(),
            Model::Open { .. } => self.plan.shape.end() + LAST_TICKETS,
        };
        done || self.elapsed() >= time
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.recorder.in_flight.load(Ordering::Relaxed)
    }

    /// What the user of this number needs.
    pub fn new_user(&self, number: usize) -> reqwest::Result<User> {
        let client = match &self.shared {
            Some(shared) => shared.clone(),
            None => self.client.build(&self.counters)?,
        };
        Ok(User {
            client,
            connection: Connection::none(number as u64),
            thinking_until: None,
        })
    }
}

/// What one user keeps between turns.
#[derive(Debug, Clone)]
pub struct User {
    client: Counted,
    connection: Connection,
    thinking_until: Option<Instant>,
}

impl User {
    /// Does what there is to do for a short while.
    pub async fn turn(&mut self, load: &Load) {
        if load.stop.is_stopping() {
            return tokio::time::sleep(PARK).await;
        }
        let Model::Closed { think } = load.plan.model else {
            self.one(load).await;
            return;
        };
        if self.still_thinking(load).await {
            return;
        }
        let turn_ends = Instant::now() + TURN;
        while let Some(index) = self.one(load).await {
            let pause = think.0
                + think.1.saturating_sub(think.0).mul_f64(chance::unit(
                    load.seed,
                    Purpose::Think,
                    index,
                ));
            if !pause.is_zero() {
                self.thinking_until = Some(Instant::now() + pause);
                return;
            }
            // The client puts the connection back in a task of its own; a request that is sooner opens another.
            tokio::task::yield_now().await;
            if Instant::now() >= turn_ends || load.stop.is_stopping() {
                return;
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
        wait(load, Instant::now() + left.min(THINK_SLICE)).await;
        true
    }

    /// One ticket, from taking it to recording it; its number, unless there was nothing to send.
    async fn one(&mut self, load: &Load) -> Option<u64> {
        let outstanding = Gauge::raise(&load.recorder.outstanding);
        let Some(ticket) = load.schedule.take() else {
            load.exhausted.store(true, Ordering::Relaxed);
            drop(outstanding);
            load.stop.reached(Urgency::Finish).await;
            return None;
        };
        let due = Due::of(ticket, load)?;
        if due.early && !wait(load, due.at).await {
            return None;
        }
        self.send(ticket, &due, load).await;
        Some(ticket.index)
    }

    async fn send(&mut self, ticket: Ticket, due: &Due, load: &Load) {
        let recorder = &load.recorder;
        let given_up = match load.client.sharing {
            Sharing::User => self
                .connection
                .last_request(&load.life, load.seed, Instant::now()),
            Sharing::Shared | Sharing::Fresh => None,
        };
        let question = Question {
            n: load.workload.n(load.seed, ticket.index),
            prove: match load.verify {
                Verify::Full => true,
                Verify::Sample(share) => {
                    chance::unit(load.seed, Purpose::Sample, ticket.index) < share
                }
                Verify::Off => false,
            },
            close: given_up.is_some() || load.client.sharing == Sharing::Fresh,
            retry_refused: load.retry_refused,
        };
        let opened = self.client.opened.load(Ordering::Relaxed);
        let in_flight = Gauge::raise(&recorder.in_flight);
        recorder.sent.fetch_add(1, Ordering::Relaxed);
        let sent = Instant::now();
        let outcome = tokio::select! {
            outcome = exchange(&self.client.client, &load.base, question) => outcome,
            // Given up: it stays among the sent, and is neither right nor failed.
            () = load.stop.reached(Urgency::Abort) => return,
        };
        drop(in_flight);
        self.note_connection(&outcome, opened, sent, given_up, recorder);
        // Without a time of its own a request is due when it is sent.
        let intended = if ticket.due.is_some() { due.at } else { sent };
        let send_lag = sent.saturating_duration_since(intended);
        if ticket.due.is_some() && !due.early {
            recorder.queued.fetch_add(1, Ordering::Relaxed);
        }
        recorder.record(&Sample {
            outcome: &outcome,
            n: question.n,
            phase: phase_at(&load.phases, intended.saturating_duration_since(due.start)),
            ended: load.elapsed(),
            response: send_lag + outcome.service,
            send_lag,
            lagged: due.early,
        });
    }

    fn note_connection(
        &mut self,
        outcome: &Outcome,
        opened: u64,
        sent: Instant,
        given_up: Option<GivenUp>,
        recorder: &Recorder,
    ) {
        if self.client.opened.load(Ordering::Relaxed) != opened {
            self.connection.replaced(sent);
        }
        match given_up {
            Some(GivenUp::Count) => recorder.recycled_count.fetch_add(1, Ordering::Relaxed),
            Some(GivenUp::Age) => recorder.recycled_age.fetch_add(1, Ordering::Relaxed),
            None => 0,
        };
        if given_up.is_some() || outcome.closing || outcome.status.is_none() {
            self.connection.gone();
        }
    }
}

/// When a ticket is to be sent.
struct Due {
    start: Instant,
    at: Instant,
    /// A user is there before the time has come.
    early: bool,
}

impl Due {
    fn of(ticket: Ticket, load: &Load) -> Option<Self> {
        let start = *load.started.get()?;
        let now = Instant::now();
        let at = ticket.due.map_or(now, |due| start + due);
        Some(Self {
            start,
            at,
            early: at > now,
        })
    }
}

/// Waits until `at`; false when the load ends before.
async fn wait(load: &Load, at: Instant) -> bool {
    tokio::select! {
        () = tokio::time::sleep_until(at.into()) => true,
        () = load.stop.reached(Urgency::Finish) => false,
    }
}

/// One more in a gauge for as long as it lives, however its future ends.
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

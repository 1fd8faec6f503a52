//! The simulated cluster at work, step by step.

mod controller;
mod pods;
mod telling;

use std::time::Duration;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::documents::trace::TraceWriter;
use hpa_check_core::expectation::Expectation;
use hpa_check_core::model::VersionGates;
use hpa_check_core::model::reconcile::Controller;
use hpa_check_core::observation::*;
use hpa_check_core::run::conductor::{Action, Conductor, LoadSchedule};
use hpa_check_core::run::evaluator::Evaluator;

use super::{Answers, Flags, World, at};

struct PodState {
    pod: Pod,
    made: i64,
    end: Option<i64>,
    /// Of the template before the rollout.
    old: bool,
}

struct Run<'a> {
    world: &'a World,
    evaluator: Evaluator,
    conductor: Conductor,
    recording: Vec<Observation>,
    now: i64,
    pods: Vec<PodState>,
    made: usize,
    replicas: i32,
    generation: i64,
    template: u8,
    writer: Option<FieldManager>,
    told: Option<ScaleTarget>,
    status: Option<AutoscalerStatus>,
    hpa: Controller,
    uid: &'static str,
    scraped: i64,
    samples: Result<Vec<PodSample>, String>,
    rival_due: Option<i64>,
    load_started: Option<i64>,
    load_stopped: Option<i64>,
    load_ended: bool,
    verified: u64,
}

const TICK: i64 = 500;

impl World {
    /// Runs it to its end; returns all observations and the live result.
    pub(crate) fn run(&self) -> (Vec<Observation>, RunResult) {
        let mut run = Run {
            world: self,
            evaluator: Evaluator::new(self.expectation.clone()),
            conductor: self.conductor(),
            recording: Vec::new(),
            now: 0,
            pods: Vec::new(),
            made: 0,
            replicas: self.spec.effective_min(),
            generation: 1,
            template: 1,
            writer: None,
            told: None,
            status: None,
            hpa: Controller::new(self.controller.clone(), VersionGates::default()),
            uid: "hpa",
            scraped: 0,
            samples: Ok(Vec::new()),
            rival_due: None,
            load_started: None,
            load_stopped: None,
            load_ended: false,
            verified: 0,
        };
        run.introduce();
        while run.now < self.longest * 1000 && !run.tick() {
            run.now += TICK;
        }
        let end = at(run.now);
        let result = run.evaluator.finish(end);
        if let Some(first) = result.verdict.reasons.first() {
            keep(&first.id, &self.expectation, &run.recording);
        }
        (run.recording, result)
    }

    fn conductor(&self) -> Conductor {
        let conductor = Conductor::new(self.expectation.clone(), self.pace);
        if self.steady {
            conductor.steady()
        } else {
            conductor
        }
    }

    pub(crate) fn result(&self) -> RunResult {
        self.run().1
    }
}

/// With `GALLERY=FOLDER` in the environment, keeps the shortest recording in which this finding comes first.
/// `make gallery` makes its recordings this way.
fn keep(finding: &str, expectation: &Expectation, recording: &[Observation]) {
    let Some(folder) = std::env::var_os("GALLERY") else {
        return;
    };
    let mut trace = TraceWriter::new(Vec::new(), expectation, None).unwrap();
    for observation in recording {
        trace.write(observation).unwrap();
    }
    let text = trace.finish().unwrap();
    let file = std::path::Path::new(&folder).join(format!("{finding}.jsonl"));
    let known = std::fs::read(&file).ok();
    if known.is_none_or(|known| (text.len(), &text) < (known.len(), &known)) {
        std::fs::write(file, text).unwrap();
    }
}

impl Run<'_> {
    fn introduce(&mut self) {
        self.tell(Seen::RunContext(RunContext {
            source: "simulation".into(),
            namespace: String::new(),
            autoscaler: "fib-server".into(),
            kubernetes: self.world.kubernetes.map(str::to_owned),
            controller: self.flags(),
            controller_stated: self.world.flags != Flags::Assumed,
            metrics_resolution: self
                .world
                .assumed_resolution
                .unwrap_or(self.world.resolution),
        }));
        for fact in &self.world.facts {
            self.tell(Seen::Fact(fact.clone()));
        }
        self.tell_autoscaler();
        for n in 0..self.world.completed {
            self.tell_completed(n);
        }
    }

    /// The observer asks more often than there are samples.
    fn polls(&self) -> bool {
        let assumed = self.world.assumed_resolution;
        assumed.is_some_and(|r| self.now % (i64::try_from(r.as_millis()).unwrap() / 3) == 0)
    }

    /// The flags as the observer knows them.
    fn flags(&self) -> ControllerConfig {
        match self.world.flags {
            Flags::Stated => self.world.controller.clone(),
            Flags::Misstated | Flags::Assumed => ControllerConfig::default(),
        }
    }

    /// One step of time; true at the end.
    fn tick(&mut self) -> bool {
        self.deploy();
        self.tell_events();
        self.delete_and_make_again();
        self.restart();
        if self.world.interrupt.is_some_and(|s| s * 1000 == self.now) {
            self.tell(Seen::Interrupted);
        }
        while let Some(action) = self.conductor.next(at(self.now), self.evaluator.timeline()) {
            match action {
                Action::Enter(phase) => self.tell(Seen::Phase { phase }),
                Action::StartLoad { .. } => self.load_started = Some(self.now),
                Action::StopLoad => self.load_stopped = Some(self.now),
                Action::Finish { .. } => {
                    if self.load_started.is_some() && !self.load_ended {
                        self.tell(Seen::LoadResult(self.world.account.clone()));
                    }
                    self.tell(Seen::Phase { phase: Phase::Done });
                    return true;
                }
            }
        }
        self.load();
        let ms = |d: Duration| i64::try_from(d.as_millis()).unwrap();
        if self.now > 0 && self.now % ms(self.world.resolution) == 0 {
            self.scrape();
        } else if self.now > 0 && self.polls() {
            self.tell_metrics();
        }
        if self.now > 0 && self.now % ms(self.world.controller.sync_period) == 0 && self.syncs() {
            self.sync();
        }
        if self.rival_due.is_some_and(|due| due <= self.now) {
            self.rival_due = None;
            let (_, name) = self.world.rival.unwrap();
            self.scale(self.world.spec.effective_min(), name);
        }
        false
    }

    /// Answers in one second, by pod.
    fn answering(&self) -> std::collections::BTreeMap<String, u64> {
        let ready = self.pods.iter().map(|state| &state.pod).filter(|pod| {
            let is_ready = |ready: &Ready| ready.status == "True";
            !pod.deleting && pod.ready.as_ref().is_some_and(is_ready)
        });
        let names: Vec<String> = match self.world.answers {
            Answers::Unnamed => Vec::new(),
            Answers::All => ready.map(|pod| pod.name.clone()).collect(),
            Answers::First => ready.take(1).map(|pod| pod.name.clone()).collect(),
            Answers::Stranger => vec!["other-app-1".into()],
        };
        names.into_iter().map(|name| (name, 10)).collect()
    }

    fn level(&self) -> i64 {
        let Some(started) = self.load_started else {
            return self.world.rest;
        };
        let level = match self.world.pace {
            LoadSchedule::Adaptive if self.load_stopped.is_none() => self.world.high,
            LoadSchedule::Adaptive => self.world.after,
            LoadSchedule::Planned { up, down, .. } => {
                let elapsed = Duration::from_millis(u64::try_from(self.now - started).unwrap());
                if elapsed < up {
                    self.world.rest
                } else if elapsed < down {
                    let turn = elapsed.saturating_sub(up).as_secs();
                    let swing = self.world.swing.map(|s| u64::try_from(s).unwrap());
                    if swing.is_some_and(|swing| turn / swing % 2 == 1) {
                        self.world.rest
                    } else {
                        self.world.high
                    }
                } else {
                    self.world.after
                }
            }
        };
        let shift = (self.now / 500 * 7919 % 201 - 100) * self.world.wobble / 100;
        level * (100 + shift) / 100
    }

    fn load(&mut self) {
        let (Some(_), 0, false) = (self.load_started, self.now % 1000, self.load_ended) else {
            return;
        };
        self.verified += 100;
        let (failed, wrong) = (self.world.account.failed, self.world.account.wrong);
        self.tell(Seen::Load(LoadSecond {
            users: 500,
            offered_rps: Some(100.0),
            rps: 100.0,
            failed: failed * u64::from(self.load_stopped.is_some()),
            wrong: wrong * u64::from(self.load_stopped.is_some()),
            verified: self.verified,
            pods: self.answering(),
            ..LoadSecond::default()
        }));
        if self.load_stopped.is_some() {
            self.load_ended = true;
            self.tell(Seen::LoadResult(self.world.account.clone()));
        }
    }
}

//! The simulated cluster: a small Kubernetes (Deployment, metrics API, autoscaler) that runs in any [`World`]
//! and emits everything that happens as observations.
//!
//! ```text
//! world (pods, their CPU times) ─ metrics API ─ autoscaler (the model) ─ Deployment ─ world …
//! ```

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::autoscaler::{MANAGER, SimulatedAutoscaler};
use super::deployment::{Deployment, Order};
use super::fault::Fault;
use super::metrics::SimulatedMetricsServer;
use super::scene::{NO_METRICS, Scene};
use super::world::{Happening, World};
use crate::model::reconcile::ScaleSubresource;
use crate::model::{VersionGates, before};
use crate::observation::{Event, Fact, Observation, Phase, PodSample, RunContext, Seen};
use crate::quota::Quota;
use crate::run::conductor::Action;
use crate::run::timeline::Step;
use crate::spec::ContainerResources;

/// How often the conductor is asked if nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// How long a generator may take after a stop request to finish its requests and write its result.
const LOAD_STOPS_WITHIN: Duration = Duration::from_secs(15);

/// After a scale-up, the conflicting writer waits this long, as a tool that syncs periodically does.
pub(super) const CONFLICT_WAITS_SECONDS: u32 = 4;

/// The next step of a simulated cluster.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one is moved at a time, and none is kept"
)]
pub enum SimulationStep {
    /// Something was observed.
    Seen(Observation),
    /// Time passed, and nothing happened.
    Quiet,
    /// The simulation is over.
    Over,
}

/// A running simulated cluster.
pub struct Engine<W> {
    scene: Scene,
    world: W,
    deployment: Deployment,
    autoscaler: SimulatedAutoscaler,
    metrics_server: SimulatedMetricsServer,
    samples: Vec<PodSample>,
    next_scrape: Timestamp,
    next_sync: Timestamp,
    conflict_due: Option<Timestamp>,
    phase: Option<Phase>,
    /// While the load runs: when its own plan ends.
    load_until: Option<Timestamp>,
    end: Option<Timestamp>,
    ending: Ending,
    /// Observations that were not taken yet.
    outbox: VecDeque<Observation>,
    /// What the controller itself says about each sync, if it is watched.
    explanations: Vec<Step<String>>,
}

/// Whether the run is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The run goes on.
    No,
    /// Everything was observed, but the load's plan continues: the last replicas drain under the remaining
    /// load, and none of its requests may be lost.
    Draining,
    /// The load was stopped, and its result is due by this instant.
    Stopping(Timestamp),
}

impl<W: World> Engine<W> {
    /// Starts at the world's current time.
    pub fn new(scene: Scene, world: W) -> Self {
        let now = world.now();
        let quota = match scene.fault {
            Some(Fault::Quota(pods)) => Some(pods),
            _ => None,
        };
        let gates = VersionGates::of_version(scene.kubernetes.as_deref());
        let mut engine = Self {
            deployment: Deployment::new(
                &scene.spec.scale_target_ref.kind,
                &scene.name,
                scene.container.clone(),
                scene.replicas,
                quota,
                scene.watched,
            ),
            autoscaler: SimulatedAutoscaler::new(
                &scene.name,
                scene.spec.clone(),
                &scene.controller,
                gates,
            ),
            metrics_server: SimulatedMetricsServer::default(),
            samples: Vec::new(),
            next_scrape: now + scene.first_scrape,
            next_sync: now + scene.first_sync,
            conflict_due: None,
            phase: None,
            load_until: None,
            end: scene.length.map(|length| now + length),
            ending: Ending::No,
            outbox: VecDeque::new(),
            explanations: Vec::new(),
            scene,
            world,
        };
        engine.introduce();
        engine.establish(now);
        engine.reconcile();
        engine
    }

    /// The current time, which is never later than the next observation.
    pub fn now(&self) -> Timestamp {
        self.outbox
            .front()
            .map_or_else(|| self.world.now(), |next| next.at)
    }

    /// What the controller itself says about each sync so far. A watcher has to infer what it read.
    pub fn explanations(&self) -> &[Step<String>] {
        &self.explanations
    }

    /// Returns the world it ran in.
    pub fn into_world(self) -> W {
        self.world
    }

    /// Continues until something is observed or a moment has passed. Fails if the generator failed.
    pub fn progress(&mut self) -> Result<SimulationStep, String> {
        if self.outbox.is_empty() {
            if self.is_over() {
                return Ok(SimulationStep::Over);
            }
            self.advance()?;
        }
        Ok(self
            .outbox
            .pop_front()
            .map_or(SimulationStep::Quiet, SimulationStep::Seen))
    }

    /// Carries out an action.
    pub fn act(&mut self, action: &Action) {
        match action {
            Action::Enter(phase) => self.phase = Some(*phase),
            Action::StartLoad { .. } => {
                let started = self.world.now();
                self.load_until = Some(started + self.world.start_load());
            }
            Action::StopLoad => self.world.stop_load(),
            Action::Finish { .. } if self.phase == Some(Phase::Done) => {
                self.ending = Ending::Draining;
            }
            Action::Finish { .. } => self.stop(),
        }
    }

    /// Stops a load that is still running, and waits for its result.
    fn stop(&mut self) {
        if self.load_until.is_some() {
            self.world.stop_load();
        }
        self.ending = Ending::Stopping(self.world.now() + LOAD_STOPS_WITHIN);
    }

    fn is_over(&self) -> bool {
        match self.ending {
            Ending::No => self.end.is_some_and(|end| self.world.now() >= end),
            Ending::Draining => self.load_until.is_none(),
            Ending::Stopping(deadline) => self.load_until.is_none() || self.world.now() >= deadline,
        }
    }

    /// Lets time pass until something happens or is due.
    fn advance(&mut self) -> Result<(), String> {
        if let Ending::Stopping(deadline) = self.ending {
            return match self.world.wait(deadline) {
                Some(happening) => self.happened(happening),
                None => Ok(()),
            };
        }
        let limit = self.end.unwrap_or_else(|| self.world.now() + TICK);
        let mut due = limit.min(self.next_scrape).min(self.next_sync);
        if let Some(conflict) = self.conflict_due {
            due = due.min(conflict);
        }
        if let Some(happening) = self.world.wait(due) {
            self.happened(happening)?;
        }
        self.clockwork();
        self.reconcile();
        let late = |until| self.world.now() >= until + LOAD_STOPS_WITHIN;
        if self.ending == Ending::Draining && self.load_until.is_some_and(late) {
            self.stop();
        }
        Ok(())
    }

    fn introduce(&mut self) {
        if !self.scene.watched {
            return;
        }
        let context = RunContext {
            source: self.scene.source.to_owned(),
            namespace: String::new(),
            autoscaler: self.scene.name.clone(),
            kubernetes: self.scene.kubernetes.clone(),
            controller: self.scene.controller.clone(),
            controller_stated: true,
            metrics_resolution: self.scene.metrics_resolution,
        };
        self.emit(|| Seen::RunContext(context));
        for fact in std::mem::take(&mut self.scene.facts) {
            self.emit(|| Seen::Fact(fact));
        }
        let there = self.scene.fault != Some(Fault::NoMetrics);
        self.emit(|| {
            Seen::Fact(Fact::MetricsApi {
                registered: there,
                available: there,
                message: if there { "" } else { NO_METRICS }.to_owned(),
            })
        });
        if let Some(Fault::Quota(pods)) = self.scene.fault {
            self.emit(|| {
                Seen::Fact(Fact::Quota(Quota {
                    name: "rehearsal".to_owned(),
                    resource: "pods".to_owned(),
                    hard: pods.to_string(),
                    used: "0".to_owned(),
                    scopes: Vec::new(),
                }))
            });
        }
        let object = self.autoscaler.object();
        self.emit(|| Seen::Autoscaler(object));
    }

    /// Starts with ready pods that have worked for a while, if the scene says so. If the first scrape comes at
    /// once, it sees the work of a full window.
    fn establish(&mut self, now: Timestamp) {
        let Some(age) = self.scene.ready_since else {
            return;
        };
        let names = self.deployment.established(before(now, age));
        let window = self.scene.metrics_resolution;
        let earlier = names.iter().map(|name| (name.clone(), Duration::ZERO));
        let (container, before) = (&self.scene.container.name, before(now, window));
        self.metrics_server
            .scrape(before, earlier.collect(), container, None);
        for name in &names {
            self.world.adopt_pod(name, window);
        }
    }

    /// Does what the Deployment asks for, and emits the changes.
    fn reconcile(&mut self) {
        for order in self.deployment.reconcile(self.world.now()) {
            match order {
                Order::Start(pod) => {
                    let now = self.world.now();
                    self.metrics_server.started(&pod, now);
                    self.world.start_pod(&pod);
                }
                Order::Stop(pod) => self.world.stop_pod(&pod),
            }
        }
        for seen in self.deployment.take_changes() {
            self.emit(|| seen);
        }
    }

    fn happened(&mut self, happening: Happening) -> Result<(), String> {
        let now = self.world.now();
        match happening {
            Happening::Running(pod) => self.deployment.running(&pod),
            Happening::Ready { pod, ready } => self.deployment.ready(&pod, ready, now),
            Happening::Crashed { pod, how } => {
                self.deployment.crashed(&pod, now);
                self.emit(|| {
                    Seen::Event(Event {
                        about: format!("Pod/{pod}"),
                        kind: "Warning".to_owned(),
                        reason: "BackOff".to_owned(),
                        message: format!("Back-off restarting failed container: {how}"),
                        count: 1,
                    })
                });
            }
            Happening::Gone(pod) => self.deployment.gone(&pod),
            Happening::Load(second) => self.emit(|| Seen::Load(second)),
            Happening::LoadEnded(account) => {
                self.load_until = None;
                let account = account?;
                self.emit(|| Seen::LoadResult(account));
            }
            Happening::Interrupted => {
                self.emit(|| Seen::Interrupted);
                if self.ending == Ending::Draining {
                    self.stop();
                }
            }
        }
        Ok(())
    }

    /// What is due by the clock: first the metrics, then the sync that reads them.
    fn clockwork(&mut self) {
        let now = self.world.now();
        if now >= self.next_scrape {
            self.next_scrape = next(self.next_scrape, self.scene.metrics_resolution, now);
            self.scrape(now);
        }
        if now >= self.next_sync {
            self.next_sync = next(self.next_sync, self.scene.controller.sync_period, now);
            self.sync(now);
        }
        if self.conflict_due.is_some_and(|due| now >= due) {
            self.conflict_due = None;
            let min = self.scene.spec.effective_min();
            self.deployment.scale(min, "argocd-controller", now);
        }
    }

    fn scrape(&mut self, now: Timestamp) {
        let mut times = self.world.cpu_times();
        times.retain(|(pod, _)| self.deployment.is_alive(pod));
        let ContainerResources {
            name, cpu_limit, ..
        } = &self.scene.container;
        self.samples = self.metrics_server.scrape(now, times, name, *cpu_limit);
        if let Some(error) = self.scene.metrics_error(now) {
            let error = error.to_owned();
            let timed_out = false;
            self.emit(|| Seen::MetricsUnavailable { error, timed_out });
        } else if self.scene.watched {
            let samples = self.samples.clone();
            self.emit(|| Seen::PodMetrics { samples });
        }
    }

    fn sync(&mut self, now: Timestamp) {
        let metrics = match self.scene.metrics_error(now) {
            Some(error) => Err(error),
            None => Ok(self.samples.as_slice()),
        };
        let replicas = self.deployment.replicas();
        let (selector, pods) = self.deployment.found();
        let scale = ScaleSubresource {
            replicas,
            observed: replicas,
            selector,
        };
        let decision = self.autoscaler.sync(now, scale, pods, metrics);
        if self.scene.watched {
            let object = self.autoscaler.object();
            self.emit(|| Seen::Autoscaler(object));
            if let Some(event) = self.autoscaler.event(&decision) {
                self.emit(|| Seen::Event(event));
            }
            self.explanations.push(Step {
                at: self.world.now(),
                value: decision.explain(),
            });
        }
        if decision.scaled {
            self.deployment.scale(decision.desired, MANAGER, now);
            if self.scene.fault == Some(Fault::ConflictingWriter) && decision.desired > replicas {
                self.conflict_due = Some(now + Duration::from_secs(CONFLICT_WAITS_SECONDS.into()));
            }
        }
    }

    fn emit(&mut self, seen: impl FnOnce() -> Seen) {
        if self.scene.watched {
            let at = self.world.now();
            self.outbox.push_back(Observation { at, seen: seen() });
        }
    }
}

/// The next instant of a period that lies in the future; periods missed in a stall are skipped.
fn next(due: Timestamp, period: Duration, now: Timestamp) -> Timestamp {
    let next = due + period;
    if next > now { next } else { now + period }
}

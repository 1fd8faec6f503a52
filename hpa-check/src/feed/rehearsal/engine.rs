//! The rehearsal itself: a small Kubernetes (Deployment, metrics API, autoscaler) that runs in any
//! [`World`], and emits all that happens as observations.

use std::collections::VecDeque;
use std::time::Duration;

use hpa_check_core::observation::{
    ControllerConfig, Event, Fact, Observation, Phase, PodSample, RunContext, Seen,
};
use hpa_check_core::quota::Quota;
use hpa_check_core::run::conductor::Action;
use hpa_check_core::spec::{AutoscalerSpec, ContainerResources};
use hpa_check_core::units::Millicores;
use jiff::Timestamp;

use super::controller::{HorizontalPodAutoscaler, MANAGER};
use super::deployment::{self, Deployment, Order};
use super::fault::Fault;
use super::metrics::MetricsServer;
use super::sizing::LoadPlan;
use super::world::{Happening, World};
use crate::feed::Next;

/// How often the conductor is asked when nothing happens.
const TICK: Duration = Duration::from_millis(200);

/// A generator that was told to stop has finished its requests and written its result by then.
const LOAD_STOPS_WITHIN: Duration = Duration::from_secs(15);

/// After a step up, the rival leaves the replicas alone for that long, as a tool that syncs by itself does.
const RIVAL_WAITS: Duration = Duration::from_secs(4);

/// The error of a metrics API that is not there, in the API server's words.
const NO_METRICS: &str =
    "the server could not find the requested resource (get pods.metrics.k8s.io)";

/// What is rehearsed.
#[derive(Debug, Clone)]
pub(crate) struct Scene {
    /// What the autoscaler is told to do.
    pub(crate) spec: AutoscalerSpec,
    /// Its controller's settings.
    pub(crate) controller: ControllerConfig,
    /// Time between two scrapes of the metrics API, and so the window of a sample.
    pub(crate) metrics_resolution: Duration,
    /// The container of a replica.
    pub(crate) container: ContainerResources,
    /// All CPU there is, and how that is known.
    pub(crate) capacity: (Millicores, String),
    /// The most CPU that the load can use, and how that is known; `None` when the load is not ours
    /// to size.
    pub(crate) load_limit: Option<(Millicores, String)>,
    /// The load.
    pub(crate) load: LoadPlan,
    /// What is broken on purpose.
    pub(crate) fault: Option<Fault>,
}

/// A rehearsal under way.
pub(crate) struct Engine<W> {
    scene: Scene,
    world: W,
    deployment: Deployment,
    autoscaler: HorizontalPodAutoscaler,
    metrics_server: MetricsServer,
    samples: Vec<PodSample>,
    next_scrape: Timestamp,
    next_sync: Timestamp,
    rival_due: Option<Timestamp>,
    phase: Option<Phase>,
    /// While the load is on: when it is over by its own plan.
    load_until: Option<Timestamp>,
    ending: Ending,
    /// What was seen and not yet taken.
    outbox: VecDeque<Observation>,
}

/// Whether the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The run goes on.
    No,
    /// All has been seen, and the load's plan is still to be kept: the last replicas drain under what
    /// is left of the load, and none of its requests may be lost.
    Draining,
    /// The load was stopped, and its account is due by then.
    Stopping(Timestamp),
}

impl<W: World> Engine<W> {
    /// Begins with no pod and as many wanted as the autoscaler's minimum.
    pub(crate) fn new(scene: Scene, world: W) -> Self {
        let now = world.now();
        let quota = match scene.fault {
            Some(Fault::Quota(pods)) => Some(pods),
            _ => None,
        };
        let min = scene.spec.effective_min();
        let mut engine = Self {
            deployment: Deployment::new(scene.container.clone(), min, quota),
            autoscaler: HorizontalPodAutoscaler::new(
                deployment::NAME,
                scene.spec.clone(),
                &scene.controller,
            ),
            metrics_server: MetricsServer::default(),
            samples: Vec::new(),
            // By then the first pods run, mostly.
            next_scrape: now + scene.metrics_resolution / 4,
            // The first sync comes after the third scrape: a sample that began before its pod was
            // ready does not count.
            next_sync: now
                + scene
                    .controller
                    .sync_period
                    .max(scene.metrics_resolution * 5 / 2),
            rival_due: None,
            phase: None,
            load_until: None,
            ending: Ending::No,
            outbox: VecDeque::new(),
            scene,
            world,
        };
        engine.introduce();
        engine.reconcile();
        engine
    }

    /// Now, which is never later than what has not been taken yet.
    pub(crate) fn now(&self) -> Timestamp {
        self.outbox
            .front()
            .map_or_else(|| self.world.now(), |next| next.at)
    }

    /// The world it runs in.
    pub(crate) fn into_world(self) -> W {
        self.world
    }

    /// What was seen next; [`Next::Tick`] if a moment passed without news. The error is that of a
    /// generator that failed.
    pub(crate) fn next(&mut self) -> Result<Next, String> {
        if self.outbox.is_empty() {
            if self.is_over() {
                return Ok(Next::End);
            }
            self.advance()?;
        }
        Ok(self
            .outbox
            .pop_front()
            .map_or(Next::Tick, Next::Observation))
    }

    /// Carries out an action.
    pub(crate) fn act(&mut self, action: &Action) {
        match action {
            Action::Enter(phase) => self.phase = Some(*phase),
            Action::StartLoad { .. } => {
                self.load_until = Some(self.world.now() + self.scene.load.whole());
                self.world.start_load(&self.scene.load);
            }
            Action::StopLoad => self.world.stop_load(),
            Action::Finish { .. } if self.phase == Some(Phase::Done) => {
                self.ending = Ending::Draining;
            }
            Action::Finish { .. } => self.stop(),
        }
    }

    /// Ends a load that is still on, and waits for its account.
    fn stop(&mut self) {
        if self.load_until.is_some() {
            self.world.stop_load();
        }
        self.ending = Ending::Stopping(self.world.now() + LOAD_STOPS_WITHIN);
    }

    fn is_over(&self) -> bool {
        match self.ending {
            Ending::No => false,
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
        let due = (self.world.now() + TICK)
            .min(self.next_scrape)
            .min(self.next_sync);
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
        let scene = self.scene.clone();
        self.emit(Seen::RunContext(RunContext {
            source: "rehearsal".to_owned(),
            namespace: String::new(),
            autoscaler: deployment::NAME.to_owned(),
            kubernetes: None,
            controller: scene.controller.clone(),
            metrics_resolution: scene.metrics_resolution,
        }));
        let (total, how) = scene.capacity.clone();
        self.emit(Seen::Fact(Fact::CpuCapacity { total, how }));
        if let Some((total, how)) = scene.load_limit.clone() {
            self.emit(Seen::Fact(Fact::LoadLimit { total, how }));
        }
        let there = scene.fault != Some(Fault::NoMetrics);
        self.emit(Seen::Fact(Fact::MetricsApi {
            registered: there,
            available: there,
            message: if there { "" } else { NO_METRICS }.to_owned(),
        }));
        if let Some(Fault::Quota(pods)) = scene.fault {
            self.emit(Seen::Fact(Fact::Quota(Quota {
                name: "rehearsal".to_owned(),
                resource: "pods".to_owned(),
                hard: pods.to_string(),
                used: "0".to_owned(),
                scopes: Vec::new(),
            })));
        }
        self.emit(Seen::Autoscaler(self.autoscaler.object()));
    }

    /// Does what the Deployment asks for, and emits what it changed.
    fn reconcile(&mut self) {
        for order in self.deployment.reconcile(self.world.now()) {
            match order {
                Order::Start(pod) => self.world.start_pod(&pod),
                Order::Stop(pod) => self.world.stop_pod(&pod),
            }
        }
        for seen in self.deployment.take_changes() {
            self.emit(seen);
        }
    }

    fn happened(&mut self, happening: Happening) -> Result<(), String> {
        let now = self.world.now();
        match happening {
            Happening::Running(pod) => self.deployment.running(&pod),
            Happening::Ready { pod, ready } => self.deployment.ready(&pod, ready, now),
            Happening::Crashed { pod, how } => {
                self.deployment.crashed(&pod, now);
                self.emit(Seen::Event(Event {
                    about: format!("Pod/{pod}"),
                    kind: "Warning".to_owned(),
                    reason: "BackOff".to_owned(),
                    message: format!("Back-off restarting failed container: {how}"),
                    count: 1,
                }));
            }
            Happening::Gone(pod) => self.deployment.gone(&pod),
            Happening::Load(second) => self.emit(Seen::Load(second)),
            Happening::LoadEnded(account) => {
                self.load_until = None;
                self.emit(Seen::LoadResult(account?));
            }
            Happening::Interrupted => {
                self.emit(Seen::Interrupted);
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
        if self.rival_due.is_some_and(|due| now >= due) {
            self.rival_due = None;
            let min = self.scene.spec.effective_min();
            self.deployment.scale(min, "argocd-controller", now);
        }
    }

    fn scrape(&mut self, now: Timestamp) {
        if self.scene.fault == Some(Fault::NoMetrics) {
            return self.emit(Seen::MetricsUnavailable {
                error: NO_METRICS.to_owned(),
            });
        }
        let mut times = self.world.cpu_times();
        let alive = deployment::alive(self.deployment.pods());
        times.retain(|pod, _| alive.contains(pod.as_str()));
        let limit = self.scene.container.cpu_limit;
        self.samples = self.metrics_server.scrape(now, &times, limit);
        self.emit(Seen::PodMetrics {
            samples: self.samples.clone(),
        });
    }

    fn sync(&mut self, now: Timestamp) {
        let metrics = match self.scene.fault {
            Some(Fault::NoMetrics) => Err(NO_METRICS),
            _ => Ok(self.samples.as_slice()),
        };
        let replicas = self.deployment.replicas();
        let pods = self.deployment.pods();
        let decision = self.autoscaler.sync(now, replicas, pods, metrics);
        self.emit(Seen::Autoscaler(self.autoscaler.object()));
        if let Some(event) = self.autoscaler.event(&decision) {
            self.emit(Seen::Event(event));
        }
        if decision.scaled {
            self.deployment.scale(decision.desired, MANAGER, now);
            if self.scene.fault == Some(Fault::Rival) && decision.desired > replicas {
                self.rival_due = Some(now + RIVAL_WAITS);
            }
        }
    }

    fn emit(&mut self, seen: Seen) {
        let at = self.world.now();
        self.outbox.push_back(Observation { at, seen });
    }
}

/// The next instant of a period that lies ahead; what a stall has made late is left out, not made up for.
fn next(due: Timestamp, period: Duration, now: Timestamp) -> Timestamp {
    let next = due + period;
    if next > now { next } else { now + period }
}

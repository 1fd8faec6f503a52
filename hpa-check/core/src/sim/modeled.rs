//! Modeled pods: how they start, share the work and stop, without processes.
//!
//! Work is spread evenly over ready pods. A pod does as much as it can, has no overhead from being one of many,
//! and uses no CPU before it is ready. Nothing is random, so the same load always has the same result.

use std::time::Duration;

use jiff::Timestamp;

use super::fault::Fault;
use super::profile::LoadProfile;
use super::summary::{Done, Summary, Tally, count};
use super::work;
use super::world::{Happening, World};
use crate::model::after;
use crate::observation::{GeneratorVerdict, LoadResult, LoadSecond};

/// Work is distributed in steps of this length.
const STEP: Duration = Duration::from_secs(1);

/// How modeled pods behave.
#[derive(Debug, Clone)]
pub struct PodModel {
    /// From the start order to a running container.
    pub runs_after: Duration,
    /// From the start order until it is ready.
    pub ready_after: Duration,
    /// From the stop order until it is gone.
    pub drains: Duration,
    /// The most work one pod does, in millicores.
    pub most: f64,
    /// The CPU that a pod uses from running until it is ready, in millicores.
    pub warms_up: f64,
    /// The room for pods; `None` is unlimited.
    pub nodes: Option<NodePool>,
    /// The injected fault.
    pub fault: Option<Fault>,
}

/// The room for pods, which grows by a node when a pod does not fit.
#[derive(Debug, Clone, Copy)]
pub struct NodePool {
    /// Pods that fit.
    pub room: usize,
    /// The time a pod that does not fit waits for its node.
    pub wait: Duration,
}

#[derive(Debug)]
struct ModeledPod {
    name: String,
    /// Whether it takes work.
    ready: bool,
    stopped: bool,
    /// When its container runs, if it warms up.
    runs_at: Duration,
    /// CPU time since its start.
    used: Duration,
}

/// A world of modeled pods and a load that follows a profile.
pub struct ModeledWorld {
    begin: Timestamp,
    elapsed: Duration,
    model: PodModel,
    profile: LoadProfile,
    /// Whether work that exceeds the capacity waits instead of being lost.
    backlog: bool,
    /// When the load began.
    loaded: Option<Duration>,
    pods: Vec<ModeledPod>,
    /// How many of them take work.
    ready: usize,
    /// How many of them are not terminating.
    alive: usize,
    /// Scheduled events, in order of time.
    coming: Vec<(Duration, Happening)>,
    /// Waiting work, in nanoseconds of CPU time.
    waiting: u64,
    /// Work that the pods did and that is not yet divided among them.
    undealt: u64,
    /// Work done so far.
    answered: u64,
    tally: Option<Tally>,
    /// Whether each second of load is reported.
    reports: bool,
}

impl ModeledWorld {
    /// A world without pods and without load.
    pub fn new(begin: Timestamp, model: PodModel, profile: LoadProfile) -> Self {
        Self {
            begin,
            elapsed: Duration::ZERO,
            model,
            profile,
            backlog: false,
            loaded: None,
            pods: Vec::new(),
            ready: 0,
            alive: 0,
            coming: Vec::new(),
            waiting: 0,
            undealt: 0,
            answered: 0,
            tally: None,
            reports: true,
        }
    }

    /// Starts the load immediately and counts everything.
    pub(super) fn tallied(mut self, tally: Tally, backlog: bool, reports: bool) -> Self {
        self.tally = Some(tally);
        self.backlog = backlog;
        self.reports = reports && self.profile.rate(0.0).is_some();
        self.start_load();
        self
    }

    /// The summary, if it was counted.
    pub(super) fn summary(self) -> Option<Summary> {
        self.tally.map(Tally::finish)
    }

    fn plan(&mut self, delay: Duration, happening: Happening) {
        let due = self.elapsed + delay;
        let later = self.coming.partition_point(|(at, _)| *at <= due);
        self.coming.insert(later, (due, happening));
    }

    /// Lets the pods work until then.
    fn work(&mut self, until: Duration) {
        while self.elapsed < until {
            let whole = Duration::from_secs(self.elapsed.as_secs()) + STEP;
            let next = whole.min(until);
            self.step(next.saturating_sub(self.elapsed));
            self.elapsed = next;
        }
    }

    fn step(&mut self, time: Duration) {
        let nanoseconds = u64::from(time.subsec_nanos()) + time.as_secs() * work::SECOND;
        let wanted = self.loaded.map_or(0, |since| {
            let second = self.elapsed.saturating_sub(since).as_secs_f64();
            work::per_second(self.profile.at(second))
        });
        let offered = wanted.saturating_add(self.waiting);
        let served = offered.min(work::capacity(self.most(), self.takers()));
        self.waiting = if self.backlog { offered - served } else { 0 };
        let done = work::part(served, nanoseconds);
        self.undealt = self.undealt.saturating_add(done);
        self.answered = self.answered.saturating_add(done);
        if self.model.warms_up > 0.0 {
            let warm = work::part(work::per_second(self.model.warms_up), nanoseconds);
            let now = self.elapsed;
            let starting = self.pods.iter_mut();
            for pod in starting.filter(|p| !p.ready && !p.stopped && p.runs_at <= now) {
                pod.used += Duration::from_nanos(warm);
            }
        }
        if let Some(tally) = &mut self.tally {
            let done = Done {
                wanted,
                served,
                waiting: self.waiting,
            };
            tally.add(self.elapsed.as_secs(), self.alive, self.ready, done);
        }
    }

    /// The most work that one pod does in a second.
    fn most(&self) -> u64 {
        work::ceiling(self.model.most)
    }

    /// Divides the work done so far among the pods that did it. Call it before the pods change.
    fn deal(&mut self) {
        let takers = self.takers();
        let each = Duration::from_nanos(work::share(self.undealt, takers));
        self.undealt = 0;
        for pod in self.pods.iter_mut().filter(|pod| pod.ready).take(takers) {
            pod.used += each;
        }
    }

    /// How long a new pod waits for a node. If it does not fit, a node is added, which stays.
    fn wait_for_node(&mut self) -> Duration {
        let there = self.pods.len();
        match &mut self.model.nodes {
            Some(nodes) if there >= nodes.room => {
                nodes.room = there + 1;
                nodes.wait
            }
            _ => Duration::ZERO,
        }
    }

    /// How many pods share the work.
    fn takers(&self) -> usize {
        if self.model.fault == Some(Fault::Sticky) {
            self.ready.min(1)
        } else {
            self.ready
        }
    }

    fn counted(&mut self) {
        self.ready = self.pods.iter().filter(|pod| pod.ready).count();
        self.alive = self.pods.iter().filter(|pod| !pod.stopped).count();
    }

    fn pod(&mut self, name: &str) -> Option<&mut ModeledPod> {
        self.pods.iter_mut().find(|pod| pod.name == name)
    }

    /// The number of requests that correspond to the work done so far.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a count of requests is positive and far below 2^52"
    )]
    fn requests(&self) -> u64 {
        let cost_us = self.profile.cost_us.filter(|cost| *cost > 0.0);
        cost_us.map_or(0, |cost| (self.answered as f64 / 1000.0 / cost) as u64)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate of requests is positive and far below 2^52"
    )]
    fn second(&self, since: Duration) -> LoadSecond {
        let at = self
            .elapsed
            .saturating_sub(since)
            .saturating_sub(STEP)
            .as_secs_f64();
        let rate = self.profile.rate(at).unwrap_or(0.0);
        let takers = self.takers();
        let share = (rate / count(takers.max(1))) as u64;
        let ready = self.pods.iter().filter(|pod| pod.ready).take(takers);
        LoadSecond {
            offered_rps: Some(rate),
            rps: rate,
            verified: self.requests(),
            pods: ready.map(|pod| (pod.name.clone(), share)).collect(),
            ..LoadSecond::default()
        }
    }

    /// Applies an event to the world itself.
    fn take_effect(&mut self, happening: Happening) -> Option<Happening> {
        match &happening {
            Happening::Ready { pod, ready } => {
                self.pod(pod).filter(|pod| !pod.stopped)?;
                self.deal();
                self.pod(pod)?.ready = *ready;
                self.counted();
            }
            Happening::Gone(name) => {
                self.pods.retain(|pod| pod.name != *name);
                self.counted();
            }
            Happening::Load(_) => {
                let since = self.loaded?;
                // Each second schedules the next.
                self.plan(STEP, Happening::Load(LoadSecond::default()));
                return Some(Happening::Load(self.second(since)));
            }
            Happening::LoadEnded(_) => {
                self.loaded = None;
                let requests = self.requests();
                return Some(Happening::LoadEnded(Ok(LoadResult {
                    requests,
                    failed: 0,
                    wrong: 0,
                    verified: requests,
                    generator: GeneratorVerdict::Ok,
                    generator_reasons: Vec::new(),
                    exit_code: 0,
                    command: None,
                    output: Vec::new(),
                })));
            }
            Happening::Running(_) | Happening::Crashed { .. } | Happening::Interrupted => {}
        }
        Some(happening)
    }
}

impl World for ModeledWorld {
    fn now(&self) -> Timestamp {
        after(self.begin, self.elapsed)
    }

    fn wait(&mut self, until: Timestamp) -> Option<Happening> {
        let until = Duration::try_from(until.duration_since(self.begin)).unwrap_or_default();
        while self.coming.first().is_some_and(|(due, _)| *due < until) {
            let (due, happening) = self.coming.remove(0);
            self.work(due);
            if let Some(happening) = self.take_effect(happening) {
                return Some(happening);
            }
        }
        self.work(until);
        None
    }

    fn start_pod(&mut self, name: &str) {
        let waits = self.wait_for_node();
        self.pods.push(ModeledPod {
            name: name.to_owned(),
            ready: false,
            stopped: false,
            runs_at: self.elapsed + waits,
            used: Duration::ZERO,
        });
        self.counted();
        let PodModel {
            runs_after,
            ready_after,
            fault,
            ..
        } = self.model;
        if fault == Some(Fault::Crash) {
            for round in 1..20 {
                let how = "exit status: 2".to_owned();
                let pod = name.to_owned();
                self.plan(runs_after * round * 4, Happening::Crashed { pod, how });
            }
            return;
        }
        self.plan(waits + runs_after, Happening::Running(name.to_owned()));
        if fault != Some(Fault::PodsNotReady) {
            let pod = name.to_owned();
            self.plan(waits + ready_after, Happening::Ready { pod, ready: true });
        }
    }

    fn adopt_pod(&mut self, name: &str, worked: Duration) {
        self.pods.push(ModeledPod {
            name: name.to_owned(),
            ready: true,
            stopped: false,
            runs_at: self.elapsed,
            used: Duration::ZERO,
        });
        self.counted();
        let all = work::per_second(self.profile.at(0.0));
        let each = work::share(all, self.pods.len()).min(self.most());
        let worked = u64::try_from(worked.as_nanos()).unwrap_or(u64::MAX);
        for pod in &mut self.pods {
            pod.used = Duration::from_nanos(work::part(each, worked));
        }
    }

    fn stop_pod(&mut self, name: &str) {
        if self.pod(name).is_some_and(|pod| pod.ready) {
            self.deal();
        }
        if let Some(pod) = self.pod(name) {
            pod.ready = false;
            pod.stopped = true;
        }
        self.counted();
        self.plan(self.model.drains, Happening::Gone(name.to_owned()));
    }

    fn cpu_times(&mut self) -> Vec<(String, Duration)> {
        self.deal();
        let pods = self.pods.iter();
        pods.map(|pod| (pod.name.clone(), pod.used)).collect()
    }

    fn start_load(&mut self) -> Duration {
        self.loaded = Some(self.elapsed);
        if self.reports {
            self.plan(STEP, Happening::Load(LoadSecond::default()));
        }
        let whole = self.profile.end();
        if self.tally.is_none() {
            self.plan(whole, Happening::LoadEnded(Err(String::new())));
        }
        whole
    }

    fn stop_load(&mut self) {
        if self.loaded.take().is_some() {
            self.coming.retain(|(_, happening)| {
                !matches!(happening, Happening::Load(_) | Happening::LoadEnded(_))
            });
            self.plan(Duration::ZERO, Happening::LoadEnded(Err(String::new())));
        }
    }
}

//! The simulated cluster at work: a step of time after the other, and all that is observed of it.

use std::time::Duration;

use hpa_check_core::conductor::{Action, Conductor, Pace};
use hpa_check_core::evaluator::Evaluator;
use hpa_check_core::model::pods::{Pod as ModelPod, PodMetric};
use hpa_check_core::model::reconcile::{Autoscaler as Controller, Scale, Sync};
use hpa_check_core::model::{Rules, Settings};
use hpa_check_core::observation::*;
use hpa_check_core::result::RunResult;
use hpa_check_core::spec::ContainerCpu;
use hpa_check_core::units::Millicores;

use super::{Fate, Metrics, World, at};

struct PodState {
    pod: Pod,
    made: i64,
    end: Option<i64>,
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
    writer: Option<Writer>,
    told: Option<Target>,
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
    /// Runs it to its end; all that was observed, and what was made of it live.
    pub(crate) fn run(&self) -> (Vec<Observation>, RunResult) {
        let mut run = Run {
            world: self,
            evaluator: Evaluator::new(self.expectation.clone()),
            conductor: Conductor::new(self.expectation.clone(), self.pace),
            recording: Vec::new(),
            now: 0,
            pods: Vec::new(),
            made: 0,
            replicas: self.spec.effective_min(),
            generation: 1,
            writer: None,
            told: None,
            status: None,
            hpa: Controller::new(Settings::from(&self.controller), Rules::default()),
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
        (run.recording, run.evaluator.finish(end))
    }

    pub(crate) fn result(&self) -> RunResult {
        self.run().1
    }
}

impl Run<'_> {
    fn introduce(&mut self) {
        self.tell(Seen::Setting(Setting {
            source: "simulation".into(),
            namespace: String::new(),
            autoscaler: "fib-server".into(),
            kubernetes: None,
            controller: self.world.controller.clone(),
            metrics_resolution: self.world.resolution,
        }));
        for fact in &self.world.facts {
            self.tell(Seen::Fact(fact.clone()));
        }
        self.tell_autoscaler();
    }

    /// One step of time; true at the end.
    fn tick(&mut self) -> bool {
        self.deploy();
        self.delete_and_make_again();
        if self.world.interrupt.is_some_and(|s| s * 1000 == self.now) {
            self.tell(Seen::Interrupted);
        }
        while let Some(action) = self.conductor.next(at(self.now), self.evaluator.timeline()) {
            match action {
                Action::Enter(phase) => self.tell(Seen::Phase { phase }),
                Action::StartLoad => self.load_started = Some(self.now),
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

    /// Whether there is an autoscaler, and a controller that looks after it.
    fn syncs(&self) -> bool {
        !self.within(self.world.stands_still) && !self.within(self.world.deleted)
    }

    fn within(&self, seconds: Option<(i64, i64)>) -> bool {
        seconds.is_some_and(|(from, until)| (from * 1000..until * 1000).contains(&self.now))
    }

    fn delete_and_make_again(&mut self) {
        let Some((from, until)) = self.world.deleted else {
            return;
        };
        if self.now == from * 1000 {
            self.tell(Seen::AutoscalerGone);
        }
        if self.now == until * 1000 {
            self.uid = "hpa, made again";
            self.status = None;
            self.hpa = Controller::new(Settings::from(&self.world.controller), Rules::default());
            self.tell_autoscaler();
        }
    }

    fn deploy(&mut self) {
        let now = self.now;
        let mut changed = Vec::new();
        let living = |pods: &[PodState]| pods.iter().filter(|p| !p.pod.deleting).count();
        let wanted = usize::try_from(self.replicas).unwrap();
        let room = self
            .world
            .quota
            .map_or(usize::MAX, |q| usize::try_from(q).unwrap());
        while living(&self.pods) < wanted.min(room) {
            self.make();
            changed.push(self.pods.len() - 1);
        }
        while living(&self.pods) > wanted {
            let last = self.pods.iter().rposition(|p| !p.pod.deleting).unwrap();
            self.pods[last].pod.deleting = true;
            self.pods[last].end = Some(now + 2000);
            changed.push(last);
        }
        let start = self.world.pod_start;
        for (i, state) in self.pods.iter_mut().enumerate() {
            let fate = (self.world.fate)(index(&state.pod));
            let serves = matches!(fate, Fate::Serves | Fate::Pauses(..));
            let due = now - state.made >= start && state.pod.phase == "Pending";
            if due && fate != Fate::FitsNowhere {
                state.pod.phase = "Running".into();
                if serves {
                    state.pod.ready = Some(Ready {
                        status: "True".into(),
                        since: Some(at(now)),
                    });
                }
                changed.push(i);
            }
            if let Fate::Pauses(from, until) = fate
                && [from * 1000, until * 1000].contains(&now)
            {
                let status = if now == from * 1000 { "False" } else { "True" };
                state.pod.ready = Some(Ready {
                    status: status.into(),
                    since: Some(at(now)),
                });
                changed.push(i);
            }
        }
        let pods: Vec<Pod> = changed.iter().map(|i| self.pods[*i].pod.clone()).collect();
        for pod in pods {
            self.tell(Seen::Pod(pod));
        }
        let over = |p: &PodState| p.end.is_some_and(|end| end <= now);
        let gone: Vec<String> = self
            .pods
            .iter()
            .filter(|p| over(p))
            .map(|p| p.pod.name.clone())
            .collect();
        self.pods.retain(|p| !over(p));
        for name in gone {
            self.tell(Seen::PodGone { name });
        }
        self.tell_target();
    }

    fn make(&mut self) {
        self.made += 1;
        let name = format!("fib-server-5d8f-{:03}", self.made);
        let fate = (self.world.fate)(self.made);
        self.pods.push(PodState {
            pod: Pod {
                uid: name.clone(),
                phase: "Pending".into(),
                deleting: false,
                started: Some(at(self.now)),
                ready: Some(Ready {
                    status: "False".into(),
                    since: Some(at(self.now)),
                }),
                containers: vec![ContainerCpu {
                    name: "fib-server".into(),
                    cpu_request: self.world.request.map(Millicores),
                    cpu_limit: self.world.limit.map(Millicores),
                }],
                waiting: match fate {
                    Fate::Waits(why) => Some(why.into()),
                    _ => None,
                },
                unschedulable: (fate == Fate::FitsNowhere)
                    .then(|| "0/1 nodes are available: 1 Insufficient cpu.".into()),
                owner: Some((self.world.owner)(self.made).into()),
                restarts: 0,
                name,
            },
            made: self.now,
            end: None,
        });
    }

    fn level(&self) -> i64 {
        let Some(started) = self.load_started else {
            return self.world.rest;
        };
        let level = match self.world.pace {
            Pace::Computed if self.load_stopped.is_none() => self.world.high,
            Pace::Computed => self.world.after,
            Pace::Planned { up, down, .. } => {
                let elapsed = Duration::from_millis(u64::try_from(self.now - started).unwrap());
                if elapsed < up {
                    self.world.rest
                } else if elapsed < down {
                    let turn = (elapsed - up).as_secs();
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
            ..LoadSecond::default()
        }));
        if self.load_stopped.is_some() {
            self.load_ended = true;
            self.tell(Seen::LoadResult(self.world.account.clone()));
        }
    }

    fn scrape(&mut self) {
        let (now, level) = (self.now, self.level());
        let serving: Vec<&Pod> = self
            .pods
            .iter()
            .filter(|p| p.pod.ready.as_ref().unwrap().status == "True" && !p.pod.deleting)
            .map(|p| &p.pod)
            .collect();
        let all = i64::try_from(serving.len()).unwrap().max(1);
        let alone = level * self.world.hot / 100;
        let limit = self.world.limit.unwrap_or(i64::MAX);
        let measured = self
            .pods
            .iter()
            .filter(|p| !p.pod.deleting && p.made <= self.scraped);
        let samples = measured
            .enumerate()
            .filter(|(i, _)| !matches!(self.world.metrics, Metrics::Leaves(n) if *i >= n))
            .map(|(i, p)| {
                let serves = serving.iter().any(|s| s.name == p.pod.name);
                let mut cpu = if serves { (level - alone) / all } else { 0 };
                cpu += if i == 0 { alone } else { 0 };
                PodSample {
                    pod: p.pod.name.clone(),
                    timestamp: at(now),
                    window: self.world.resolution,
                    containers: vec![ContainerSample {
                        name: "fib-server".into(),
                        cpu: Millicores(cpu.min(limit)),
                    }],
                }
            })
            .collect();
        self.scraped = now;
        match self.world.metrics {
            Metrics::StopsAt(second) if now >= second * 1000 => {}
            Metrics::Fails(error) => self.samples = Err(error.into()),
            _ => self.samples = Ok(samples),
        }
        match self.samples.clone() {
            Ok(_) if self.world.metrics == Metrics::Forbidden => {
                self.tell(Seen::MetricsUnavailable {
                    error: "pods.metrics.k8s.io is forbidden".into(),
                });
            }
            Ok(samples) => self.tell(Seen::PodMetrics { samples }),
            Err(error) => self.tell(Seen::MetricsUnavailable { error }),
        }
    }

    fn sync(&mut self) {
        let before = self.status.clone().unwrap_or_default();
        let current = self.replicas;
        if let Some((kind, reason, message)) = self.world.refusal {
            let condition = Condition {
                kind: kind.into(),
                status: "False".into(),
                reason: reason.into(),
                message: message.into(),
            };
            self.status = Some(AutoscalerStatus {
                current_replicas: Some(current),
                conditions: vec![condition],
                ..before
            });
            return self.tell_autoscaler();
        }
        let pods: Vec<ModelPod> = self.pods.iter().map(|p| ModelPod::from(&p.pod)).collect();
        let samples = self.samples.clone();
        let samples: Result<Vec<PodMetric>, String> =
            samples.map(|s| s.iter().map(PodMetric::from).collect());
        let decision = self.hpa.sync(Sync {
            now: at(self.now),
            spec: &self.world.spec,
            scale: Ok(Scale {
                replicas: current,
                selector: "app=fib-server",
            }),
            pods: &pods,
            metrics: samples.as_deref().map_err(String::as_str),
            other_metrics_error: "",
            other_selectors: &[],
            update_error: None,
            conditions: &before.conditions,
            desired_before: before.desired_replicas,
        });
        let desired = (self.world.decide)(current, decision.desired);
        self.status = Some(AutoscalerStatus {
            current_replicas: Some(current),
            desired_replicas: desired,
            cpu_utilization: decision.utilization,
            conditions: decision.conditions,
            last_scale: None,
        });
        self.tell_autoscaler();
        if desired != current && decision.error.is_none() {
            self.scale(desired, "kube-controller-manager");
            if let (Some((wait, _)), true) = (self.world.rival, desired > current) {
                self.rival_due = Some(self.now + wait * 1000);
            }
        }
    }

    fn scale(&mut self, replicas: i32, manager: &str) {
        if replicas != self.replicas {
            self.replicas = replicas;
            self.generation += 1;
            self.writer = Some(Writer {
                manager: manager.into(),
                at: Some(at(self.now)),
            });
        }
    }

    fn tell_autoscaler(&mut self) {
        self.tell(Seen::Autoscaler(Autoscaler {
            uid: self.uid.into(),
            spec: self.world.spec.clone(),
            status: self.status.clone(),
            status_written: self.status.as_ref().map(|_| at(self.now)),
        }));
    }

    fn tell_target(&mut self) {
        let living: Vec<&PodState> = self.pods.iter().filter(|p| !p.pod.deleting).collect();
        let count = |n: usize| i32::try_from(n).unwrap();
        let ready = living
            .iter()
            .filter(|p| p.pod.ready.as_ref().unwrap().status == "True")
            .count();
        let short = count(living.len()) < self.replicas;
        let target = Target {
            uid: "deploy".into(),
            generation: self.world.generation.then_some(self.generation),
            spec_replicas: self.replicas,
            replicas: count(living.len()),
            ready_replicas: count(ready),
            updated_replicas: count(living.len()),
            selector: "app=fib-server".into(),
            conditions: short
                .then(|| Condition {
                    kind: "ReplicaFailure".into(),
                    status: "True".into(),
                    reason: "FailedCreate".into(),
                    message: "pods \"x\" is forbidden: exceeded quota: small".into(),
                })
                .into_iter()
                .collect(),
            replicas_writer: self.writer.clone(),
        };
        if self.told.as_ref() != Some(&target) {
            self.told = Some(target.clone());
            self.tell(Seen::Target(target));
        }
    }

    fn tell(&mut self, seen: Seen) {
        let watched = matches!(
            seen,
            Seen::Target(_)
                | Seen::Autoscaler(_)
                | Seen::AutoscalerGone
                | Seen::Pod(_)
                | Seen::PodGone { .. }
        );
        if let Some((from, until)) = self.world.blind {
            let blind = |s: i64| from * 1000 <= s && s < until * 1000;
            if watched && blind(self.now) {
                if !self.lost() {
                    self.watch(WatchState::Lost);
                }
                self.told = None;
                return;
            }
            if watched && self.lost() {
                self.watch(WatchState::Current);
            }
        }
        self.record(seen);
    }

    fn lost(&self) -> bool {
        let last = self.recording.iter().rev().find_map(|o| match &o.seen {
            Seen::Watch(w) => Some(w.state),
            _ => None,
        });
        last == Some(WatchState::Lost)
    }

    fn watch(&mut self, state: WatchState) {
        self.record(Seen::Watch(Watch {
            resource: "target".into(),
            state,
            error: Some("connection reset".into()),
            since: None,
        }));
    }

    fn record(&mut self, seen: Seen) {
        let observation = Observation {
            at: at(self.now),
            seen,
        };
        self.evaluator.observe(&observation);
        self.recording.push(observation);
    }
}

fn index(pod: &Pod) -> usize {
    pod.name.rsplit('-').next().unwrap().parse().unwrap()
}

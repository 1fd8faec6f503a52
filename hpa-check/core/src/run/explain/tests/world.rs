//! A cluster in which everything takes a random time: pods, samples, watches, polls, and each step of a sync.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::super::calls::{CallOrder, as_one};
use crate::model::VersionGates;
use crate::model::pods::ModelPod;
use crate::model::proposal::Readings;
use crate::model::reconcile::{Controller, ScaleSubresource, Sync};
use crate::model::selector::TargetSelector;
use crate::observation::*;
use crate::quantity::Quantity;
use crate::spec::*;
use crate::units::{Bytes, Millicores};

const REQUEST: i64 = 100;
const END: i64 = 150_000;

/// Random numbers that depend only on the seed (xorshift64*).
#[derive(Debug, Clone)]
struct Random(u64);

impl Random {
    fn below(&mut self, end: i64) -> i64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        i64::try_from(high).unwrap() % end.max(1)
    }

    fn between(&mut self, begin: i64, end: i64) -> i64 {
        begin + self.below(end - begin)
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        let index = self.below(i64::try_from(all.len()).unwrap());
        all[usize::try_from(index).unwrap()].clone()
    }
}

/// The controller's true memory after a sync that shows in the status.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    pub(super) seen_at: Timestamp,
    pub(super) now: Timestamp,
    pub(super) controller: Controller,
    pub(super) proposed: Option<i32>,
    pub(super) spec: AutoscalerSpec,
}

#[derive(Debug, Clone)]
pub(super) struct World {
    random: Random,
    pub(super) spec: AutoscalerSpec,
    setting: RunContext,
    /// Every state of the pods, the answers and the target, each with its start.
    pods: Vec<(i64, BTreeMap<String, Pod>)>,
    answers: Vec<(i64, Vec<PodSample>)>,
    replicas: i32,
    generation: i64,
    made: usize,
    controller: Controller,
    status: Option<AutoscalerStatus>,
    /// When it was written.
    status_at: i64,
    recording: Vec<Observation>,
    truths: Vec<Truth>,
    /// When each stream was last observed: a watch keeps its order.
    seen: [i64; 4],
    load: i64,
    /// The values of the external metric, each with its start.
    queue: Vec<(i64, i64)>,
    /// When the spec last changed.
    changed: i64,
    /// Whether the API server rejects statuses.
    refuses: bool,
}

/// The application's container, and its sidecar.
const APP: &str = "fib-server";
const SIDECAR: &str = "proxy";

fn metric(source: MetricSource, target: MetricTarget) -> MetricSpec {
    MetricSpec { source, target }
}

fn queue() -> MetricSource {
    MetricSource::External(MetricIdentifier {
        name: "queue".into(),
        selector: None,
    })
}

/// Every kind of metric that can be explained, alone and together with others.
fn metrics(random: &mut Random) -> Vec<MetricSpec> {
    let cpu = || MetricSpec::cpu_utilization(50);
    let memory = |target| {
        let name = "memory".to_owned();
        metric(MetricSource::Resource { name }, target)
    };
    let app = MetricSource::ContainerResource {
        name: "cpu".into(),
        container: APP.into(),
    };
    let total = MetricTarget::Value(Quantity::from_milli(300_000));
    let each = MetricTarget::AverageValue(Quantity::from_milli(100_000));
    let amount = MetricTarget::AverageValue(Quantity::from_milli(70_000_000));
    match random.below(9) {
        0 => vec![cpu(), memory(MetricTarget::Utilization(60))],
        1 => vec![memory(amount)],
        2 => vec![metric(app, MetricTarget::Utilization(50))],
        3 => vec![cpu(), metric(queue(), total)],
        4 => vec![metric(queue(), each), cpu()],
        5 => vec![metric(queue(), total)],
        _ => vec![cpu()],
    }
}

fn at(ms: i64) -> Timestamp {
    let start: Timestamp = "2026-03-04T10:20:30.250Z".parse().unwrap();
    start + SignedDuration::from_millis(ms)
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap()
}

impl World {
    pub(super) fn random(seed: u64) -> Self {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        random.below(2);
        let seconds = |s: i64| Duration::from_secs(u64::try_from(s).unwrap());
        let controller = ControllerConfig {
            sync_period: seconds(random.one_of(&[2, 5, 15])),
            downscale_stabilization: seconds(random.one_of(&[0, 5, 20, 60])),
            cpu_initialization_period: seconds(random.one_of(&[5, 60, 300])),
            initial_readiness_delay: seconds(random.one_of(&[2, 30])),
            ..ControllerConfig::default()
        };
        let policy = |kind, value, period_seconds| ScalingPolicy {
            kind,
            value,
            period_seconds,
        };
        let policies = vec![
            policy(
                PolicyKind::Pods,
                i32::try_from(random.between(1, 5)).unwrap(),
                15,
            ),
            policy(PolicyKind::Percent, 50, 30),
        ];
        let rules = |window: Option<i32>, policies: Option<Vec<ScalingPolicy>>| ScalingRules {
            stabilization_window_seconds: window,
            policies,
            ..ScalingRules::default()
        };
        let behaviors = [
            None,
            Some(Behavior::default()),
            Some(Behavior {
                scale_up: Some(rules(None, Some(policies.clone()))),
                scale_down: Some(rules(Some(10), Some(policies))),
            }),
            Some(Behavior {
                scale_up: Some(rules(Some(12), None)),
                scale_down: Some(rules(Some(30), None)),
            }),
        ];
        let spec = AutoscalerSpec {
            scale_target_ref: TargetRef {
                api_version: "apps/v1".into(),
                kind: "Deployment".into(),
                name: "fib-server".into(),
            },
            min_replicas: Some(3),
            max_replicas: 10,
            metrics: metrics(&mut random),
            behavior: random.one_of(&behaviors),
        };
        let resolution = seconds(random.one_of(&[2, 5, 15]));
        Self {
            controller: Controller::new(controller.clone(), VersionGates::default()),
            setting: RunContext {
                source: "simulation".into(),
                namespace: "default".into(),
                autoscaler: "fib-server".into(),
                kubernetes: None,
                controller,
                controller_stated: true,
                metrics_resolution: resolution,
            },
            spec,
            pods: vec![(0, BTreeMap::new())],
            answers: vec![(0, Vec::new())],
            replicas: 3,
            generation: 1,
            made: 0,
            status: None,
            status_at: 0,
            recording: Vec::new(),
            truths: Vec::new(),
            seen: [0; 4],
            load: 150,
            queue: vec![(0, 200)],
            changed: i64::MIN,
            refuses: random.below(3) == 0,
            random,
        }
    }

    /// All observations of it, and the controller's true memories.
    pub(super) fn run(&self) -> (Vec<Observation>, Vec<Truth>) {
        let mut world = self.clone();
        let setting = world.setting.clone();
        world.tell(0, Seen::RunContext(setting));
        world.tell_autoscaler(0);
        let (sync, resolution) = (
            ms(self.setting.controller.sync_period),
            ms(self.setting.metrics_resolution),
        );
        let (mut scrape, mut poll, mut load) = (resolution, 0, 0);
        let mut next_sync = world.random.between(100, sync);
        for now in (0..END).step_by(50) {
            world.deploy(now);
            if now >= load {
                world.load = world.random.between(20, 900);
                load = now + world.random.between(4_000, 40_000);
                let waiting = world.random.between(0, 900);
                world.queue.push((now, waiting));
            }
            if world.random.below(1_500) == 0 {
                world.change(now);
            }
            if now >= scrape {
                world.scrape(now);
                scrape += resolution;
            }
            if now >= poll {
                world.poll(now);
                poll = now + world.random.between(resolution / 4, resolution / 2);
            }
            if now >= next_sync {
                let took = world.sync(now);
                next_sync = now + sync.max(took) + world.random.below(200);
            }
        }
        world.recording.sort_by_key(|o| o.at);
        (world.recording, world.truths)
    }

    fn tell(&mut self, ms: i64, seen: Seen) -> Timestamp {
        let at = at(ms);
        self.recording.push(Observation { at, seen });
        at
    }

    /// Schedules the observation of a change a moment later, in its stream's order.
    fn watch(&mut self, now: i64, stream: usize, seen: Seen) -> Timestamp {
        let late = now + self.random.between(1, 400);
        self.seen[stream] = late.max(self.seen[stream] + 1);
        self.tell(self.seen[stream], seen)
    }

    fn tell_autoscaler(&mut self, written: i64) -> Timestamp {
        let seen = Seen::Autoscaler(Autoscaler {
            uid: "hpa".into(),
            spec: self.spec.clone(),
            status: self.status.clone(),
            status_written: self.status.as_ref().map(|_| {
                let second = at(self.status_at).as_second();
                Timestamp::from_second(second).unwrap()
            }),
            status_writer: None,
        });
        self.watch(written, 0, seen)
    }

    /// The Deployment creates and deletes pods, and the kubelets start them.
    fn deploy(&mut self, now: i64) {
        let mut pods = self.pods.last().unwrap().1.clone();
        let mut changed = Vec::new();
        let living = pods.values().filter(|p| !p.deleting).count();
        let wanted = usize::try_from(self.replicas).unwrap();
        if living < wanted {
            self.made += 1;
            let name = format!("fib-server-{:03}", self.made);
            pods.insert(name.clone(), pending(&name, now));
            changed.push(name);
        } else if living > wanted {
            let last = pods.values().rfind(|p| !p.deleting).unwrap().name.clone();
            pods.get_mut(&last).unwrap().deleting = true;
            changed.push(last);
        }
        for (name, pod) in &mut pods {
            let starts = pod.phase == "Pending" && self.random.below(20) == 0;
            let turns = pod.phase == "Running" && !pod.is_ready() && self.random.below(15) == 0;
            if starts {
                pod.phase = "Running".into();
            }
            if turns {
                pod.ready = Some(ready("True", now));
            }
            if (starts || turns) && !changed.contains(name) {
                changed.push(name.clone());
            }
        }
        let mut leaving = pods.values().filter(|p| p.deleting);
        let gone = leaving
            .find(|p| !changed.contains(&p.name))
            .map(|p| p.name.clone());
        let gone = gone.filter(|_| self.random.below(15) == 0);
        if let Some(name) = &gone {
            pods.remove(name);
        }
        if changed.is_empty() && gone.is_none() {
            return;
        }
        for name in changed {
            let pod = pods[&name].clone();
            self.watch(now, 1, Seen::Pod(pod));
        }
        if let Some(name) = gone {
            self.watch(now, 1, Seen::PodGone { name });
        }
        self.pods.push((now, pods));
        self.tell_target(now);
    }

    fn tell_target(&mut self, now: i64) {
        let pods = &self.pods.last().unwrap().1;
        let count = |n: usize| i32::try_from(n).unwrap();
        let living = count(pods.values().filter(|p| !p.deleting).count());
        let ready = count(
            pods.values()
                .filter(|p| !p.deleting && p.is_ready())
                .count(),
        );
        let target = ScaleTarget {
            uid: "deployment".into(),
            generation: Some(self.generation),
            spec_replicas: self.replicas,
            replicas: living,
            ready_replicas: ready,
            counts_ready: true,
            updated_replicas: living,
            selector: "app=fib-server".into(),
            conditions: Vec::new(),
            replicas_writer: Some(FieldManager {
                manager: "kube-controller-manager".into(),
                at: None,
            }),
            spec_digest: None,
        };
        self.watch(now, 2, Seen::Target(target));
    }

    /// Someone edits the autoscaler.
    fn change(&mut self, now: i64) {
        let other = self.random.one_of(&[8, 10, 12]);
        if self.random.below(2) == 0 {
            self.spec.max_replicas = other;
        } else {
            self.spec.set_utilization(self.random.one_of(&[40, 50, 60]));
        }
        self.changed = now;
        self.tell_autoscaler(now);
    }

    fn scrape(&mut self, now: i64) {
        let pods = self.pods.last().unwrap().1.clone();
        let running = pods
            .values()
            .filter(|p| p.phase == "Running" && !p.deleting);
        let running: Vec<Pod> = running.cloned().collect();
        let serving = running.iter().filter(|p| p.is_ready()).count().max(1);
        let each = self.load / i64::try_from(serving).unwrap();
        let samples = running
            .iter()
            .filter(|pod| pod.started.is_some_and(|s| s <= at(now - 1_500)))
            .filter_map(|pod| {
                let noise = self.random.below(12);
                let used = if pod.is_ready() { each + noise } else { noise };
                let bytes = |milli: i64| Some(Bytes(Quantity::from_milli(milli)));
                let mut app = ContainerSample::of_cpu(APP, Millicores(used));
                app.memory = bytes((20 + used / 4) * 1_000_000);
                let mut sidecar = ContainerSample::of_cpu(SIDECAR, Millicores(noise));
                sidecar.memory = bytes(3_000_000);
                // A kubelet may not have answered, or not for one container.
                match self.random.below(40) {
                    0 => return None,
                    1 => app.cpu = None,
                    2 => sidecar.memory = None,
                    _ => {}
                }
                Some(PodSample {
                    pod: pod.name.clone(),
                    timestamp: at(now - 100),
                    window: self.setting.metrics_resolution,
                    containers: vec![app, sidecar],
                })
            });
        let samples = samples.collect();
        self.answers.push((now, samples));
    }

    fn poll(&mut self, now: i64) {
        let samples = self.answers.last().unwrap().1.clone();
        self.tell(now + 5, Seen::PodMetrics { samples });
        if self.spec.metrics.iter().any(|m| m.source == queue()) {
            let reading = waiting(self.queue.last().unwrap().1);
            self.tell(now + 5, Seen::Metric(reading));
        }
    }

    /// What a sync reads that asks first at this instant, and about another resource before the pods.
    fn samples(&mut self, asked: i64, now: i64) -> Vec<PodSample> {
        let first = held(&self.answers, asked).clone();
        let Some(order) = CallOrder::of(&self.spec) else {
            return first;
        };
        let then = self.random.between(asked, now + 1);
        let then: &Vec<PodSample> = held(&self.answers, then);
        as_one(&first, then, order)
    }

    /// One sync: metrics, then pods, then the decision, then two writes. Returns how long it took.
    fn sync(&mut self, now: i64) -> i64 {
        let slow = self.random.below(12) == 0;
        let asked = now - self.random.below(if slow { 1_500 } else { 60 });
        let informed = now - self.random.below(500);
        let samples = self.samples(asked, now);
        let pods: Vec<ModelPod> = held(&self.pods, informed)
            .values()
            .map(Into::into)
            .collect();
        let others = [waiting(*held(&self.queue, asked))];
        let before = self.status.clone().unwrap_or_default();
        let current = self.replicas;
        let decision = self.controller.sync(Sync {
            now: at(now),
            namespace: "default",
            spec: &self.spec,
            scale: Ok(ScaleSubresource {
                replicas: current,
                observed: current,
                selector: &TargetSelector::new("app=fib-server"),
            }),
            pods: &pods,
            metrics: Readings {
                resources: Ok(&samples),
                others: &others,
            },
            shares_pods: false,
            update_error: None,
            conditions: &before.conditions,
            desired_before: before.desired_replicas,
        });
        let status = AutoscalerStatus {
            current_replicas: Some(current),
            desired_replicas: decision.desired,
            cpu_utilization: decision.utilization,
            current_metrics: decision.current_metrics(),
            conditions: decision.conditions.clone(),
            last_scale: if decision.scaled {
                Some(at(now))
            } else {
                before.last_scale
            },
        };
        let written = now + self.random.between(5, 600);
        if decision.scaled {
            self.replicas = decision.desired;
            self.generation += 1;
            self.tell_target(now);
        }
        // The controller read the autoscaler before someone else's write, or before its own last write was
        // visible.
        let stale = self.changed > now - 300 || (self.refuses && self.random.below(15) == 0);
        if self.status.as_ref() != Some(&status) && stale {
            let refused = Event {
                about: "HorizontalPodAutoscaler/fib-server".into(),
                kind: "Warning".into(),
                reason: "FailedUpdateStatus".into(),
                message: "Operation cannot be fulfilled: the object has been modified".into(),
                count: 1,
            };
            self.watch(written, 3, Seen::Event(refused));
        } else if self.status.as_ref() != Some(&status) {
            self.status = Some(status);
            self.status_at = written;
            let seen_at = self.tell_autoscaler(written);
            self.truths.push(Truth {
                seen_at,
                now: at(now),
                controller: self.controller.clone(),
                proposed: decision.proposed,
                spec: self.spec.clone(),
            });
        }
        written - now
    }
}

/// The value at an instant.
fn held<T>(all: &[(i64, T)], at: i64) -> &T {
    let later = all.partition_point(|(from, _)| *from <= at);
    &all[later.max(1) - 1].1
}

fn ready(status: &str, now: i64) -> Ready {
    Ready {
        status: status.into(),
        since: Some(at(now)),
    }
}

fn pending(name: &str, now: i64) -> Pod {
    Pod {
        name: name.into(),
        uid: name.into(),
        phase: "Pending".into(),
        started: Some(at(now)),
        ready: Some(ready("False", now)),
        containers: [(APP, REQUEST), (SIDECAR, REQUEST / 10)]
            .map(|(name, request)| ContainerResources {
                memory_request: Some(Bytes(Quantity::from_milli(request * 1_000_000))),
                ..ContainerResources::cpu(name, Some(Millicores(request)), None)
            })
            .to_vec(),
        ..Pod::default()
    }
}

/// An answer of the external metrics API.
fn waiting(value: i64) -> MetricReading {
    MetricReading {
        metric: queue(),
        answer: MetricAnswer::Values(vec![Quantity::from_milli(value * 1_000)]),
    }
}

//! The pods, the work they do, and the samples taken of it.

use std::time::Duration;

use jiff::Timestamp;

use super::{BEGIN, PodShape, Scenario, instant};
use crate::model::before;
use crate::model::pods::{ContainerUse, Pod as ModelPod, PodMetric, ReadyCondition};
use crate::observation::{ContainerSample, LoadSecond, Pod, PodSample, Ready, Seen, Target};
use crate::spec::{Amounts, ContainerResources};
use crate::units::Millicores;

/// The container's name; a metric that names another counts this one.
const CONTAINER: &str = "app";

/// The pods at the beginning are as old as this.
const AGE: Duration = Duration::from_hours(1);

/// What one second did.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Done {
    /// Work that was wanted, in millicores.
    pub(super) wanted: f64,
    /// Work that was done.
    pub(super) served: f64,
    /// Work that waits afterwards, in millicore-seconds.
    pub(super) waiting: f64,
}

#[derive(Debug, Clone)]
struct One {
    name: String,
    /// `None` for the pods of the beginning.
    made: Option<u64>,
    ready: bool,
    /// Millicore-seconds since the last sample.
    used: f64,
    /// What a watcher was told of it last: its being there, and its being ready.
    told: Option<bool>,
}

impl One {
    fn started(&self) -> Timestamp {
        self.made.map_or_else(|| before(BEGIN, AGE), instant)
    }

    fn ready_since(&self, shape: &PodShape) -> Timestamp {
        match (self.made, self.ready) {
            (None, _) => before(BEGIN, AGE),
            (Some(made), true) => instant(made + shape.start.as_secs()),
            (Some(made), false) => instant(made),
        }
    }
}

/// All of it.
#[derive(Debug)]
pub(super) struct Plant {
    shape: PodShape,
    container: String,
    resolution: u64,
    backlog: bool,
    first_load: f64,
    pods: Vec<One>,
    gone: Vec<String>,
    made: u64,
    waiting: f64,
    metrics: Vec<PodMetric>,
}

impl Plant {
    pub(super) fn new(scenario: &Scenario, replicas: i32) -> Self {
        let named = scenario
            .spec
            .metrics
            .iter()
            .find_map(|m| m.source.container().map(str::to_owned));
        let mut plant = Self {
            shape: scenario.pod.clone(),
            container: named.unwrap_or_else(|| CONTAINER.to_owned()),
            resolution: scenario.resolution.as_secs().max(1),
            backlog: scenario.backlog,
            first_load: scenario.load.at(0),
            pods: Vec::new(),
            gone: Vec::new(),
            made: 0,
            waiting: 0.0,
            metrics: Vec::new(),
        };
        for _ in 0..replicas {
            plant.make(None);
        }
        plant
    }

    fn make(&mut self, made: Option<u64>) {
        self.made += 1;
        self.pods.push(One {
            name: format!("pod-{:04}", self.made),
            made,
            ready: made.is_none(),
            used: 0.0,
            told: None,
        });
    }

    pub(super) fn replicas(&self) -> i32 {
        i32::try_from(self.pods.len()).unwrap_or(i32::MAX)
    }

    pub(super) fn ready(&self) -> i32 {
        i32::try_from(self.pods.iter().filter(|p| p.ready).count()).unwrap_or(i32::MAX)
    }

    /// Makes pods, or takes the newest away.
    pub(super) fn resize(&mut self, replicas: i32, second: u64) {
        let wanted = usize::try_from(replicas).unwrap_or(0);
        while self.pods.len() < wanted {
            self.make(Some(second));
        }
        for pod in self.pods.drain(wanted..) {
            self.gone.push(pod.name);
        }
    }

    /// Pods whose start is over become ready; whether any did.
    pub(super) fn start_ready(&mut self, second: u64) -> bool {
        let start = self.shape.start.as_secs();
        let mut any = false;
        for pod in &mut self.pods {
            let due = pod.made.is_some_and(|made| made + start <= second);
            any |= due && !pod.ready;
            pod.ready |= due;
        }
        any
    }

    /// One second of work.
    pub(super) fn work(&mut self, wanted: f64) -> Done {
        let ready = f64::from(self.ready());
        let most = self.shape.limit.map_or(f64::INFINITY, |l| milli(l) * ready);
        let most = if ready > 0.0 { most } else { 0.0 };
        let offered = wanted + self.waiting;
        let served = offered.min(most);
        self.waiting = if self.backlog { offered - served } else { 0.0 };
        for pod in self.pods.iter_mut().filter(|p| p.ready) {
            pod.used += served / ready;
        }
        Done {
            wanted,
            served,
            waiting: self.waiting,
        }
    }

    /// Takes a sample of every pod that was there for the whole window. The first one, at second 0, is
    /// of what went before: the load of the beginning.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "millicores and seconds are far below 2^52"
    )]
    pub(super) fn sample(&mut self, second: u64) {
        let (resolution, at) = (self.resolution, instant(second));
        let pods = self.pods.len().max(1) as f64;
        let each = self
            .shape
            .limit
            .map_or(f64::INFINITY, milli)
            .min(self.first_load / pods);
        let container = self.container.clone();
        self.metrics.clear();
        for pod in &mut self.pods {
            let used = std::mem::take(&mut pod.used) / resolution as f64;
            let used = if second == 0 { each } else { used };
            if pod.made.is_none_or(|made| made + resolution <= second) {
                self.metrics.push(PodMetric {
                    pod: pod.name.clone(),
                    timestamp: at,
                    window: Duration::from_secs(resolution),
                    containers: vec![ContainerUse {
                        name: container.clone(),
                        used: Amounts {
                            cpu: Some(Millicores((used - 1e-6).ceil() as i64)),
                            memory: None,
                        },
                    }],
                });
            }
        }
    }

    pub(super) fn metrics(&self) -> &[PodMetric] {
        &self.metrics
    }

    pub(super) fn model_pods(&self) -> Vec<ModelPod> {
        let model = |pod: &One| ModelPod {
            name: pod.name.clone(),
            phase: "Running".to_owned(),
            deleting: false,
            start: Some(pod.started()),
            ready: Some(ReadyCondition {
                status: if pod.ready { "True" } else { "False" }.to_owned(),
                last_transition: pod.ready_since(&self.shape),
            }),
            containers: vec![self.container()],
            ..ModelPod::default()
        };
        self.pods.iter().map(model).collect()
    }

    fn container(&self) -> ContainerResources {
        ContainerResources::cpu(&self.container, Some(self.shape.request), self.shape.limit)
    }

    /// What a watcher has not been told yet.
    pub(super) fn news(&mut self) -> Vec<Seen> {
        let gone = self.gone.drain(..).map(|name| Seen::PodGone { name });
        let mut news: Vec<Seen> = gone.collect();
        let (shape, container) = (self.shape.clone(), self.container());
        for pod in self.pods.iter_mut().filter(|p| p.told != Some(p.ready)) {
            pod.told = Some(pod.ready);
            news.push(Seen::Pod(Pod {
                name: pod.name.clone(),
                uid: pod.name.clone(),
                phase: "Running".to_owned(),
                deleting: false,
                started: Some(pod.started()),
                ready: Some(Ready {
                    status: if pod.ready { "True" } else { "False" }.to_owned(),
                    since: Some(pod.ready_since(&shape)),
                }),
                containers: vec![container.clone()],
                ..Pod::default()
            }));
        }
        news
    }

    pub(super) fn target(&self) -> Target {
        let replicas = self.replicas();
        Target {
            uid: "simulated".to_owned(),
            generation: None,
            spec_replicas: replicas,
            replicas,
            ready_replicas: self.ready(),
            counts_ready: true,
            updated_replicas: replicas,
            selector: "app=simulated".to_owned(),
            conditions: Vec::new(),
            replicas_writer: None,
        }
    }

    pub(super) fn pod_samples(&self) -> Vec<PodSample> {
        let samples = self.metrics.iter().map(|metric| PodSample {
            pod: metric.pod.clone(),
            timestamp: metric.timestamp,
            window: metric.window,
            containers: metric
                .containers
                .iter()
                .map(|c| ContainerSample {
                    name: c.name.clone(),
                    cpu: c.used.cpu,
                    memory: c.used.memory,
                })
                .collect(),
        });
        samples.collect()
    }
}

#[expect(clippy::cast_precision_loss, reason = "millicores are far below 2^52")]
pub(super) fn milli(amount: Millicores) -> f64 {
    amount.0 as f64
}

/// A second of load in requests, as a generator would tell it.
pub(super) fn load_second(rate: f64) -> LoadSecond {
    LoadSecond {
        offered_rps: Some(rate),
        rps: rate,
        ..LoadSecond::default()
    }
}

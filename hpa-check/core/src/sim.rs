//! What a load makes of an autoscaler, without a cluster: the model decides, a simple plant obeys.
//!
//! ```text
//! Curve (work wanted) ─ plant (pods, their use, samples) ─ model (one sync after the other) ─ plant …
//! ```
//!
//! The plant's assumptions, all of them: work spreads evenly over ready pods; a pod does as much as its
//! CPU limit allows and loses nothing by being one of many; a new pod starts at once, is ready after
//! its start time and burns nothing before; a removed pod is gone at once; a sample covers one whole
//! resolution and is seen half a sync period later. Time goes in whole seconds and nothing is drawn by
//! lot, so the same scenario always has the same outcome.

mod curve;
mod plant;
mod search;
mod summary;
pub mod what_if;

#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use curve::{Curve, Point};
pub use search::{Bound, Candidate, Grid, Policy, Search, search};
pub use summary::{Replicas, Summary};

use crate::model::proposal::Readings;
use crate::model::reconcile::{Controller, Decision, Scale, Sync};
use crate::model::{VersionGates, after};
use crate::observation::{
    Autoscaler, AutoscalerStatus, ControllerConfig, Observation, RunContext, Seen,
};
use crate::run::budget::Budget;
use crate::spec::AutoscalerSpec;
use crate::units::Millicores;
use plant::Plant;

/// The schema's name and version of a simulation written as JSON.
pub const SCHEMA: &str = "hpa-check-simulation/1";

/// The instant that simulations begin at.
pub const BEGIN: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// What is simulated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scenario {
    /// What the autoscaler is told to do.
    pub spec: AutoscalerSpec,
    /// The controller's settings.
    pub controller: ControllerConfig,
    /// Kubernetes version whose rules hold, as `1.36`; the newest if none is given.
    pub kubernetes: Option<String>,
    /// Time between two samples, and the length of a sample's window.
    #[schemars(with = "u64")]
    #[serde(rename = "metrics_resolution_ms", with = "crate::millis")]
    pub resolution: Duration,
    /// A pod.
    pub pod: PodShape,
    /// The work that is wanted.
    pub load: Curve,
    /// Pods at the beginning; the minimum if not given.
    pub replicas: Option<i32>,
    /// Whether work that can't be done at once waits, instead of being lost.
    pub backlog: bool,
    /// How long it lasts.
    #[schemars(with = "u64")]
    #[serde(rename = "length_ms", with = "crate::millis")]
    pub length: Duration,
}

/// A pod as the plant makes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PodShape {
    /// Its CPU request.
    pub request: Millicores,
    /// Its CPU limit; without one it does whatever is asked of it.
    pub limit: Option<Millicores>,
    /// From its making to its being ready.
    #[schemars(with = "u64")]
    #[serde(rename = "start_ms", with = "crate::millis")]
    pub start: Duration,
}

/// A simulation with its outcome, `hpa-check-simulation/1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Simulation {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The program's version.
    pub version: String,
    /// What was simulated.
    pub scenario: Scenario,
    /// What came of it.
    pub summary: Summary,
    /// The search for cheaper settings, if one was asked for.
    pub search: Option<Search>,
}

impl Scenario {
    /// Long enough to see the curve to its end and the way down after it.
    pub fn natural_length(&self) -> Duration {
        let budget = Budget {
            spec: &self.spec,
            controller: &self.controller,
            resolution: self.resolution,
            pod_start: self.pod.start,
        };
        self.load.end() + budget.down()
    }

    /// Runs it.
    pub fn run(&self) -> Summary {
        self.simulate(None)
    }

    /// Runs it, and tells what a watcher of a cluster would have seen.
    pub fn watch(&self, mut tell: impl FnMut(Observation)) -> Summary {
        self.simulate(Some(&mut tell))
    }

    fn simulate<'a>(&'a self, tell: Option<&'a mut dyn FnMut(Observation)>) -> Summary {
        let mut run = Run::new(self, tell);
        run.begin();
        let seconds = self.length.as_secs();
        for second in 0..seconds {
            run.second(second);
        }
        run.summary.finish()
    }
}

/// A simulation under way.
struct Run<'a> {
    scenario: &'a Scenario,
    controller: Controller,
    status: AutoscalerStatus,
    plant: Plant,
    summary: summary::Tally,
    tell: Option<&'a mut dyn FnMut(Observation)>,
}

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario, tell: Option<&'a mut dyn FnMut(Observation)>) -> Self {
        let version = scenario.kubernetes.as_deref();
        let rules = version.map_or_else(VersionGates::default, VersionGates::of_version);
        let first = scenario.replicas.unwrap_or(scenario.spec.effective_min());
        Self {
            scenario,
            controller: Controller::new(scenario.controller.clone(), rules),
            status: AutoscalerStatus::default(),
            plant: Plant::new(scenario, first),
            summary: summary::Tally::new(scenario, first),
            tell,
        }
    }

    fn begin(&mut self) {
        let scenario = self.scenario;
        self.say(BEGIN, || {
            Seen::RunContext(RunContext {
                source: "simulation".to_owned(),
                namespace: String::new(),
                autoscaler: scenario.spec.scale_target_ref.name.clone(),
                kubernetes: scenario.kubernetes.clone(),
                controller: scenario.controller.clone(),
                metrics_resolution: scenario.resolution,
            })
        });
        self.show_autoscaler(BEGIN);
        self.show_pods(BEGIN);
        self.plant.sample(0);
        self.show_samples(BEGIN);
    }

    fn second(&mut self, second: u64) {
        let now = instant(second);
        let (resolution, period) = (self.scenario.resolution.as_secs().max(1), self.period());
        if second > 0 && second.is_multiple_of(resolution) {
            self.plant.sample(second);
            self.show_samples(now);
        }
        if second % period == period / 2 {
            self.sync(second);
        }
        if self.plant.start_ready(second) {
            self.show_pods(now);
        }
        if let Some(rate) = self.scenario.load.rate(second) {
            self.say(now, || Seen::Load(plant::load_second(rate)));
        }
        let done = self.plant.work(self.scenario.load.at(second));
        self.summary.add(second, &self.plant, done);
    }

    fn period(&self) -> u64 {
        self.scenario.controller.sync_period.as_secs().max(1)
    }

    fn sync(&mut self, second: u64) {
        let (now, replicas) = (instant(second), self.plant.replicas());
        let decision = self.decide(now, replicas);
        self.status.current_replicas = Some(replicas);
        self.status.desired_replicas = decision.desired;
        self.status.cpu_utilization = decision.utilization;
        self.status.current_metrics = decision.current_metrics();
        self.status.conditions = decision.conditions;
        if decision.scaled {
            self.status.last_scale = Some(now);
            self.plant.resize(decision.desired, second);
            self.summary.scaled(second, decision.desired);
        }
        self.show_autoscaler(now);
        if decision.scaled {
            self.show_pods(now);
        }
    }

    fn decide(&mut self, now: Timestamp, replicas: i32) -> Decision {
        let (pods, metrics) = (self.plant.model_pods(), self.plant.metrics());
        self.controller.sync(Sync {
            now,
            namespace: "",
            spec: &self.scenario.spec,
            scale: Ok(Scale {
                replicas,
                observed: replicas,
                selector: "app=simulated",
            }),
            pods: &pods,
            metrics: Readings::of_resources(Ok(metrics)),
            other_selectors: &[],
            update_error: None,
            conditions: &self.status.conditions,
            desired_before: self.status.desired_replicas,
        })
    }

    fn show_autoscaler(&mut self, now: Timestamp) {
        let (scenario, status) = (self.scenario, self.status.clone());
        self.say(now, || {
            let synced = status.current_replicas.is_some();
            Seen::Autoscaler(Autoscaler {
                uid: "simulated".to_owned(),
                spec: scenario.spec.clone(),
                status: synced.then_some(status),
                status_written: Some(now),
            })
        });
    }

    fn show_pods(&mut self, now: Timestamp) {
        if self.tell.is_none() {
            return;
        }
        for seen in self.plant.news() {
            self.say(now, || seen);
        }
        let target = self.plant.target();
        self.say(now, || Seen::Target(target));
    }

    fn show_samples(&mut self, now: Timestamp) {
        if self.tell.is_none() {
            return;
        }
        let samples = self.plant.pod_samples();
        self.say(now, || Seen::PodMetrics { samples });
    }

    fn say(&mut self, at: Timestamp, seen: impl FnOnce() -> Seen) {
        if let Some(tell) = &mut self.tell {
            tell(Observation { at, seen: seen() });
        }
    }
}

/// The instant of a second of the simulation.
fn instant(second: u64) -> Timestamp {
    after(BEGIN, Duration::from_secs(second))
}

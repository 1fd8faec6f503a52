//! A simulated cluster: a small Kubernetes ([`engine`]) whose autoscaler is the model. `simulate`, `what-if`
//! and the search run it on modeled pods ([`modeled`]), the rehearsal runs it on processes.
//!
//! ```text
//! load profile (work wanted) ─ pods (their use) ─ metrics API ─ model (sync by sync) ─ Deployment ─ pods …
//! ```
//!
//! A [`Scenario`] makes more assumptions than modeled pods do: a new pod runs immediately and is ready after
//! its start time; a removed pod disappears immediately; a sample covers one full resolution and is read half a
//! sync period later. Time advances in whole seconds.

mod autoscaler;
pub mod cost;
mod demand;
mod deployment;
pub mod engine;
mod fast_forward;
pub mod fault;
pub mod intensity;
pub mod measured;
mod metrics;
pub mod modeled;
mod profile;
pub mod scene;
mod search;
pub mod sizing;
mod spread;
mod summary;
pub mod timescale;
pub mod what_if;
mod work;
pub mod world;

#[cfg(test)]
pub(crate) mod tests;

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use profile::{LoadProfile, Point};
pub use search::{Bound, Candidate, Grid, ScaleUpPolicy, Search, search};
pub use summary::{ReplicaStep, Summary};

use crate::manifests::Origin;
use crate::observation::{ControllerConfig, Observation};
use crate::run::budget::Budget;
use crate::spec::{AutoscalerSpec, ContainerResources};
use crate::units::Millicores;
use demand::WorkBySecond;
use engine::{Engine, SimulationStep};
use fault::{Fault, SimulatedFault};
use modeled::{ModeledWorld, NodePool, PodModel};
use scene::Scene;
use spread::Spread;
use summary::Tally;

/// The schema's name and version of a simulation written as JSON.
pub const SCHEMA: &str = "hpa-check-simulation/1";

/// The instant at which simulations start.
pub const BEGIN: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// What is simulated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scenario {
    /// The autoscaler's spec.
    pub spec: AutoscalerSpec,
    /// The controller's settings.
    pub controller: ControllerConfig,
    /// The Kubernetes version whose rules apply, as `1.36`; the newest if none is given.
    pub kubernetes: Option<String>,
    /// Time between two samples, and the length of a sample's window.
    #[schemars(with = "u64")]
    #[serde(rename = "metrics_resolution_ms", with = "crate::millis")]
    pub resolution: Duration,
    /// The pods' shape.
    pub pod: PodShape,
    /// The work requested.
    pub load: LoadProfile,
    /// Replicas at the start; the minimum if not given.
    pub replicas: Option<i32>,
    /// Whether work that exceeds the capacity waits instead of being lost.
    pub backlog: bool,
    /// How long it lasts.
    #[schemars(with = "u64")]
    #[serde(rename = "length_ms", with = "crate::millis")]
    pub length: Duration,
    /// The injected faults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<SimulatedFault>,
    /// The autoscaler of the manifest, where one was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
}

/// A pod as it is simulated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PodShape {
    /// Its CPU request.
    pub request: Millicores,
    /// Its CPU limit.
    pub limit: Option<Millicores>,
    /// The most CPU it uses if it has no limit.
    #[serde(default)]
    pub ceiling: Ceiling,
    /// From its creation until it is ready.
    #[schemars(with = "u64")]
    #[serde(rename = "start_ms", with = "crate::millis")]
    pub start: Duration,
}

/// The most CPU that a pod without a CPU limit uses.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ceiling {
    /// Twice its request. Kubernetes guarantees the request; what a pod gets beyond it depends on its
    /// neighbors.
    #[default]
    TwiceRequest,
    /// This much.
    At(Millicores),
    /// As much as the work needs.
    Unlimited,
}

impl PodShape {
    /// The most CPU that one pod uses; `None` is unlimited.
    pub fn most(&self) -> Option<Millicores> {
        self.limit.or(match self.ceiling {
            Ceiling::TwiceRequest => Some(Millicores(self.request.0.saturating_mul(2))),
            Ceiling::At(most) => Some(most),
            Ceiling::Unlimited => None,
        })
    }
}

/// A simulation with its result, `hpa-check-simulation/1`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Simulation {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// The program's version.
    pub version: String,
    /// The command line, without secrets.
    #[serde(default)]
    pub command: Option<String>,
    /// What was simulated.
    pub scenario: Scenario,
    /// The result in numbers.
    pub summary: Summary,
    /// The requested bounds.
    #[serde(default)]
    pub bound: Bound,
    /// Whether the bounds are kept; true if there are none.
    #[serde(default)]
    pub kept: bool,
    /// The search for cheaper settings, if requested.
    pub search: Option<Search>,
}

impl Simulation {
    /// The word for a badge or heading. It never says that something passed.
    pub fn badge(&self) -> &'static str {
        if self.kept {
            "SIMULATED"
        } else {
            "SIMULATED: BOUNDS NOT KEPT"
        }
    }
}

impl Scenario {
    /// Long enough for the whole load and the scale-down after it.
    pub fn natural_length(&self) -> Duration {
        let budget = Budget {
            spec: &self.spec,
            controller: &self.controller,
            resolution: self.resolution,
            pod_start: self.pod.start,
        };
        self.load.end() + budget.down()
    }

    /// Runs the scenario.
    pub fn run(&self) -> Summary {
        let summary = fast_forward::summary(self, &self.demand(), &mut Spread::new());
        summary.unwrap_or_else(|| self.run_in_full())
    }

    /// Runs the scenario in the full simulated cluster.
    fn run_in_full(&self) -> Summary {
        self.exhaust(self.engine(false), |_| {})
    }

    /// The work requested in each second.
    fn demand(&self) -> WorkBySecond {
        let seconds = usize::try_from(self.length.as_secs()).unwrap_or(usize::MAX);
        WorkBySecond::of(&self.load, seconds)
    }

    /// Runs the scenario, and emits what a watcher of a cluster would have observed.
    pub fn watch(&self, emit: impl FnMut(Observation)) -> Summary {
        self.exhaust(self.engine(true), emit)
    }

    fn exhaust(
        &self,
        mut engine: Engine<ModeledWorld>,
        mut emit: impl FnMut(Observation),
    ) -> Summary {
        loop {
            match engine.progress() {
                Ok(SimulationStep::Seen(observation)) => emit(observation),
                Ok(SimulationStep::Quiet) => {}
                // Only a generator can fail, and modeled work has none.
                Ok(SimulationStep::Over) | Err(_) => break,
            }
        }
        let summary = engine.into_world().summary();
        summary.unwrap_or_else(|| self.tally().finish())
    }

    /// The simulated cluster at its start.
    pub fn engine(&self, watched: bool) -> Engine<ModeledWorld> {
        let seconds = |time: Duration| Duration::from_secs(time.as_secs());
        let (period, resolution) = (
            at_least_one(self.controller.sync_period),
            at_least_one(self.resolution),
        );
        let first = self.first_replicas();
        let model = self.pods();
        let broken = model.fault;
        let world = ModeledWorld::new(BEGIN, model, self.load.clone()).tallied(
            self.tally(),
            self.backlog,
            watched,
        );
        let scene = Scene {
            source: "simulation",
            name: self.spec.scale_target_ref.name.clone(),
            kubernetes: self.kubernetes.clone(),
            spec: self.spec.clone(),
            controller: ControllerConfig {
                sync_period: period,
                ..self.controller.clone()
            },
            metrics_resolution: resolution,
            first_scrape: Duration::ZERO,
            first_sync: seconds(period / 2),
            container: ContainerResources::cpu(
                self.container(),
                Some(self.pod.request),
                self.pod.limit,
            ),
            replicas: first,
            ready_since: Some(AGE),
            facts: Vec::new(),
            fault: broken,
            metrics_lost: self.metrics_lost(),
            length: Some(seconds(self.length)),
            watched,
        };
        Engine::new(scene, world)
    }

    /// The container name: that of the first metric that names one.
    fn container(&self) -> &str {
        let mut metrics = self.spec.metrics.iter();
        let named = metrics.find_map(|metric| metric.source.container());
        named.unwrap_or("app")
    }

    /// How its pods behave.
    fn pods(&self) -> PodModel {
        let mut model = PodModel {
            runs_after: Duration::ZERO,
            ready_after: Duration::from_secs(self.pod.start.as_secs()),
            drains: Duration::ZERO,
            most: self.pod.most().map_or(f64::INFINITY, milli),
            warms_up: 0.0,
            nodes: None,
            fault: self.broken(),
        };
        for fault in &self.faults {
            match *fault {
                SimulatedFault::SlowStart { seconds } => {
                    model.ready_after = Duration::from_secs(seconds);
                    model.warms_up = milli(self.pod.most().unwrap_or(self.pod.request));
                }
                SimulatedFault::SlowNodes { room, seconds } => {
                    model.nodes = Some(NodePool {
                        room: room as usize,
                        wait: Duration::from_secs(seconds),
                    });
                }
                SimulatedFault::Broken(_) | SimulatedFault::MetricsLost { .. } => {}
            }
        }
        model
    }

    fn broken(&self) -> Option<Fault> {
        self.faults.iter().find_map(|fault| match fault {
            SimulatedFault::Broken(fault) => Some(*fault),
            _ => None,
        })
    }

    fn metrics_lost(&self) -> Vec<(Timestamp, Timestamp)> {
        let at = |second: u64| crate::model::after(BEGIN, Duration::from_secs(second));
        let spans = self.faults.iter().filter_map(|fault| match fault {
            SimulatedFault::MetricsLost { from, until } => Some((at(*from), at(*until))),
            _ => None,
        });
        spans.collect()
    }

    /// An empty tally.
    fn tally(&self) -> Tally {
        Tally::new(self.pod.request, self.first_replicas())
    }

    fn first_replicas(&self) -> i32 {
        self.replicas.unwrap_or(self.spec.effective_min())
    }
}

/// The age of the pods at the start.
const AGE: Duration = Duration::from_hours(1);

fn at_least_one(time: Duration) -> Duration {
    Duration::from_secs(time.as_secs().max(1))
}

#[expect(clippy::cast_precision_loss, reason = "millicores are far below 2^52")]
fn milli(amount: Millicores) -> f64 {
    amount.0 as f64
}

//! What a fast-forwarded simulation needs from a scenario, without names and texts.

use std::ops::Range;
use std::time::Duration;

use crate::model::normalize::{FullBehavior, Rules};
use crate::model::{Tolerances, VersionGates, counted};
use crate::observation::ControllerConfig;
use crate::sim::fault::{Fault, SimulatedFault};
use crate::sim::{Scenario, at_least_one, work};
use crate::spec::{MetricSource, MetricSpec, MetricTarget};
use crate::units::Millicores;

/// The longest time between two scrapes, in seconds: its work fits in 64 bits.
const LONGEST_RESOLUTION: u64 = 3_600;

/// A scenario in numbers; all times are in seconds.
#[derive(Debug)]
pub(super) struct Setup {
    pub(super) controller: ControllerConfig,
    pub(super) behavior: Option<FullBehavior>,
    pub(super) tolerances: Tolerances,
    /// How long proposals count, rounded up.
    pub(super) remembers: usize,
    /// The targets of the metrics, in percent.
    pub(super) targets: Vec<i32>,
    pub(super) min: i32,
    pub(super) max: i32,
    pub(super) replicas: i32,
    pub(super) request: Millicores,
    /// The highest value that a sample shows.
    pub(super) limit: Option<Millicores>,
    pub(super) first_sync: usize,
    pub(super) sync_period: usize,
    pub(super) resolution: usize,
    pub(super) length: usize,
    pub(super) pods: Pods,
    /// Whether work that exceeds the capacity waits.
    pub(super) backlog: bool,
    /// The times without a metrics API.
    pub(super) metrics_lost: Vec<Range<usize>>,
    pub(super) fault: Option<Fault>,
}

/// How pods behave.
#[derive(Debug)]
pub(super) struct Pods {
    /// From the start order until it is ready.
    pub(super) ready_after: usize,
    /// The most work that one pod does in a second.
    pub(super) most: u64,
    /// The CPU that one pod uses per second before it is ready.
    pub(super) warms_up: u64,
    /// The room for pods, and how long a new node takes.
    pub(super) nodes: Option<(usize, usize)>,
}

impl Setup {
    /// The scenario in numbers; `None` if it involves more than the CPU of at least one pod.
    pub(super) fn of(scenario: &Scenario) -> Option<Self> {
        let spec = &scenario.spec;
        let container = scenario.container();
        let targets = spec.metrics.iter().map(|metric| target(metric, container));
        let model = scenario.pods();
        let resolution = at_least_one(scenario.resolution);
        let period = at_least_one(scenario.controller.sync_period);
        let replicas = scenario.first_replicas();
        let plain = spec.effective_min() >= 1
            && spec.max_replicas >= 1
            && replicas >= 1
            && !spec.metrics.is_empty()
            && resolution.as_secs() <= LONGEST_RESOLUTION;
        if !plain {
            return None;
        }
        let gates = VersionGates::of_version(scenario.kubernetes.as_deref());
        let controller = scenario.controller.clone();
        let behavior = spec.behavior.as_ref();
        let behavior = behavior.map(|b| FullBehavior::of(b, &controller));
        let window = behavior.as_ref().map(|b| b.up.window.max(b.down.window));
        let window = window.unwrap_or(controller.downscale_stabilization);
        Some(Self {
            remembers: seconds(window.saturating_add(Duration::from_secs(1)))?,
            controller,
            behavior,
            tolerances: counted::tolerances(spec, &scenario.controller, gates),
            targets: targets.collect::<Option<_>>()?,
            min: spec.effective_min(),
            max: spec.max_replicas,
            replicas,
            request: scenario.pod.request,
            limit: scenario.pod.limit,
            first_sync: seconds(period / 2)?,
            sync_period: seconds(period)?,
            resolution: seconds(resolution)?,
            length: seconds(scenario.length)?,
            pods: Pods {
                ready_after: seconds(model.ready_after)?,
                most: work::ceiling(model.most),
                warms_up: work::per_second(model.warms_up),
                nodes: match model.nodes {
                    Some(nodes) => Some((nodes.room, seconds(nodes.wait)?)),
                    None => None,
                },
            },
            backlog: scenario.backlog,
            metrics_lost: metrics_lost(scenario),
            fault: model.fault,
        })
    }

    /// The rules of stabilization and limits.
    pub(super) fn rules(&self) -> Rules<'_> {
        match &self.behavior {
            None => Rules::Legacy(&self.controller),
            Some(full) => Rules::Behavior(full),
        }
    }

    /// Whether the metrics API answers in this second.
    pub(super) fn has_metrics(&self, second: usize) -> bool {
        let lost = || self.metrics_lost.iter().any(|lost| lost.contains(&second));
        self.fault != Some(Fault::NoMetrics) && !lost()
    }
}

/// The target of a metric on the pods' CPU, in percent.
fn target(metric: &MetricSpec, only: &str) -> Option<i32> {
    let of_pods = match &metric.source {
        MetricSource::Resource { name } => name == "cpu",
        MetricSource::ContainerResource { name, container } => name == "cpu" && container == only,
        _ => false,
    };
    match metric.target {
        MetricTarget::Utilization(percent) if of_pods => Some(percent),
        _ => None,
    }
}

fn seconds(time: Duration) -> Option<usize> {
    usize::try_from(time.as_secs()).ok()
}

fn metrics_lost(scenario: &Scenario) -> Vec<Range<usize>> {
    let index = |second: u64| usize::try_from(second).unwrap_or(usize::MAX);
    let spans = scenario.faults.iter().filter_map(|fault| match fault {
        SimulatedFault::MetricsLost { from, until } => Some(index(*from)..index(*until)),
        _ => None,
    });
    spans.collect()
}

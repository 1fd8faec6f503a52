//! Runs whose pods wait for nodes or lose them, and metrics without their adapter.

use hpa_check_core::metrics_server::{EXTERNAL, MetricsServer};
use hpa_check_core::observation::Fact;
use hpa_check_core::quantity::Quantity;
use hpa_check_core::spec::{MetricIdentifier, MetricSource, MetricSpec, MetricTarget};

use super::environment::after_the_sixth;
use super::pairs::{Pair, beside};
use super::world::{Fate, World, healthy};
use super::wrong::{late_load, second_pod};

const TRIGGERED: (&str, &str) = (
    "TriggeredScaleUp",
    "pod triggered scale-up: [{web 1->3 (max: 4)}]",
);
const NOMINATED: (&str, &str) = (
    "Nominated",
    "Pod should schedule on: nodeclaim/default-x7k2p",
);

/// Each pod after the sixth waits for a node, from one node autoscaler or another.
const ON_THEIR_WAY: &[(i64, usize, &str, &str)] = &[
    (30, 7, TRIGGERED.0, TRIGGERED.1),
    (30, 8, TRIGGERED.0, TRIGGERED.1),
    (30, 9, NOMINATED.0, NOMINATED.1),
    (30, 10, NOMINATED.0, NOMINATED.1),
    // Karpenter provides nodes whatever cluster-autoscaler reports about its own groups.
    (
        32,
        10,
        "NotTriggerScaleUp",
        "pod didn't trigger scale-up: 1 max node group size reached",
    ),
];

const ONE_REFUSED: &[(i64, usize, &str, &str)] = &[
    (30, 7, TRIGGERED.0, TRIGGERED.1),
    (
        31,
        7,
        "NotTriggerScaleUp",
        "pod didn't trigger scale-up: 1 max node group size reached",
    ),
];

const PREEMPTED: &[(i64, usize, &str, &str)] =
    &[(12, 2, "Preempted", "Preempted by a pod on node node-1")];

pub(crate) fn pairs() -> Vec<Pair> {
    vec![
        beside(
            with_events(healthy(), ON_THEIR_WAY),
            "nodes-not-in-time",
            |w| {
                w.fate = |n| after_the_sixth(n, Fate::FitsNowhere);
            },
        ),
        beside(with_events(healthy(), ONE_REFUSED), "unschedulable", |w| {
            w.fate = |n| after_the_sixth(n, Fate::FitsNowhere);
        }),
        beside(without_events(), "nodes-unknown", |w| {
            w.fate = |n| after_the_sixth(n, Fate::FitsNowhere);
        }),
        beside(with_events(late_load(), PREEMPTED), "pods-evicted", |w| {
            w.fate = |n| second_pod(n, Fate::Pauses(12, 15));
        }),
        // A missing adapter matters only to autoscalers that need it.
        beside(without_adapter(), "adapter-unavailable", |w| {
            w.spec.metrics.push(MetricSpec {
                source: MetricSource::External(MetricIdentifier {
                    name: "queue".into(),
                    selector: None,
                }),
                target: MetricTarget::AverageValue(Quantity::from_milli(100_000)),
            });
        }),
    ]
}

fn with_events(world: World, events: &'static [(i64, usize, &'static str, &'static str)]) -> World {
    World { events, ..world }
}

fn without_events() -> World {
    World {
        facts: vec![Fact::Forbidden {
            rule: "list events".to_owned(),
            consequence: "causes that only show in events can't be observed".to_owned(),
        }],
        ..healthy()
    }
}

fn without_adapter() -> World {
    let mut world = healthy();
    world.facts.push(Fact::MetricsServer(MetricsServer {
        group: EXTERNAL.to_owned(),
        ..MetricsServer::default()
    }));
    world
}

#[test]
fn attempts_to_schedule_a_pod_are_quoted() {
    let mut world = with_events(healthy(), ONE_REFUSED);
    world.fate = |n| after_the_sixth(n, Fate::FitsNowhere);
    let verdict = world.result().verdict;
    let evidence = verdict.reasons[0].evidence.join("\n");
    for quote in [
        "PodScheduled False: 0/1 nodes are available: 1 Insufficient cpu.",
        "event TriggeredScaleUp of Pod/fib-server-5d8f-007",
        "1 max node group size reached",
    ] {
        assert!(evidence.contains(quote), "{quote} is not in {evidence}");
    }
}

//! The fast-forwarded simulation computes the same summary as the simulated cluster, bit for bit.

use std::time::Duration;

use proptest::prelude::*;

use crate::sim::fault::{Fault, SimulatedFault};
use crate::sim::spread::Spread;
use crate::sim::tests::scenario;
use crate::sim::{Ceiling, LoadProfile, Point, Scenario, Summary};
use crate::spec::{Behavior, MetricSpec, PolicyKind, ScalingPolicy, ScalingRules, SelectPolicy};
use crate::units::Millicores;

fn fast(scenario: &Scenario) -> Summary {
    let summary = super::summary(scenario, &scenario.demand(), &mut Spread::new());
    summary.expect("a scenario on CPU alone")
}

fn load() -> impl Strategy<Value = LoadProfile> {
    let step = prop_oneof![
        Just(0.0),
        Just(60.0),
        (1_u32..900).prop_map(f64::from),
        (0.0..400.0),
    ];
    let amount = prop_oneof![
        Just(0.0),
        Just(300.0),
        (0_u32..3_000).prop_map(f64::from),
        (0.0..900.0),
    ];
    prop::collection::vec((step, amount), 1..40).prop_map(|steps| {
        let mut second = 0.0;
        let points = steps.into_iter().map(|(step, millicores)| {
            second += step;
            Point { second, millicores }
        });
        LoadProfile {
            points: points.collect(),
            cost_us: None,
            source: None,
        }
    })
}

fn policy() -> impl Strategy<Value = ScalingPolicy> {
    let kind = prop_oneof![Just(PolicyKind::Pods), Just(PolicyKind::Percent)];
    let period = prop_oneof![Just(15), 1..200];
    (kind, 1..150, period).prop_map(|(kind, value, period_seconds)| ScalingPolicy {
        kind,
        value,
        period_seconds,
    })
}

fn rules() -> impl Strategy<Value = Option<ScalingRules>> {
    let select = prop_oneof![
        3 => Just(SelectPolicy::Max),
        2 => Just(SelectPolicy::Min),
        1 => Just(SelectPolicy::Disabled)
    ];
    let rules = (
        prop::option::of(0..700),
        prop::option::of(select),
        prop::option::of(prop::collection::vec(policy(), 1..3)),
        prop::option::of(0.0..0.5),
    );
    let rules = rules.prop_map(|(window, select, policies, tolerance)| ScalingRules {
        stabilization_window_seconds: window,
        select_policy: select,
        policies,
        tolerance,
    });
    prop::option::of(rules)
}

fn fault() -> impl Strategy<Value = SimulatedFault> {
    prop_oneof![
        Just(SimulatedFault::Broken(Fault::NoMetrics)),
        Just(SimulatedFault::Broken(Fault::PodsNotReady)),
        (0..12).prop_map(|pods| SimulatedFault::Broken(Fault::Quota(pods))),
        Just(SimulatedFault::Broken(Fault::Sticky)),
        Just(SimulatedFault::Broken(Fault::ConflictingWriter)),
        Just(SimulatedFault::Broken(Fault::Crash)),
        (0_u64..900, 1_u64..300).prop_map(|(from, length)| SimulatedFault::MetricsLost {
            from,
            until: from + length
        }),
        (0_u64..200).prop_map(|seconds| SimulatedFault::SlowStart { seconds }),
        (1_u32..12, 0_u64..200)
            .prop_map(|(room, seconds)| SimulatedFault::SlowNodes { room, seconds }),
    ]
}

fn scenarios() -> impl Strategy<Value = Scenario> {
    let behavior = prop::option::of((rules(), rules()).prop_map(|(up, down)| Behavior {
        scale_up: up,
        scale_down: down,
    }));
    let spec = (
        1..6,
        0..20,
        prop::collection::vec(20..95, 1..3),
        behavior,
        prop::option::of(1..25),
    );
    let pod = (
        20_i64..400,
        prop::option::of(20_i64..500),
        prop_oneof![
            Just(Ceiling::TwiceRequest),
            Just(Ceiling::Unlimited),
            (50_i64..400).prop_map(|most| Ceiling::At(Millicores(most)))
        ],
        0_u64..120,
    );
    let controller = (
        prop_oneof![3 => Just(15_u64), 1 => 1_u64..80],
        prop_oneof![3 => Just(15_u64), 1 => 1_u64..80],
        prop_oneof![2 => Just(300_000_u64), 1 => 0_u64..900_000],
        prop_oneof![2 => Just(0.1), 1 => 0.0..0.4],
        prop_oneof![2 => Just(300_u64), 1 => 0_u64..400],
    );
    let faults = prop_oneof![
        3 => Just(Vec::new()),
        2 => prop::collection::vec(fault(), 1..3)
    ];
    let version = prop::option::of((30_u32..39).prop_map(|minor| format!("1.{minor}")));
    (
        load(),
        spec,
        pod,
        controller,
        faults,
        version,
        any::<bool>(),
        0_u64..7_000,
    )
        .prop_map(
            |(load, spec, pod, controller, faults, version, backlog, length)| {
                let mut scenario = scenario("0s:100m");
                let (min, more, targets, behavior, replicas) = spec;
                scenario.load = load;
                scenario.spec.min_replicas = Some(min);
                scenario.spec.max_replicas = min + more;
                scenario.spec.metrics = targets
                    .into_iter()
                    .map(MetricSpec::cpu_utilization)
                    .collect();
                scenario.spec.behavior = behavior;
                scenario.replicas = replicas;
                let (request, limit, ceiling, start) = pod;
                scenario.pod.request = Millicores(request);
                scenario.pod.limit = limit.map(Millicores);
                scenario.pod.ceiling = ceiling;
                scenario.pod.start = Duration::from_secs(start);
                let (sync, resolution, window, tolerance, young) = controller;
                scenario.controller.sync_period = Duration::from_secs(sync);
                scenario.resolution = Duration::from_secs(resolution);
                scenario.controller.downscale_stabilization = Duration::from_millis(window);
                scenario.controller.tolerance = tolerance;
                scenario.controller.cpu_initialization_period = Duration::from_secs(young);
                scenario.kubernetes = version;
                scenario.faults = faults;
                scenario.backlog = backlog;
                scenario.length = Duration::from_secs(length);
                scenario
            },
        )
}

proptest! {
    #[test]
    fn it_comes_to_the_same_as_the_simulated_cluster(scenario in scenarios()) {
        let (fast, full) = (fast(&scenario), scenario.run_in_full());
        prop_assert_eq!(&fast, &full);
        // Equality treats 0 and -0 alike; the bits differ.
        let bits = |s: &Summary| [s.mean_utilization, s.p95_utilization, s.max_utilization].map(f64::to_bits);
        prop_assert_eq!(bits(&fast), bits(&full));
    }
}

#[test]
fn long_flat_and_periodic_loads_have_the_same_summary() {
    for load in [
        "0s:100m 6h:2 12h:100m",
        "0s:150m 1h:150m 1h:1 2h:1 2h:150m",
        "0s:60m 30s:60m 30s:900m 2h:900m 2h:60m 3h:61m",
    ] {
        for window in [0, 60, 300, 3_600] {
            let mut scenario = scenario(load);
            scenario.length = Duration::from_hours(14);
            let behavior = scenario.spec.behavior.get_or_insert_default();
            let rules = behavior.scale_down.get_or_insert_default();
            rules.stabilization_window_seconds = Some(window);
            assert_eq!(fast(&scenario), scenario.run_in_full(), "{load} {window}");
            scenario.spec.behavior = None;
            assert_eq!(fast(&scenario), scenario.run_in_full(), "{load}");
        }
    }
}

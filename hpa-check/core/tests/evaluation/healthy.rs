//! Runs with nothing wrong.

use std::time::Duration;

use hpa_check_core::documents::trace::{Reader, TraceWriter};
use hpa_check_core::expectation::ScaleDown;
use hpa_check_core::observation::{Observation, Seen};
use hpa_check_core::run::conductor::LoadSchedule;
use hpa_check_core::spec::{Behavior, MetricSpec, PolicyKind, ScalingPolicy, ScalingRules};
use hpa_check_core::verdict::Outcome;
use proptest::prelude::*;

use super::world::{World, assert_passed, healthy, ids, in_a_cluster, replay};

#[test]
fn a_healthy_rehearsal_passes_with_every_sync_explained() {
    let result = healthy().result();
    assert_passed(&result);
    assert_eq!(result.verdict.exit_code, 0);
    assert!(result.syncs.observed > 10);
    assert_eq!(
        result.syncs.explained, result.syncs.observed,
        "{:#?}",
        result.timeline.syncs
    );
    let ids = ids(&result.verdict);
    assert_eq!(
        ids,
        [
            "path-proven",
            "bounds-held",
            "decisions-explained",
            "answers-verified"
        ]
    );
}

#[test]
fn a_load_that_verifies_nothing_does_not_count_as_verified() {
    let world = healthy();
    let (mut recording, _) = world.run();
    for observation in &mut recording {
        if let Seen::LoadResult(load) = &mut observation.seen {
            load.verified = 0;
        }
    }
    let result = replay(&world.expectation, &recording);
    assert_passed(&result);
    let ids = ids(&result.verdict);
    assert_eq!(ids, ["path-proven", "bounds-held", "decisions-explained"]);
}

#[test]
fn the_replicas_go_up_and_come_back() {
    let replicas = healthy().result().replicas;
    assert_eq!(
        (replicas.min_ready, replicas.max_ready),
        (Some(3), Some(10))
    );
    assert_eq!(
        (replicas.first_ready, replicas.last_ready),
        (Some(3), Some(3))
    );
    let mut spec: Vec<i32> = replicas.path.iter().map(|p| p.spec).collect();
    spec.dedup();
    assert_eq!(spec, [3, 6, 10, 3]);
}

#[test]
fn the_periods_of_a_cluster_pass_as_well_and_the_conductor_ends_each_phase() {
    let result = in_a_cluster().result();
    assert_passed(&result);
    assert_eq!(
        result.syncs.explained, result.syncs.observed,
        "{:#?}",
        result.timeline.syncs
    );
}

#[test]
fn a_scale_down_is_waited_for_only_if_one_is_expected() {
    let mut world = healthy();
    world.expectation.scale_down = ScaleDown::Skip;
    let result = world.result();
    assert_passed(&result);
    assert_eq!(result.replicas.last_ready, Some(10));
}

#[test]
fn one_step_down_is_enough_if_one_step_is_expected() {
    let mut world = in_a_cluster();
    world.expectation.scale_down = ScaleDown::OneStep;
    let result = world.result();
    assert_passed(&result);
}

#[test]
fn a_rollout_on_the_way_up_at_the_maximum_or_on_the_way_down_passes() {
    for second in [2, 14, 30, 58, 66] {
        let mut world = healthy();
        world.rollout = Some(second);
        let result = world.result();
        assert_passed(&result);
        assert_eq!(
            result.syncs.explained, result.syncs.observed,
            "rollout at {second} s"
        );
    }
}

/// metrics-server's own default is a sample a minute, and the observer assumes four. New pods have no sample for two
/// minutes, and count as busy when the controller could scale down.
#[test]
fn a_rollout_beside_a_slow_metrics_server_is_no_fault_at_any_time() {
    for second in (0..900).step_by(60) {
        let mut world = in_a_cluster();
        world.resolution = Duration::from_mins(1);
        world.assumed_resolution = Some(Duration::from_secs(15));
        world.rollout = Some(second + 3);
        let verdict = world.result().verdict;
        assert!(
            matches!(verdict.outcome, Outcome::Pass | Outcome::Inconclusive),
            "{second} s: {verdict:#?}"
        );
    }
}

#[test]
fn a_rollout_whose_start_was_not_observed_is_a_gap() {
    let mut world = healthy();
    world.rollout = Some(8);
    let (recording, _) = world.run();
    let hide = |observation: &Observation| {
        let mut hidden = observation.clone();
        if let Seen::Target(target) = &mut hidden.seen {
            target.spec_digest = None;
        }
        hidden
    };
    let hidden: Vec<_> = recording.iter().map(hide).collect();
    let verdict = replay(&world.expectation, &hidden).verdict;
    assert_eq!(verdict.reasons[0].id, "watch-gap");
}

#[test]
fn a_recording_has_the_same_result_as_its_run() {
    let world = healthy();
    let (recording, live) = world.run();
    let mut writer = TraceWriter::new(Vec::new(), &world.expectation, None).unwrap();
    for observation in &recording {
        writer.write(observation).unwrap();
    }
    let bytes = writer.finish().unwrap();
    let mut reader = Reader::new(bytes.as_slice()).unwrap();
    let read: Vec<_> = reader.by_ref().map(Result::unwrap).collect();
    assert_eq!(read, recording);
    assert_eq!(reader.header().expectation, world.expectation);
    let replayed = replay(&world.expectation, &read);
    assert_eq!(replayed.verdict, live.verdict);
    assert_eq!(replayed.timeline.syncs, live.timeline.syncs);
}

fn worlds() -> impl Strategy<Value = World> {
    let policies = prop_oneof![
        Just(None),
        Just(Some(Behavior::default())),
        (1..5, 3..10).prop_map(|(value, period_seconds)| {
            let policy = ScalingPolicy {
                kind: PolicyKind::Pods,
                value,
                period_seconds,
            };
            let rules = ScalingRules {
                policies: Some(vec![policy]),
                ..ScalingRules::default()
            };
            Some(Behavior {
                scale_up: Some(rules),
                scale_down: None,
            })
        }),
    ];
    (
        620_i64..1400,
        10_i64..120,
        0_i64..8,
        500_i64..3000,
        3_u64..15,
        policies,
    )
        .prop_map(|(high, rest, wobble, pod_start, window, behavior)| {
            let mut world = healthy();
            (world.high, world.rest, world.after) = (high, rest, rest);
            (world.wobble, world.pod_start) = (wobble, pod_start);
            world.controller.downscale_stabilization = Duration::from_secs(window);
            world.spec.behavior = behavior;
            world.pace = LoadSchedule::Planned {
                up: Duration::from_secs(4),
                down: Duration::from_secs(100),
                end: Duration::from_secs(200),
            };
            world
        })
}

/// Everything that differs between healthy clusters, and happens in them.
fn clusters() -> impl Strategy<Value = World> {
    let rules = |window: Option<i32>, kind, value, period_seconds| ScalingRules {
        stabilization_window_seconds: window,
        policies: Some(vec![ScalingPolicy {
            kind,
            value,
            period_seconds,
        }]),
        ..ScalingRules::default()
    };
    let windows = || prop_oneof![Just(None), (0..301).prop_map(Some)];
    let behaviors = prop_oneof![
        Just(None),
        Just(Some(Behavior::default())),
        (windows(), windows(), 1..8, 15..120).prop_map(move |(up, down, pods, period)| {
            Some(Behavior {
                scale_up: Some(rules(up.map(|s| s / 5), PolicyKind::Pods, pods, period)),
                scale_down: Some(rules(down, PolicyKind::Percent, pods * 12, period)),
            })
        }),
    ];
    let sizes = (1..4, 1..17, 30..90, 1_i64..20);
    let loads = (13_i64..30, 1_i64..6, 0_i64..15, 0_i64..4);
    let pods = (2_i64..80, 2_i64..120);
    let events = prop::option::of(0_i64..900);
    (
        sizes,
        loads,
        pods,
        behaviors,
        (events.clone(), events),
        any::<bool>(),
    )
        .prop_map(
            |(
                (min, more, target, request),
                (high, rest, wobble, burn),
                pods,
                behavior,
                at,
                coarse,
            )| {
                let (start, grace) = pods;
                let (max, request) = (min + more, request * 50);
                let at_target = |pods: i32| i64::from(pods) * request * i64::from(target) / 100;
                let mut world = in_a_cluster();
                world.facts.clear();
                world.request = Some(request);
                world.spec.metrics = vec![MetricSpec::cpu_utilization(target)];
                world.spec.behavior = behavior;
                (world.spec.min_replicas, world.spec.max_replicas) = (Some(min), max);
                world.expectation = world.expectation.of_spec(&world.spec);
                world.expectation.patience = Duration::from_mins(1);
                world.high = at_target(max) * high / 10;
                world.rest = at_target(min) * rest / 10;
                (world.after, world.wobble) = (world.rest, wobble);
                (world.pod_start, world.grace) = (start * 500, grace * 500);
                world.burn = (burn > 0).then_some((start * 1000, request * burn / 2));
                (world.rollout, world.restart) = (at.0, at.1.map(|second| (second, true)));
                if coarse {
                    world.resolution = Duration::from_mins(1);
                    world.assumed_resolution = Some(Duration::from_secs(15));
                }
                world
            },
        )
}

/// This many cases, or `PROPERTY_CASES`.
fn cases(usual: u32) -> ProptestConfig {
    let given = std::env::var("PROPERTY_CASES").ok();
    ProptestConfig::with_cases(given.map_or(usual, |cases| cases.parse().unwrap()))
}

proptest! {
    #![proptest_config(cases(1_000))]

    #[test]
    fn no_healthy_run_gives_a_false_alarm(world in worlds()) {
        let result = world.result();
        prop_assert_eq!(result.verdict.outcome, Outcome::Pass, "{:#?}", result.verdict);
        prop_assert_eq!(result.syncs.explained, result.syncs.observed);
    }
}

proptest! {
    #![proptest_config(cases(64))]

    #[test]
    fn lost_and_repeated_observations_never_make_a_pass_wrong(
        world in worlds(),
        fates in prop::collection::vec(0_u8..20, 400),
    ) {
        let (recording, _) = world.run();
        let heard: Vec<_> = recording
            .iter()
            .zip(fates.iter().cycle())
            .flat_map(|(o, fate)| match fate {
                0 => vec![],
                1 => vec![o.clone(), o.clone()],
                _ => vec![o.clone()],
            })
            .collect();
        let verdict = replay(&world.expectation, &heard).verdict;
        prop_assert!(
            matches!(verdict.outcome, Outcome::Pass | Outcome::Inconclusive),
            "{:#?}", verdict
        );
    }
}

proptest! {
    #![proptest_config(cases(128))]

    #[test]
    fn whatever_happens_in_a_healthy_cluster_is_no_fault(world in clusters()) {
        let verdict = world.result().verdict;
        prop_assert!(
            matches!(verdict.outcome, Outcome::Pass | Outcome::Inconclusive),
            "{:#?}", verdict
        );
    }
}

//! Scenarios with a known result.

use super::*;
use crate::spec::{MetricSpec, TargetRef};

/// 3..10 at 50 % of 100m, with five seconds to start.
pub(crate) fn scenario(load: &str) -> Scenario {
    let mut scenario = Scenario {
        spec: AutoscalerSpec {
            scale_target_ref: TargetRef::deployment("cart"),
            min_replicas: Some(3),
            max_replicas: 10,
            metrics: vec![MetricSpec::cpu_utilization(50)],
            behavior: None,
        },
        controller: ControllerConfig::default(),
        kubernetes: None,
        resolution: Duration::from_secs(15),
        pod: PodShape {
            request: Millicores(100),
            limit: None,
            ceiling: Ceiling::Unlimited,
            start: Duration::from_secs(5),
        },
        load: LoadProfile::parse(load, None).unwrap(),
        replicas: None,
        backlog: false,
        length: Duration::ZERO,
        faults: Vec::new(),
        origin: None,
    };
    scenario.length = scenario.natural_length();
    scenario
}

fn sizes(summary: &Summary) -> Vec<i32> {
    summary.path.iter().map(|p| p.replicas).collect()
}

#[test]
fn a_load_within_the_tolerance_changes_nothing() {
    // 3 pods at 50 %.
    let summary = scenario("0s:150m 10m:150m").run();
    assert_eq!(sizes(&summary), [3]);
    assert!((summary.max_utilization - 50.0).abs() < 1.0, "{summary:?}");
    assert_eq!(summary.longest_short_seconds, 0);
    let hours = 3.0 * f64::from(u32::try_from(summary.seconds).unwrap()) / 3600.0;
    assert!((summary.pod_hours - hours).abs() < 1e-9, "{summary:?}");
    assert!((summary.core_hours - hours / 10.0).abs() < 1e-9);
}

#[test]
fn scale_up_doubles_without_behavior_and_adds_four_pods_with_it() {
    let up = |behavior| {
        let mut scenario = scenario("0s:60m 30s:60m 30s:900m 10m:900m");
        scenario.spec.behavior = behavior;
        let summary = scenario.run();
        sizes(&summary)[..3].to_vec()
    };
    assert_eq!(up(None), [3, 6, 10]);
    assert_eq!(up(Some(crate::spec::Behavior::default())), [3, 7, 10]);
}

#[test]
fn after_the_load_the_replicas_stay_for_the_window_and_then_drop_to_the_minimum() {
    let summary = scenario("0s:60m 30s:60m 30s:900m 5m:900m 5m:60m").run();
    let last = summary.path.last().unwrap();
    assert_eq!(last.replicas, 3);
    // The load ends at 300 s; the last high recommendation comes some seconds later and holds for 300 s.
    assert!((600..660).contains(&last.second), "{:?}", summary.path);
}

#[test]
fn a_limit_loses_work_and_a_backlog_catches_up() {
    let mut capped = scenario("0s:60m 30s:60m 30s:900m 2m:900m 2m:60m");
    capped.pod.limit = Some(Millicores(120));
    let lost = capped.run();
    assert!(
        lost.unserved_percent > 5.0 && lost.most_waiting < 1e-9,
        "{lost:?}"
    );
    assert!(lost.max_utilization <= 120.001);
    capped.backlog = true;
    let waited = capped.run();
    assert!(waited.most_waiting > 1.0, "{waited:?}");
    capped.pod.limit = None;
    assert!(capped.run().unserved_percent < 1e-9);
}

#[test]
fn a_pod_without_a_limit_uses_at_most_twice_its_request() {
    let mut scenario = scenario("0s:60m 30s:60m 30s:9000m 10m:9000m");
    scenario.pod.ceiling = Ceiling::default();
    let summary = scenario.run();
    assert!(summary.max_utilization <= 200.001, "{summary:?}");
    assert!(summary.unserved_percent > 70.0, "{summary:?}");
    let bound = Bound {
        unserved_percent: Some(1.0),
        ..Bound::default()
    };
    assert!(!bound.is_kept(&summary));
    scenario.pod.ceiling = Ceiling::Unlimited;
    assert!(bound.is_kept(&scenario.run()));
}

#[test]
fn a_laxer_target_never_has_a_shorter_time_to_capacity() {
    let short = |target| {
        let mut scenario = scenario("0s:100m 1m:100m 1m:900m 5m:900m");
        scenario.pod.ceiling = Ceiling::default();
        scenario.spec.set_utilization(target);
        scenario.run().longest_short_seconds
    };
    let times: Vec<u64> = [40, 50, 60, 70, 80, 90].map(short).to_vec();
    assert!(times[0] > 0 && times.is_sorted(), "{times:?}");
}

#[test]
fn each_fault_has_its_effect_and_the_model_explains_what_a_watcher_observes() {
    let with = |fault: Option<&str>| {
        let mut scenario = scenario("0s:60m 1m:60m 1m:900m 12m:900m 12m:60m");
        scenario.pod.ceiling = Ceiling::default();
        scenario.faults = fault.iter().map(|text| text.parse().unwrap()).collect();
        let mut evaluator =
            crate::run::evaluator::Evaluator::new(crate::expectation::Expectation::default());
        let summary = scenario.watch(|observation| evaluator.observe(&observation));
        let syncs = evaluator.finish(BEGIN).syncs;
        assert_eq!(syncs.observed, syncs.explained, "{fault:?}");
        summary
    };
    let sound = with(None);
    assert_eq!(sound.most, 10);
    // Nothing is decided without metrics; everything is decided once they are back.
    let lost = with(Some("no-metrics=30s..5m"));
    assert!(lost.path[1].second >= 300, "{:?}", lost.path);
    assert_eq!(lost.most, 10);
    let nodes = with(Some("slow-nodes=3/3m"));
    assert!(
        nodes.longest_short_seconds >= 180
            && nodes.longest_short_seconds > sound.longest_short_seconds,
        "{nodes:?}"
    );
    let start = with(Some("slow-start=2m"));
    assert!(start.longest_short_seconds >= 120, "{start:?}");
    assert_eq!(with(Some("no-metrics")).most, 3);
    assert!(with(Some("pods-not-ready")).unserved_percent > 10.0);
    assert!(with(Some("crash")).unserved_percent > 10.0);
    assert!(with(Some("conflicting-writer")).scalings > sound.scalings);
}

#[test]
fn the_same_scenario_has_the_same_result_whether_or_not_it_is_watched() {
    let scenario = scenario("0s:60m 90s:1200m 5m:300m");
    let first = scenario.run();
    let mut seen = Vec::new();
    assert_eq!(first, scenario.watch(|o| seen.push(o)));
    assert_eq!(first, scenario.run());
    let mut times = seen.iter().map(|o| o.at);
    assert!(
        times
            .clone()
            .zip(times.by_ref().skip(1))
            .all(|(a, b)| a <= b)
    );
}

#[test]
fn the_model_explains_every_decision_that_a_watcher_observes() {
    let scenario = scenario("0s:60m 30s:60m 30s:900m 5m:900m 5m:60m");
    let mut evaluator =
        crate::run::evaluator::Evaluator::new(crate::expectation::Expectation::default());
    scenario.watch(|observation| evaluator.observe(&observation));
    let result = evaluator.finish(BEGIN);
    assert!(result.syncs.observed >= 3, "{:?}", result.syncs);
    assert_eq!(result.syncs.observed, result.syncs.explained);
    assert_eq!(result.replicas.max_ready, Some(10));
}

#[test]
fn the_search_finds_cheaper_settings_within_the_bound_if_there_are_any() {
    let scenario = scenario("0s:60m 2m:60m 4m:600m 10m:600m 12m:60m");
    let grid = Grid {
        min_replicas: vec![1, 2, 3],
        max_replicas: vec![6, 10],
        target_percent: vec![30, 50, 70],
        window_seconds: vec![60, 300],
        policies: vec!["legacy".parse().unwrap(), "default".parse().unwrap()],
        requests: Vec::new(),
    };
    let bound = Bound {
        p95_utilization: Some(100.0),
        ..Bound::default()
    };
    let found = search(&scenario, grid.clone(), bound);
    assert_eq!(found.tried, 3 * 2 * 3 * 2 * 2);
    let best = &found.best[0];
    assert!(best.summary.p95_utilization <= 100.0 && best.kept);
    assert!(best.summary.core_hours < found.current.summary.core_hours);
    assert_eq!(best.apply(&scenario).run(), best.summary);
    let rest = found.best.iter().map(|c| c.summary.core_hours);
    assert!(rest.is_sorted());
    let impossible = Bound {
        p95_utilization: Some(1.0),
        ..bound
    };
    let tight = Bound {
        p95_utilization: Some(60.0),
        ..bound
    };
    let found = search(&scenario, grid.clone(), tight);
    let cost = found.best[0].summary.core_hours;
    let misses: Vec<f64> = found
        .nearest
        .iter()
        .map(|c| tight.miss(&c.summary))
        .collect();
    assert!(
        misses.len() == 3 && misses.is_sorted() && misses[0] > 0.0,
        "{misses:?}"
    );
    let cheaper = |c: &Candidate| !c.kept && c.summary.core_hours < cost;
    assert!(found.nearest.iter().all(cheaper));
    let none = search(&scenario, grid, impossible);
    assert_eq!((none.kept, none.nearest.len()), (0, 3));
}

#[test]
fn at_equal_cost_the_search_leaves_the_settings_alone_that_do_not_matter() {
    // A load that never falls: no scale-down window changes anything.
    let scenario = scenario("0s:60m 2m:60m 4m:600m 10m:600m");
    let grid = Grid {
        min_replicas: vec![1, 2, 3],
        target_percent: vec![50, 70],
        window_seconds: vec![60, 120, 300],
        ..Grid::default()
    };
    let bound = Bound {
        unserved_percent: Some(50.0),
        ..Bound::default()
    };
    let found = search(&scenario, grid, bound);
    let [first, second, ..] = found.best.as_slice() else {
        panic!("{:?}", found.best)
    };
    assert_eq!(first.summary, second.summary, "a tie");
    assert_eq!(
        (first.window_seconds, second.window_seconds),
        (Some(300), Some(60)),
        "the controller's window is 300 s"
    );
}

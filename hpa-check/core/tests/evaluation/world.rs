//! A small simulated cluster with virtual time: the model as the autoscaler, pods that start and
//! stop, a metrics API with a resolution, and one thing broken on purpose, or nothing.

mod run;

use std::time::Duration;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::expectation::Expectation;
use hpa_check_core::observation::*;
use hpa_check_core::run::conductor::LoadSchedule;
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::spec::*;
use hpa_check_core::units::Millicores;
use hpa_check_core::verdict::Outcome;
use jiff::{SignedDuration, Timestamp};

/// What becomes of a pod, by the order in which the pods are made.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fate {
    Serves,
    NeverReady,
    /// Is not ready, and its probes let it take its time.
    Starts,
    /// Serves, and is not ready from one second to another.
    Pauses(i64, i64),
    Waits(&'static str),
    FitsNowhere,
}

/// What the metrics API does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Metrics {
    Answers,
    Fails(&'static str),
    StopsAt(i64),
    Leaves(usize),
    /// Answers the controller, and refuses the observer.
    Forbidden,
    /// Answers the controller, and the observer later than it waits.
    TooSlow,
}

/// Whose answers the load gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Nobody knows.
    Unnamed,
    /// Every ready pod's.
    All,
    /// The first pod's alone.
    First,
    /// Another application's.
    Stranger,
}

/// Everything that can be varied.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub spec: AutoscalerSpec,
    pub expectation: Expectation,
    pub controller: ControllerConfig,
    pub resolution: Duration,
    pub pace: LoadSchedule,
    /// Whether the load is known to stay what it is.
    pub steady: bool,
    pub request: Option<i64>,
    pub limit: Option<i64>,
    /// CPU that the load takes at rest and at its height, all pods together, in millicores.
    pub rest: i64,
    pub high: i64,
    /// CPU that the load takes after its height.
    pub after: i64,
    /// Load is shifted by up to that many percent, by a fixed pattern.
    pub wobble: i64,
    /// At its height the load is on and off by turns of that many seconds.
    pub swing: Option<i64>,
    /// Part of the load that the first pod takes alone, in percent.
    pub hot: i64,
    /// Whose answers the load gets, where the application says so.
    pub answers: Answers,
    pub pod_start: i64,
    pub fate: fn(usize) -> Fate,
    pub owner: fn(usize) -> &'static str,
    pub quota: Option<i32>,
    pub metrics: Metrics,
    pub facts: Vec<Fact>,
    /// Somebody sets the replicas back to the minimum that many seconds after a step up.
    pub rival: Option<(i64, &'static str)>,
    /// Events about pods: second, the pod's number, reason and message.
    pub events: &'static [(i64, usize, &'static str, &'static str)],
    /// The controller's own fault: what it makes of the right decision, given the current size.
    pub decide: fn(i32, i32) -> i32,
    /// The controller makes no sync from one second to another.
    pub stands_still: Option<(i64, i64)>,
    /// The autoscaler is not there from one second to another; what is made anew has its name.
    pub deleted: Option<(i64, i64)>,
    /// What the generator says at its end.
    pub account: LoadResult,
    /// The version of Kubernetes, if it is known.
    pub kubernetes: Option<&'static str>,
    /// Pods that have succeeded, and that the selector matches too.
    pub completed: usize,
    /// Why the API server refuses pods beyond the quota.
    pub refuses: &'static str,
    /// Whether the rollout has passed its deadline.
    pub stalled: bool,
    /// Says which seconds the watch is blind.
    pub blind: Option<(i64, i64)>,
    pub generation: bool,
    /// The second in which the pod template changes.
    pub rollout: Option<i64>,
    /// Pods that a rollout deletes before it makes new ones, one at most.
    pub max_unavailable: usize,
    /// The reason of the condition `Ready` while a pod pauses.
    pub unready: Option<&'static str>,
    /// A second container of each pod, which gets none of the load.
    pub sidecar: Option<&'static str>,
    pub interrupt: Option<i64>,
    /// The condition that every sync ends in, instead of a decision.
    pub refusal: Option<(&'static str, &'static str, &'static str)>,
    pub longest: i64,
}

pub(crate) fn at(ms: i64) -> Timestamp {
    let start: Timestamp = "2026-03-04T10:20:30Z".parse().unwrap();
    start + SignedDuration::from_millis(ms)
}

/// A run that has nothing wrong with it, with the periods of a rehearsal.
pub(crate) fn healthy() -> World {
    World {
        spec: AutoscalerSpec {
            scale_target_ref: TargetRef {
                api_version: "apps/v1".into(),
                kind: "Deployment".into(),
                name: "fib-server".into(),
            },
            min_replicas: Some(3),
            max_replicas: 10,
            metrics: vec![MetricSpec::cpu_utilization(50)],
            behavior: None,
        },
        expectation: Expectation {
            patience: Duration::from_secs(10),
            ..Expectation::default()
        },
        controller: ControllerConfig {
            sync_period: Duration::from_secs(3),
            downscale_stabilization: Duration::from_secs(9),
            ..ControllerConfig::default()
        },
        resolution: Duration::from_secs(2),
        pace: LoadSchedule::Planned {
            up: Duration::from_secs(4),
            down: Duration::from_secs(44),
            end: Duration::from_secs(90),
        },
        steady: true,
        request: Some(100),
        limit: None,
        rest: 60,
        high: 650,
        after: 60,
        wobble: 0,
        swing: None,
        hot: 0,
        answers: Answers::Unnamed,
        pod_start: 1500,
        fate: |_| Fate::Serves,
        owner: |_| "ReplicaSet/fib-server-5d8f",
        quota: None,
        metrics: Metrics::Answers,
        facts: vec![Fact::CpuCapacity {
            total: Millicores(2000),
            how: "2 CPUs of this machine".into(),
        }],
        rival: None,
        events: &[],
        decide: |_, wanted| wanted,
        stands_still: None,
        deleted: None,
        account: LoadResult {
            requests: 9000,
            failed: 0,
            wrong: 0,
            verified: 9000,
            generator: GeneratorVerdict::Ok,
            generator_reasons: Vec::new(),
            exit_code: 0,
            command: None,
            output: Vec::new(),
        },
        kubernetes: None,
        completed: 0,
        refuses: "pods \"x\" is forbidden: exceeded quota: small",
        stalled: false,
        blind: None,
        generation: true,
        rollout: None,
        max_unavailable: 0,
        unready: None,
        sidecar: None,
        interrupt: None,
        refusal: None,
        longest: 400,
    }
}

/// The same with a cluster's periods, and a load that the conductor starts and stops.
pub(crate) fn in_a_cluster() -> World {
    World {
        controller: ControllerConfig::default(),
        resolution: Duration::from_secs(15),
        pace: LoadSchedule::Adaptive,
        pod_start: 4000,
        longest: 1200,
        ..healthy()
    }
}

/// Folds a recording again.
pub(crate) fn replay(expectation: &Expectation, recording: &[Observation]) -> RunResult {
    let mut evaluator = Evaluator::new(expectation.clone());
    for observation in recording {
        evaluator.observe(observation);
    }
    evaluator.finish(recording.last().map_or(at(0), |o| o.at))
}

/// Asserts a pass, and shows the verdict when it is none.
#[track_caller]
pub(crate) fn assert_passed(result: &RunResult) {
    assert_eq!(
        result.verdict.outcome,
        Outcome::Pass,
        "{:#?}",
        result.verdict
    );
}

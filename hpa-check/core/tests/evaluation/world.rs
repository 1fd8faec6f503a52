//! A small simulated cluster in virtual time: the model as the autoscaler, pods that start and stop, a metrics
//! API with a resolution, and at most one thing broken on purpose.

mod run;

use std::time::Duration;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::expectation::Expectation;
use hpa_check_core::observation::*;
use hpa_check_core::run::conductor::LoadSchedule;
use hpa_check_core::run::evaluator::Evaluator;
use hpa_check_core::spec::*;
use hpa_check_core::units::Millicores;
use hpa_check_core::verdict::{Outcome, Verdict};
use jiff::{SignedDuration, Timestamp};

/// The fate of a pod, by creation order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fate {
    Serves,
    NeverReady,
    /// Not ready yet, and its probes allow for that.
    Starts,
    /// Serves, but is not ready during these seconds.
    Pauses(i64, i64),
    /// Serves this many milliseconds later than the others.
    Late(i64),
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
    /// Answers the controller, but answers the observer after its timeout.
    TooSlow,
}

/// Which pods answer the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answers {
    /// Unknown.
    Unnamed,
    /// Every ready pod.
    All,
    /// Only the first pod.
    First,
    /// Another application.
    Stranger,
}

/// What the observer knows of the controller's flags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flags {
    /// The user stated them.
    Stated,
    /// The user stated the defaults, whatever they are.
    Misstated,
    /// The user stated none, so the defaults are assumed.
    Assumed,
}

/// Everything that can vary.
#[derive(Debug, Clone)]
pub(crate) struct World {
    pub spec: AutoscalerSpec,
    pub expectation: Expectation,
    pub controller: ControllerConfig,
    /// What the observer knows of them.
    pub flags: Flags,
    pub resolution: Duration,
    /// The resolution that the observer assumes, if it is not the metrics server's own.
    pub assumed_resolution: Option<Duration>,
    pub pace: LoadSchedule,
    /// Whether the load is known to stay constant.
    pub steady: bool,
    pub request: Option<i64>,
    pub limit: Option<i64>,
    /// CPU that the load takes at rest and at its peak, by all pods together, in millicores.
    pub rest: i64,
    pub high: i64,
    /// CPU that the load takes after its peak.
    pub after: i64,
    /// The load is shifted by up to this many percent, in a fixed pattern.
    pub wobble: i64,
    /// At its peak the load alternates between on and off, this many seconds each.
    pub swing: Option<i64>,
    /// Share of the load that goes to the first pod alone, in percent.
    pub hot: i64,
    /// Which pods answer the load, if the application reports it.
    pub answers: Answers,
    pub pod_start: i64,
    /// How long a deleted pod still exists, in milliseconds.
    pub grace: i64,
    /// CPU that each pod takes on top in its first milliseconds.
    pub burn: Option<(i64, i64)>,
    pub fate: fn(usize) -> Fate,
    pub owner: fn(usize) -> &'static str,
    pub quota: Option<i32>,
    pub metrics: Metrics,
    pub facts: Vec<Fact>,
    /// Somebody resets the replicas to the minimum this many seconds after a step up.
    pub rival: Option<(i64, &'static str)>,
    /// Events about pods: second, number of the pod, reason and message.
    pub events: &'static [(i64, usize, &'static str, &'static str)],
    /// The controller's own fault: what it turns the right decision into, given the current size.
    pub decide: fn(i32, i32) -> i32,
    /// The controller skips its syncs during these seconds.
    pub stands_still: Option<(i64, i64)>,
    /// The autoscaler doesn't exist during these seconds; the recreated one has the same name.
    pub deleted: Option<(i64, i64)>,
    /// What the generator reports at its end.
    pub account: LoadResult,
    /// The version of Kubernetes, if it is known.
    pub kubernetes: Option<&'static str>,
    /// Succeeded pods that the selector matches too.
    pub completed: usize,
    /// Why the API server refuses pods beyond the quota.
    pub refuses: &'static str,
    /// Whether the rollout has passed its deadline.
    pub stalled: bool,
    /// The seconds for which the watch reports a gap.
    pub blind: Option<(i64, i64)>,
    pub generation: bool,
    /// The second in which the pod template changes.
    pub rollout: Option<i64>,
    /// Pods that a rollout deletes before it creates new ones: one at most.
    pub max_unavailable: usize,
    /// Pods that a rollout creates before it deletes old ones: one at most.
    pub max_surge: usize,
    /// The pod with this number is evicted in this second.
    pub evicted: Option<(i64, usize)>,
    /// The field manager under which the controller writes.
    pub manager: &'static str,
    /// Who applied the manifest of a custom resource.
    pub applier: Option<&'static str>,
    /// The second in which the controller restarts, and whether its lease shows that.
    pub restart: Option<(i64, bool)>,
    /// The reason of the condition `Ready` while a pod pauses.
    pub unready: Option<&'static str>,
    /// A second container in each pod, which gets none of the load.
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

/// A run without any problem, with the periods of a rehearsal.
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
        flags: Flags::Stated,
        resolution: Duration::from_secs(2),
        assumed_resolution: None,
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
        grace: 2000,
        burn: None,
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
        max_surge: 1,
        evicted: None,
        manager: "kube-controller-manager",
        applier: None,
        restart: None,
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

/// Evaluates a recording again.
pub(crate) fn replay(expectation: &Expectation, recording: &[Observation]) -> RunResult {
    let mut evaluator = Evaluator::new(expectation.clone());
    for observation in recording {
        evaluator.observe(observation);
    }
    evaluator.finish(recording.last().map_or(at(0), |o| o.at))
}

/// What was found, most important first.
pub(crate) fn ids(verdict: &Verdict) -> Vec<&str> {
    verdict.reasons.iter().map(|r| r.id.as_str()).collect()
}

/// Asserts a pass, and shows the verdict otherwise.
#[track_caller]
pub(crate) fn assert_passed(result: &RunResult) {
    assert_eq!(
        result.verdict.outcome,
        Outcome::Pass,
        "{:#?}",
        result.verdict
    );
}

//! How many decisions a second the model makes, and how many as lines of JSON. `bench/run check` runs it.
//!
//! ```text
//! decisions 1              measures for about a second each; prints one JSON object
//! decisions cases 20000    prints that many cases, as input for `hpa-check decide`
//! decisions syncs 100      only decides this many times for each autoscaler, for counting instructions
//! ```
//!
//! Every autoscaler has ten pods and a behavior of its own, and no two have the same numbers.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use hpa_check_core::decide;
use hpa_check_core::model::VersionGates;
use hpa_check_core::model::pods::{ModelPod, ReadyCondition};
use hpa_check_core::model::proposal::Readings;
use hpa_check_core::model::reconcile::{Controller, ScaleSubresource, Sync};
use hpa_check_core::model::selector::TargetSelector;
use hpa_check_core::observation::{Condition, ContainerSample, ControllerConfig, PodSample};
use hpa_check_core::spec::{
    AutoscalerSpec, Behavior, ContainerResources, MetricSpec, PolicyKind, ScalingPolicy,
    ScalingRules, SelectPolicy, TargetRef,
};
use hpa_check_core::units::Millicores;

const PODS: i32 = 10;
/// As many as a busy controller has. Together they are larger than a core's own caches.
const AUTOSCALERS: u64 = 1_000;
const SYNC_PERIOD: SignedDuration = SignedDuration::from_secs(15);
const SELECTOR: &str = "app.kubernetes.io/name=cart";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let found = match words.as_slice() {
        ["cases", count] => count.parse().ok().map(|count| {
            for case in cases(count) {
                print(&case);
            }
        }),
        ["syncs", passes] => passes.parse().ok().map(|passes| {
            let mut fleet = Fleet::new();
            for _ in 0..passes {
                fleet.pass();
            }
        }),
        [seconds] => seconds.parse().ok().map(|seconds| print(&rates(seconds))),
        _ => None,
    };
    if found.is_some() {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(2)
    }
}

#[expect(clippy::print_stdout, reason = "the result goes to standard output")]
fn print(value: &Value) {
    println!("{value}");
}

/// The rates of the model alone, of the same kind of decisions as JSON, and of scanning that JSON.
#[expect(clippy::cast_precision_loss, reason = "rates of far less than 2^52")]
fn rates(seconds: u64) -> Value {
    let budget = Duration::from_secs(seconds);
    let mut fleet = Fleet::new();
    let (mut syncs, mut taken) = (0_u64, Duration::ZERO);
    while taken < budget {
        taken += fleet.pass();
        syncs += AUTOSCALERS;
    }
    let lines: Vec<String> = cases(AUTOSCALERS).map(|case| case.to_string()).collect();
    let lines = lines.join("\n");
    let per_second = |work: &dyn Fn()| {
        let (mut passes, mut taken) = (0_u64, Duration::ZERO);
        while taken < budget {
            taken += timed(work);
            passes += AUTOSCALERS;
        }
        passes as f64 / taken.as_secs_f64()
    };
    let decided = per_second(&|| {
        let good = decide::run(lines.as_bytes(), io::sink(), None);
        assert!(good.is_ok_and(|all| all), "every case is well-formed");
    });
    let scanned = per_second(&|| {
        let scan = |line| serde_json::from_str::<IgnoredAny>(line).is_ok();
        assert!(lines.lines().all(scan), "every case is JSON");
    });
    json!({
        "typed_per_second": syncs as f64 / taken.as_secs_f64(),
        "json_per_second": decided,
        "json_scanned_per_second": scanned,
        "bytes_per_case": lines.len() as f64 / AUTOSCALERS as f64,
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "this measures time; it decides nothing by it"
)]
fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// What one decision is made from.
struct Autoscaler {
    controller: Controller,
    spec: AutoscalerSpec,
    selector: TargetSelector,
    pods: Vec<ModelPod>,
    samples: Vec<PodSample>,
    conditions: Vec<Condition>,
    desired: i32,
}

/// Autoscalers that are decided in turn, as by a controller that serves them all.
struct Fleet {
    now: Timestamp,
    random: Random,
    autoscalers: Vec<Autoscaler>,
}

impl Fleet {
    fn new() -> Self {
        let mut random = Random(1);
        let now = Timestamp::UNIX_EPOCH;
        let autoscalers = (0..AUTOSCALERS)
            .map(|number| Autoscaler {
                controller: Controller::new(ControllerConfig::default(), VersionGates::default()),
                spec: spec(&mut random),
                selector: TargetSelector::new(SELECTOR),
                pods: (0..PODS)
                    .map(|i| pod(number, i, now, &mut random))
                    .collect(),
                samples: (0..PODS).map(|i| sample(number, i, now)).collect(),
                conditions: Vec::new(),
                desired: PODS,
            })
            .collect();
        Self {
            now,
            random,
            autoscalers,
        }
    }

    /// Syncs every autoscaler once, one sync period later and with new samples; returns the time that the syncs
    /// took.
    fn pass(&mut self) -> Duration {
        self.now += SYNC_PERIOD;
        for autoscaler in &mut self.autoscalers {
            let level = self.random.below(150);
            for sample in &mut autoscaler.samples {
                sample.timestamp = self.now - SignedDuration::from_secs(10);
                let milli = level + self.random.below(50);
                sample.containers[0].cpu = Some(Millicores(milli));
            }
        }
        timed(|| {
            for autoscaler in &mut self.autoscalers {
                autoscaler.sync(self.now);
            }
        })
    }
}

impl Autoscaler {
    /// Every sync finds ten pods, as if its target had been set back to them.
    fn sync(&mut self, now: Timestamp) {
        let decision = self.controller.sync(Sync {
            now,
            namespace: "shop",
            spec: &self.spec,
            scale: Ok(ScaleSubresource {
                replicas: PODS,
                observed: PODS,
                selector: &self.selector,
            }),
            pods: &self.pods,
            metrics: Readings::of_resources(Ok(&self.samples)),
            shares_pods: false,
            update_error: None,
            conditions: &self.conditions,
            desired_before: self.desired,
        });
        assert!(decision.error.is_none(), "{:?}", decision.error);
        self.desired = decision.desired;
        self.conditions = decision.conditions;
    }
}

fn spec(random: &mut Random) -> AutoscalerSpec {
    let policy = |kind, value, period_seconds| ScalingPolicy {
        kind,
        value,
        period_seconds,
    };
    let up = vec![
        policy(PolicyKind::Pods, 1 + random.small(6), 30),
        policy(PolicyKind::Percent, 50 + random.small(100), 60),
    ];
    let down = vec![policy(PolicyKind::Percent, 10 + random.small(90), 60)];
    AutoscalerSpec {
        scale_target_ref: TargetRef::deployment("cart"),
        min_replicas: Some(1 + random.small(5)),
        max_replicas: 12 + random.small(20),
        metrics: vec![MetricSpec::cpu_utilization(40 + random.small(50))],
        behavior: Some(Behavior {
            scale_up: Some(ScalingRules {
                stabilization_window_seconds: Some(random.small(4) * 15),
                select_policy: Some(SelectPolicy::Max),
                policies: Some(up),
                tolerance: None,
            }),
            scale_down: Some(ScalingRules {
                stabilization_window_seconds: Some(60 + random.small(240)),
                select_policy: None,
                policies: Some(down),
                tolerance: None,
            }),
        }),
    }
}

fn pod_name(autoscaler: u64, pod: i32) -> String {
    format!("cart-{autoscaler:08x}-{pod:05}")
}

fn pod(autoscaler: u64, pod: i32, now: Timestamp, random: &mut Random) -> ModelPod {
    let start = now - SignedDuration::from_secs(20 + random.below(4_000));
    let request = Some(Millicores(100 + random.below(100)));
    ModelPod {
        name: pod_name(autoscaler, pod),
        phase: "Running".to_owned(),
        start: Some(start),
        ready: Some(ReadyCondition {
            status: "True".to_owned(),
            last_transition: start + SignedDuration::from_secs(5),
        }),
        containers: vec![ContainerResources::cpu("app", request, None)],
        ..ModelPod::default()
    }
}

fn sample(autoscaler: u64, pod: i32, now: Timestamp) -> PodSample {
    PodSample {
        pod: pod_name(autoscaler, pod),
        timestamp: now,
        window: Duration::from_secs(15),
        containers: vec![ContainerSample {
            name: "app".to_owned(),
            cpu: None,
            memory: None,
        }],
    }
}

/// Distinct decisions, as input for `hpa-check decide`.
fn cases(count: u64) -> impl Iterator<Item = Value> {
    let mut random = Random(2);
    (0..count).map(move |number| case(number, &mut random))
}

fn case(number: u64, random: &mut Random) -> Value {
    let spec = spec(random);
    let level = random.below(150);
    let pods: Vec<Value> = (0..PODS)
        .map(|pod| {
            let age = 20 + random.below(4_000);
            json!({
                "name": pod_name(number, pod),
                "phase": "Running",
                "startAgoSeconds": age,
                "readyCondition": {"status": "True", "lastTransitionAgoSeconds": age - 5},
                "containers": [{"name": "app", "cpuRequestMilli": 100 + random.below(100)}],
            })
        })
        .collect();
    let samples: Vec<Value> = (0..PODS)
        .map(|pod| {
            json!({
                "pod": pod_name(number, pod),
                "timestampAgoSeconds": 10,
                "windowSeconds": 15,
                "containers": [{"name": "app", "cpuUsageMilli": level + random.below(50)}],
            })
        })
        .collect();
    json!({
        "id": number,
        "kind": "reconcile",
        "input": {
            "hpa": {
                "minReplicas": spec.min_replicas,
                "maxReplicas": spec.max_replicas,
                "metrics": spec.metrics,
                "behavior": spec.behavior.as_ref().map(Behavior::written),
            },
            "scale": {"specReplicas": PODS, "selector": SELECTOR},
            "pods": pods,
            "podMetrics": samples,
        },
    })
}

/// A small generator, so that every run decides the same.
struct Random(u64);

impl Random {
    fn below(&mut self, end: i64) -> i64 {
        // Knuth's MMIX constants; the high bits are the good ones.
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = self.0.wrapping_add(1_442_695_040_888_963_407);
        i64::try_from(self.0 >> 33).unwrap_or_default() % end
    }

    fn small(&mut self, end: i32) -> i32 {
        i32::try_from(self.below(end.into())).unwrap_or_default()
    }
}

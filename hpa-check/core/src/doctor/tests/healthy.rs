//! No false alarms: healthy snapshots of every shape have no faults.

use std::time::Duration;

use proptest::prelude::*;

use super::super::{Assertions, diagnose};
use super::world::{ago, autoscaler, condition, facts, owner, pod, sample};
use crate::observation::{ContainerSample, PodSample};
use crate::snapshot::{
    ClusterSnapshot, DisruptionBudget, EventSnapshot, Namespace, PodSnapshot, Quota, TargetLook,
};
use crate::spec::{Behavior, ContainerResources, MetricTarget, ScalingRules};
use crate::units::Millicores;
use crate::verdict::Outcome;

/// The shape of a healthy autoscaler.
#[derive(Debug, Clone)]
struct Shape {
    min: i32,
    span: i32,
    above_min: i32,
    target: i32,
    request: i64,
    /// Use in percent of the target, before the variation between pods.
    load: i64,
    spread: Vec<i64>,
    limit: Option<i64>,
    sidecar: Option<i64>,
    starting: bool,
    going: bool,
    behavior: bool,
    age: u64,
    sample_age: u64,
    rescales: i32,
    strangers: usize,
}

fn shape() -> impl Strategy<Value = Shape> {
    let bounds = (1..5_i32, 1..9_i32, 0..9_i32, 20..90_i32);
    let use_ = (
        10..1_000_i64,
        5..105_i64,
        prop::collection::vec(80..120_i64, 16),
    );
    let extras = (
        prop::option::of(2..10_i64),
        prop::option::of(1..4_i64),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    );
    let times = (700..100_000_u64, 1..30_u64, 0..3_i32, 0..4_usize);
    (bounds, use_, extras, times).prop_map(|(bounds, use_, extras, times)| Shape {
        min: bounds.0,
        span: bounds.1,
        above_min: bounds.2,
        target: bounds.3,
        request: use_.0,
        load: use_.1,
        spread: use_.2,
        limit: extras.0,
        sidecar: extras.1,
        starting: extras.2,
        going: extras.3,
        behavior: extras.4,
        age: times.0,
        sample_age: times.1,
        rescales: times.2,
        strangers: times.3,
    })
}

fn pods_and_samples(name: &str, shape: &Shape, count: usize) -> (Vec<PodSnapshot>, Vec<PodSample>) {
    let mut pods: Vec<_> = (0..count).map(|n| pod(name, n)).collect();
    let mut samples: Vec<PodSample> = Vec::new();
    for (n, pod) in pods.iter_mut().enumerate() {
        pod.pod.started = Some(ago(shape.age));
        if let Some(ready) = &mut pod.pod.ready {
            ready.since = Some(ago(shape.age - 7));
        }
        let own = &mut pod.pod.containers[0];
        own.cpu_request = Some(Millicores(shape.request));
        // A limit of at least twice the request never caps a target below 90 %.
        own.cpu_limit = shape.limit.map(|times| Millicores(shape.request * times));
        let used = |request: i64| {
            request * i64::from(shape.target) * shape.load * shape.spread[n % 16] / 1_000_000
        };
        let mut one = sample(name, n, used(shape.request));
        one.timestamp = ago(shape.sample_age);
        if let Some(share) = shape.sidecar {
            let request = (shape.request / (share * 2)).max(1);
            pod.pod.containers.push(ContainerResources::cpu(
                "proxy",
                Some(Millicores(request)),
                shape.limit.map(|times| Millicores(request * times)),
            ));
            one.containers
                .push(ContainerSample::of_cpu("proxy", Millicores(used(request))));
        }
        samples.push(one);
    }
    if shape.starting && count > 1 {
        let new = &mut pods[count - 1].pod;
        "Pending".clone_into(&mut new.phase);
        (new.started, new.ready) = (Some(ago(9)), None);
        samples.pop();
    }
    if shape.going {
        let mut old = pod(name, 90);
        old.pod.deleting = true;
        old.pod.containers.clone_from(&pods[0].pod.containers);
        pods.push(old);
    }
    (pods, samples)
}

fn build(name: &str, shape: &Shape) -> Namespace {
    let max = shape.min + shape.span;
    let replicas = shape.min + shape.above_min % (shape.span + 1);
    let mut scaler = autoscaler(name, replicas);
    scaler.object.spec.min_replicas = Some(shape.min);
    scaler.object.spec.max_replicas = max;
    scaler.object.spec.metrics[0].target = MetricTarget::Utilization(shape.target);
    if shape.behavior {
        let scale_down = Some(ScalingRules {
            stabilization_window_seconds: Some(60),
            ..ScalingRules::default()
        });
        scaler.object.spec.behavior = Some(Behavior {
            scale_up: None,
            scale_down,
        });
    }
    let count = usize::try_from(replicas).unwrap();
    let (pods, samples) = pods_and_samples(name, shape, count);
    if let TargetLook::Read(target) = &mut scaler.target {
        if shape.sidecar.is_some() {
            target.template.push("proxy".to_owned());
        }
        target
            .owners_of_replicas
            .push(owner("kubectl-create", 90_000));
        let conditions = &mut target.object.conditions;
        conditions.push(condition("Available", "True", "MinimumReplicasAvailable"));
    }
    let reasons = [
        "cpu resource utilization (percentage of request) above target",
        "All metrics below target",
    ];
    let events = (0..shape.rescales).map(|n| EventSnapshot {
        about: format!("HorizontalPodAutoscaler/{name}"),
        reason: "SuccessfulRescale".to_owned(),
        message: format!(
            "New size: {n}; reason: {}",
            reasons[usize::from(n % 2 == 1)]
        ),
        count: 1,
        first: Some(ago(3_000)),
        last: Some(ago(60)),
    });
    Namespace {
        autoscalers: vec![scaler],
        pods: Some(pods),
        samples: Some(Ok(samples)),
        owners: [(
            format!("ReplicaSet/{name}-6d"),
            format!("Deployment/{name}"),
        )]
        .into(),
        quotas: vec![Quota {
            name: "roomy".to_owned(),
            resource: "pods".to_owned(),
            hard: "500".to_owned(),
            used: "40".to_owned(),
            scopes: Vec::new(),
        }],
        budgets: vec![DisruptionBudget {
            name: name.to_owned(),
            selector: format!("app={name}"),
            min_available: None,
            max_unavailable: Some("1".to_owned()),
        }],
        events: events.collect(),
        ..Namespace::default()
    }
}

/// One namespace with all these autoscalers, plus pods that belong to none of them.
fn world(shapes: &[Shape]) -> ClusterSnapshot {
    let mut all = Namespace {
        pods: Some(Vec::new()),
        samples: Some(Ok(Vec::new())),
        ..Namespace::default()
    };
    for (n, shape) in shapes.iter().enumerate() {
        let one = build(&format!("app{n}"), shape);
        all.autoscalers.extend(one.autoscalers);
        all.pods.as_mut().unwrap().extend(one.pods.unwrap());
        all.samples
            .as_mut()
            .unwrap()
            .as_mut()
            .unwrap()
            .extend(one.samples.unwrap().unwrap());
        all.owners.extend(one.owners);
        all.budgets.extend(one.budgets);
        all.events.extend(one.events);
        all.quotas = one.quotas;
        for stranger in 0..shape.strangers {
            let mut done = pod("batch", n * 10 + stranger);
            "Succeeded".clone_into(&mut done.pod.phase);
            done.pod.containers[0].cpu_request = None;
            all.pods.as_mut().unwrap().push(done);
        }
    }
    let mut facts = facts(all);
    facts.room = None;
    facts
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn healthy_facts_have_no_fault(shapes in prop::collection::vec(shape(), 1..5)) {
        let facts = world(&shapes);
        let mut later = facts.clone();
        later.at = crate::model::after(facts.at, Duration::from_secs(5));
        for report in [
            diagnose(&facts, None, &Assertions::default()),
            diagnose(&later, Some(&facts), &Assertions::default()),
        ] {
            for one in &report.autoscalers {
                let faults: Vec<_> = one.findings.iter().filter(|f| f.outcome != Outcome::Pass).collect();
                prop_assert!(faults.is_empty(), "{}: {faults:#?}", one.name);
            }
            prop_assert_eq!(report.exit_code, 0);
        }
    }
}

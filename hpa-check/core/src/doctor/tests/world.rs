//! A healthy namespace: autoscaler `cart`, 3..10 at 50 %, with three idle pods.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::deployer::AppliedManifest;
use crate::keda::{PREFIX, ScaledObject};
use crate::model::before;
use crate::observation::{
    Autoscaler, AutoscalerStatus, Condition, ContainerSample, ControllerConfig, FieldManager, Pod,
    PodSample, Ready, ScaleTarget,
};
use crate::snapshot::room::{NodeRoom, OS};
use crate::snapshot::{
    ClusterSnapshot, FieldOwner, MetricsApi, Namespace, PodSnapshot, Room, Scaler, TargetLook,
    Workload,
};
use crate::spec::{AutoscalerSpec, ContainerResources, MetricSpec, TargetRef};
use crate::units::Millicores;

/// The instant of the snapshot.
pub(super) fn now() -> Timestamp {
    "2026-03-04T10:00:00Z".parse().unwrap()
}

pub(super) fn ago(seconds: u64) -> Timestamp {
    before(now(), Duration::from_secs(seconds))
}

pub(super) fn healthy() -> ClusterSnapshot {
    facts(Namespace {
        autoscalers: vec![autoscaler("cart", 3)],
        pods: Some((0..3).map(|n| pod("cart", n)).collect()),
        samples: Some(Ok((0..3).map(|n| sample("cart", n, 20)).collect())),
        owners: [(
            "ReplicaSet/cart-6d".to_owned(),
            "Deployment/cart".to_owned(),
        )]
        .into(),
        ..Namespace::default()
    })
}

/// The same with five busy pods, none of them overloaded.
pub(super) fn busy() -> ClusterSnapshot {
    facts(Namespace {
        autoscalers: vec![autoscaler("cart", 5)],
        pods: Some((0..5).map(|n| pod("cart", n)).collect()),
        samples: Some(Ok((0..5).map(|n| sample("cart", n, 50)).collect())),
        owners: [(
            "ReplicaSet/cart-6d".to_owned(),
            "Deployment/cart".to_owned(),
        )]
        .into(),
        ..Namespace::default()
    })
}

pub(super) fn facts(space: Namespace) -> ClusterSnapshot {
    ClusterSnapshot {
        at: now(),
        kubernetes: Some("1.34".to_owned()),
        controller: ControllerConfig::default(),
        metrics_resolution: Duration::from_secs(15),
        metrics_api: MetricsApi::Served,
        deployers: Vec::new(),
        deployers_unread: Vec::new(),
        metrics_servers: Vec::new(),
        node_claims: Vec::new(),
        room: Some(Room {
            nodes: vec![node("node-1", "linux", 16_000, 2_000)],
        }),
        namespaces: BTreeMap::from([("shop".to_owned(), space)]),
        unseen: Vec::new(),
    }
}

pub(super) fn autoscaler(name: &str, replicas: i32) -> Scaler {
    Scaler {
        name: name.to_owned(),
        created: Some(ago(86_400)),
        owner: None,
        team: None,
        ignore: None,
        inactive_since: None,
        unable_since: None,
        object: Autoscaler {
            uid: format!("uid-{name}"),
            spec: spec(name),
            status: Some(AutoscalerStatus {
                current_replicas: Some(replicas),
                desired_replicas: replicas,
                cpu_utilization: Some(20),
                current_metrics: Vec::new(),
                conditions: vec![
                    condition("AbleToScale", "True", "ReadyForNewScale"),
                    condition("ScalingActive", "True", "ValidMetricFound"),
                    condition("ScalingLimited", "False", "DesiredWithinRange"),
                ],
                last_scale: Some(ago(7_200)),
            }),
            status_written: Some(ago(10)),
            status_writer: None,
        },
        target: TargetLook::Read(Box::new(workload(name, replicas))),
    }
}

fn spec(name: &str) -> AutoscalerSpec {
    AutoscalerSpec {
        scale_target_ref: TargetRef::deployment(name),
        min_replicas: Some(3),
        max_replicas: 10,
        metrics: vec![MetricSpec::cpu_utilization(50)],
        behavior: None,
    }
}

pub(super) fn condition(kind: &str, status: &str, reason: &str) -> Condition {
    Condition {
        kind: kind.to_owned().into(),
        status: status.to_owned().into(),
        reason: reason.to_owned().into(),
        message: format!("the message of {reason}").into(),
    }
}

fn workload(name: &str, replicas: i32) -> Workload {
    Workload {
        created: Some(ago(90_000)),
        object: ScaleTarget {
            uid: format!("uid-target-{name}"),
            generation: Some(4),
            spec_replicas: replicas,
            replicas,
            ready_replicas: replicas,
            counts_ready: true,
            updated_replicas: replicas,
            selector: format!("app={name}"),
            conditions: vec![condition("Progressing", "True", "NewReplicaSetAvailable")],
            replicas_writer: None,
            spec_digest: None,
        },
        paused: false,
        template: vec!["app".to_owned()],
        manifest: AppliedManifest::default(),
        owners_of_replicas: vec![owner("kube-controller-manager", 7_200)],
    }
}

pub(super) fn owner(manager: &str, seconds_ago: u64) -> FieldOwner {
    FieldOwner {
        writer: FieldManager {
            manager: manager.to_owned(),
            at: Some(ago(seconds_ago)),
        },
        applies: false,
        through_scale: manager == "kube-controller-manager",
    }
}

/// A `ScaledObject` with KEDA's annotations and conditions.
pub(super) fn scaled_object(
    name: &str,
    annotations: &[(&str, &str)],
    conditions: &[(&str, &str)],
) -> ScaledObject {
    let annotated = |(key, value): &(&str, &str)| (format!("{PREFIX}{key}"), (*value).to_owned());
    ScaledObject {
        is_read: true,
        target: format!("Deployment/{name}"),
        autoscaler: Some(format!("keda-hpa-{name}")),
        annotations: annotations.iter().map(annotated).collect(),
        conditions: conditions
            .iter()
            .map(|(kind, status)| condition(kind, status, "TriggerError"))
            .collect(),
        ..ScaledObject::unread(name)
    }
}

/// The same autoscaler, owned by KEDA's `ScaledObject/cart`.
pub(super) fn of_keda() -> ClusterSnapshot {
    let mut facts = healthy();
    scaler(&mut facts).owner = Some("ScaledObject/cart".to_owned());
    space(&mut facts).scaled_objects = vec![scaled_object("cart", &[], &[])];
    facts
}

pub(super) fn pod(app: &str, number: usize) -> PodSnapshot {
    PodSnapshot {
        pod: Pod {
            name: format!("{app}-6d-{number}"),
            uid: format!("uid-{app}-{number}"),
            phase: "Running".to_owned(),
            deleting: false,
            started: Some(ago(3_600)),
            ready: Some(Ready {
                status: "True".to_owned(),
                since: Some(ago(3_590)),
            }),
            containers: vec![ContainerResources::cpu("app", Some(Millicores(100)), None)],
            owner: Some(format!("ReplicaSet/{app}-6d")),
            ..Pod::default()
        },
        labels: Arc::new(BTreeMap::from([
            ("app".to_owned(), app.to_owned()),
            ("pod-template-hash".to_owned(), "6d".to_owned()),
        ])),
        probed: true,
        node: Some("node-1".to_owned()),
        placement: Arc::default(),
    }
}

/// A node with allocatable and requested CPU in millicores.
pub(super) fn node(name: &str, os: &str, allocatable: i64, requested: i64) -> NodeRoom {
    NodeRoom {
        name: name.to_owned(),
        labels: BTreeMap::from([(OS.to_owned(), os.to_owned())]),
        taints: Vec::new(),
        allocatable: Millicores(allocatable),
        requested: BTreeMap::from([(0, Millicores(requested))]),
    }
}

/// The only node of a world that has one.
pub(super) fn only_node(facts: &mut ClusterSnapshot) -> &mut NodeRoom {
    &mut facts.room.as_mut().unwrap().nodes[0]
}

pub(super) fn sample(app: &str, number: usize, cpu: i64) -> PodSample {
    PodSample {
        pod: format!("{app}-6d-{number}"),
        timestamp: ago(12),
        window: Duration::from_secs(15),
        containers: vec![ContainerSample::of_cpu("app", Millicores(cpu))],
    }
}

pub(super) fn space(facts: &mut ClusterSnapshot) -> &mut Namespace {
    facts.namespaces.get_mut("shop").unwrap()
}

pub(super) fn scaler(facts: &mut ClusterSnapshot) -> &mut Scaler {
    &mut space(facts).autoscalers[0]
}

pub(super) fn target(facts: &mut ClusterSnapshot) -> &mut Workload {
    match &mut scaler(facts).target {
        TargetLook::Read(workload) => workload,
        TargetLook::Absent { .. } | TargetLook::NotScalable { .. } | TargetLook::Unread => {
            unreachable!("the world has a target")
        }
    }
}

pub(super) fn pods(facts: &mut ClusterSnapshot) -> &mut Vec<PodSnapshot> {
    space(facts).pods.as_mut().unwrap()
}

pub(super) fn samples(facts: &mut ClusterSnapshot) -> &mut Vec<PodSample> {
    space(facts).samples.as_mut().unwrap().as_mut().unwrap()
}

/// Sets a condition to False, with its reason and message.
pub(super) fn refuse(facts: &mut ClusterSnapshot, kind: &str, reason: &str, message: &str) {
    let status = scaler(facts).object.status.as_mut().unwrap();
    let condition = status.conditions.iter_mut().find(|c| c.kind == kind);
    let condition = condition.unwrap();
    condition.status = "False".into();
    condition.reason = reason.to_owned().into();
    condition.message = message.to_owned().into();
}

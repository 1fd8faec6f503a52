//! One row per catalog entry.

use std::sync::Arc;
use std::time::Duration;

use super::found;
use super::world::{
    ago, autoscaler, busy, condition, healthy, of_keda, only_node, owner, pod, pods, refuse,
    sample, samples, scaled_object, scaler, space, target,
};
use crate::judge;
use crate::metrics_server::{EXTERNAL, MetricsServer};
use crate::observation::{ContainerSample, Ready};
use crate::quantity::Quantity;
use crate::snapshot::{
    ClusterSnapshot, DisruptionBudget, EventSnapshot, MetricsApi, Quota, TargetLook, Unseen, Vpa,
    VpaControl,
};
use crate::spec::{
    ContainerResources, MetricIdentifier, MetricSource, MetricSpec, MetricTarget, ScalingRules,
    SelectPolicy,
};
use crate::units::Millicores;
use crate::verdict::Outcome;

/// A change to a snapshot.
pub(super) type Do = fn(&mut ClusterSnapshot);

/// The entry, the finding expected first, the healthy neighbor, and the one point in which they differ.
pub(super) struct Row(
    pub(super) u8,
    pub(super) &'static str,
    pub(super) fn() -> ClusterSnapshot,
    pub(super) Do,
);

fn same() -> ClusterSnapshot {
    healthy()
}

/// Five pods with a sidecar each, which the template has too.
pub(super) fn with_sidecar() -> ClusterSnapshot {
    let mut facts = busy();
    target(&mut facts).template.push("proxy".to_owned());
    for pod in pods(&mut facts) {
        pod.pod.containers.push(container("proxy", Some(100)));
    }
    for sample in samples(&mut facts) {
        sample.containers[0].cpu = Some(Millicores(45));
        sample.containers.push(used("proxy", 2));
    }
    facts
}

/// Three of the five became ready a moment ago; all have probes.
fn with_young() -> ClusterSnapshot {
    let mut facts = busy();
    for pod in pods(&mut facts).iter_mut().skip(2) {
        pod.pod.started = Some(ago(62));
        set_ready(pod, "True", 60);
    }
    for (n, sample) in samples(&mut facts).iter_mut().enumerate() {
        sample.containers[0].cpu = Some(Millicores(if n < 2 { 40 } else { 95 }));
    }
    facts
}

/// Over the target, with two of the five pods not ready yet.
fn with_starting() -> ClusterSnapshot {
    let mut facts = busy();
    for pod in pods(&mut facts).iter_mut().skip(3) {
        pod.pod.started = Some(ago(40));
        set_ready(pod, "False", 40);
    }
    for sample in samples(&mut facts) {
        sample.containers[0].cpu = Some(Millicores(88));
    }
    target(&mut facts).object.ready_replicas = 3;
    facts
}

pub(super) fn container(name: &str, request: Option<i64>) -> ContainerResources {
    ContainerResources::cpu(name, request.map(Millicores), None)
}

fn used(name: &str, cpu: i64) -> ContainerSample {
    ContainerSample::of_cpu(name, Millicores(cpu))
}

pub(super) fn set_ready(pod: &mut crate::snapshot::PodSnapshot, status: &str, seconds_ago: u64) {
    pod.pod.ready = Some(Ready {
        status: status.to_owned(),
        since: Some(ago(seconds_ago)),
    });
}

pub(super) fn rescaled(message: &str, count: i32) -> EventSnapshot {
    EventSnapshot {
        about: "HorizontalPodAutoscaler/cart".to_owned(),
        reason: "SuccessfulRescale".to_owned(),
        message: message.to_owned(),
        count,
        first: Some(ago(1_200)),
        last: Some(ago(30)),
    }
}

/// An event about the waiting pod.
pub(super) fn of_pod((reason, message, seconds_ago): (&str, &str, u64)) -> EventSnapshot {
    EventSnapshot {
        about: "Pod/cart-6d-3".to_owned(),
        reason: reason.to_owned(),
        message: message.to_owned(),
        count: 1,
        first: Some(ago(seconds_ago)),
        last: Some(ago(seconds_ago)),
    }
}

/// The kubelet's event for a pod that is no longer ready.
pub(super) fn of_probe(message: &str) -> EventSnapshot {
    EventSnapshot {
        about: "Pod/cart-6d-2".to_owned(),
        ..of_pod(("Unhealthy", message, 15))
    }
}

/// A fourth pod that fits on no node, and the events about it.
pub(super) fn waiting(events: &[(&str, &str, u64)]) -> ClusterSnapshot {
    let mut facts = healthy();
    pending(&mut facts);
    let last = pods(&mut facts).last_mut().unwrap();
    last.pod.unschedulable = Some("0/3 nodes are available: 3 Insufficient cpu.".to_owned());
    space(&mut facts).events = events.iter().copied().map(of_pod).collect();
    facts
}

pub(super) fn quota(resource: &str, hard: &str, used: &str) -> Quota {
    Quota {
        name: "q".to_owned(),
        resource: resource.to_owned(),
        hard: hard.to_owned(),
        used: used.to_owned(),
        scopes: Vec::new(),
    }
}

pub(super) const ROWS: &[Row] = &[
    Row(1, "no-metrics-api", same, |f| {
        f.metrics_api = MetricsApi::Absent {
            message: "apiservices \"v1beta1.metrics.k8s.io\" not found".to_owned(),
        };
    }),
    Row(
        1,
        "no-metrics-api",
        || {
            let mut f = healthy();
            f.metrics_api = MetricsApi::Unknown;
            f
        },
        |f| {
            refuse(
                f,
                "ScalingActive",
                "FailedGetResourceMetric",
                "the HPA was unable to compute the replica count: failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)",
            );
        },
    ),
    Row(2, "metrics-api-unavailable", same, |f| {
        f.metrics_api = MetricsApi::Unavailable {
            message: "MissingEndpoints: endpoints for service/metrics-server have no addresses"
                .to_owned(),
            since: Some(ago(600)),
        };
    }),
    Row(2, "metrics-api-unavailable", same, |f| {
        space(f).samples = Some(Err(
            "the server is currently unable to handle the request".to_owned()
        ));
        no_metrics(f);
    }),
    Row(3, "metrics-api-unavailable", same, |f| {
        samples(f).clear();
        no_metrics(f);
    }),
    Row(
        3,
        "metrics-not-yet",
        || {
            let mut f = healthy();
            for p in pods(&mut f) {
                set_ready(p, "True", 20);
            }
            f
        },
        |f| samples(f).clear(),
    ),
    Row(4, "pods-not-ready", same, |f| {
        // No pod was ever ready, so nothing shows how long a start takes here.
        for pod in pods(f) {
            pod.pod.started = Some(ago(700));
            set_ready(pod, "False", 700);
        }
    }),
    Row(5, "metrics-incomplete", same, |f| {
        samples(f).pop();
    }),
    Row(6, "needs-second-look", same, |f| {
        for s in samples(f) {
            s.timestamp = ago(95);
        }
    }),
    Row(7, "missing-cpu-request", same, |f| {
        pods(f)[1].pod.containers[0].cpu_request = None;
    }),
    Row(7, "missing-cpu-request", with_sidecar, |f| {
        pods(f)[1].pod.containers[1].cpu_request = None;
    }),
    Row(8, "injected-container-without-request", same, |f| {
        pods(f)[1].pod.containers.push(container("daprd", None));
    }),
    Row(9, "sidecar-dilutes-utilization", with_sidecar, |f| {
        for s in samples(f) {
            s.containers[0].cpu = Some(Millicores(98));
        }
    }),
    Row(10, "selector-matches-others", same, |f| {
        let mut other = pod("cart", 7);
        other.pod.owner = Some("ReplicaSet/canary-5f".to_owned());
        pods(f).push(other);
        samples(f).push(sample("cart", 7, 20));
        space(f).owners.insert(
            "ReplicaSet/canary-5f".to_owned(),
            "Deployment/canary".to_owned(),
        );
    }),
    Row(10, "selector-matches-others", same, |f| {
        let mut other = pod("cart", 7);
        other.pod.owner = Some("Job/migrate".to_owned());
        pods(f).push(other);
        samples(f).push(sample("cart", 7, 20));
    }),
    Row(
        11,
        "completed-pods-counted",
        || {
            let mut f = healthy();
            job(&mut f, "Running", "job");
            f
        },
        |f| {
            let last = pods(f).last_mut().unwrap();
            "Succeeded".clone_into(&mut last.pod.phase);
            let labels = Arc::make_mut(&mut last.labels);
            labels.insert("app".to_owned(), "cart".to_owned());
        },
    ),
    Row(12, "ambiguous-selector", same, |f| {
        let mut other = autoscaler("cart", 3);
        other.name = "cart-too".to_owned();
        space(f).autoscalers.push(other);
    }),
    Row(12, "ambiguous-selector", with_neighbor, |f| {
        let TargetLook::Read(other) = &mut space(f).autoscalers[1].target else {
            unreachable!()
        };
        "pod-template-hash=6d".clone_into(&mut other.object.selector);
        let says =
            "pods by selector app=cart are controlled by multiple HPAs: [shop/cart shop/web]";
        refuse(f, "ScalingActive", "AmbiguousSelector", says);
    }),
    Row(13, "invalid-selector", same, |f| {
        target(f).object.selector.clear();
    }),
    Row(13, "invalid-selector", same, |f| {
        refuse(
            f,
            "ScalingActive",
            "InvalidSelector",
            "the HPA target's scale is missing a selector",
        );
    }),
    Row(14, "target-not-found", same, |f| {
        scaler(f).target = TargetLook::Absent {
            message: "deployments.apps \"cart\" not found".to_owned(),
        };
    }),
    Row(14, "target-not-scalable", same, |f| {
        scaler(f).target = TargetLook::NotScalable {
            message: "the server could not find the requested resource".to_owned(),
        };
    }),
    Row(15, "target-api-version", same, |f| {
        scaler(f).object.spec.scale_target_ref.api_version.clear();
    }),
    Row(15, "target-api-version", same, |f| {
        "extensions/v1beta1".clone_into(&mut scaler(f).object.spec.scale_target_ref.api_version);
    }),
    Row(
        15,
        "target-api-version",
        || {
            let mut f = healthy();
            "Rollout".clone_into(&mut scaler(&mut f).object.spec.scale_target_ref.kind);
            "argoproj.io/v1"
                .clone_into(&mut scaler(&mut f).object.spec.scale_target_ref.api_version);
            space(&mut f).owners =
                [("ReplicaSet/cart-6d".to_owned(), "Rollout/cart".to_owned())].into();
            f
        },
        |f| {
            let message = "no matches for kind \"Rollout\" in group \"argoproj.io\"";
            refuse(f, "AbleToScale", "FailedGetScale", message);
            scaler(f).target = TargetLook::Absent {
                message: message.to_owned(),
            };
        },
    ),
    Row(17, "rescale-failed", same, |f| {
        refuse(
            f,
            "AbleToScale",
            "FailedUpdateScale",
            "admission webhook denied the request",
        );
    }),
    Row(18, "scale-up-disabled", same, |f| {
        let behavior = scaler(f).object.spec.behavior.get_or_insert_default();
        behavior.scale_up = Some(ScalingRules {
            select_policy: Some(SelectPolicy::Disabled),
            ..ScalingRules::default()
        });
    }),
    Row(20, "replicas-moved-by-another", same, |f| {
        target(f).owners_of_replicas = vec![owner("argocd-controller", 60)];
    }),
    Row(
        20,
        "replicas-moved-by-another",
        || {
            let mut f = healthy();
            space(&mut f).events.push(rescaled("New size: 10; reason: cpu resource utilization (percentage of request) above target", 1));
            f
        },
        |f| space(f).events[0].count = 4,
    ),
    Row(
        20,
        "replicas-in-manifest",
        || {
            let mut f = healthy();
            target(&mut f).owners_of_replicas.push(owner("helm", 8_000));
            f
        },
        |f| {
            target(f).owners_of_replicas[1].applies = true;
        },
    ),
    Row(21, "replicas-in-manifest", same, |f| {
        target(f).manifest.stored = Some(owner("kubectl-client-side-apply", 90_000).writer);
    }),
    Row(
        22,
        "vpa-changes-requests",
        || {
            let mut f = healthy();
            space(&mut f).vpas.push(Vpa {
                name: "cart".to_owned(),
                target: "Deployment/cart".to_owned(),
                mode: "Off".to_owned(),
                controls: vec![VpaControl {
                    container: "*".to_owned(),
                    resources: vec!["cpu".to_owned(), "memory".to_owned()],
                }],
            });
            f
        },
        |f| "Auto".clone_into(&mut space(f).vpas[0].mode),
    ),
    Row(
        23,
        "another-scaler",
        || {
            let mut f = healthy();
            space(&mut f)
                .scaled_objects
                .push(scaled_object("web", &[], &[]));
            f
        },
        |f| "Deployment/cart".clone_into(&mut space(f).scaled_objects[0].target),
    ),
    Row(23, "another-scaler", same, |f| {
        target(f)
            .owners_of_replicas
            .push(owner("cluster-proportional-autoscaler", 9_000));
    }),
    // KEDA's own object is not a second scaler; another one is.
    Row(23, "another-scaler", of_keda, |f| {
        let mut other = scaled_object("other", &[], &[]);
        "Deployment/cart".clone_into(&mut other.target);
        space(f).scaled_objects.push(other);
    }),
    Row(
        23,
        "scaled-object-not-ready",
        || {
            let mut f = of_keda();
            space(&mut f).scaled_objects[0] = scaled_object("cart", &[], &[("Ready", "True")]);
            f
        },
        |f| {
            let condition = &mut space(f).scaled_objects[0].conditions[0];
            condition.status = "False".into();
            condition.reason = "ScaledObjectCheckFailed".into();
        },
    ),
    Row(
        24,
        "quota-exceeded",
        || {
            let mut f = busy();
            target(&mut f).object.conditions.push(condition(
                "ReplicaFailure",
                "False",
                "FailedCreate",
            ));
            f
        },
        |f| {
            let object = &mut target(f).object;
            object.spec_replicas = 10;
            let failure = object.conditions.last_mut().unwrap();
            failure.status = "True".into();
            failure.message = "pods \"cart-x\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=5, limited: pods=5".into();
        },
    ),
    Row(
        24,
        "quota-exceeded",
        || {
            let mut f = healthy();
            space(&mut f).quotas.push(quota("pods", "10", "3"));
            f
        },
        |f| {
            "6".clone_into(&mut space(f).quotas[0].hard);
        },
    ),
    Row(
        24,
        "quota-exceeded",
        || {
            let mut f = healthy();
            space(&mut f)
                .quotas
                .push(quota("requests.cpu", "1", "300m"));
            f
        },
        |f| {
            "999m".clone_into(&mut space(f).quotas[0].hard);
        },
    ),
    Row(
        24,
        "pods-refused",
        || {
            let mut f = busy();
            target(&mut f).object.conditions.push(condition(
                "ReplicaFailure",
                "False",
                "FailedCreate",
            ));
            f
        },
        |f| {
            let object = &mut target(f).object;
            object.spec_replicas = 10;
            let failure = object.conditions.last_mut().unwrap();
            failure.status = "True".into();
            failure.message = "pods \"cart-x\" is forbidden: violates PodSecurity".into();
        },
    ),
    Row(
        25,
        "unschedulable",
        || {
            let mut f = healthy();
            pending(&mut f);
            f
        },
        |f| {
            pods(f).last_mut().unwrap().pod.unschedulable =
                Some("0/1 nodes are available: 1 Insufficient cpu.".to_owned());
        },
    ),
    Row(
        25,
        "unschedulable",
        || {
            waiting(&[(
                "TriggeredScaleUp",
                "pod triggered scale-up: [{web 1->2 (max: 4)}]",
                60,
            )])
        },
        |f| {
            let refusal = (
                "NotTriggerScaleUp",
                "pod didn't trigger scale-up: 1 max node group size reached",
                10,
            );
            space(f).events.push(of_pod(refusal));
        },
    ),
    Row(
        25,
        "nodes-unknown",
        || {
            let mut f = healthy();
            f.room = None;
            f.unseen.push(Unseen {
                rule: "list events".to_owned(),
                error: "forbidden".to_owned(),
                consequence:
                    "past scalings and rejected pods, which only show in events, can't be observed"
                        .to_owned(),
                essential: false,
            });
            pending(&mut f);
            f
        },
        |f| {
            pods(f).last_mut().unwrap().pod.unschedulable =
                Some("0/3 nodes are available: 3 Insufficient cpu.".to_owned());
        },
    ),
    Row(
        25,
        "pods-evicted",
        || {
            let mut f = healthy();
            let preempted = ("Preempted", "Preempted by a pod on node node-1", 30);
            space(&mut f).events.push(of_pod(preempted));
            f
        },
        |f| {
            let object = &mut target(f).object;
            (object.replicas, object.ready_replicas) = (2, 2);
            pods(f).pop();
        },
    ),
    Row(
        3,
        "adapter-unavailable",
        || {
            let mut f = healthy();
            let queue = MetricSource::External(MetricIdentifier {
                name: "queue".to_owned(),
                selector: None,
            });
            scaler(&mut f).object.spec.metrics.push(MetricSpec {
                source: queue,
                target: MetricTarget::AverageValue(Quantity::from_milli(100_000)),
            });
            f.metrics_servers.push(MetricsServer {
                group: EXTERNAL.to_owned(),
                registered: true,
                service: Some("keda/keda-operator-metrics-apiserver".to_owned()),
                unavailable: None,
                unavailable_since: None,
            });
            f
        },
        |f| {
            let says = "Available False, MissingEndpoints: endpoints for service/keda-operator-metrics-apiserver in \"keda\" have no addresses";
            f.metrics_servers[0].unavailable = Some(says.to_owned());
            f.metrics_servers[0].unavailable_since = Some(ago(600));
        },
    ),
    Row(25, "capacity-too-small", same, |f| {
        only_node(f).allocatable = Millicores(2_500);
    }),
    Row(
        26,
        "image-missing",
        || {
            let mut f = healthy();
            pending(&mut f);
            f
        },
        |f| {
            pods(f).last_mut().unwrap().pod.waiting = Some("ImagePullBackOff".to_owned());
        },
    ),
    Row(
        26,
        "pods-crash",
        || {
            let mut f = healthy();
            pending(&mut f);
            f
        },
        |f| {
            pods(f).last_mut().unwrap().pod.waiting = Some("CrashLoopBackOff".to_owned());
        },
    ),
    Row(
        26,
        "pods-not-ready",
        || {
            let mut f = healthy();
            pending(&mut f);
            f
        },
        |f| {
            let last = pods(f).last_mut().unwrap();
            "Running".clone_into(&mut last.pod.phase);
            last.pod.started = Some(ago(200));
            set_ready(last, "False", 200);
        },
    ),
    Row(27, "unready-pods-hold-scaling", with_starting, |f| {
        for pod in pods(f).iter_mut().skip(3) {
            pod.pod.started = Some(ago(130));
            set_ready(pod, "False", 130);
        }
    }),
    Row(
        28,
        "readiness-fails-under-load",
        || {
            let mut f = busy();
            set_ready(&mut pods(&mut f)[2], "False", 20);
            let refused = "Readiness probe failed: HTTP probe failed with statuscode: 503";
            space(&mut f).events.push(of_probe(refused));
            f
        },
        |f| {
            let late = "Readiness probe failed: Get \"http://10.0.0.7:8080/readyz\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)";
            space(f).events[0] = of_probe(late);
        },
    ),
    // A rollout to an image that does not exist is stuck because of the image.
    Row(29, "image-missing", same, |f| {
        target(f).object.conditions[0].status = "False".into();
        let mut new = pod("cart", 3);
        new.pod.waiting = Some("ImagePullBackOff".to_owned());
        set_ready(&mut new, "False", 30);
        pods(f).push(new);
        target(f).object.replicas = 4;
    }),
    Row(29, "rollout-stuck", same, |f| {
        let progressing = &mut target(f).object.conditions[0];
        progressing.status = "False".into();
        progressing.reason = "ProgressDeadlineExceeded".into();
    }),
    Row(
        30,
        "pdb-blocks-drains",
        || {
            let mut f = healthy();
            space(&mut f).budgets.push(DisruptionBudget {
                name: "cart".to_owned(),
                selector: "app=cart".to_owned(),
                min_available: Some("2".to_owned()),
                max_unavailable: None,
            });
            f
        },
        |f| space(f).budgets[0].min_available = Some("3".to_owned()),
    ),
    Row(
        30,
        "pdb-blocks-drains",
        || {
            let mut f = healthy();
            space(&mut f).budgets.push(DisruptionBudget {
                name: "cart".to_owned(),
                selector: "app=cart".to_owned(),
                min_available: None,
                max_unavailable: Some("1".to_owned()),
            });
            f
        },
        |f| space(f).budgets[0].max_unavailable = Some("0".to_owned()),
    ),
    Row(
        30,
        "pdb-blocks-drains",
        || {
            let mut f = healthy();
            for (name, selector) in [("cart", "app=cart"), ("web", "app=web")] {
                space(&mut f).budgets.push(DisruptionBudget {
                    name: name.to_owned(),
                    selector: selector.to_owned(),
                    min_available: None,
                    max_unavailable: Some("1".to_owned()),
                });
            }
            f
        },
        // An empty selector selects every pod.
        |f| space(f).budgets[1].selector.clear(),
    ),
    Row(
        31,
        "limit-caps-utilization",
        || {
            let mut f = healthy();
            limits(&mut f, 60);
            f
        },
        |f| limits(f, 55),
    ),
    Row(32, "needs-second-look", busy, |f| {
        for (n, sample) in samples(f).iter_mut().enumerate() {
            sample.containers[0].cpu = Some(Millicores(if n == 0 { 190 } else { 6 }));
        }
    }),
    Row(33, "startup-counts-as-load", with_young, |f| {
        for pod in pods(f).iter_mut().skip(2) {
            pod.probed = false;
        }
    }),
    Row(
        34,
        "flapping",
        || {
            let mut f = healthy();
            space(&mut f).events = vec![
                rescaled(
                    "New size: 6; reason: cpu resource utilization (percentage of request) above target",
                    2,
                ),
                rescaled("New size: 3; reason: All metrics below target", 2),
            ];
            f
        },
        |f| {
            for e in &mut space(f).events {
                e.count = 4;
            }
        },
    ),
    Row(
        36,
        "no-syncs-seen",
        || {
            let mut f = healthy();
            scaler(&mut f).created = Some(ago(20));
            scaler(&mut f).object.status = None;
            f
        },
        |f| {
            scaler(f).created = Some(ago(100));
        },
    ),
    Row(37, "metric-container-missing", same, |f| {
        scaler(f).object.spec.metrics[0].source = MetricSource::ContainerResource {
            name: "cpu".to_owned(),
            container: "nobody".to_owned(),
        };
    }),
    // Not in the catalog, but just as wrong.
    Row(0, "metric-failed", same, |f| {
        refuse(
            f,
            "ScalingActive",
            "FailedGetExternalMetric",
            "no external metrics API",
        );
    }),
];

/// The controller gets no metrics either.
pub(super) fn no_metrics(facts: &mut ClusterSnapshot) {
    let says =
        "unable to get metrics for resource cpu: no metrics returned from resource metrics API";
    refuse(facts, "ScalingActive", "FailedGetResourceMetric", says);
}

fn job(facts: &mut ClusterSnapshot, phase: &str, app: &str) {
    let mut done = pod(app, 0);
    phase.clone_into(&mut done.pod.phase);
    done.pod.owner = Some("Job/migrate".to_owned());
    pods(facts).push(done);
}

pub(super) fn pending(facts: &mut ClusterSnapshot) {
    let mut new = pod("cart", 3);
    "Pending".clone_into(&mut new.pod.phase);
    new.pod.started = Some(ago(10));
    set_ready(&mut new, "False", 10);
    pods(facts).push(new);
    let object = &mut target(facts).object;
    (
        object.spec_replicas,
        object.replicas,
        object.updated_replicas,
    ) = (4, 4, 4);
}

fn limits(facts: &mut ClusterSnapshot, limit: i64) {
    for pod in pods(facts) {
        pod.pod.containers[0].cpu_limit = Some(Millicores(limit));
    }
}

pub(super) fn with_neighbor() -> ClusterSnapshot {
    let mut facts = healthy();
    let other = autoscaler("web", 3);
    space(&mut facts).autoscalers.push(other);
    let mut own: Vec<_> = (0..3).map(|n| pod("web", n)).collect();
    for pod in &mut own {
        pod.pod.owner = Some("Deployment/web".to_owned());
    }
    pods(&mut facts).extend(own);
    samples(&mut facts).extend((0..3).map(|n| sample("web", n, 20)));
    facts
}

pub(super) fn faults(facts: &ClusterSnapshot) -> Vec<String> {
    let report = super::diagnose(facts, None, &super::Assertions::default());
    let findings = &report.autoscalers[0].findings;
    if let Some(first) = findings.first() {
        super::keep(&first.id, &report);
    }
    findings
        .iter()
        .filter(|f| f.outcome != Outcome::Pass)
        .map(|f| f.id.clone())
        .collect()
}

#[test]
fn each_entry_is_found_first_and_its_healthy_neighbor_has_no_findings() {
    for (line, Row(entry, id, neighbor, break_it)) in ROWS.iter().enumerate() {
        let mut facts = neighbor();
        assert_eq!(
            faults(&facts),
            Vec::<String>::new(),
            "row {line}, entry {entry}: the neighbor of {id}"
        );
        break_it(&mut facts);
        let found = faults(&facts);
        assert_eq!(
            found.first().map(String::as_str),
            Some(*id),
            "row {line}, entry {entry}: {found:?}"
        );
        let report = super::diagnose(&facts, None, &super::Assertions::default());
        let first = &report.autoscalers[0].findings[0];
        assert!(
            !first.evidence.is_empty() && first.fix.is_some(),
            "row {line}: {first:?}"
        );
    }
}

/// Covered by tests of their own: they need an assertion or an earlier snapshot, or are not faults.
const ELSEWHERE: [&str; 32] = [
    "pods-not-created",
    "metrics-api-silent",
    "sync-failed",
    "bounds-leave-no-room",
    "replicas-pinned",
    "replicas-set-once",
    "rollout-paused",
    "scaled-to-zero",
    "scaling-disabled",
    "pods-starting",
    "no-cpu-metric",
    "spec-bounds-differ",
    "spec-target-differs",
    "scale-down-disabled",
    "left-bounds",
    "at-the-maximum",
    "scale-down-held",
    "rollout-in-progress",
    "just-scaled",
    "metrics-coarse",
    "metrics-stale",
    "load-not-spread",
    "nodes-on-their-way",
    "resize-not-done",
    "replicas-perhaps-applied",
    "replicas-left-alone",
    "replicas-from-chart",
    "vpa-observes",
    "idle-at-zero",
    "paused",
    "paused-at-replicas",
    "fallback",
];

#[test]
fn every_snapshot_finding_is_covered_by_a_test() {
    let shown = |id: &str| ELSEWHERE.contains(&id) || ROWS.iter().any(|row| row.1 == id);
    for finding in judge::findings_of_a_snapshot() {
        assert!(shown(finding.id), "{} has no row", finding.id);
    }
}

#[test]
fn a_pod_that_completed_and_is_being_deleted_is_not_a_completed_pod() {
    let mut facts = healthy();
    let mut ending = pod("cart", 7);
    "Succeeded".clone_into(&mut ending.pod.phase);
    ending.pod.deleting = true;
    pods(&mut facts).push(ending);
    assert_eq!(faults(&facts), Vec::<&str>::new());
}

#[test]
fn a_newer_controller_ignores_completed_pods_and_so_does_doctor() {
    let mut facts = healthy();
    job(&mut facts, "Succeeded", "cart");
    assert_eq!(faults(&facts)[0], "completed-pods-counted");
    facts.kubernetes = Some("1.38".to_owned());
    assert_eq!(faults(&facts), Vec::<String>::new());
}

#[test]
fn a_waiting_scale_down_is_a_note_with_its_time() {
    let mut facts = busy();
    let status = scaler(&mut facts).object.status.as_mut().unwrap();
    status.last_scale = Some(ago(100));
    status.conditions[0].reason = "ScaleDownStabilized".into();
    let report = super::diagnose(&facts, None, &super::Assertions::default());
    assert_eq!(report.exit_code, 0);
    let note = &report.autoscalers[0].findings[0];
    assert_eq!(note.id, "scale-down-held");
    assert!(
        note.message.contains("2026-03-04T10:03:20Z"),
        "{}",
        note.message
    );
}

#[test]
fn a_metric_that_calls_for_more_than_the_maximum_is_a_note() {
    let mut facts = busy();
    scaler(&mut facts).object.spec.max_replicas = 5;
    for sample in samples(&mut facts) {
        sample.containers[0].cpu = Some(Millicores(90));
    }
    assert_eq!(found(&facts, None), ["at-the-maximum"]);
}

#[test]
fn coarse_samples_are_a_note() {
    let mut facts = healthy();
    for sample in samples(&mut facts) {
        sample.window = Duration::from_mins(1);
    }
    assert_eq!(found(&facts, None), ["metrics-coarse"]);
}

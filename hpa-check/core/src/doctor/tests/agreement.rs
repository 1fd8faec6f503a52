//! A run and a snapshot of the same cluster find the same. Every difference there ever was is a test here.

use std::collections::BTreeSet;
use std::time::Duration;

use super::broken::{ROWS, Row, container, quota, with_sidecar};
use super::world::{ago, busy, healthy, now, pod, pods, refuse, scaler, space, target};
use crate::expectation::Expectation;
use crate::judge;
use crate::observation::{Event, Fact, Observation, Phase, Ready, RunContext, ScaleTarget, Seen};
use crate::rules::RANKED;
use crate::rules::rule::{Find, Rule};
use crate::rules::run_only::run::RunView;
use crate::rules::snapshot_only::look::{Place, SnapshotView};
use crate::rules::view::View;
use crate::run::state::RunState;
use crate::snapshot::index::Index;
use crate::snapshot::{Assertions, ClusterSnapshot, MetricsApi, TargetLook};
use crate::spec::{Behavior, MetricSource, ScalingRules};
use crate::units::Millicores;
use crate::verdict::Reason;

/// Findings that a run makes from history and a snapshot from fields that a run does not read, or the other way
/// around. Other tests cover each of them.
const BY_HISTORY: [&str; 6] = [
    "replicas-moved-by-another",
    "flapping",
    "pods-evicted",
    "load-not-spread",
    "no-syncs-seen",
    "readiness-fails-under-load",
];

/// The findings that both can make.
fn shared(reasons: Vec<Reason>) -> BTreeSet<String> {
    let is_shared = |rule: &&&Rule| matches!(rule.find, Find::Shared(_));
    let shared = RANKED.iter().filter(is_shared).map(|rule| rule.finding.id);
    let compared: Vec<&str> = shared.filter(|id| !BY_HISTORY.contains(id)).collect();
    let found = reasons.into_iter().map(|reason| reason.id);
    found.filter(|id| compared.contains(&id.as_str())).collect()
}

fn place<'a>(cluster: &'a ClusterSnapshot, index: &'a Index<'a>) -> Place<'a> {
    Place {
        cluster,
        namespace: "shop",
        space: &cluster.namespaces["shop"],
        index,
    }
}

/// What the shared rules find in a snapshot.
fn in_snapshot(cluster: &ClusterSnapshot) -> BTreeSet<String> {
    let space = &cluster.namespaces["shop"];
    let (index, asserted) = (Index::of(space), asserted(cluster));
    let scaler = &space.autoscalers[0];
    let place = place(cluster, &index);
    let look = SnapshotView::new(place, None, scaler, &asserted);
    shared(judge::snapshot(&look))
}

fn asserted(cluster: &ClusterSnapshot) -> Assertions {
    let spec = &cluster.namespaces["shop"].autoscalers[0].object.spec;
    Assertions {
        autoscaler: None,
        min_replicas: Some(spec.effective_min()),
        max_replicas: Some(spec.max_replicas),
        cpu_target_percent: spec.cpu_target_percent(),
    }
}

/// The facts that a run gets about its environment.
fn facts(cluster: &ClusterSnapshot, look: &SnapshotView<'_>) -> Vec<Fact> {
    let api = |registered, available, message: &str| {
        Some(Fact::MetricsApi {
            registered,
            available,
            message: message.to_owned(),
        })
    };
    let api = match &cluster.metrics_api {
        MetricsApi::Unknown => None,
        MetricsApi::Absent { message } => api(false, false, message),
        MetricsApi::Unavailable { message, .. } => api(true, false, message),
        MetricsApi::Served => api(true, true, "available"),
    };
    let object = look.scaled_object().cloned().map(Fact::ScaledObject);
    let forbidden = cluster.unseen.iter().map(|unseen| Fact::Forbidden {
        rule: unseen.rule.clone(),
        consequence: unseen.consequence.clone(),
    });
    let servers = cluster.metrics_servers.iter().cloned();
    let quotas = cluster.namespaces["shop"].quotas.iter().cloned();
    let capacity = look.capacity();
    let capacity = capacity.map(|(total, how)| Fact::CpuCapacity { total, how });
    let others = cluster.namespaces["shop"].autoscalers.iter().skip(1);
    let others = others.map(|other| {
        let reference = &other.object.spec.scale_target_ref;
        Fact::OtherAutoscaler {
            name: other.name.clone(),
            target: format!("{}/{}", reference.kind, reference.name),
        }
    });
    let first = api.into_iter().chain(object).chain(forbidden).chain(others);
    let rest = servers
        .map(Fact::MetricsServer)
        .chain(quotas.map(Fact::Quota));
    first.chain(rest).chain(capacity).collect()
}

/// The state of a run that has watched the same cluster for an hour.
fn watched(cluster: &ClusterSnapshot) -> (Expectation, RunState) {
    let space = &cluster.namespaces["shop"];
    let scaler = &space.autoscalers[0];
    let spec = &scaler.object.spec;
    let mut state = RunState::default();
    let mut see_at = |at, seen| state.observe(&Observation { at, seen });
    let mut see = |seen| see_at(ago(3_600), seen);
    see(Seen::RunContext(RunContext {
        source: "cluster".to_owned(),
        namespace: "shop".to_owned(),
        autoscaler: scaler.name.clone(),
        kubernetes: cluster.kubernetes.clone(),
        controller: cluster.controller.clone(),
        controller_stated: true,
        metrics_resolution: cluster.metrics_resolution,
    }));
    let index = Index::of(space);
    let nothing = Assertions::default();
    let place = place(cluster, &index);
    let look = SnapshotView::new(place, None, scaler, &nothing);
    for fact in facts(cluster, &look) {
        see(Seen::Fact(fact));
    }
    see(Seen::Autoscaler(scaler.object.clone()));
    match &scaler.target {
        TargetLook::Read(workload) => {
            let pods = look.pods().unwrap_or_default();
            let ready = pods.iter().filter(|p| p.is_ready()).count();
            see(Seen::Target(ScaleTarget {
                ready_replicas: i32::try_from(ready).unwrap(),
                ..workload.object.clone()
            }));
        }
        TargetLook::Absent { .. } => see(Seen::TargetGone),
        TargetLook::NotScalable { message } => see(Seen::Fact(Fact::NotScalable {
            kind: scaler.object.spec.scale_target_ref.kind.clone(),
            message: message.clone(),
        })),
        TargetLook::Unread => {}
    }
    see(Seen::Phase { phase: Phase::Up });
    // A pod is observed when its state changes.
    for pod in look.pods().unwrap_or_default() {
        let at = pod.since.unwrap_or(ago(3_600)).max(ago(3_600));
        see_at(at, Seen::Pod(pod.pod.clone()));
    }
    for event in &space.events {
        let seen = Event {
            about: event.about.clone(),
            kind: "Normal".to_owned(),
            reason: event.reason.clone(),
            message: event.message.clone(),
            count: event.count,
        };
        see_at(event.last.unwrap_or(now()), Seen::Event(seen));
    }
    let answer = match space.samples.as_ref().unwrap() {
        // A run learns that the API is unavailable by querying it.
        Ok(_) if matches!(cluster.metrics_api, MetricsApi::Unavailable { .. }) => {
            Err("not available".to_owned())
        }
        answer => answer.clone(),
    };
    let answer = match answer {
        Ok(samples) => Seen::PodMetrics { samples },
        Err(error) => Seen::MetricsUnavailable {
            error,
            timed_out: false,
        },
    };
    for at in [ago(600), now()] {
        let seen = answer.clone();
        state.observe(&Observation { at, seen });
    }
    let expectation = Expectation {
        min_replicas: spec.effective_min(),
        max_replicas: spec.max_replicas,
        cpu_target_percent: spec.cpu_target_percent().unwrap_or_default(),
        patience: Duration::from_mins(10),
        ..Expectation::default()
    };
    (expectation, state)
}

/// What the shared rules find in a run of the same cluster.
fn in_run(cluster: &ClusterSnapshot) -> BTreeSet<String> {
    let (expectation, state) = watched(cluster);
    let run = RunView {
        expectation: &expectation,
        state: &state,
        until: now(),
    };
    shared(judge::run(&run).reasons)
}

#[track_caller]
pub(super) fn both(cluster: &ClusterSnapshot) -> BTreeSet<String> {
    let found = in_snapshot(cluster);
    assert_eq!(in_run(cluster), found, "a run finds something else");
    found
}

#[test]
fn a_run_agrees_with_every_catalog_entry_and_its_healthy_neighbor() {
    let mut wrong = Vec::new();
    for (line, Row(_, id, neighbor, break_it)) in ROWS.iter().enumerate() {
        let mut cluster = neighbor();
        let (run, snapshot) = (in_run(&cluster), in_snapshot(&cluster));
        if run != snapshot {
            wrong.push(format!(
                "row {line}, beside {id}: run {run:?}, snapshot {snapshot:?}"
            ));
        }
        break_it(&mut cluster);
        // A finding that only a snapshot makes may supersede a shared one. A failed metric is a symptom: a run reports
        // it if nothing else explains it, and this run saw no sync.
        let both =
            judge::findings_of_a_run().any(|finding| finding.id == *id) && *id != "metric-failed";
        if !both {
            continue;
        }
        let (run, snapshot) = (in_run(&cluster), in_snapshot(&cluster));
        let named = run.contains(*id) || BY_HISTORY.contains(id);
        if run != snapshot || !named {
            wrong.push(format!(
                "row {line}, {id}: run {run:?}, snapshot {snapshot:?}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_pod_has_two_minutes_to_become_ready_in_a_run_too() {
    let unready = |seconds| {
        let mut cluster = healthy();
        target(&mut cluster).object.ready_replicas = 2;
        let pod = &mut pods(&mut cluster)[2].pod;
        (pod.started, pod.ready) = (
            Some(ago(seconds)),
            Some(Ready {
                status: "False".to_owned(),
                since: Some(ago(seconds)),
            }),
        );
        both(&cluster).contains("pods-not-ready")
    };
    assert!(!unready(31) && !unready(119) && unready(120));
}

#[test]
fn the_quota_forecast_counts_current_use_in_any_notation() {
    let exceeded = |resource, hard, used| {
        let mut cluster = healthy();
        space(&mut cluster).quotas.push(quota(resource, hard, used));
        both(&cluster).contains("quota-exceeded")
    };
    // There are three pods of 100m, and the maximum is ten.
    assert!(!exceeded("pods", "10", "3") && exceeded("pods", "10", "4"));
    assert!(!exceeded("requests.cpu", "1", "0.3") && exceeded("requests.cpu", "1", "0.4"));
    assert!(!exceeded("requests.cpu", "1k", "300m") && exceeded("requests.cpu", "1e0", "301m"));
}

#[test]
fn a_limit_is_compared_with_the_containers_that_the_metric_counts() {
    let capped = |container: Option<&str>| {
        let mut cluster = with_sidecar();
        for pod in pods(&mut cluster) {
            pod.pod.containers[0].cpu_limit = Some(Millicores(50));
            pod.pod.containers[1] = container_with_limit("proxy", 400);
        }
        if let Some(container) = container {
            scaler(&mut cluster).object.spec.metrics[0].source = MetricSource::ContainerResource {
                name: "cpu".to_owned(),
                container: container.to_owned(),
            };
        }
        both(&cluster).contains("limit-caps-utilization")
    };
    assert!(!capped(None), "450m of 200m");
    assert!(capped(Some("app")), "50m of 100m");
    assert!(!capped(Some("proxy")), "400m of 100m");
}

fn container_with_limit(name: &str, limit: i64) -> crate::spec::ContainerResources {
    let mut container = container(name, Some(100));
    container.cpu_limit = Some(Millicores(limit));
    container
}

#[test]
fn a_spec_tolerance_applies_from_the_version_that_honors_it_and_exactly() {
    let capped = |version: &str, tolerance| {
        let mut cluster = healthy();
        cluster.kubernetes = Some(version.to_owned());
        for pod in pods(&mut cluster) {
            pod.pod.containers[0].cpu_limit = Some(Millicores(53));
        }
        scaler(&mut cluster).object.spec.behavior = Some(Behavior {
            scale_up: Some(ScalingRules {
                tolerance: Some(tolerance),
                ..ScalingRules::default()
            }),
            scale_down: None,
        });
        both(&cluster).contains("limit-caps-utilization")
    };
    // The limit is 106 % of the target.
    assert!(capped("1.34", 0.01), "the controller's 10 %");
    assert!(!capped("1.35", 0.01), "the spec's own 1 %");
    assert!(!capped("1.35", 0.059) && capped("1.35", 0.0601));
}

#[test]
fn a_rejected_scaling_has_the_same_rank_in_both() {
    let mut cluster = busy();
    refuse(&mut cluster, "AbleToScale", "FailedUpdateScale", "denied");
    let mut stuck = pod("cart", 5);
    stuck.pod.unschedulable = Some("0/3 nodes are available".to_owned());
    stuck.pod.ready = None;
    pods(&mut cluster).push(stuck);
    let object = &mut target(&mut cluster).object;
    (object.spec_replicas, object.replicas) = (6, 6);
    assert!(
        both(&cluster).is_superset(
            &["rescale-failed", "unschedulable"]
                .map(str::to_owned)
                .into()
        )
    );
    assert_eq!(super::found(&cluster, None)[0], "rescale-failed");
    let (expectation, state) = watched(&cluster);
    let run = RunView {
        expectation: &expectation,
        state: &state,
        until: now(),
    };
    assert_eq!(judge::run(&run).reasons[0].id, "rescale-failed");
}

//! `v1` Pod.

use std::collections::BTreeMap;
use std::time::Duration;

use hpa_check_core::observation::{Disruption, Life, Pod, Ready, Resize};
use hpa_check_core::quantity::Quantity;
use hpa_check_core::quota::QuotaClass;
use hpa_check_core::spec::{Amounts, ContainerResources, InitContainer, PodResources};
use hpa_check_core::units::Millicores;
use jiff::Timestamp;

use self::shape::{
    Affinity, Condition, Container, ContainerState, Probe, Quantities, Resources, Spec,
};
use super::meta::Meta;
use super::{quantity_bytes, quantity_milli};

mod placement;
mod scheduling;
mod shape;

pub(in crate::feed::live) use self::placement::{node, placement};
pub(in crate::feed::live) use self::shape::{Object, WatchedPod};

/// Waiting reasons of every healthy start.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// The whole object.
pub(in crate::feed::live) fn pod<M: Into<Meta>>(object: Object<M>) -> Pod {
    let (metadata, spec, status) = (object.metadata.into(), object.spec, object.status);
    let conditions = status.conditions;
    let mut states = status.init_container_statuses;
    states.extend(status.container_statuses);
    Pod {
        name: metadata.name,
        uid: metadata.uid,
        deleting: metadata.deleting,
        owner: metadata.controller,
        phase: status.phase,
        started: status.start_time,
        ready: conditions.iter().find(|c| c.is == "Ready").map(|c| Ready {
            status: c.status.clone(),
            since: c.last_transition_time,
        }),
        init_containers: spec.init_containers.iter().map(init).collect(),
        resources: spec.resources.as_ref().map(pod_resources),
        overhead: amounts(&spec.overhead),
        other_requests: other_requests(&spec),
        quota_class: quota_class(&spec, &status.qos_class),
        resize: resize(&spec, &states, &conditions),
        containers: containers(&spec),
        waiting: states.iter().find_map(waiting),
        unschedulable: conditions
            .iter()
            .find(|c| c.is == "PodScheduled" && c.reason == "Unschedulable")
            .map(|c| c.message.clone()),
        restarts: states.iter().map(|state| state.restart_count).sum(),
        life: Box::new(Life {
            created: metadata.created,
            nominated_node: Some(status.nominated_node_name).filter(|name| !name.is_empty()),
            start_allowance: start_allowance(&spec),
            unready_reason: conditions
                .iter()
                .find(|c| c.is == "Ready" && c.status != "True")
                .map(|c| c.reason.clone()),
            last_exit: states.iter().filter_map(last_exit).max(),
            disruption: conditions
                .iter()
                .find(|c| c.is == "DisruptionTarget" && c.status == "True")
                .map(|c| Disruption {
                    reason: c.reason.clone(),
                    message: c.message.clone(),
                }),
        }),
    }
}

/// Whether any container has a readiness or startup probe.
pub(in crate::feed::live) fn is_probed<M>(object: &Object<M>) -> bool {
    let mut containers = object.spec.containers.iter();
    containers.any(|c| c.readiness_probe.is_some() || c.startup_probe.is_some())
}

/// When a container last ended, now or before its restart.
fn last_exit(state: &ContainerState) -> Option<Timestamp> {
    let ended = [&state.state, &state.last_state].into_iter();
    ended
        .filter_map(|s| s.terminated.as_ref()?.finished_at)
        .max()
}

/// How long the probes allow for a start: until a startup probe gives up, plus a readiness probe's delay.
fn start_allowance(spec: &Spec) -> Option<Duration> {
    let seconds = |value: Option<i32>, default: i32| {
        u64::try_from(value.unwrap_or(default)).unwrap_or_default()
    };
    let startup = |probe: &Probe| {
        let period = seconds(probe.period_seconds, 10).max(1);
        seconds(probe.initial_delay_seconds, 0) + seconds(probe.failure_threshold, 3) * period
    };
    let of = |c: &Container| {
        let ready = c.readiness_probe.as_ref();
        let delay = ready.map_or(0, |p| seconds(p.initial_delay_seconds, 0));
        c.startup_probe.as_ref().map_or(0, startup) + delay
    };
    let sidecars = spec.init_containers.iter().filter(|c| c.is_sidecar());
    let longest = spec.containers.iter().map(of).max().unwrap_or_default();
    let total = longest + sidecars.map(of).sum::<u64>();
    (total > 0).then(|| Duration::from_secs(total))
}

/// The regular containers, and sidecars among the init containers.
fn containers(spec: &Spec) -> Vec<ContainerResources> {
    let sidecars = spec.init_containers.iter().filter(|c| c.is_sidecar());
    spec.containers
        .iter()
        .chain(sidecars)
        .map(container)
        .collect()
}

fn container(container: &Container) -> ContainerResources {
    let requests = amounts(&container.resources.requests);
    let limits = amounts(&container.resources.limits);
    ContainerResources {
        name: container.name.clone(),
        cpu_request: requests.cpu,
        cpu_limit: limits.cpu,
        memory_request: requests.memory,
        memory_limit: limits.memory,
    }
}

fn init(init: &Container) -> InitContainer {
    InitContainer {
        resources: container(init),
        sidecar: init.is_sidecar(),
    }
}

fn pod_resources(resources: &Resources) -> PodResources {
    let mut names = resources.requests.keys();
    PodResources {
        requests: amounts(&resources.requests),
        limits: amounts(&resources.limits),
        huge_pages: names.any(|name| name.starts_with("hugepages-")),
    }
}

/// Requests for resources other than CPU and memory. Init containers may request more for a moment.
fn other_requests(spec: &Spec) -> BTreeMap<String, Quantity> {
    let sidecars = spec.init_containers.iter().filter(|c| c.is_sidecar());
    let all = spec.containers.iter().chain(sidecars);
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for (resource, amount) in all.flat_map(|c| &c.resources.requests) {
        if !matches!(resource.as_str(), "cpu" | "memory") {
            let sum = sums.entry(resource.clone()).or_default();
            *sum = sum.saturating_add(quantity_milli(amount).unwrap_or_default());
        }
    }
    let sums = sums.into_iter();
    sums.map(|(resource, milli)| (resource, Quantity::from_milli(milli)))
        .collect()
}

fn amounts(quantities: &Quantities) -> Amounts {
    Amounts {
        cpu: quantities
            .get("cpu")
            .and_then(quantity_milli)
            .map(Millicores),
        memory: quantities.get("memory").and_then(quantity_bytes),
    }
}

/// The properties that quotas select by.
fn quota_class(spec: &Spec, qos: &str) -> QuotaClass {
    QuotaClass {
        priority_class: Some(spec.priority_class_name.clone()).filter(|name| !name.is_empty()),
        has_deadline: spec.active_deadline_seconds.is_some(),
        best_effort: qos == "BestEffort",
        cross_namespace_affinity: spec
            .affinity
            .as_ref()
            .is_some_and(Affinity::leaves_namespace),
    }
}

/// A pending or ongoing resize: the containers whose running requests differ from the spec's, and why.
fn resize(spec: &Spec, states: &[ContainerState], conditions: &[Condition]) -> Option<Resize> {
    let mut waiting = conditions.iter().filter(|c| c.status == "True");
    let condition =
        waiting.find(|c| matches!(c.is.as_str(), "PodResizePending" | "PodResizeInProgress"));
    let running: Vec<ContainerResources> = containers(spec)
        .into_iter()
        .filter_map(|wanted| {
            let state = states.iter().find(|state| state.name == wanted.name)?;
            let runs = amounts(&state.resources.as_ref()?.requests);
            (!runs.is_empty() && runs != wanted.requests()).then_some(ContainerResources {
                cpu_request: runs.cpu,
                memory_request: runs.memory,
                ..wanted
            })
        })
        .collect();
    if condition.is_none() && running.is_empty() {
        return None;
    }
    let text = |of: fn(&Condition) -> &String| condition.map(of).cloned().unwrap_or_default();
    Some(Resize {
        reason: text(|c| &c.reason),
        message: text(|c| &c.message),
        running,
    })
}

fn waiting(state: &ContainerState) -> Option<String> {
    let reason = &state.state.waiting.as_ref()?.reason;
    (!reason.is_empty() && !STARTING.contains(&reason.as_str())).then(|| reason.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn convert(value: serde_json::Value) -> Pod {
        pod::<Meta>(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_running_pod_is_converted_completely() {
        let seen = convert(json!({
            "metadata": {"name": "fib-1", "uid": "u", "ownerReferences": [
                {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "fib-x", "uid": "r", "controller": true}]},
            "spec": {"containers": [{"name": "fib", "resources":
                {"requests": {"cpu": "100m"}, "limits": {"cpu": "1"}}}]},
            "status": {"phase": "Running", "startTime": "2026-01-01T00:00:00Z",
                "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-01T00:00:07Z"}],
                "containerStatuses": [{"name": "fib", "image": "i", "imageID": "", "ready": true, "restartCount": 2,
                    "state": {"running": {}}}]}
        }));
        assert_eq!(seen.owner.as_deref(), Some("ReplicaSet/fib-x"));
        assert_eq!(
            seen.ready.unwrap().since,
            "2026-01-01T00:00:07Z".parse().ok()
        );
        assert_eq!(seen.containers[0].cpu_request, Some(Millicores(100)));
        assert_eq!(seen.containers[0].cpu_limit, Some(Millicores(1000)));
        assert_eq!(seen.restarts, 2);
        assert!(!seen.deleting);
    }

    #[test]
    fn sidecars_count_and_plain_init_containers_do_not() {
        let seen = convert(json!({
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "app"}], "initContainers": [
                {"name": "migrate"}, {"name": "proxy", "restartPolicy": "Always"}]}
        }));
        let names: Vec<_> = seen.containers.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["app", "proxy"]);
        assert_eq!(seen.containers[0].cpu_request, None);
    }

    #[test]
    fn requests_for_other_resources_are_added_up_over_the_containers_that_keep_running() {
        let requests = |gpus: &str| json!({"requests": {"cpu": "1", "nvidia.com/gpu": gpus}});
        let seen = convert(json!({
            "metadata": {"name": "p"},
            "spec": {
                "containers": [{"name": "a", "resources": requests("2")}, {"name": "b", "resources": requests("1")}],
                "initContainers": [{"name": "load", "resources": requests("9")},
                    {"name": "proxy", "restartPolicy": "Always", "resources": requests("1")}]}
        }));
        let gpus = BTreeMap::from([("nvidia.com/gpu".to_owned(), Quantity::from_milli(4_000))]);
        assert_eq!(seen.other_requests, gpus);
    }

    #[test]
    fn pod_level_resources_and_overhead_are_converted() {
        let seen = convert(json!({
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "app"}],
                "initContainers": [{"name": "migrate", "resources": {"requests": {"cpu": "2"}}}],
                "resources": {"requests": {"cpu": "300m", "memory": "64Mi"}, "limits": {"cpu": "1"}},
                "overhead": {"cpu": "50m"}}
        }));
        let shared = seen.resources.unwrap();
        assert_eq!(shared.requests.cpu, Some(Millicores(300)));
        assert_eq!(shared.limits.cpu, Some(Millicores(1000)));
        assert_eq!(seen.overhead.cpu, Some(Millicores(50)));
        assert_eq!(
            seen.init_containers[0].resources.cpu_request,
            Some(Millicores(2000))
        );
    }

    #[test]
    fn an_unfinished_resize_says_what_runs_and_why() {
        let pod = |running: &str, conditions: serde_json::Value| {
            convert(json!({
                "metadata": {"name": "p"},
                "spec": {"containers": [{"name": "a", "resources": {"requests": {"cpu": "500m"}}}]},
                "status": {"conditions": conditions, "containerStatuses": [{"name": "a", "image": "i", "imageID": "",
                    "ready": true, "restartCount": 0, "resources": {"requests": {"cpu": running}}}]}
            }))
            .resize
        };
        assert_eq!(pod("500m", json!([])), None);
        let pending = json!([{"type": "PodResizePending", "status": "True", "reason": "Infeasible",
            "message": "node has 400m"}]);
        let resize = pod("100m", pending).unwrap();
        assert_eq!(
            (resize.reason.as_str(), resize.message.as_str()),
            ("Infeasible", "node has 400m")
        );
        assert_eq!(resize.running[0].cpu_request, Some(Millicores(100)));
    }

    #[test]
    fn an_unschedulable_pod_and_a_missing_image_give_their_reasons() {
        let seen = convert(json!({
            "metadata": {"name": "p"},
            "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False",
                "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu."}],
                "containerStatuses": [{"name": "a", "image": "i", "imageID": "", "ready": false, "restartCount": 0,
                    "state": {"waiting": {"reason": "ImagePullBackOff"}}}]}
        }));
        assert_eq!(
            seen.unschedulable.as_deref(),
            Some("0/1 nodes are available: 1 Insufficient cpu.")
        );
        assert_eq!(seen.waiting.as_deref(), Some("ImagePullBackOff"));
    }

    #[test]
    fn what_its_start_and_end_depend_on_is_converted() {
        let seen = convert(json!({
            "metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"containers": [{"name": "a",
                "startupProbe": {"periodSeconds": 10, "failureThreshold": 60},
                "readinessProbe": {"initialDelaySeconds": 30}}]},
            "status": {"nominatedNodeName": "node-1",
                "conditions": [{"type": "Ready", "status": "False"}, {"type": "DisruptionTarget", "status": "True",
                    "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}],
                "containerStatuses": [{"name": "a", "image": "i", "imageID": "", "ready": false, "restartCount": 1,
                    "lastState": {"terminated": {"exitCode": 137, "finishedAt": "2026-01-01T00:09:00Z"}}}]}
        }));
        let life = seen.life;
        assert_eq!(life.created, "2026-01-01T00:00:00Z".parse().ok());
        assert_eq!(life.nominated_node.as_deref(), Some("node-1"));
        assert_eq!(life.start_allowance, Some(Duration::from_secs(630)));
        // The node lifecycle controller gives no reason.
        assert_eq!(life.unready_reason.as_deref(), Some(""));
        assert_eq!(life.last_exit, "2026-01-01T00:09:00Z".parse().ok());
        assert_eq!(life.disruption.unwrap().reason, "EvictionByEvictionAPI");
        assert!(
            convert(json!({"metadata": {"name": "p"}}))
                .life
                .is_unknown()
        );
    }

    #[test]
    fn a_container_that_is_being_created_is_not_a_fault() {
        let seen = convert(json!({
            "metadata": {"name": "p"},
            "status": {"containerStatuses": [{"name": "a", "image": "i", "imageID": "", "ready": false,
                "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}}]}
        }));
        assert_eq!(seen.waiting, None);
    }
}

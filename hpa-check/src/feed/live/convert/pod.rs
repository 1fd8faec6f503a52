//! `v1` Pod.

use std::collections::BTreeMap;
use std::time::Duration;

use hpa_check_core::observation::{Life, Pod, Ready, Resize};
use hpa_check_core::quota::QuotaClass;
use hpa_check_core::spec::{Amounts, ContainerResources, InitContainer, PodResources};
use hpa_check_core::units::Millicores;
use jiff::Timestamp;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::{quantity_bytes, quantity_milli};

type Quantities = BTreeMap<String, Quantity>;

/// What a container waits for in every healthy start; no fault.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// The whole object.
pub(in crate::feed::live) fn pod(object: v1::Pod) -> Pod {
    let metadata = object.metadata;
    let status = object.status.unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let spec = object.spec.unwrap_or_default();
    let states: Vec<v1::ContainerStatus> = status
        .init_container_statuses
        .into_iter()
        .chain(status.container_statuses)
        .flatten()
        .collect();
    Pod {
        name: metadata.name.unwrap_or_default(),
        uid: metadata.uid.unwrap_or_default(),
        phase: status.phase.unwrap_or_default(),
        deleting: metadata.deletion_timestamp.is_some(),
        started: status.start_time.map(|time| time.0),
        ready: conditions
            .iter()
            .find(|c| c.type_ == "Ready")
            .map(|c| Ready {
                status: c.status.clone(),
                since: c.last_transition_time.as_ref().map(|time| time.0),
            }),
        init_containers: spec.init_containers.iter().flatten().map(init).collect(),
        resources: spec.resources.as_ref().map(pod_resources),
        overhead: amounts(spec.overhead.as_ref()),
        quota_class: quota_class(&spec, status.qos_class.as_deref()),
        resize: resize(&spec, &states, &conditions),
        containers: containers(&spec),
        waiting: states.iter().find_map(waiting),
        unschedulable: conditions
            .iter()
            .find(|c| c.type_ == "PodScheduled" && c.reason.as_deref() == Some("Unschedulable"))
            .map(|c| c.message.clone().unwrap_or_default()),
        owner: metadata
            .owner_references
            .unwrap_or_default()
            .iter()
            .find(|owner| owner.controller == Some(true))
            .map(|owner| format!("{}/{}", owner.kind, owner.name)),
        restarts: states.iter().map(|state| state.restart_count).sum(),
        life: Box::new(Life {
            created: metadata.creation_timestamp.map(|time| time.0),
            nominated_node: status.nominated_node_name.filter(|name| !name.is_empty()),
            start_allowance: start_allowance(&spec),
            unready_reason: conditions
                .iter()
                .find(|c| c.type_ == "Ready" && c.status != "True")
                .map(|c| c.reason.clone().unwrap_or_default()),
            last_exit: states.iter().filter_map(last_exit).max(),
        }),
    }
}

/// When a container ended last, now or before its restart.
fn last_exit(state: &v1::ContainerStatus) -> Option<Timestamp> {
    let ended = [state.state.as_ref(), state.last_state.as_ref()];
    let ended = ended.into_iter().flatten();
    let ended = ended.filter_map(|s| s.terminated.as_ref()?.finished_at.as_ref());
    ended.map(|time| time.0).max()
}

/// How long the probes let a start take: a startup probe until it gives up, and a readiness probe's delay after that.
fn start_allowance(spec: &v1::PodSpec) -> Option<Duration> {
    let seconds = |value: Option<i32>, default: i32| {
        u64::try_from(value.unwrap_or(default)).unwrap_or_default()
    };
    let startup = |probe: &v1::Probe| {
        let period = seconds(probe.period_seconds, 10).max(1);
        seconds(probe.initial_delay_seconds, 0) + seconds(probe.failure_threshold, 3) * period
    };
    let of = |c: &v1::Container| {
        let ready = c.readiness_probe.as_ref();
        let delay = ready.map_or(0, |p| seconds(p.initial_delay_seconds, 0));
        c.startup_probe.as_ref().map_or(0, startup) + delay
    };
    let sidecars = spec.init_containers.iter().flatten();
    let sidecars = sidecars.filter(|c| c.restart_policy.as_deref() == Some("Always"));
    let longest = spec.containers.iter().map(of).max().unwrap_or_default();
    let total = longest + sidecars.map(of).sum::<u64>();
    (total > 0).then(|| Duration::from_secs(total))
}

/// The regular containers, and of the init containers those that run on beside them.
fn containers(spec: &v1::PodSpec) -> Vec<ContainerResources> {
    let sidecars = spec
        .init_containers
        .iter()
        .flatten()
        .filter(|container| container.restart_policy.as_deref() == Some("Always"));
    spec.containers
        .iter()
        .chain(sidecars)
        .map(container)
        .collect()
}

fn container(container: &v1::Container) -> ContainerResources {
    let resources = container.resources.as_ref();
    let requests = amounts(resources.and_then(|r| r.requests.as_ref()));
    let limits = amounts(resources.and_then(|r| r.limits.as_ref()));
    ContainerResources {
        name: container.name.clone(),
        cpu_request: requests.cpu,
        cpu_limit: limits.cpu,
        memory_request: requests.memory,
        memory_limit: limits.memory,
    }
}

fn init(init: &v1::Container) -> InitContainer {
    InitContainer {
        resources: container(init),
        sidecar: init.restart_policy.as_deref() == Some("Always"),
    }
}

fn pod_resources(resources: &v1::ResourceRequirements) -> PodResources {
    let requests = resources.requests.as_ref();
    let huge = |all: &Quantities| all.keys().any(|name| name.starts_with("hugepages-"));
    PodResources {
        requests: amounts(requests),
        limits: amounts(resources.limits.as_ref()),
        huge_pages: requests.is_some_and(huge),
    }
}

fn amounts(quantities: Option<&Quantities>) -> Amounts {
    let of = |resource: &str| quantities?.get(resource);
    Amounts {
        cpu: of("cpu").and_then(quantity_milli).map(Millicores),
        memory: of("memory").and_then(quantity_bytes),
    }
}

/// What quotas ask for.
fn quota_class(spec: &v1::PodSpec, qos: Option<&str>) -> QuotaClass {
    let affinity = spec.affinity.as_ref();
    let near = affinity.and_then(|a| a.pod_affinity.as_ref());
    let far = affinity.and_then(|a| a.pod_anti_affinity.as_ref());
    let elsewhere = |term: &v1::PodAffinityTerm| {
        term.namespace_selector.is_some() || term.namespaces.as_ref().is_some_and(|n| !n.is_empty())
    };
    let required = near
        .and_then(|a| {
            a.required_during_scheduling_ignored_during_execution
                .as_ref()
        })
        .into_iter()
        .chain(far.and_then(|a| {
            a.required_during_scheduling_ignored_during_execution
                .as_ref()
        }))
        .flatten();
    let preferred = near
        .and_then(|a| {
            a.preferred_during_scheduling_ignored_during_execution
                .as_ref()
        })
        .into_iter()
        .chain(far.and_then(|a| {
            a.preferred_during_scheduling_ignored_during_execution
                .as_ref()
        }))
        .flatten()
        .map(|weighted| &weighted.pod_affinity_term);
    QuotaClass {
        priority_class: spec
            .priority_class_name
            .clone()
            .filter(|name| !name.is_empty()),
        has_deadline: spec.active_deadline_seconds.is_some(),
        best_effort: qos == Some("BestEffort"),
        cross_namespace_affinity: required.chain(preferred).any(elsewhere),
    }
}

/// A resize that is waiting or under way: the containers that run with other requests than the spec's,
/// and why.
fn resize(
    spec: &v1::PodSpec,
    states: &[v1::ContainerStatus],
    conditions: &[v1::PodCondition],
) -> Option<Resize> {
    let mut waiting = conditions.iter().filter(|c| c.status == "True");
    let condition =
        waiting.find(|c| matches!(c.type_.as_str(), "PodResizePending" | "PodResizeInProgress"));
    let running: Vec<ContainerResources> = containers(spec)
        .into_iter()
        .filter_map(|wanted| {
            let state = states.iter().find(|state| state.name == wanted.name)?;
            let runs = amounts(state.resources.as_ref()?.requests.as_ref());
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
    let text = |of: fn(&v1::PodCondition) -> Option<&String>| {
        condition.and_then(of).cloned().unwrap_or_default()
    };
    Some(Resize {
        reason: text(|c| c.reason.as_ref()),
        message: text(|c| c.message.as_ref()),
        running,
    })
}

fn waiting(state: &v1::ContainerStatus) -> Option<String> {
    let reason = state.state.as_ref()?.waiting.as_ref()?.reason.as_ref()?;
    (!STARTING.contains(&reason.as_str())).then(|| reason.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn convert(value: serde_json::Value) -> Pod {
        pod(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn a_running_pod_comes_over_whole() {
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
    fn what_all_containers_share_and_what_the_pod_takes_beside_them_come_over() {
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
    fn a_resize_that_is_not_done_says_what_runs_and_why() {
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
    fn a_pod_that_fits_nowhere_and_an_image_that_is_missing_say_so() {
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
    fn what_its_start_and_its_end_depend_on_comes_over() {
        let seen = convert(json!({
            "metadata": {"name": "p", "creationTimestamp": "2026-01-01T00:00:00Z"},
            "spec": {"containers": [{"name": "a",
                "startupProbe": {"periodSeconds": 10, "failureThreshold": 60},
                "readinessProbe": {"initialDelaySeconds": 30}}]},
            "status": {"nominatedNodeName": "node-1",
                "conditions": [{"type": "Ready", "status": "False"}],
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
        assert!(
            convert(json!({"metadata": {"name": "p"}}))
                .life
                .is_unknown()
        );
    }

    #[test]
    fn a_container_that_is_being_made_is_no_fault() {
        let seen = convert(json!({
            "metadata": {"name": "p"},
            "status": {"containerStatuses": [{"name": "a", "image": "i", "imageID": "", "ready": false,
                "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}}]}
        }));
        assert_eq!(seen.waiting, None);
    }
}

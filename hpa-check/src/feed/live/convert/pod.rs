//! `v1` Pod.

use hpa_check_core::observation::{Pod, Ready};
use hpa_check_core::spec::ContainerCpu;
use hpa_check_core::units::Millicores;
use k8s_openapi::api::core::v1;

use super::quantity_milli;

/// What a container waits for in every healthy start; no fault.
const STARTING: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// The whole object.
pub(in crate::feed::live) fn pod(object: v1::Pod) -> Pod {
    let metadata = object.metadata;
    let status = object.status.unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
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
        containers: object.spec.as_ref().map(containers).unwrap_or_default(),
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
    }
}

/// The regular containers, and of the init containers those that run on beside them.
fn containers(spec: &v1::PodSpec) -> Vec<ContainerCpu> {
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

fn container(container: &v1::Container) -> ContainerCpu {
    let resources = container.resources.as_ref();
    let cpu = |amounts: Option<&std::collections::BTreeMap<String, _>>| {
        amounts
            .and_then(|amounts| amounts.get("cpu"))
            .and_then(quantity_milli)
            .map(Millicores)
    };
    ContainerCpu {
        name: container.name.clone(),
        cpu_request: cpu(resources.and_then(|r| r.requests.as_ref())),
        cpu_limit: cpu(resources.and_then(|r| r.limits.as_ref())),
    }
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
    fn a_container_that_is_being_made_is_no_fault() {
        let seen = convert(json!({
            "metadata": {"name": "p"},
            "status": {"containerStatuses": [{"name": "a", "image": "i", "imageID": "", "ready": false,
                "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}}]}
        }));
        assert_eq!(seen.waiting, None);
    }
}

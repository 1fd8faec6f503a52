//! Objects as `kubectl get -o json` prints them, reduced to what is read.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::NAMESPACE;

/// An autoscaler of 3 to 10 pods at half their CPU request, before its first sync.
pub(crate) fn autoscaler(name: &str, target: &Value) -> Value {
    let reference = json!({"apiVersion": target["apiVersion"], "kind": target["kind"],
        "name": target["metadata"]["name"]});
    json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"scaleTargetRef": reference, "minReplicas": 3, "maxReplicas": 10,
            "metrics": [{"type": "Resource", "resource": {"name": "cpu",
                "target": {"type": "Utilization", "averageUtilization": 50}}}]},
        "status": {"desiredReplicas": 0, "currentMetrics": null, "conditions": null}})
}

/// A workload of the group `apps` whose pods have the label `app` of its name.
pub(crate) fn workload(kind: &str, name: &str, replicas: i32) -> Value {
    json!({"apiVersion": "apps/v1", "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE, "generation": 1},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}},
        "status": {"replicas": replicas, "readyReplicas": replicas, "updatedReplicas": replicas}})
}

pub(crate) fn deployment(name: &str, replicas: i32) -> Value {
    workload("Deployment", name, replicas)
}

/// A custom resource whose selector only its `/scale` reveals.
pub(crate) fn rollout(name: &str, replicas: i32) -> Value {
    json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "spec": {"replicas": replicas, "workloadRef": {"name": name}},
        "status": {"replicas": replicas, "readyReplicas": replicas,
            "selector": format!("app={name}")}})
}

/// A pod of a workload, ready since `since`.
pub(crate) fn pod(name: &str, app: &str, since: Timestamp) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"app": app},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{app}-5d8f"),
                "uid": "rs", "controller": true}]},
        "spec": {"containers": [{"name": app, "resources": {"requests": {"cpu": "100m"}}}]},
        "status": {"phase": "Running", "startTime": seconds(since), "conditions": [
            {"type": "Ready", "status": "True", "lastTransitionTime": seconds(since)}]}})
}

/// A pod's use of CPU, in the version of the metrics API given.
pub(crate) fn pod_metrics(version: &str, pod: &Value, milli: i64, at: Timestamp) -> Value {
    let container = &pod["spec"]["containers"][0]["name"];
    json!({"apiVersion": format!("metrics.k8s.io/{version}"), "kind": "PodMetrics",
        "metadata": {"name": pod["metadata"]["name"], "namespace": NAMESPACE,
            "labels": pod["metadata"]["labels"]},
        "timestamp": seconds(at), "window": "1s",
        "containers": [{"name": container, "usage": {"cpu": format!("{milli}m"), "memory": "9Mi"}}]})
}

/// The registration of the metrics API.
pub(crate) fn api_service(version: &str, available: bool) -> Value {
    let (status, reason) = if available {
        ("True", "Passed")
    } else {
        ("False", "MissingEndpoints")
    };
    json!({"apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService",
        "metadata": {"name": format!("{version}.metrics.k8s.io")},
        "spec": {"groupPriorityMinimum": 100, "versionPriority": 100},
        "status": {"conditions": [{"type": "Available", "status": status, "reason": reason,
            "message": "told by the test"}]}})
}

/// An event about an object, last seen at `at`.
pub(crate) fn event(about: (&str, &str), reason: &str, count: i32, at: Timestamp) -> Value {
    let (kind, name) = about;
    json!({"apiVersion": "v1", "kind": "Event",
        "metadata": {"name": format!("{name}.{reason}"), "namespace": NAMESPACE},
        "involvedObject": {"kind": kind, "name": name}, "type": "Normal", "reason": reason,
        "message": "told by the test", "count": count, "lastTimestamp": seconds(at)})
}

pub(crate) fn quota(name: &str, pods: i32) -> Value {
    json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "status": {"hard": {"pods": pods.to_string()}, "used": {"pods": "3"}}})
}

pub(crate) fn node(name: &str, cpu: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name},
        "spec": {"providerID": format!("kind://test/{name}")},
        "status": {"allocatable": {"cpu": cpu}}})
}

/// The lease of the active controller.
pub(crate) fn lease(holder: &str) -> Value {
    json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "kube-controller-manager", "namespace": "kube-system"},
        "spec": {"holderIdentity": holder}})
}

/// The API's times have whole seconds.
pub(crate) fn seconds(at: Timestamp) -> Value {
    json!(Timestamp::from_second(at.as_second()).unwrap())
}

//! Findings about the API, the metrics and the nodes.

use serde_json::{Value, json};

use super::{diagnose, first_finding, shop};
use crate::still_api::{StillApi, application, cluster};
use crate::writers::applied_by_argo_cd;

const LONG_AGO: &str = "2026-01-01T00:00:00Z";

#[test]
fn a_problem_in_the_api_is_found_and_quoted() {
    let mut api = shop();
    api.change("/api/v1/pods", |pod| {
        if pod["metadata"]["labels"]["app"] == "cart" {
            pod["spec"]["containers"]
                .as_array_mut()
                .unwrap()
                .push(json!({"name": "daprd"}));
        }
    });
    api.change("/apis/apps/v1/deployments", |deployment| {
        if deployment["metadata"]["name"] == "web" {
            deployment["metadata"]["managedFields"] = json!([{"manager": "argocd-controller", "operation": "Apply",
                "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
        }
    });
    applied_by_argo_cd(&mut api, &json!({}));
    let serving = api.serve();
    let (code, report, said) = diagnose(&serving, &[]);
    assert_eq!(code, 91, "{said}");
    assert_eq!(
        first_finding(&report, "cart"),
        "injected-container-without-request"
    );
    assert_eq!(first_finding(&report, "web"), "replicas-in-manifest");
    assert!(
        said.contains("seen: pod cart-6d-0, container daprd: no requests.cpu"),
        "{said}"
    );
    assert!(
        said.contains("Something is wrong with 2; nothing was found with 0."),
        "{said}"
    );
}

#[test]
fn the_rest_of_the_environment_is_read_too() {
    let mut api = shop();
    let meta = |name: &str| json!({"name": name, "namespace": "shop"});
    api.put("/apis/policy/v1", "poddisruptionbudgets", json!({"metadata": meta("strict"), "spec": {"minAvailable": "100%", "selector": {"matchLabels": {"app": "cart"}}}}));
    api.put("/apis/autoscaling.k8s.io/v1", "verticalpodautoscalers", json!({"metadata": meta("web"), "spec": {"targetRef": {"kind": "Deployment", "name": "web"}}}));
    let serving = api.serve();
    let (_, report, said) = diagnose(&serving, &[]);
    assert_eq!(
        first_finding(&report, "cart"),
        "pdb-blocks-drains",
        "{said}"
    );
    assert_eq!(
        first_finding(&report, "web"),
        "vpa-changes-requests",
        "{said}"
    );

    let mut api = shop();
    api.put(
        "/api/v1",
        "resourcequotas",
        json!({"metadata": meta("q"), "status": {"hard": {"pods": "9"}, "used": {"pods": "7"}}}),
    );
    api.put(
        "/apis/keda.sh/v1alpha1",
        "scaledobjects",
        json!({"metadata": meta("web"), "spec": {"scaleTargetRef": {"name": "web"}}}),
    );
    let serving = api.serve();
    let (_, report, said) = diagnose(&serving, &[]);
    assert_eq!(first_finding(&report, "cart"), "quota-exceeded", "{said}");
    assert_eq!(first_finding(&report, "web"), "another-scaler", "{said}");
}

#[test]
fn a_scale_without_a_selector_is_found_by_the_condition() {
    let mut api = shop();
    api.change(
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        |autoscaler| {
            if autoscaler["metadata"]["name"] == "cart" {
                autoscaler["status"]["conditions"][1] = json!({"type": "ScalingActive", "status": "False",
                    "reason": "InvalidSelector", "message": "the HPA target's scale is missing a selector"});
            }
        },
    );
    let (code, report, said) = diagnose(&api.serve(), &[]);
    assert_eq!(code, 91, "{said}");
    assert_eq!(first_finding(&report, "cart"), "invalid-selector");
    assert_eq!(first_finding(&report, "web"), Value::Null);
}

#[test]
fn without_a_metrics_api_that_is_the_cause_for_every_autoscaler() {
    let mut api = shop();
    api.refuse(
        "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io",
        404,
    );
    let serving = api.serve();
    let (code, report, said) = diagnose(&serving, &["-A"]);
    assert_eq!(code, 92, "{said}");
    for name in ["cart", "web", "books"] {
        assert_eq!(first_finding(&report, name), "no-metrics-api");
    }
    assert_eq!(
        said.matches("do: Install metrics-server.").count(),
        1,
        "{said}"
    );
}

/// `cart` wants a sixth pod that fits on no node, with these events in the last minute.
fn waiting(events: &[(&str, &str)]) -> StillApi {
    let mut api = cluster();
    application(&mut api, "shop", "cart", 5);
    api.change("/apis/apps/v1/deployments", |deployment| {
        deployment["spec"]["replicas"] = json!(6);
        deployment["status"] = json!({"replicas": 6, "readyReplicas": 5, "updatedReplicas": 6});
    });
    api.put("/api/v1", "pods", json!({
        "metadata": {"name": "cart-6d-9", "namespace": "shop", "labels": {"app": "cart", "pod-template-hash": "6d"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "cart-6d", "uid": "o", "controller": true}]},
        "spec": {"containers": [{"name": "app", "resources": {"requests": {"cpu": "100m"}}}]},
        "status": {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/3 nodes are available: 3 Insufficient cpu."}]}}));
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(60);
    for (reason, message) in events {
        api.put(
            "/api/v1",
            "events",
            json!({"metadata": {"name": reason, "namespace": "shop"},
            "involvedObject": {"kind": "Pod", "name": "cart-6d-9", "namespace": "shop"},
            "reason": reason, "message": message, "count": 1, "lastTimestamp": then.to_string()}),
        );
    }
    api
}

#[test]
fn a_pod_that_waits_for_a_node_is_reported_with_what_was_tried() {
    let mut api = waiting(&[]);
    api.refuse("/api/v1/namespaces/shop/events", 403);
    let (code, report, said) = diagnose(&api.serve(), &[]);
    assert_eq!(code, 93, "{said}");
    assert_eq!(first_finding(&report, "cart"), "nodes-unknown", "{said}");

    let triggered = (
        "TriggeredScaleUp",
        "pod triggered scale-up: [{web 1->2 (max: 4)}]",
    );
    let (code, report, said) = diagnose(&waiting(&[triggered]).serve(), &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        first_finding(&report, "cart"),
        "nodes-on-their-way",
        "{said}"
    );
    assert!(said.contains("web 1->2"), "{said}");

    let refused = (
        "NotTriggerScaleUp",
        "pod didn't trigger scale-up: 1 max node group size reached",
    );
    let (code, report, said) = diagnose(&waiting(&[refused]).serve(), &[]);
    assert_eq!(code, 92, "{said}");
    assert_eq!(first_finding(&report, "cart"), "unschedulable", "{said}");
    assert!(said.contains("1 max node group size reached"), "{said}");

    let mut api = waiting(&[(
        "Nominated",
        "Pod should schedule on: nodeclaim/default-x7k2p",
    )]);
    api.put(
        "/apis/karpenter.sh/v1",
        "nodeclaims",
        json!({"metadata": {"name": "default-x7k2p"},
        "status": {"conditions": [{"type": "Launched", "status": "False", "reason": "LaunchFailed",
            "message": "insufficient capacity", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}}),
    );
    let (code, report, said) = diagnose(&api.serve(), &[]);
    assert_eq!(
        (code, first_finding(&report, "cart")),
        (0, json!("nodes-on-their-way")),
        "{said}"
    );
    assert!(
        said.contains("its NodeClaim: Launched False, LaunchFailed: insufficient capacity"),
        "{said}"
    );
}

#[test]
fn advice_is_about_the_component_that_serves_the_api_and_its_condition_is_quoted() {
    let mut api = shop();
    api.change("/apis/autoscaling/v2/horizontalpodautoscalers", |object| {
        if object["metadata"]["name"] == "cart" {
            let metrics = object["spec"]["metrics"].as_array_mut().unwrap();
            metrics.push(
                json!({"type": "External", "external": {"metric": {"name": "queue"},
                "target": {"type": "AverageValue", "averageValue": "100"}}}),
            );
        }
    });
    let external = |status: &str, message: &str, since: &str| {
        json!({
        "metadata": {"name": "v1beta1.external.metrics.k8s.io"},
        "spec": {"service": {"namespace": "keda", "name": "keda-operator-metrics-apiserver"}},
        "status": {"conditions": [{"type": "Available", "status": status, "reason": "MissingEndpoints", "message": message,
            "lastTransitionTime": since}]}})
    };
    let path = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.external.metrics.k8s.io";
    api.answer(path, external("True", "ok", LONG_AGO));
    let (code, _, said) = diagnose(&api.serve(), &[]);
    assert_eq!(code, 0, "{said}");

    let by_queue = |since: &str, says: &str| {
        let mut api = shop();
        api.change("/apis/autoscaling/v2/horizontalpodautoscalers", |object| {
        if object["metadata"]["name"] == "cart" {
            object["spec"]["metrics"] = json!([{"type": "External", "external": {"metric": {"name": "queue"},
                "target": {"type": "AverageValue", "averageValue": "100"}}}]);
        }
    });
        api.answer(path, external("False", says, since));
        api.serve()
    };
    let says =
        "endpoints for service/keda-operator-metrics-apiserver in \"keda\" have no addresses";
    // Its pod is being restarted.
    let now = jiff::Timestamp::now().to_string();
    let (code, report, said) = diagnose(&by_queue(&now, says), &[]);
    assert_eq!(code, 93, "{said}");
    assert_eq!(
        first_finding(&report, "cart"),
        "metrics-api-silent",
        "{said}"
    );
    let (code, report, said) = diagnose(&by_queue(LONG_AGO, says), &[]);
    assert_eq!(code, 92, "{said}");
    assert_eq!(
        first_finding(&report, "cart"),
        "adapter-unavailable",
        "{said}"
    );
    assert!(
        said.contains(&format!("Available False, MissingEndpoints: {says}")),
        "{said}"
    );
    let advice = "do: Read the log of KEDA's metrics API server (Service keda/keda-operator-metrics-apiserver)";
    assert!(said.contains(advice), "{said}");
}

#[test]
fn a_setting_that_only_a_newer_version_knows_leaves_the_answer_open() {
    let mut api = shop();
    api.change("/apis/autoscaling/v2/horizontalpodautoscalers", |object| {
        object["spec"]["behavior"] = json!({"scaleUp": {"selectPolicy": "Average"}});
    });
    let (code, _, said) = diagnose(&api.serve(), &[]);
    assert_eq!(code, 93, "{said}");
    assert!(
        said.contains("selectPolicy \"Average\" of shop/cart"),
        "{said}"
    );
}

#[test]
fn a_metrics_api_that_is_served_without_an_aggregator_is_there() {
    let mut api = shop();
    let service = "/apis/apiregistration.k8s.io/v1/apiservices/v1beta1.metrics.k8s.io";
    api.refuse(service, 404);
    api.answer(
        "/apis",
        json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": [{"name": "metrics.k8s.io",
            "versions": [{"groupVersion": "metrics.k8s.io/v1beta1", "version": "v1beta1"}]}]}),
    );
    let (code, _, said) = diagnose(&api.serve(), &[]);
    assert_eq!(code, 0, "{said}");
}

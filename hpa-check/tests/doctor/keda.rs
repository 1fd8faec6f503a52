//! Autoscalers that KEDA owns.

use serde_json::{Value, json};

use super::{diagnose, first_finding, shop};
use crate::still_api::{StillApi, application, cluster};

/// `cart` belongs to this `ScaledObject` of KEDA.
fn of_keda(api: &mut StillApi, annotations: &Value) {
    api.change(
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        |autoscaler| {
            if autoscaler["metadata"]["name"] == "cart" {
                autoscaler["metadata"]["ownerReferences"] = json!([{"apiVersion": "keda.sh/v1alpha1",
                    "kind": "ScaledObject", "name": "cart", "uid": "s", "controller": true}]);
                autoscaler["spec"]["minReplicas"] = json!(1);
            }
        },
    );
    api.put("/apis/keda.sh/v1alpha1", "scaledobjects", json!({
        "metadata": {"name": "cart", "namespace": "shop", "annotations": annotations},
        "spec": {"scaleTargetRef": {"name": "cart"}, "minReplicaCount": 0, "triggers": [{"type": "kafka"}]},
        "status": {"hpaName": "cart", "conditions": [
            {"type": "Ready", "status": "True", "reason": "ScaledObjectReady", "message": "ok"}]}}));
}

/// `cart` has no pods, and is meant to have none.
fn at_zero(api: &mut StillApi) {
    api.change("/apis/apps/v1/deployments", |deployment| {
        if deployment["metadata"]["name"] == "cart" {
            deployment["spec"]["replicas"] = json!(0);
            deployment["status"] = json!({});
        }
    });
    api.change("/api/v1/pods", |pod| {
        if pod["metadata"]["labels"]["app"] == "cart" {
            pod["metadata"]["labels"] = json!({"app": "gone"});
        }
    });
    api.change(
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        |autoscaler| {
            if autoscaler["metadata"]["name"] == "cart" {
                autoscaler["status"]["conditions"][1] = json!({"type": "ScalingActive", "status": "False",
                    "reason": "ScalingDisabled", "message": "scaling is disabled since the replica count of the target is zero"});
            }
        },
    );
}

#[test]
fn a_keda_target_idle_at_zero_is_a_note_and_without_keda_scaling_is_disabled() {
    let mut api = shop();
    of_keda(&mut api, &Value::Null);
    at_zero(&mut api);
    let (code, report, said) = diagnose(&api.serve(), &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(first_finding(&report, "cart"), "idle-at-zero", "{said}");

    // Without the right to read ScaledObjects the owner reference shows the same.
    let mut api = shop();
    of_keda(&mut api, &Value::Null);
    at_zero(&mut api);
    api.refuse("/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects", 403);
    let (code, report, said) = diagnose(&api.serve(), &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(first_finding(&report, "cart"), "idle-at-zero", "{said}");
    assert!(said.contains("list scaledobjects.keda.sh"), "{said}");

    let mut api = shop();
    at_zero(&mut api);
    let serving = api.serve();
    let (code, report, said) = diagnose(&serving, &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(first_finding(&report, "cart"), "scaled-to-zero", "{said}");
    let (code, report, said) = diagnose(&serving, &["cart", "--expect-min", "3"]);
    assert_eq!(code, 91, "{said}");
    assert_eq!(first_finding(&report, "cart"), "scaling-disabled", "{said}");
}

#[test]
fn a_pause_by_keda_is_quoted_with_or_without_its_autoscaler() {
    let mut api = shop();
    of_keda(&mut api, &json!({"autoscaling.keda.sh/paused": "true"}));
    let (code, report, said) = diagnose(&api.serve(), &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(first_finding(&report, "cart"), "paused", "{said}");

    let mut api = cluster();
    application(&mut api, "bank", "books", 5);
    of_keda(
        &mut api,
        &json!({"autoscaling.keda.sh/paused-replicas": "4"}),
    );
    let (code, report, said) = diagnose(&api.serve(), &["-A"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        first_finding(&report, "cart"),
        "paused-at-replicas",
        "{said}"
    );
    assert!(
        said.contains("autoscaling.keda.sh/paused-replicas: \"4\""),
        "{said}"
    );
}

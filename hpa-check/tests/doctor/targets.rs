//! Scale targets other than a Deployment.

use serde_json::json;

use super::{diagnose, first_finding, shop};
use crate::still_api::StillApi;

/// `cart` is a custom resource with `/scale`, of this group, version and kind.
fn of_a_custom_kind(api: &mut StillApi, group: &str, version: &str, kind: &str) {
    let plural = format!("{}s", kind.to_lowercase());
    api.change(
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        |autoscaler| {
            let reference = &mut autoscaler["spec"]["scaleTargetRef"];
            if reference["name"] == "cart" {
                reference["apiVersion"] = json!(format!("{group}/{version}"));
                reference["kind"] = json!(kind);
            }
        },
    );
    let path = format!("/apis/{group}/{version}");
    api.answer(&path, json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/{version}"),
        "resources": [{"name": plural, "singularName": "", "namespaced": true, "kind": kind, "verbs": ["get", "list"]},
            {"name": format!("{plural}/scale"), "singularName": "", "namespaced": true, "kind": "Scale",
             "group": "autoscaling", "version": "v1", "verbs": ["get"]}]}));
    let object = format!("{path}/namespaces/shop/{plural}/cart");
    api.answer(&object, json!({"apiVersion": format!("{group}/{version}"), "kind": kind,
        "metadata": {"name": "cart", "namespace": "shop", "uid": "u"}, "spec": {"replicas": 3},
        "status": {"conditions": [{"type": "Progressing", "status": "False", "reason": "AsExpected"}]}}));
    api.answer(
        &format!("{object}/scale"),
        json!({"apiVersion": "autoscaling/v1", "kind": "Scale",
        "metadata": {"name": "cart", "namespace": "shop"}, "spec": {"replicas": 3},
        "status": {"replicas": 3, "selector": "app=cart"}}),
    );
    for (path, plural) in [
        ("/apis/apps/v1", "statefulsets"),
        ("/api/v1", "replicationcontrollers"),
    ] {
        let other = json!({"metadata": {"name": "other", "namespace": "bank"}, "spec": {}});
        api.put(path, plural, other);
    }
    api.change("/api/v1/pods", |pod| {
        if pod["metadata"]["labels"]["app"] == "cart" {
            pod["metadata"]["ownerReferences"][0]["kind"] = json!(format!("{kind}Set"));
            pod["metadata"]["ownerReferences"][0]["name"] = json!("made-by-an-operator");
        }
    });
}

#[test]
fn a_custom_resource_is_judged_by_its_scale_and_not_by_the_rules_of_deployments() {
    for (group, version, kind) in [
        ("apps.kruise.io", "v1beta1", "StatefulSet"),
        ("example.com", "v1", "Gateway"),
    ] {
        let mut api = shop();
        of_a_custom_kind(&mut api, group, version, kind);
        let (code, report, said) = diagnose(&api.serve(), &["cart"]);
        assert_eq!(code, 0, "{kind}: {report} {said}");
    }
    let mut api = shop();
    of_a_custom_kind(&mut api, "example.com", "v1", "Gateway");
    api.refuse(
        "/apis/example.com/v1/namespaces/shop/gateways/cart/scale",
        404,
    );
    let (code, report, _) = diagnose(&api.serve(), &["cart"]);
    assert_eq!(
        (code, first_finding(&report, "cart")),
        (91, json!("target-not-scalable"))
    );
}

#[test]
fn a_replica_set_created_between_the_lists_belongs_to_its_deployment() {
    let mut api = shop();
    api.change("/apis/apps/v1/replicasets", |set| {
        if set["metadata"]["name"] == "cart-6d" {
            set["metadata"]["name"] = json!("cart-older");
        }
    });
    let (code, report, said) = diagnose(&api.serve(), &["cart"]);
    assert_eq!(code, 0, "{report} {said}");
}

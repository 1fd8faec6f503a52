//! What is read, by the flags and by what the server allows.

use serde_json::json;

use super::{diagnose, shop};

#[test]
fn a_healthy_namespace_has_no_finding_and_is_the_only_one_that_is_read() {
    let serving = shop().serve();
    let (code, report, said) = diagnose(&serving, &[]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(report["schema"], "hpa-check-doctor/1.3");
    assert_eq!(report["autoscalers"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&report["pods"], &report["unseen"]),
        (&json!(7), &json!([]))
    );
    assert!(
        said.contains("Nothing wrong was found with any of them."),
        "{said}"
    );
    assert!(
        said.contains("2 autoscalers in 1 namespace, 7 pods; Kubernetes 1.34"),
        "{said}"
    );
    let elsewhere = serving
        .asked()
        .into_iter()
        .find(|path| path.contains("bank") || path.starts_with("/api/v1/pods"));
    assert_eq!(elsewhere, None);
}

#[test]
fn all_namespaces_are_read_with_one_list_per_kind() {
    let serving = shop().serve();
    let (code, report, said) = diagnose(&serving, &["--all-namespaces"]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        (&report["namespaces"], &report["pods"]),
        (&json!(2), &json!(12))
    );
    assert!(
        serving
            .asked()
            .iter()
            .all(|path| !path.contains("/namespaces/"))
    );
}

#[test]
fn a_single_autoscaler_is_reported_with_its_arithmetic() {
    let serving = shop().serve();
    let (code, report, said) = diagnose(&serving, &["--autoscaler", "web"]);
    assert_eq!(
        (code, report["autoscalers"].as_array().unwrap().len()),
        (0, 1)
    );
    assert!(said.contains("4 ready pods average 45 % of 100m"), "{said}");
    let (code, _, said) = diagnose(&serving, &["--autoscaler", "wed"]);
    assert_eq!(code, 90);
    assert!(
        said.contains("has no HorizontalPodAutoscaler wed"),
        "{said}"
    );
}

#[test]
fn a_name_needs_no_flag_and_an_unknown_one_is_answered_with_the_nearest() {
    let serving = shop().serve();
    let (code, report, said) = diagnose(&serving, &["web"]);
    assert_eq!(
        (code, &report["scope"]["autoscaler"]),
        (0, &json!("web")),
        "{said}"
    );
    let (code, _, said) = diagnose(&serving, &["carts"]);
    assert_eq!(code, 90, "{said}");
    assert!(
        said.contains("has no HorizontalPodAutoscaler carts; did you mean cart?"),
        "{said}"
    );
}

#[test]
fn an_unknown_namespace_is_an_error_and_an_empty_one_is_not_called_healthy() {
    let mut api = shop();
    for name in ["shop", "bank", "empty"] {
        api.put("/api/v1", "namespaces", json!({"metadata": {"name": name}}));
        api.answer(
            &format!("/api/v1/namespaces/{name}"),
            json!({"metadata": {"name": name}}),
        );
    }
    api.refuse("/api/v1/namespaces/secret", 403);
    let serving = api.serve();
    let (code, _, said) = diagnose(&serving, &["-n", "shpo"]);
    assert_eq!(code, 90, "{said}");
    assert!(
        said.contains("the namespace shpo does not exist; did you mean shop?"),
        "{said}"
    );
    let (code, _, said) = diagnose(&serving, &["-n", "empty"]);
    assert_eq!(code, 93, "{said}");
    assert!(
        said.contains("There is no HorizontalPodAutoscaler in namespace empty"),
        "{said}"
    );
    let (code, _, said) = diagnose(&serving, &["-n", "secret"]);
    assert_eq!(code, 93, "{said}");
    assert!(
        said.contains("whether the namespace exists is unknown"),
        "{said}"
    );
}

#[test]
fn a_resource_that_may_not_be_read_is_named_and_only_an_essential_one_makes_it_inconclusive() {
    let mut api = shop();
    for optional in [
        "/api/v1/namespaces/shop/events",
        "/api/v1/namespaces/shop/resourcequotas",
        "/api/v1/nodes",
    ] {
        api.refuse(optional, 403);
    }
    let serving = api.serve();
    let (code, report, said) = diagnose(&serving, &[]);
    assert_eq!(code, 0, "{said}");
    let rules: Vec<_> = report["unseen"]
        .as_array()
        .unwrap()
        .iter()
        .map(|u| u["rule"].as_str().unwrap())
        .collect();
    for rule in ["list events", "list resourcequotas", "list nodes"] {
        assert_eq!(rules.iter().filter(|r| **r == rule).count(), 1, "{rules:?}");
    }

    let mut api = shop();
    api.refuse("/api/v1/namespaces/shop/pods", 403);
    let serving = api.serve();
    let (code, _, said) = diagnose(&serving, &[]);
    assert_eq!(code, 93, "{said}");
    assert!(said.contains("not seen  list pods"), "{said}");

    let mut api = shop();
    api.refuse(
        "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers",
        403,
    );
    let serving = api.serve();
    let (code, _, said) = diagnose(&serving, &[]);
    assert_eq!(code, 90, "{said}");
    assert!(
        said.contains("grant list on horizontalpodautoscalers.autoscaling"),
        "{said}"
    );
}

#[test]
fn what_answers_without_being_a_recent_api_server_is_named_with_what_to_do() {
    for (path, status, advice) in [
        ("/version", 302, "perhaps to sign in; check --kubeconfig"),
        (
            "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers",
            404,
            "autoscaling/v2, which Kubernetes has since 1.23",
        ),
        (
            "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers",
            500,
            "check that the API server is healthy",
        ),
    ] {
        let mut api = shop();
        api.refuse(path, status);
        let (code, _, said) = diagnose(&api.serve(), &[]);
        assert_eq!(code, 90, "{said}");
        assert!(said.contains(advice), "{status}: {said}");
    }
}

#[test]
fn a_second_look_is_taken_on_request() {
    let serving = shop().serve();
    let (code, report, said) = diagnose(&serving, &["--again", "1"]);
    assert_eq!((code, &report["looks"]), (0, &json!(2)), "{said}");
}

//! `hpa-check doctor` against an API server with fixed objects.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "fixtures/still_api.rs"]
mod still_api;

use serde_json::{Value, json};
use still_api::{Serving, StillApi, application, cluster};

fn shop() -> StillApi {
    let mut api = cluster();
    application(&mut api, "shop", "cart", 3);
    application(&mut api, "shop", "web", 4);
    application(&mut api, "bank", "books", 5);
    api
}

/// The exit code, the report, and standard error.
fn diagnose(serving: &Serving, arguments: &[&str]) -> (i32, Value, String) {
    let file = serving.file("result.json");
    let output = format!("json={}", file.display());
    let all = [&["doctor", "-o", &output], arguments].concat();
    let done = serving.run(&all);
    let said =
        String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    let result = std::fs::read_to_string(file)
        .ok()
        .and_then(|text| serde_json::from_str(&text).ok());
    (
        done.status.code().unwrap(),
        result.unwrap_or_default(),
        said,
    )
}

fn first_finding(report: &Value, name: &str) -> Value {
    let mut all = report["autoscalers"].as_array().unwrap().iter();
    let one = all.find(|a| a["name"] == name).unwrap();
    one["findings"][0]["id"].clone()
}

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

/// `cart` can't scale; its owner is known.
fn stuck() -> StillApi {
    let mut api = shop();
    api.change(
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        |autoscaler| {
            if autoscaler["metadata"]["name"] == "cart" {
                autoscaler["metadata"]["labels"] = json!({"app.kubernetes.io/part-of": "checkout"});
                autoscaler["spec"]["behavior"]["scaleUp"] = json!({"selectPolicy": "Disabled"});
            }
        },
    );
    api
}

#[test]
fn a_finding_can_be_ignored_by_a_flag_or_an_annotation_and_is_shown_with_the_reason() {
    let reason = "scale-up-disabled=it is frozen";
    let serving = stuck().serve();
    let (code, report, said) = diagnose(&serving, &["cart"]);
    assert_eq!(code, 91, "{said}");
    assert_eq!(report["groups"]["owners"][0]["name"], "checkout");
    let (_, _, said) = diagnose(&serving, &["cart", "--ignore", reason]);
    assert!(
        said.contains("ignored  shop/cart: scale-up-disabled, because it is frozen"),
        "{said}"
    );
    let (code, _, said) = diagnose(&serving, &["--ignore", "scale-up-disbled=x"]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("`scale-up-disabled`"), "{said}");

    let mut api = stuck();
    api.change(
        "/apis/autoscaling/v2/horizontalpodautoscalers",
        |autoscaler| {
            autoscaler["metadata"]["annotations"] = json!({"hpa-check/ignore": reason});
        },
    );
    let (_, report, _) = diagnose(&api.serve(), &["cart"]);
    let ignored = &report["autoscalers"][0]["ignored"][0];
    assert_eq!(
        (&ignored["id"], &ignored["by"]),
        (&json!("scale-up-disabled"), &json!("annotation"))
    );
}

#[test]
fn with_a_baseline_only_new_findings_fail_and_fixed_ones_are_listed() {
    let serving = stuck().serve();
    let (code, _, said) = diagnose(&serving, &[]);
    assert_eq!(code, 91, "{said}");
    let file = serving.file("baseline.json");
    std::fs::copy(serving.file("result.json"), &file).unwrap();
    let flags = ["--baseline", file.to_str().unwrap()];
    let (code, _, said) = diagnose(&serving, &flags);
    assert_eq!(code, 0, "{said}");
    let (code, _, said) = diagnose(&shop().serve(), &flags);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("gone: shop/cart: scale-up-disabled"),
        "{said}"
    );
    let (code, _, said) = diagnose(&serving, &["--baseline", "/does/not/exist"]);
    assert_eq!(code, 2, "{said}");
}

#[test]
fn the_exit_code_counts_only_findings_of_the_given_severity() {
    let serving = stuck().serve();
    let (code, _, said) = diagnose(&serving, &["--fail-on", "none"]);
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("WRONG") && said.contains("by --fail-on"),
        "{said}"
    );
}

#[test]
fn every_report_is_written_and_the_stored_result_draws_the_same_again() {
    let serving = stuck().serve();
    let kinds = ["json", "html", "md", "junit", "sarif", "github"];
    let outputs = kinds.map(|kind| format!("{kind}={}", serving.file(kind).display()));
    let mut arguments = vec!["doctor", "-A", "--expect-max", "12"];
    arguments.extend(outputs.iter().flat_map(|output| ["-o", output.as_str()]));
    let done = serving.run(&arguments);
    assert_eq!(done.status.code(), Some(91));
    for kind in kinds {
        let first = std::fs::read_to_string(serving.file(kind)).unwrap();
        assert!(first.contains("scale-up-disabled"), "{kind}: {first}");
        let again = std::process::Command::new(env!("CARGO_BIN_EXE_hpa-check"))
            .arg("report")
            .arg(serving.file("json"))
            .args(["-o", &format!("{kind}=-")])
            .output()
            .unwrap();
        assert_eq!(again.status.code(), Some(0), "{kind}");
        assert_eq!(String::from_utf8_lossy(&again.stdout), first, "{kind}");
    }
    let page = std::fs::read_to_string(serving.file("html")).unwrap();
    for stated in [
        "hpa-check doctor -A --expect-max 12",
        "Asserted maximum",
        "cpu at 50 %",
        "100m",
    ] {
        assert!(page.contains(stated), "{stated}");
    }
}

#[test]
fn a_format_without_this_report_and_an_unwritable_report_are_errors() {
    let serving = shop().serve();
    for kind in ["svg=x.svg", "trace=x.jsonl"] {
        let (code, _, said) = diagnose(&serving, &["-o", kind]);
        assert_eq!(code, 2, "{said}");
        assert!(
            said.contains("give one of json, html, md, junit, sarif, github"),
            "{said}"
        );
    }
    #[cfg(target_os = "linux")]
    {
        // A missing report must not look like one without findings.
        let (code, _, said) = diagnose(&serving, &["-o", "html=/dev/full"]);
        assert_eq!(code, 1, "{said}");
        let (code, _, said) = diagnose(&stuck().serve(), &["-o", "html=/dev/full"]);
        assert_eq!(code, 91, "{said}");
        assert!(said.contains("the html report can't be written"), "{said}");
    }
}

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

/// The first finding for `cart` with five pods, given these pods and samples.
fn cart_of_five(
    change_pod: impl Fn(&mut Value, usize),
    change_sample: impl Fn(&mut Value, usize),
) -> Value {
    let mut api = cluster();
    application(&mut api, "shop", "cart", 5);
    let number = |object: &Value| -> usize {
        let name = object["metadata"]["name"].as_str().unwrap();
        name.rsplit('-').next().unwrap().parse().unwrap()
    };
    api.change("/api/v1/pods", |pod| change_pod(pod, number(pod)));
    api.change("/apis/metrics.k8s.io/v1beta1/pods", |sample| {
        change_sample(sample, number(sample));
    });
    let (_, report, said) = diagnose(&api.serve(), &[]);
    assert_ne!(report, Value::Null, "{said}");
    first_finding(&report, "cart")
}

fn uses(sample: &mut Value, container: usize, milli: u32) {
    sample["containers"][container]["usage"]["cpu"] = json!(format!("{milli}m"));
}

/// Sets the pod's start, and its readiness since then.
fn since(pod: &mut Value, seconds: i64, ready: &str) {
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
    pod["status"]["startTime"] = json!(then.to_string());
    pod["status"]["conditions"] =
        json!([{"type": "Ready", "status": ready, "lastTransitionTime": then.to_string()}]);
}

#[test]
fn an_idle_sidecar_is_found_by_its_neighbors_use() {
    let beside = |app: u32| {
        cart_of_five(
            |pod, _| {
                let proxy = json!({"name": "proxy", "resources": {"requests": {"cpu": "100m"}}});
                pod["spec"]["containers"]
                    .as_array_mut()
                    .unwrap()
                    .push(proxy);
            },
            move |sample, _| {
                let proxy = json!({"name": "proxy", "usage": {"cpu": "2m", "memory": "1Mi"}});
                sample["containers"].as_array_mut().unwrap().push(proxy);
                uses(sample, 0, app);
            },
        )
    };
    assert_eq!(beside(98), "sidecar-dilutes-utilization");
    assert_eq!(beside(45), Value::Null);
}

#[test]
fn pods_that_stay_unready_and_hold_back_the_ratio_are_found_and_young_ones_are_not() {
    let unready_for = |seconds: i64| {
        cart_of_five(
            move |pod, n| {
                if n >= 3 {
                    since(pod, seconds, "False");
                }
            },
            |sample, _| uses(sample, 0, 88),
        )
    };
    assert_eq!(unready_for(130), "unready-pods-hold-scaling");
    assert_eq!(unready_for(40), Value::Null);
}

#[test]
fn the_cpu_of_startups_counts_as_load_without_a_probe() {
    let started = |probed: bool| {
        cart_of_five(
            move |pod, n| {
                if n >= 2 {
                    since(pod, 62, "True");
                    if !probed {
                        pod["spec"]["containers"][0]["readinessProbe"] = Value::Null;
                    }
                }
            },
            |sample, n| uses(sample, 0, if n < 2 { 40 } else { 95 }),
        )
    };
    assert_eq!(started(false), "startup-counts-as-load");
    assert_eq!(started(true), Value::Null);
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

#[test]
fn with_json_on_standard_output_the_text_goes_to_standard_error() {
    let serving = shop().serve();
    let done = serving.run(&["doctor", "-o", "json=-"]);
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["exit_code"], 0);
    assert!(String::from_utf8_lossy(&done.stderr).contains("PASS"));
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

const LONG_AGO: &str = "2026-01-01T00:00:00Z";

/// `web` belongs to an Argo CD Application with this spec.
fn applied_by_argo_cd(api: &mut StillApi, spec: &Value) {
    api.put("/apis/argoproj.io/v1alpha1", "applications", json!({
        "metadata": {"name": "shop", "namespace": "argocd"}, "spec": spec,
        "status": {"controllerNamespace": "argocd", "resources": [
            {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": "web", "status": "Synced"}]}}));
}

/// The exit code, the first finding for `web`, and the output, where a manager applies its manifest with
/// replicas.
fn git_sets_replicas(manager: &str, change: impl Fn(&mut StillApi)) -> (i32, Value, String) {
    let mut api = shop();
    api.change("/apis/apps/v1/deployments", |deployment| {
        if deployment["metadata"]["name"] == "web" {
            deployment["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/name": "apps",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system"});
            deployment["metadata"]["managedFields"] = json!([{"manager": manager, "operation": "Apply",
                "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
        }
    });
    change(&mut api);
    let (code, report, said) = diagnose(&api.serve(), &["--autoscaler", "web"]);
    (code, first_finding(&report, "web"), said)
}

#[test]
fn replicas_that_argo_cd_ignores_are_a_note_and_those_that_it_would_apply_are_a_fault() {
    let ignores =
        json!([{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]);
    let respects = json!({"syncOptions": ["RespectIgnoreDifferences=true"]});
    let with =
        |spec: Value| git_sets_replicas("argocd-controller", |api| applied_by_argo_cd(api, &spec));
    let (code, first, said) = with(json!({"ignoreDifferences": ignores, "syncPolicy": respects}));
    assert_eq!((code, first), (0, json!("replicas-left-alone")), "{said}");
    let (code, first, said) = with(json!({"ignoreDifferences": ignores}));
    assert_eq!((code, first), (91, json!("replicas-in-manifest")), "{said}");
    assert!(
        said.contains("without RespectIgnoreDifferences=true each sync puts them back"),
        "{said}"
    );
    let (code, first, said) = with(json!({"syncPolicy": respects}));
    assert_eq!((code, first), (91, json!("replicas-in-manifest")), "{said}");

    // The same through Argo CD's global settings.
    let (code, first, said) = git_sets_replicas("argocd-controller", |api| {
        applied_by_argo_cd(api, &json!({"syncPolicy": respects}));
        api.answer("/api/v1/namespaces/argocd/configmaps/argocd-cm", json!({"data": {
            "resource.customizations.ignoreDifferences.apps_Deployment": "jqPathExpressions: [.spec.replicas]"}}));
    });
    assert_eq!((code, first), (0, json!("replicas-left-alone")), "{said}");

    // One that can't be read, or is in another cluster, leaves it open.
    let (code, first, said) = git_sets_replicas("argocd-controller", |_| {});
    assert_eq!(
        (code, first),
        (93, json!("replicas-perhaps-applied")),
        "{said}"
    );
    let (code, first, said) = git_sets_replicas("argocd-controller", |api| {
        for path in [
            "/apis/argoproj.io/v1alpha1/applications",
            "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications",
        ] {
            api.refuse(path, 403);
        }
    });
    assert_eq!(
        (code, first),
        (93, json!("replicas-perhaps-applied")),
        "{said}"
    );
    assert!(said.contains("list applications.argoproj.io"), "{said}");
}

#[test]
fn replicas_that_flux_ignores_are_a_note_and_those_that_it_would_apply_are_a_fault() {
    let with = |spec: Value| {
        git_sets_replicas("kustomize-controller", move |api| {
            api.put(
                "/apis/kustomize.toolkit.fluxcd.io/v1",
                "kustomizations",
                json!({
                "metadata": {"name": "apps", "namespace": "flux-system"}, "spec": spec.clone()}),
            );
        })
    };
    let (code, first, said) =
        with(json!({"ignore": [{"paths": ["/spec/replicas"], "target": {"kind": "Deployment"}}]}));
    assert_eq!((code, first), (0, json!("replicas-left-alone")), "{said}");
    let (code, first, said) =
        with(json!({"ignore": [{"paths": ["/spec/replicas"], "target": {"kind": "StatefulSet"}}]}));
    assert_eq!((code, first), (91, json!("replicas-in-manifest")), "{said}");
    let (code, first, said) = with(json!({"suspend": true}));
    assert_eq!((code, first), (0, json!("replicas-left-alone")), "{said}");
    let (code, first, said) = git_sets_replicas("kustomize-controller", |api| {
        api.change("/apis/apps/v1/deployments", |deployment| {
            deployment["metadata"]["annotations"] =
                json!({"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"});
        });
    });
    assert_eq!((code, first), (0, json!("replicas-left-alone")), "{said}");
    let (code, first, said) = git_sets_replicas("kubectl", |_| {});
    assert_eq!((code, first), (91, json!("replicas-in-manifest")), "{said}");
}

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

#[test]
fn a_controller_without_metrics_is_a_fault_only_after_the_time_for_a_start() {
    let inactive = |seconds: i64| {
        let mut api = shop();
        let since = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
        api.change(
            "/apis/autoscaling/v2/horizontalpodautoscalers",
            |autoscaler| {
                autoscaler["status"]["conditions"][1] = json!({"type": "ScalingActive", "status": "False",
                    "reason": "FailedGetResourceMetric", "message": "no metrics returned from resource metrics API",
                    "lastTransitionTime": since.to_string()});
            },
        );
        let (code, report, _) = diagnose(&api.serve(), &["cart"]);
        (code, first_finding(&report, "cart"))
    };
    assert_eq!(inactive(10), (93, json!("metrics-not-yet")));
    assert_eq!(inactive(600), (92, json!("metric-failed")));
}

/// The report on three applications on a node that has room for all but one pod at their maxima, beside another node.
fn beside_node(labels: Value, taints: Value) -> (i32, Value, String) {
    let mut api = shop();
    api.change("/api/v1/nodes", |node| {
        node["metadata"]["labels"] = json!({"kubernetes.io/os": "linux"});
        node["spec"] = json!({});
        node["status"]["allocatable"]["cpu"] = json!("2");
    });
    api.put(
        "/api/v1",
        "nodes",
        json!({"metadata": {"name": "node-2", "labels": labels}, "spec": {"taints": taints},
            "status": {"allocatable": {"cpu": "4"}}}),
    );
    diagnose(&api.serve(), &["-A"])
}

#[test]
fn only_nodes_that_the_pods_may_use_are_room_for_them() {
    let dedicated = json!([{"key": "dedicated", "value": "db", "effect": "NoSchedule"}]);
    let cordon = json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]);
    let linux = || json!({"kubernetes.io/os": "linux"});
    for (labels, taints, why) in [
        (linux(), Value::Null, None),
        (linux(), cordon, None),
        (
            linux(),
            dedicated,
            Some("node-2 (taint dedicated=db:NoSchedule)"),
        ),
        (
            json!({"kubernetes.io/os": "windows"}),
            Value::Null,
            Some("node-2 (its operating system is windows)"),
        ),
    ] {
        let (code, report, said) = beside_node(labels, taints);
        let Some(why) = why else {
            assert_eq!(code, 0, "{said}");
            continue;
        };
        assert_eq!(
            (code, first_finding(&report, "cart")),
            (92, json!("capacity-too-small")),
            "{said}"
        );
        assert!(said.contains(why), "{said}");
        assert_eq!(first_finding(&report, "books"), Value::Null, "{said}");
    }
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

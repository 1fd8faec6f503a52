//! The commands beside `run`: simulations, exports, completions, the manual page, the plugin's name.

#![allow(clippy::unwrap_used, reason = "a test that can't go on has failed")]

#[path = "fixtures/still_api.rs"]
mod still_api;

use std::process::{Command, Output};

use serde_json::{Value, json};
use still_api::{application, cluster};

fn hpa_check(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hpa-check"));
    command.args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn a_simulation_tells_the_path_and_writes_every_report() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name);
    let outputs =
        ["json", "html", "svg", "md"].map(|kind| format!("{kind}={}", file(kind).display()));
    let mut arguments = vec![
        "simulate",
        "--load",
        "0s:60m 30s:60m 30s:900m 5m:900m 5m:60m",
    ];
    for output in &outputs {
        arguments.extend(["-o", output]);
    }
    let output = hpa_check(&arguments);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("10 replicas") && text.contains("pod-hours"),
        "{text}"
    );
    let simulation: Value = serde_json::from_slice(&std::fs::read(file("json")).unwrap()).unwrap();
    assert_eq!(simulation["schema"], "hpa-check-simulation/1");
    let sizes: Vec<_> = simulation["summary"]["path"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["replicas"].as_i64().unwrap())
        .collect();
    assert_eq!(sizes, [3, 6, 10, 3]);
    let page = std::fs::read_to_string(file("html")).unwrap();
    assert!(page.contains("Simulated: 3 → 6 → 10") && page.contains("<svg"));
}

#[test]
fn a_bound_that_is_not_kept_is_a_threshold_that_failed() {
    let load = [
        "simulate",
        "--load",
        "0s:60m 30s:60m 30s:900m 5m:900m",
        "--for",
        "5m",
    ];
    let kept = hpa_check(&[&load[..], &["--keep-utilization", "400"]].concat());
    let broken = hpa_check(&[&load[..], &["--keep-utilization", "60"]].concat());
    assert_eq!(
        (kept.status.code(), broken.status.code()),
        (Some(0), Some(99))
    );
}

#[test]
fn a_search_prints_the_cheapest_beside_what_is_now() {
    let output = hpa_check(&[
        "simulate",
        "--load",
        "0s:100m 5m:400m 10m:100m",
        "--find",
        "--keep-utilization",
        "90",
        "--try-min",
        "1,2,3",
        "--try-cpu",
        "50,60",
        "--try-policy",
        "default,pods=2/30",
    ]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(
        text.contains("36 combinations tried") && text.contains("(now)"),
        "{text}"
    );
    let endless = hpa_check(&["simulate", "--load", "0s:1", "--find"]);
    assert_eq!(endless.status.code(), Some(2), "a search needs a bound");
}

#[test]
fn what_is_no_load_is_one_sentence() {
    for load in ["", "soon:much", "0s:400/s"] {
        let output = hpa_check(&["simulate", "--load", load]);
        assert_eq!(output.status.code(), Some(2), "{load}");
        assert_eq!(said(&output).lines().count(), 1, "{}", said(&output));
    }
}

#[test]
fn an_export_is_clean_in_order_and_taken_back_by_the_server() {
    let mut api = cluster();
    application(&mut api, "shop", "cart", 3);
    let meta =
        |name: &str| json!({"name": name, "namespace": "shop", "uid": "u", "resourceVersion": "3"});
    api.put(
        "/api/v1",
        "configmaps",
        json!({"metadata": meta("settings"), "data": {"on": "yes"}}),
    );
    api.put(
        "/api/v1",
        "configmaps",
        json!({"metadata": meta("kube-root-ca.crt"), "data": {}}),
    );
    api.put("/api/v1", "services", json!({"metadata": meta("cart"), "spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80}]}}));
    api.put(
        "/api/v1",
        "secrets",
        json!({"metadata": meta("password"), "data": {"p": "aGlkZGVu"}}),
    );
    api.refuse("/apis/networking.k8s.io/v1/namespaces/shop/ingresses", 403);
    let serving = api.serve();
    let file = serving.file("shop.yaml");
    let output = serving.run(&["export", "-o", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("ingresses can't be read"),
        "{}",
        said(&output)
    );
    let yaml = std::fs::read_to_string(&file).unwrap();
    let kinds: Vec<_> = yaml
        .lines()
        .filter_map(|l| l.strip_prefix("kind: "))
        .collect();
    assert_eq!(
        kinds,
        [
            "ConfigMap",
            "Service",
            "Deployment",
            "HorizontalPodAutoscaler"
        ],
        "{yaml}"
    );
    for noise in [
        "uid",
        "resourceVersion",
        "status",
        "clusterIP",
        "replicas: 3",
        "hidden",
        "aGlkZGVu",
        "kube-root-ca",
    ] {
        assert!(!yaml.contains(noise), "{noise} in {yaml}");
    }

    let output = serving.run(&["restore", file.to_str().unwrap(), "--dry-run"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("ConfigMap/settings is the same"), "{text}");
    // Replicas are the autoscaler's and not in the manifest; this server forgets what is not sent.
    assert!(
        text.contains("Deployment/cart would be changed\n    spec.replicas: 3 → nothing"),
        "{text}"
    );
    std::fs::write(&file, yaml.replace("name: settings", "name: other")).unwrap();
    let text = said(&serving.run(&["restore", file.to_str().unwrap(), "--dry-run"]));
    assert!(text.contains("ConfigMap/other would be made"), "{text}");
    assert_eq!(
        serving
            .run(&["restore", file.to_str().unwrap()])
            .status
            .code(),
        Some(2),
        "only a dry run"
    );
}

#[test]
fn an_export_of_an_application_of_keda_s_has_its_scaled_object_and_not_the_autoscaler_that_comes_of_it()
 {
    let scaled = || {
        let mut api = cluster();
        application(&mut api, "shop", "cart", 3);
        api.change("/apis/autoscaling/v2/horizontalpodautoscalers", |object| {
            object["metadata"]["ownerReferences"] = json!([{"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject",
                "name": "cart", "uid": "s", "controller": true}]);
        });
        api.put("/apis/keda.sh/v1alpha1", "scaledobjects", json!({
            "metadata": {"name": "cart", "namespace": "shop", "uid": "s", "finalizers": ["finalizer.keda.sh"],
                "labels": {"scaledobject.keda.sh/name": "cart"}},
            "spec": {"scaleTargetRef": {"name": "cart"}, "maxReplicaCount": 12, "triggers": [
                {"type": "kafka", "metadata": {"topic": "orders"}, "authenticationRef": {"name": "kafka"}}]},
            "status": {"hpaName": "cart", "originalReplicaCount": 1}}));
        api.put(
            "/apis/keda.sh/v1alpha1",
            "triggerauthentications",
            json!({
            "metadata": {"name": "kafka", "namespace": "shop", "uid": "t"},
            "spec": {"secretTargetRef": [{"parameter": "password", "name": "kafka", "key": "p"}]}}),
        );
        api
    };
    let serving = scaled().serve();
    let file = serving.file("shop.yaml");
    let export = || serving.run(&["export", "-o", file.to_str().unwrap()]);
    let text = said(&export());
    let yaml = std::fs::read_to_string(&file).unwrap();
    let kinds: Vec<_> = yaml
        .lines()
        .filter_map(|l| l.strip_prefix("kind: "))
        .collect();
    assert_eq!(
        kinds,
        ["Deployment", "TriggerAuthentication", "ScaledObject"],
        "{yaml}"
    );
    for noise in [
        "finalizer",
        "hpaName",
        "uid",
        "replicas: 3",
        "scaledobject.keda.sh/name",
    ] {
        assert!(!yaml.contains(noise), "{noise} in {yaml}");
    }
    assert!(
        text.contains("left out: TriggerAuthentication/kafka reads Secret/kafka"),
        "{text}"
    );
    let output = serving.run(&["restore", file.to_str().unwrap(), "--dry-run"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        said(&output).contains("ScaledObject/cart is the same"),
        "{}",
        said(&output)
    );

    let mut forbidden = scaled();
    forbidden.answer(
        "/apis/keda.sh",
        json!({"kind": "APIGroup", "name": "keda.sh", "versions": []}),
    );
    forbidden.refuse("/apis/keda.sh/v1alpha1/namespaces/shop/scaledobjects", 403);
    let text = said(&forbidden.serve().run(&["export"]));
    assert!(
        text.contains("left out: scaledobjects can't be read"),
        "{text}"
    );
    assert!(
        text.contains(
            "after a restore nothing scales Deployment/cart until ScaledObject/cart is there"
        ),
        "{text}"
    );
}

#[test]
fn completions_and_the_manual_page_name_every_command() {
    let help = said(&hpa_check(&["--help"]));
    let commands: Vec<&str> = help
        .lines()
        .filter_map(|l| l.strip_prefix("  ")?.split(' ').next())
        .filter(|w| w.len() > 2 && !w.starts_with('-'))
        .collect();
    assert!(
        commands.contains(&"doctor") && commands.len() > 10,
        "{commands:?}"
    );
    let page = said(&hpa_check(&["man"]));
    for command in commands.iter().filter(|c| **c != "help") {
        assert!(
            page.contains(&format!("COMMAND {}", command.to_uppercase())),
            "{command}"
        );
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = hpa_check(&["completions", shell]);
        assert!(
            script.status.success() && said(&script).contains("doctor"),
            "{shell}"
        );
    }
}

#[cfg(unix)]
#[test]
fn as_a_plugin_of_kubectl_it_is_called_by_kubectls_name() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("kubectl-hpa_check");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_hpa-check"), &plugin).unwrap();
    let output = Command::new(plugin)
        .args(["doctor", "--help"])
        .output()
        .unwrap();
    assert!(
        said(&output).contains("Usage: kubectl hpa-check doctor"),
        "{}",
        said(&output)
    );
    assert!(said(&hpa_check(&["doctor", "--help"])).contains("Usage: hpa-check doctor"));
}

//! The commands next to `run`: simulations, exports, completions, the manual page, the plugin's name.

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
fn a_simulation_prints_the_path_and_writes_every_report() {
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
fn a_violated_bound_is_a_failed_threshold() {
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
fn a_search_prints_the_cheapest_setting_next_to_the_current_one() {
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
        text.contains("36 combinations tried") && text.contains("  now\n"),
        "{text}"
    );
    let endless = hpa_check(&["simulate", "--load", "0s:1", "--find"]);
    assert_eq!(endless.status.code(), Some(2), "a search needs a bound");
}

#[test]
fn an_invalid_load_is_refused_in_one_sentence() {
    for load in ["", "soon:much", "0s:400/s"] {
        let output = hpa_check(&["simulate", "--load", load]);
        assert_eq!(output.status.code(), Some(2), "{load}");
        assert_eq!(said(&output).lines().count(), 1, "{}", said(&output));
    }
}

#[test]
fn an_export_is_clean_and_ordered_and_the_server_accepts_it() {
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
    // The autoscaler owns the replicas, so the manifest omits them; this server forgets what is not sent.
    assert!(
        text.contains("Deployment/cart would be changed\n    spec.replicas: 3 → nothing"),
        "{text}"
    );
    std::fs::write(&file, yaml.replace("name: settings", "name: other")).unwrap();
    let text = said(&serving.run(&["restore", file.to_str().unwrap(), "--dry-run"]));
    assert!(text.contains("ConfigMap/other would be created"), "{text}");
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
fn an_export_of_a_keda_application_has_its_scaled_object_and_not_the_generated_autoscaler() {
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

/// The commands in the order of the help.
fn commands() -> Vec<String> {
    let help = said(&hpa_check(&["--help"]));
    let words = help
        .lines()
        .filter_map(|l| l.strip_prefix("  ")?.split(' ').next())
        .filter(|w| w.len() > 2 && !w.starts_with('-') && *w != "hpa-check");
    words.map(str::to_owned).collect()
}

#[test]
fn completions_and_the_manual_pages_name_every_command() {
    let commands = commands();
    assert_eq!(commands[0], "doctor");
    assert!(commands.len() > 10, "{commands:?}");
    let folder = tempfile::tempdir().unwrap();
    let to = folder.path().to_str().unwrap();
    assert_eq!(said(&hpa_check(&["man", "--to", to])), "");
    let own = std::fs::read_to_string(folder.path().join("hpa-check.1")).unwrap();
    for command in &commands {
        assert!(own.contains(&command.replace('-', "\\-")), "{command}");
        let page = folder.path().join(format!("hpa-check-{command}.1"));
        let page = std::fs::read_to_string(page).unwrap();
        for section in ["NAME", "SYNOPSIS", "OPTIONS", "EXAMPLES", "SEE ALSO"] {
            assert!(page.contains(section), "{command}: {section}");
        }
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
fn kubectl_completes_the_plugin_through_a_script() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("kubectl_complete-hpa_check");
    std::fs::write(&script, hpa_check(&["completions", "kubectl"]).stdout).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(
        env!("CARGO_BIN_EXE_hpa-check"),
        folder.path().join("hpa-check"),
    )
    .unwrap();
    let path = format!(
        "{}:{}",
        folder.path().display(),
        std::env::var("PATH").unwrap()
    );
    let output = Command::new("sh")
        .arg(&script)
        .args(["-n", "shop", "doctor", "--fail-on", "ca"])
        .env("PATH", path)
        .output()
        .unwrap();
    let text = said(&output);
    assert!(
        text.starts_with("cause\t") && text.ends_with("\n:4\n"),
        "{text}"
    );
}

/// The reader of an output, such as `head`, may close it before its end.
#[cfg(unix)]
#[test]
fn a_reader_that_closes_either_stream_causes_no_message() {
    let api = cluster_of_charts().serve();
    let simulate = ["simulate", "--load", "0s:60m 1m:900m"];
    let ways: [(&[&str], i32); 9] = [
        (&["--help"], 0),
        (&["schema"], 0),
        (&["man"], 0),
        (&["completions", "bash"], 0),
        (&simulate, 0),
        (&[&simulate[..], &["-o", "json=-"]].concat(), 0),
        (&["simulate", "--nope"], 2),
        (&["report", "/no/such/file"], 2),
        (&["decide"], 0),
    ];
    let own = ways.into_iter().map(|(arguments, code)| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hpa-check"));
        command.args(arguments);
        (format!("{arguments:?}"), command, Some(code))
    });
    let of_cluster = [&["doctor"][..], &["export"], &["doctor", "-o", "json=-"]]
        .map(|arguments| (format!("{arguments:?}"), api.command(arguments), None));
    for (name, mut command, code) in own.chain(of_cluster) {
        command.stdin(std::process::Stdio::null());
        let whole = command.output().unwrap();
        let code = code.or(whole.status.code());
        let output = command.stdout(gone()).stderr(std::process::Stdio::piped());
        let output = output.output().unwrap();
        let text = said(&output);
        assert_eq!(output.status.code(), code, "{name}: {text}");
        for word in ["panicked", "pipe", "can't be written"] {
            assert!(!text.contains(word), "{name}: {text}");
        }
        let output = command
            .stdout(std::process::Stdio::piped())
            .stderr(gone())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), code, "{name}: standard error");
    }
}

/// A pipe whose reader is gone.
#[cfg(unix)]
fn gone() -> std::process::Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

/// Every manifest in tests/charts, with the name of its autoscaler if there are several.
fn charts() -> Vec<(String, &'static str)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/charts");
    let files = std::fs::read_dir(folder).unwrap();
    let mut charts: Vec<(String, &'static str)> = files
        .map(|file| file.unwrap().path().display().to_string())
        .map(|file| {
            let name = if file.ends_with("istio.yaml") {
                "istio-ingress"
            } else {
                ""
            };
            (file, name)
        })
        .collect();
    charts.sort();
    assert!(charts.len() >= 10);
    charts
}

#[test]
fn simulate_and_decide_reject_no_chart() {
    for (file, name) in charts() {
        let named: &[&str] = if name.is_empty() { &[] } else { &[name] };
        let load = [
            "simulate",
            "--hpa",
            &file,
            "--load",
            "0s:50m 1m:2 5m:2 5m:50m",
        ];
        let output = hpa_check(&[&load[..], named].concat());
        assert_eq!(output.status.code(), Some(0), "{file}: {}", said(&output));
        assert!(said(&output).contains("replicas"), "{file}");
        let output = hpa_check(&[&["decide", "--hpa", &file][..], named].concat());
        assert_eq!(output.status.code(), Some(0), "{file}: {}", said(&output));
    }
}

/// A cluster with the objects of every chart, each in its own namespace.
fn cluster_of_charts() -> still_api::StillApi {
    let mut api = cluster();
    for (file, _) in charts() {
        let text = std::fs::read_to_string(&file).unwrap();
        let space = std::path::Path::new(&file)
            .file_stem()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let documents: Vec<Value> = serde_saphyr::from_multiple(&text).unwrap();
        let listed = |object: Value| match object["items"].as_array() {
            Some(items) => items.clone(),
            None => vec![object],
        };
        for mut object in documents.into_iter().flat_map(listed) {
            object["metadata"]["namespace"] = json!(space);
            match object["kind"].as_str() {
                // The API server would serve objects of older versions as autoscaling/v2.
                Some("HorizontalPodAutoscaler") if object["apiVersion"] == "autoscaling/v2" => {
                    api.put("/apis/autoscaling/v2", "horizontalpodautoscalers", object);
                }
                Some("Deployment") => api.put("/apis/apps/v1", "deployments", object),
                _ => {}
            }
        }
    }
    api
}

#[test]
fn doctor_reads_every_autoscaler_of_the_charts() {
    let serving = cluster_of_charts().serve();
    let output = serving.run(&["doctor", "-A", "-o", "json=-"]);
    let report: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {}", said(&output)));
    let seen: Vec<&str> = report["autoscalers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a["namespace"].as_str().unwrap())
        .collect();
    for chart in [
        "argo-cd",
        "bare",
        "bitnami-wordpress",
        "gke-custom-metric",
        "ingress-nginx",
        "istio",
        "keda-generated",
        "podinfo",
        "prometheus-adapter",
    ] {
        assert!(seen.contains(&chart), "{chart}: {seen:?}");
    }
}

#[cfg(unix)]
#[test]
fn as_a_kubectl_plugin_the_program_calls_itself_by_kubectls_name() {
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

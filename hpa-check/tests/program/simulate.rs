//! `hpa-check simulate` from outside.

use std::fs;
use std::process::{Command, Output};

use super::calls::{stderr, stdout};

const LOAD: &str = "0s:100m 1m:100m 1m:900m 6m:900m 6m:100m";

fn simulate(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_hpa-check"))
        .arg("simulate")
        .args(arguments)
        .output()
        .unwrap()
}

#[test]
fn a_report_says_that_it_is_simulated_and_that_a_bound_is_not_kept_and_mentions_no_cluster() {
    for kind in ["html", "md", "svg", "json"] {
        let output = format!("{kind}=-");
        let run = |most: &str| {
            let flags = ["--load", LOAD, "--keep-utilization", most, "-o", &output];
            simulate(&flags)
        };
        let (broken, kept) = (run("10"), run("500"));
        assert_eq!(
            broken.status.code(),
            Some(99),
            "{kind}: {}",
            stderr(&broken)
        );
        assert_eq!(kept.status.code(), Some(0), "{kind}: {}", stderr(&kept));
        for report in [stdout(&broken), stdout(&kept)] {
            for wrong in [
                "PASS",
                "the run observed it",
                "2026-01-01",
                "yncs explained",
                "syncs were seen",
            ] {
                assert!(!report.contains(wrong), "{kind}: {wrong}");
            }
        }
        if kind == "json" {
            assert!(stdout(&broken).contains("\"kept\": false"));
            assert!(stdout(&kept).contains("\"kept\": true"));
        } else {
            assert!(
                stdout(&broken).contains("SIMULATED: BOUNDS NOT KEPT"),
                "{kind}"
            );
            let kept = stdout(&kept);
            assert!(
                kept.contains("SIMULATED") && !kept.contains("NOT KEPT"),
                "{kind}"
            );
        }
    }
}

#[test]
fn a_page_states_the_evaluated_settings() {
    let page = stdout(&simulate(&[
        "--load",
        LOAD,
        "--cpu-request",
        "120m",
        "-o",
        "html=-",
    ]));
    for said in [
        "<dt>Minimum</dt><dd>3</dd>",
        "<dt>CPU target</dt><dd>50 %</dd>",
        "<dt>CPU request</dt><dd>120m</dd>",
        "<dt>Most work per pod</dt><dd>twice its request</dd>",
        "<dt>Sync period</dt><dd>15 s</dd>",
        "<code>hpa-check simulate --load",
    ] {
        assert!(page.contains(said), "{said}");
    }
}

#[test]
fn the_search_ends_in_a_manifest_to_apply_and_names_the_near_misses() {
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("page.html");
    let html = format!("html={}", page.display());
    let output = simulate(&[
        "--load",
        LOAD,
        "--find",
        "--keep-unserved",
        "2",
        "--try-max",
        "6,8,10",
        "--try-window",
        "60s,5m",
        "-o",
        &html,
    ]);
    let said = stdout(&output);
    for text in [
        "  missed\n",
        "kind: HorizontalPodAutoscaler",
        "kubectl patch hpa simulated --type merge -p '{\"spec\":",
    ] {
        assert!(said.contains(text), "{text}: {said}");
    }
    let page = fs::read_to_string(page).unwrap();
    for text in ["id=\"search\"", "kubectl patch hpa", "<td>missed</td>"] {
        assert!(page.contains(text), "{text}");
    }
}

/// 2 to 20 at 70 % CPU and 80 % memory; its name is not its target's.
const CART: &str = "
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: cart-hpa, namespace: shop}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: cart}
  minReplicas: 2
  maxReplicas: 20
  metrics:
    - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}
    - {type: Resource, resource: {name: memory, target: {type: Utilization, averageUtilization: 80}}}
";

#[test]
fn what_a_search_found_is_applied_to_the_autoscaler_of_the_manifest_and_removes_none_of_its_metrics()
 {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("cart.yaml");
    fs::write(&file, CART).unwrap();
    let flags = ["--hpa", file.to_str().unwrap(), "--load", LOAD, "--find"];
    let bounds = ["--keep-unserved", "50", "--try-cpu", "90"];
    let said = stdout(&simulate(&[&flags[..], &bounds].concat()));
    let patch = said.lines().find(|line| line.starts_with("kubectl patch"));
    let patch = patch.unwrap_or_else(|| panic!("{said}"));
    assert!(
        patch.starts_with("kubectl patch hpa cart-hpa -n shop "),
        "{patch}"
    );
    for part in ["\"name\":\"memory\"", "\"averageUtilization\":90"] {
        assert!(patch.contains(part), "{part}: {patch}");
    }
    for part in ["name: cart-hpa", "namespace: shop", "name: memory"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_path_of_hundreds_of_changes_is_cut_in_the_middle_and_says_where_the_rest_is() {
    let day = |n: u32| format!("{n}h:100m {n}h:900m {}h:100m", n + 1);
    let load: Vec<String> = (0..24).map(day).collect();
    let said = stdout(&simulate(&["--load", &load.join(" ")]));
    let lines = said.lines().filter(|line| line.ends_with(" replicas"));
    assert!(lines.count() <= 16, "{said}");
    assert!(said.contains("more changes; -o html=FILE"), "{said}");
}

#[test]
fn no_setting_does_more_work_than_its_pods_can_unless_requested() {
    let unserved = |flags: &[&str]| {
        let load = ["--load", "0s:9000m 10m:9000m", "--keep-unserved", "1"];
        simulate(&[&load, flags].concat()).status.code()
    };
    assert_eq!(unserved(&[]), Some(99));
    assert_eq!(unserved(&["--cpu-limit", "none"]), Some(0));
}

#[test]
fn a_target_far_above_the_request_can_be_reached_without_a_limit() {
    let said = stdout(&simulate(&[
        "--load",
        "0s:300m 5m:3",
        "--cpu-target",
        "250",
    ]));
    assert!(said.contains("10 replicas"), "{said}");
}

#[test]
fn a_load_without_a_rate_has_no_cost() {
    let output = simulate(&["--load", "0s:10 1m:400", "--cost", "3ms"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("write 0s:10/s"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_simulation_without_a_load_says_how_to_give_one() {
    let output = simulate(&[]);
    assert_eq!(output.status.code(), Some(2));
    for way in ["--load ", "--load-file", "--load-from", "--cost"] {
        assert!(stderr(&output).contains(way), "{}", stderr(&output));
    }
}

#[test]
fn numbers_that_no_autoscaler_has_are_named_with_valid_ones() {
    for (flags, said) in [
        (&["--min-replicas", "-1"][..], "a minimum of -1 replicas"),
        (
            &["--min-replicas", "5", "--max-replicas", "3"],
            "the maximum of 3 replicas is below the minimum of 5",
        ),
        (&["--min-replicas", "many"], "expected a whole number"),
        (&["--kubernetes", "newest"], "write it like 1.34"),
    ] {
        let output = simulate(&[&["--load", LOAD], flags].concat());
        assert_eq!(output.status.code(), Some(2), "{flags:?}");
        assert!(stderr(&output).contains(said), "{}", stderr(&output));
    }
}

#[test]
fn a_simulation_says_what_its_controller_read_without_guessing() {
    // Doubling from few pods is what a watcher can read in several ways.
    let load = ["--min-replicas", "2", "--max-replicas", "20"];
    let flags = ["--load", "0s:100m 3s:2500m 2m:2500m", "-o", "html=-"];
    let page = stdout(&simulate(&[&load[..], &flags].concat()));
    assert!(page.contains("scaled 2 → 4"), "{page}");
    assert!(!page.contains("nearest reading"), "{page}");
}

/// An autoscaler from 2 to 30 at 65 %, alone.
const ALONE: &str = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: cart}
spec:
  minReplicas: 2
  maxReplicas: 30
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 65}}}]
";

/// Its Deployment, without a CPU request.
const WITHOUT_REQUEST: &str = "---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: web}]}
";

#[test]
fn an_assumed_request_is_announced_with_the_way_to_give_the_real_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hpa.yaml");
    let file = path.to_str().unwrap();
    let said = |text: &str, more: &[&str]| {
        fs::write(&path, text).unwrap();
        let flags = ["--hpa", file, "--load", "0s:100m 1m:900m"];
        let output = simulate(&[&flags[..], more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        stderr(&output)
    };
    let alone = said(ALONE, &[]);
    assert!(
        alone.contains("pods that request 100m are simulated")
            && alone.contains("`kubectl get hpa/cart deployment/web -o yaml`"),
        "{alone}"
    );
    let both = format!("{ALONE}{WITHOUT_REQUEST}");
    let without = said(&both, &[]);
    assert!(
        without.contains("set the requests of Deployment/web"),
        "{without}"
    );
    assert_eq!(said(&both, &["--cpu-request", "200m"]), "");
}

#[test]
fn the_peak_of_the_load_is_told_in_replicas_even_beyond_the_maximum() {
    let needed = |load: &str, scale: &str| {
        let flags = ["--cost", "20ms", "--load-scale", scale];
        stdout(&simulate(&[&["--load", load], &flags[..]].concat()))
    };
    let text = needed("0s:10/s 1m:100/s", "4");
    assert!(
        text.contains("peak of the load  8.00 cores: 160 replicas at 50 %; the maximum is 10"),
        "{text}"
    );
    let text = needed("0s:1/s", "1");
    assert!(text.contains("0.02 cores: 1 replica at 50 %\n"), "{text}");
}

#[test]
fn a_rate_in_other_words_is_answered_with_the_one_that_works() {
    let answer = |load: &str| {
        let output = simulate(&["--load", load, "--cost", "20ms"]);
        assert_eq!(output.status.code(), Some(2));
        stderr(&output)
    };
    assert!(answer("0s:400").contains("write 0s:400/s"));
    assert!(answer("0s:400rps").contains("write 0s:400/s"));
}

#[test]
fn the_table_of_a_search_fits_into_80_columns_and_has_only_settings_that_vary() {
    let load = [
        "--load",
        "0s:100m 1m:900m 6m:900m",
        "--find",
        "--keep-unserved",
    ];
    let table = |more: &[&str]| {
        let text = stdout(&simulate(&[&load[..], &["1"], more].concat()));
        let rows = text.lines().skip_while(|line| !line.contains("core-h  "));
        let rows: Vec<String> = rows
            .take_while(|l| !l.is_empty())
            .map(str::to_owned)
            .collect();
        rows
    };
    let rows = table(&[]);
    assert!(rows.len() > 10, "{rows:?}");
    assert!(
        rows.iter().all(|row| row.chars().count() <= 80),
        "{rows:#?}"
    );
    assert!(
        !rows[0].contains("policy") && !rows[0].contains("max"),
        "{}",
        rows[0]
    );
    assert!(rows.iter().any(|row| row.contains("  now")), "{rows:#?}");
    let rows = table(&["--try-max", "6,10"]);
    assert!(rows[0].contains("max"), "{}", rows[0]);
}

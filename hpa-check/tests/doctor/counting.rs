//! Which findings count, and the reports of them.

use serde_json::{Value, json};

use super::{diagnose, shop};
use crate::still_api::StillApi;

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
fn with_json_on_standard_output_the_text_goes_to_standard_error() {
    let serving = shop().serve();
    let done = serving.run(&["doctor", "-o", "json=-"]);
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["exit_code"], 0);
    assert!(String::from_utf8_lossy(&done.stderr).contains("PASS"));
}

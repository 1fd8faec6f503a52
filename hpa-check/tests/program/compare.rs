//! `hpa-check compare` from outside.

use std::path::Path;

use super::calls::{assert_code, hpa_check, stderr, stdout};

const RECORDING: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/recordings/rehearsal.jsonl"
);

fn simulated(folder: &Path, target: &str) -> String {
    let path = folder.join(format!("{target}.json"));
    let json = format!("json={}", path.display());
    let load = "0s:100m 1m:100m 1m:900m 60m:900m 60m:100m";
    let output = hpa_check(&[
        "simulate",
        "--load",
        load,
        "--cpu-target",
        target,
        "-o",
        &json,
    ]);
    assert_code(&output, 0);
    path.display().to_string()
}

#[test]
fn a_laxer_target_is_a_regression_with_code_99_in_every_format_and_a_stricter_one_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let (a, b) = (
        simulated(folder.path(), "50"),
        simulated(folder.path(), "90"),
    );
    let output = hpa_check(&["compare", &a, &b]);
    assert_code(&output, 99);
    for told in [
        "REGRESSION: ",
        "CPU utilization, p95",
        "CPU target: 50 % → 90 %",
        "WORSE",
    ] {
        assert!(
            stdout(&output).contains(told),
            "{told}: {}",
            stdout(&output)
        );
    }
    assert!(
        stdout(&output).lines().count() > 10,
        "a line for each measure"
    );
    for kind in ["json=-", "html=-", "md=-"] {
        let output = hpa_check(&["compare", &a, &b, "-o", kind]);
        assert_eq!(output.status.code(), Some(99));
        assert!(stdout(&output).contains("50.json"), "{kind}");
    }
    let back = hpa_check(&["compare", &b, &a, "--tolerance", "1000%"]);
    assert_eq!(back.status.code(), Some(0), "{}", stdout(&back));
}

#[test]
fn a_trace_compared_with_itself_has_no_difference() {
    let output = hpa_check(&["compare", RECORDING, RECORDING]);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}{}",
        stdout(&output),
        stderr(&output)
    );
    assert!(
        stdout(&output).contains("NO REGRESSION"),
        "{}",
        stdout(&output)
    );
    assert!(
        !stdout(&output).contains("Settings that differ"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn an_input_that_is_not_a_run_is_refused_with_the_command_for_it() {
    let folder = tempfile::tempdir().unwrap();
    for (text, expected) in [
        (r#"{"schema":"fib-loadgen/1.9"}"#, "fib-loadgen compare"),
        (r#"{"schema":"hpa-check-doctor/1"}"#, "--baseline"),
        ("{}", "-o json="),
        (r#"{"schema":"hpa-check/1"}"#, "is incomplete"),
        ("nonsense", "nonsense.json"),
    ] {
        let path = folder.path().join("nonsense.json");
        std::fs::write(&path, text).unwrap();
        let output = hpa_check(&["compare", RECORDING, path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        assert!(
            stderr(&output).contains(expected),
            "{text}: {}",
            stderr(&output)
        );
    }
}

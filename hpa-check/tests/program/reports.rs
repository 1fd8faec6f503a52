//! `hpa-check report` and the reports of a run: every format, complete or not at all.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::calls::{assert_code, hpa_check, stderr};
use super::stand_in::{Pods, all_die, rehearse};

const KINDS: [&str; 7] = ["json", "html", "svg", "md", "junit", "sarif", "github"];

/// A rehearsal that ends before its load, with one report per format.
fn reported(folder: &Path) -> Vec<PathBuf> {
    let pods = Pods::new();
    let files: Vec<PathBuf> = KINDS.iter().map(|kind| folder.join(kind)).collect();
    let mut command = rehearse(&pods, &["--max-replicas", "3"]);
    for (kind, file) in KINDS.iter().zip(&files) {
        command.arg("-o").arg(format!("{kind}={}", file.display()));
    }
    let process = command.spawn().unwrap();
    let born = pods.born(3);
    let output = process.wait_with_output().unwrap();
    all_die(born);
    assert_code(&output, 91);
    files
}

#[test]
fn a_stored_result_draws_every_report_as_the_run_did() {
    let folder = tempfile::tempdir().unwrap();
    let files = reported(folder.path());
    let result = files[0].to_str().unwrap();
    for (kind, file) in KINDS.iter().zip(&files) {
        let output = hpa_check(&["report", result, "-o", &format!("{kind}=-")]);
        assert_eq!(output.status.code(), Some(0), "{kind}: {}", stderr(&output));
        let drawn = String::from_utf8(output.stdout).unwrap();
        assert_eq!(drawn, fs::read_to_string(file).unwrap(), "{kind}");
        if *kind != "svg" {
            assert!(drawn.contains("bounds-leave-no-room"), "{kind}: {drawn}");
        }
    }
}

#[test]
fn a_file_that_is_not_a_result_is_refused_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let other = folder.path().join("other.json");
    let later = folder.path().join("later.json");
    let result = fs::read_to_string(&reported(folder.path())[0]).unwrap();
    fs::write(&other, "{}").unwrap();
    fs::write(&later, result.replacen("hpa-check/1.2", "hpa-check/2", 1)).unwrap();
    for (file, says) in [
        (other.as_path(), "is not a result"),
        (&later, "hpa-check/2"),
        (Path::new("/no/such/result.json"), "can't be read"),
    ] {
        let output = hpa_check(&["report", file.to_str().unwrap(), "-o", "html=-"]);
        assert_eq!(output.status.code(), Some(2), "{says}");
        let stderr = stderr(&output);
        assert!(
            stderr.contains(says) && stderr.lines().count() == 1,
            "{says}: {stderr}"
        );
        assert!(output.stdout.is_empty(), "{says}");
    }
}

#[test]
fn a_missing_or_impossible_report_format_is_a_usage_error() {
    let folder = tempfile::tempdir().unwrap();
    let files = reported(folder.path());
    let result = files[0].to_str().unwrap();
    for arguments in [
        vec!["report", result],
        vec!["report", result, "-o", "trace=-"],
        vec!["report", result, "-o", "html=/no/such/folder/report.html"],
    ] {
        let output = hpa_check(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert_eq!(stderr(&output).lines().count(), 1, "{}", stderr(&output));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_unwritable_report_is_reported_and_the_verdict_keeps_its_exit_code() {
    let pods = Pods::new();
    let flags = ["--max-replicas", "3", "-o", "json=/dev/full"];
    let process = rehearse(&pods, &flags).spawn().unwrap();
    let born = pods.born(3);
    let output = process.wait_with_output().unwrap();
    all_die(born);
    assert_code(&output, 91);
    let stderr = stderr(&output);
    assert!(
        stderr.contains("/dev/full") && stderr.contains("can't be written"),
        "{stderr}"
    );
}

#[test]
fn the_schema_accepts_a_result_and_rejects_one_without_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let files = reported(folder.path());
    let mut result: Value = serde_json::from_str(&fs::read_to_string(&files[0]).unwrap()).unwrap();
    let schema: Value = serde_json::from_slice(&hpa_check(&["schema"]).stdout).unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("schema.json", schema).unwrap();
    let schema = compiler.compile("schema.json", &mut schemas).unwrap();
    let valid = schemas.validate(&result, schema).map_err(|e| e.to_string());
    assert_eq!(valid, Ok(()));
    result["verdict"].as_object_mut().unwrap().remove("reasons");
    assert!(schemas.validate(&result, schema).is_err());
}

use std::fs;

use super::{Destination, Files, Output, ReportFormat};
use crate::sinks::recorder::Recorder;

fn files(arguments: &[&str]) -> Files {
    Files {
        output: arguments.iter().map(|a| a.parse().unwrap()).collect(),
    }
}

fn in_folder(folder: &tempfile::TempDir, kind: &str, name: &str) -> String {
    format!("{kind}={}", folder.path().join(name).display())
}

fn names(folder: &tempfile::TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn an_output_is_a_kind_and_a_file() {
    let output: Output = "html=a=b.html".parse().unwrap();
    assert_eq!(output.kind, ReportFormat::Html);
    assert_eq!(output.file.unwrap().to_str(), Some("a=b.html"));
    assert_eq!("json=-".parse::<Output>().unwrap().file, None);
    for wrong in ["html", "html=", "pdf=a", "=a", ""] {
        let message = wrong.parse::<Output>().unwrap_err();
        assert!(message.contains("expected"), "{wrong}: {message}");
    }
}

#[test]
fn two_outputs_to_one_place_are_refused() {
    for pair in [
        ["json=-", "md=-"],
        ["json=a", "md=a"],
        ["trace=a", "trace=b"],
    ] {
        assert_eq!(files(&pair).open().unwrap_err().code, 2, "{pair:?}");
    }
    assert!(files(&["json=-"]).open().is_ok());
}

#[test]
fn opening_finds_unwritable_outputs_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let good = in_folder(&folder, "json", "result.json");
    let missing = in_folder(&folder, "html", "no/such/folder/report.html");
    let is_folder = format!("svg={}", folder.path().display());
    for bad in [&missing, &is_folder] {
        let failure = files(&[&good, bad]).open().unwrap_err();
        assert_eq!(failure.code, 2);
        assert!(failure.message.contains("can't be written"), "{failure}");
    }
    files(&[&good]).open().unwrap();
    assert_eq!(names(&folder), Vec::<String>::new());
}

#[test]
fn a_report_replaces_the_old_one_atomically() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.json");
    fs::write(&path, "the old one, which is longer").unwrap();
    let opened = files(&[&in_folder(&folder, "json", "result.json")])
        .open()
        .unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "the old one, which is longer"
    );
    opened.reports[0].1.write(b"new").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "new");
    assert_eq!(names(&folder), ["result.json"]);
}

#[cfg(unix)]
#[test]
fn a_device_is_written_in_place_and_a_full_one_fails() {
    let full = files(&["json=/dev/null"]).open().unwrap();
    assert!(matches!(full.reports[0].1, Destination::Device(_)));
    full.reports[0].1.write(b"gone").unwrap();
    if let Ok(opened) = files(&["json=/dev/full"]).open() {
        assert!(opened.reports[0].1.write(b"no room").is_err());
    }
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("real"), "old").unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(folder.path().join("real"), &link).unwrap();
    let opened = files(&[&in_folder(&folder, "json", "link")])
        .open()
        .unwrap();
    opened.reports[0].1.write(b"new").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(
        fs::read_to_string(folder.path().join("real")).unwrap(),
        "new"
    );
}

#[test]
fn a_trace_is_marked_partial_until_it_is_complete() {
    let folder = tempfile::tempdir().unwrap();
    let opened = files(&[&in_folder(&folder, "trace", "run.jsonl")])
        .open()
        .unwrap();
    let expectation = hpa_check_core::expectation::Expectation::default();
    let recorder = Recorder::begin(opened.trace.as_ref().unwrap(), &expectation, None).unwrap();
    assert_eq!(names(&folder), ["run.jsonl.partial"]);
    recorder.finish().unwrap();
    assert_eq!(names(&folder), ["run.jsonl"]);
}

//! Files are complete or untouched, and unwritable places are found at once.

use super::*;

/// Treats a file as standard output.
fn opened(outputs: &[Output]) -> Result<Opened, Failure> {
    open(outputs, &tempfile::tempfile().unwrap())
}

fn json(path: &Path) -> Output {
    Output {
        kind: ReportFormat::Json,
        file: Some(path.to_owned()),
    }
}

#[test]
fn a_document_replaces_the_file_atomically_and_leaves_nothing_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("result.json");
    fs::write(&path, "before").unwrap();
    let opened = opened(&[json(&path)]).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "before");
    opened.documents[0].1.write(b"after").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "after");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn an_unwritable_place_is_found_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    for bad in [
        folder.path().join("missing/result.json"),
        folder.path().to_owned(),
    ] {
        assert_eq!(opened(&[json(&bad)]).unwrap_err().ending.code(), 2);
        let lines = Output {
            kind: ReportFormat::Ndjson,
            file: Some(bad),
        };
        assert_eq!(opened(&[lines]).unwrap_err().ending.code(), 2);
    }
}

#[test]
fn two_results_can_not_share_a_place() {
    let stdout = |kind| Output { kind, file: None };
    assert!(opened(&[stdout(ReportFormat::Json), stdout(ReportFormat::Ndjson)]).is_err());
    assert!(opened(&[stdout(ReportFormat::Json)]).is_ok());
}

#[test]
fn outputs_are_a_kind_and_a_place() {
    assert_eq!(
        "json=-".parse(),
        Ok(Output {
            kind: ReportFormat::Json,
            file: None
        })
    );
    for (word, kind) in ReportFormat::ALL {
        let output: Output = format!("{word}=a").parse().unwrap();
        assert_eq!(output.kind, kind);
    }
    for text in ["json", "json=", "xml=a", "=a"] {
        assert!(text.parse::<Output>().is_err(), "{text}");
    }
}

#[test]
fn a_symbolic_link_to_a_missing_file_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (link, target) = (folder.path().join("link"), folder.path().join("target"));
    std::os::unix::fs::symlink("target", &link).unwrap();
    opened(&[json(&link)]).unwrap().documents[0]
        .1
        .write(b"{}")
        .unwrap();
    assert!(link.is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap(), "{}");
}

#[test]
fn the_reader_of_a_named_pipe_waits_for_the_result() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    let reader = {
        let path = path.clone();
        std::thread::spawn(move || fs::read_to_string(path).unwrap())
    };
    // Opened before the run, and written at its end.
    let opened = opened(&[json(&path)]).unwrap();
    opened.documents[0].1.write(b"{}").unwrap();
    drop(opened);
    assert_eq!(reader.join().unwrap(), "{}");
}

//! The GitHub Action's scripts, called as a runner does. `.ci/tests/action` tests what they do with a release.

use std::path::PathBuf;
use std::process::{Command, Output};

use super::place::{Place, stderr};

fn script(name: &str) -> PathBuf {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    here.join("../.github/actions/hpa-check").join(name)
}

/// The step's output to GitHub: outputs, summary, annotations.
struct Told {
    output: Output,
    outputs: String,
    summary: String,
}

impl Told {
    fn value(&self, name: &str) -> &str {
        let mut lines = self.outputs.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        value.unwrap_or_else(|| panic!("no {name} in {}", self.outputs))
    }

    fn annotations(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }
}

fn step(place: &Place, name: &str, inputs: &[(&str, &str)]) -> Told {
    let (outputs, summary) = (place.file("outputs"), place.file("summary"));
    let output = Command::new(script(name))
        .envs([
            ("NAMESPACE", ""),
            ("NAME", ""),
            ("TARGET", ""),
            ("KUBECONFIG_FILE", place.kubeconfig().to_str().unwrap()),
            ("CONTEXT", ""),
            ("FLAGS", ""),
            ("PROGRAM", env!("CARGO_BIN_EXE_hpa-check")),
        ])
        .envs(inputs.iter().copied())
        .env("RUNNER_TEMP", place.folder.path())
        .env("GITHUB_OUTPUT", &outputs)
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env_remove("KUBECONFIG")
        .output()
        .unwrap();
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    Told {
        output,
        outputs: read(outputs),
        summary: read(summary),
    }
}

#[test]
fn a_verdict_is_in_the_outputs_annotations_and_summary_and_the_reports_are_in_one_folder() {
    let place = Place::new();
    place.cluster();
    // The autoscaler's bounds are 3..10.
    let inputs = [
        ("NAME", "fib"),
        ("FLAGS", "--expect-max 12\n  --sync-period 1s\n"),
    ];
    let told = step(&place, "check", &inputs);
    assert!(told.output.status.success(), "{}", stderr(&told.output));
    assert_eq!(told.value("verdict"), "wrong");
    assert_eq!(told.value("exit-code"), "91");
    for file in ["result.json", "report.html", "trace.jsonl"] {
        assert!(PathBuf::from(told.value("report")).join(file).exists());
    }
    let annotations = told.annotations();
    assert!(
        annotations.starts_with("::error title=WRONG"),
        "{annotations}"
    );
    assert!(annotations.contains("spec-bounds-differ"), "{annotations}");
    assert!(told.summary.starts_with("## WRONG"), "{}", told.summary);
}

#[test]
fn an_untestable_setup_has_the_verdict_untested_and_a_reason() {
    let place = Place::new();
    let told = step(&place, "check", &[("NAME", "other")]);
    assert!(told.output.status.success(), "{}", stderr(&told.output));
    assert_eq!(told.value("verdict"), "untested");
    assert_eq!(told.value("exit-code"), "90");
    let annotations = told.annotations();
    assert!(
        annotations.starts_with("::error title=hpa-check tested nothing::hpa-check: "),
        "{annotations}"
    );
    assert!(told.summary.contains("Nothing was tested"));
}

#[test]
fn flags_are_split_into_words_and_nothing_in_them_is_expanded() {
    let place = Place::new();
    for word in ["$(touch${IFS}made)", "*", "`id`"] {
        let told = step(&place, "check", &[("FLAGS", word)]);
        assert_eq!(told.value("exit-code"), "2");
        let text = stderr(&told.output);
        assert!(
            text.contains(&format!("`{word}` is not an autoscaler")),
            "{text}"
        );
    }
}

#[test]
fn a_given_program_is_used_and_a_missing_one_is_named() {
    let place = Place::new();
    let told = step(&place, "program", &[]);
    assert_eq!(told.value("program"), env!("CARGO_BIN_EXE_hpa-check"));
    let told = step(&place, "program", &[("PROGRAM", "/no/such/hpa-check")]);
    assert_eq!(told.output.status.code(), Some(1));
    assert!(
        told.annotations()
            .contains("`/no/such/hpa-check` is missing")
    );
}

//! A call of the program and its output.

use std::process::{Command, Output};

pub(crate) fn hpa_check(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hpa-check"));
    command.args(arguments).output().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Checks the exit code; a wrong one is shown with the output.
#[track_caller]
pub(crate) fn assert_code(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "{}", stderr(output));
}

/// Checks that standard error contains this.
#[track_caller]
pub(crate) fn assert_says(output: &Output, expected: &str) {
    let said = stderr(output);
    assert!(said.contains(expected), "{expected}: {said}");
}

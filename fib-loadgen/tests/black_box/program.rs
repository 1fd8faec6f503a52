//! Runs the program and reads its result.

use std::net::SocketAddr;
use std::process::{Command, Output};

use serde_json::Value;

/// The program with a target and the flags that every test uses.
pub(crate) fn program(target: SocketAddr, flags: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fib-loadgen"));
    command
        .arg(format!("http://{target}"))
        .args(flags.split_whitespace());
    command
        .args(["--ui", "none", "--workers", "2"])
        .env_remove("FIB_TARGET");
    command
}

/// A run that ended.
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stderr: String,
    /// The result; null when there is none.
    pub(crate) result: Value,
}

impl Ended {
    pub(crate) fn new(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            result: serde_json::from_slice(&output.stdout).unwrap_or(Value::Null),
        }
    }

    /// One of the total counts.
    pub(crate) fn total(&self, key: &str) -> u64 {
        self.result["totals"][key]
            .as_u64()
            .unwrap_or_else(|| panic!("{key}: {} {}", self.result, self.stderr))
    }

    /// Failures by class.
    pub(crate) fn classes(&self) -> Vec<&str> {
        let errors = self.result["errors"].as_array().expect("a list of errors");
        errors
            .iter()
            .filter_map(|error| error["class"].as_str())
            .collect()
    }
}

/// Runs to the end, and reads the result from standard output, which must contain nothing else.
pub(crate) fn run(target: SocketAddr, flags: &str) -> Ended {
    let output = program(target, flags)
        .args(["-o", "json=-"])
        .output()
        .expect("the program starts");
    Ended::new(&output)
}

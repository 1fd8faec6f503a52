//! The load on the service.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One second of load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LoadSecond {
    /// Active users.
    pub users: u64,
    /// Planned requests per second; `None` in a closed model.
    pub offered_rps: Option<f64>,
    /// Answered requests per second.
    pub rps: f64,
    /// Failed requests since the run began.
    pub failed: u64,
    /// Wrong answers since the run began.
    pub wrong: u64,
    /// Verified answers since the run began.
    pub verified: u64,
    /// Median response time in this second, in microseconds.
    pub p50_us: Option<u64>,
    /// 99th percentile response time in this second, in microseconds.
    pub p99_us: Option<u64>,
    /// Answers by pod in this second.
    #[serde(default)]
    pub pods: BTreeMap<String, u64>,
}

/// The load generator's final result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoadResult {
    /// Requests sent.
    pub requests: u64,
    /// Requests that got no successful answer.
    pub failed: u64,
    /// Answers with a wrong number.
    pub wrong: u64,
    /// Verified answers.
    pub verified: u64,
    /// Whether the generator itself was the bottleneck.
    pub generator: GeneratorVerdict,
    /// Why, if it was.
    #[serde(default)]
    pub generator_reasons: Vec<String>,
    /// The generator's exit code.
    pub exit_code: i32,
    /// The user's load command, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// The last lines of its output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output: Vec<String>,
}

/// The load generator's verdict on itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GeneratorVerdict {
    /// It sent every request on time.
    #[default]
    Ok,
    /// It was the bottleneck.
    Saturated,
    /// It may have been the bottleneck, or this version does not know its verdict.
    #[serde(other)]
    Suspect,
}

impl fmt::Display for GeneratorVerdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Suspect => "suspect",
            Self::Saturated => "saturated",
        })
    }
}

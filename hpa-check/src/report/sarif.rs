//! Findings as SARIF 2.1.0, for code scanning and other tools that collect findings.
//!
//! An autoscaler is not a file. Its logical location is the object; as the physical location, which GitHub
//! requires, it has the path `namespace/horizontalpodautoscaler/name`.

use std::collections::BTreeMap;

use hpa_check_core::documents::result::RunResult;
use hpa_check_core::findings::{catalog, rank};
use hpa_check_core::verdict::{Outcome, Reason};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::documentation;

/// The input of one document.
pub(super) struct Log<'a> {
    pub(super) version: &'a str,
    /// The command line, if known.
    pub(super) command: Option<&'a str>,
    pub(super) ended: Timestamp,
    pub(super) exit_code: u8,
    pub(super) results: Vec<Sighting<'a>>,
    /// What could not be checked.
    pub(super) notifications: Vec<String>,
}

/// A finding and the autoscaler that has it.
pub(super) struct Sighting<'a> {
    pub(super) namespace: &'a str,
    pub(super) autoscaler: &'a str,
    pub(super) reason: &'a Reason,
    /// `new`, `unchanged` or `absent`, if there is a baseline.
    pub(super) baseline: Option<&'static str>,
    /// Where it was ignored (`external`, `inSource`), and why.
    pub(super) suppressed: Option<(&'static str, &'a str)>,
}

/// The findings of a run. The proofs of a pass are not findings.
pub(super) fn run(result: &RunResult) -> String {
    let setting = result.setting.as_ref();
    let faults = result.verdict.reasons.iter();
    let results = faults
        .filter(|reason| reason.outcome != Outcome::Pass)
        .map(|reason| Sighting {
            namespace: setting.map_or("", |s| &s.namespace),
            autoscaler: setting.map_or("", |s| &s.autoscaler),
            reason,
            baseline: None,
            suppressed: None,
        });
    log(&Log {
        version: &result.version,
        command: result.evaluated.as_ref().and_then(|e| e.command.as_deref()),
        ended: result.timeline.until,
        exit_code: result.verdict.exit_code,
        results: results.collect(),
        notifications: Vec::new(),
    })
}

/// The whole document.
pub(super) fn log(log: &Log<'_>) -> String {
    let mut ids: Vec<&str> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut results = Vec::new();
    for sighting in &log.results {
        let id = sighting.reason.id.as_str();
        let place = *places.entry(id).or_insert_with(|| {
            ids.push(id);
            ids.len() - 1
        });
        results.push(result(sighting, place));
    }
    let notifications: Vec<Value> = log
        .notifications
        .iter()
        .map(|text| json!({"level": "warning", "message": {"text": text}}))
        .collect();
    let mut invocation = json!({
        "executionSuccessful": true,
        "exitCode": log.exit_code,
        "endTimeUtc": format!("{:.3}", log.ended),
        "toolExecutionNotifications": notifications,
    });
    if let Some(command) = log.command {
        invocation["commandLine"] = json!(command);
    }
    super::json(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "hpa-check",
                "semanticVersion": log.version,
                "informationUri": documentation::PROJECT,
                "rules": ids.into_iter().map(rule).collect::<Vec<_>>(),
            }},
            "invocations": [invocation],
            "results": results,
        }],
    }))
}

/// The meaning of a finding, whoever has it. A name from another version has only its name.
fn rule(id: &str) -> Value {
    let mut rule = json!({"id": id});
    if let Some(finding) = rank(id).and_then(|rank| catalog::ALL.get(rank)) {
        rule["shortDescription"] = json!({"text": finding.meaning});
        if !finding.fix.is_empty() {
            rule["help"] = json!({"text": finding.fix});
        }
        rule["defaultConfiguration"] = json!({"level": level(finding.outcome)});
    }
    if let Some(page) = documentation::of(id) {
        rule["helpUri"] = json!(page);
    }
    rule
}

fn result(sighting: &Sighting<'_>, rule: usize) -> Value {
    let Sighting {
        namespace,
        autoscaler,
        reason,
        ..
    } = sighting;
    let seen = reason.evidence.iter().map(|seen| format!("seen: {seen}"));
    let fix = reason.fix.iter().map(|fix| format!("do: {fix}"));
    let lines: Vec<String> = std::iter::once(reason.message.clone())
        .chain(seen)
        .chain(fix)
        .collect();
    let object = format!("{namespace}/horizontalpodautoscaler/{autoscaler}");
    let mut result = json!({
        "ruleId": reason.id,
        "ruleIndex": rule,
        "level": level(reason.outcome),
        "message": {"text": lines.join("\n")},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": uri(&object)},
                "region": {"startLine": 1},
            },
            "logicalLocations": [{
                "name": autoscaler,
                "fullyQualifiedName": object,
                "kind": "resource",
            }],
        }],
        "partialFingerprints": {"autoscalerAndFinding/v1": format!("{object}/{}", reason.id)},
    });
    if let Some(state) = sighting.baseline {
        result["baselineState"] = json!(state);
    }
    if let Some((kind, because)) = sighting.suppressed {
        result["suppressions"] = json!([{"kind": kind, "justification": because}]);
    }
    result
}

fn level(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Wrong | Outcome::Environment => "error",
        Outcome::Inconclusive => "warning",
        Outcome::Pass => "note",
    }
}

/// A path as a URI: names that Kubernetes allows need no escaping, but a document may come from anywhere.
fn uri(path: &str) -> String {
    use std::fmt::Write as _;
    path.bytes().fold(String::new(), |mut uri, byte| {
        if byte.is_ascii_alphanumeric() || b"-._/".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(uri, "%{byte:02X}");
        }
        uri
    })
}

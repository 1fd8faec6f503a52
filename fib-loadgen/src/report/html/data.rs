//! The data with which the page's script shows every value at an instant.

use serde_json::{Value, json};

use crate::result::Document;

/// The steps of the series as lists, without their histograms.
pub(super) fn of(document: &Document) -> Value {
    let series = &document.series;
    let phases = document.phases.iter();
    let phases: Vec<Value> = phases
        .map(|phase| json!([phase.start_s, phase.name]))
        .collect();
    json!({
        "ends": series.ends(),
        "phases": phases,
        "users": series.users,
        "in_flight": series.in_flight,
        "offered": series.offered_rps,
        "rps": series.rps,
        "failed": series.failed,
        "p50": series.p50,
        "p90": series.p90,
        "p99": series.p99,
        "p999": series.p999,
        "pods": series.pods,
        "fairness": series.fairness,
    })
}

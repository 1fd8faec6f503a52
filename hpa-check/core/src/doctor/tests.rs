//! Every entry of the catalogue: facts that are broken, beside healthy ones that differ in one point.

mod broken;
mod healthy;
mod speed;
mod world;

use super::*;
use crate::snapshot::{ClusterSnapshot, MetricsApi, TargetLook, Unseen};

/// The names of what was found on the only autoscaler, the weightiest first.
fn found(facts: &ClusterSnapshot, earlier: Option<&ClusterSnapshot>) -> Vec<String> {
    let report = diagnose(facts, earlier, &Assertions::default());
    let findings = &report.autoscalers[0].findings;
    findings.iter().map(|f| f.id.clone()).collect()
}

#[test]
fn what_may_not_be_read_and_matters_makes_a_clean_result_inconclusive() {
    let mut facts = world::healthy();
    assert_eq!(diagnose(&facts, None, &Assertions::default()).exit_code, 0);
    facts.unseen.push(Unseen {
        rule: "list pods".to_owned(),
        error: "forbidden".to_owned(),
        consequence: "what the autoscalers count is not seen".to_owned(),
        essential: true,
    });
    assert_eq!(diagnose(&facts, None, &Assertions::default()).exit_code, 93);
    world::scaler(&mut facts).object.spec.max_replicas = 3;
    assert_eq!(diagnose(&facts, None, &Assertions::default()).exit_code, 91);
}

#[test]
fn what_is_asserted_is_held_against_the_spec() {
    let facts = world::healthy();
    let asked = |min, max, cpu| Assertions {
        autoscaler: None,
        min_replicas: Some(min),
        max_replicas: Some(max),
        cpu_target_percent: Some(cpu),
    };
    let first = |asked| {
        let report = diagnose(&facts, None, &asked);
        let findings = &report.autoscalers[0].findings;
        findings.first().map(|f| f.id.clone())
    };
    assert_eq!(first(asked(3, 10, 50)), None);
    assert_eq!(first(asked(2, 10, 50)).unwrap(), "spec-bounds-differ");
    assert_eq!(first(asked(3, 6, 50)).unwrap(), "spec-bounds-differ");
    assert_eq!(first(asked(3, 10, 80)).unwrap(), "spec-target-differs");
}

#[test]
fn the_weightiest_finding_of_all_autoscalers_is_the_exit_code() {
    let mut facts = world::healthy();
    let space = facts.namespaces.get_mut("shop").unwrap();
    let mut other = space.autoscalers[0].clone();
    other.name = "web".to_owned();
    other.object.spec.scale_target_ref.name = "web".to_owned();
    other.target = TargetLook::Absent {
        message: "not found".to_owned(),
    };
    space.autoscalers.push(other);
    facts.metrics_api = MetricsApi::Absent {
        message: "not found".to_owned(),
    };
    let report = diagnose(&facts, None, &Assertions::default());
    // No metrics API is the surroundings' fault (92); a target that is not there is heavier (91).
    assert_eq!(report.exit_code, 91);
    assert_eq!(report.autoscalers[0].findings[0].id, "no-metrics-api");
    assert!(report.autoscalers.iter().all(|a| !a.is_healthy()));
}

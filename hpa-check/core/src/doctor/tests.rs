//! Every catalog entry: a broken snapshot, next to a healthy one that differs in one point.

mod agreement;
mod broken;
mod counting;
mod healthy;
mod keda;
mod manifests;
mod nodes;
mod on_purpose;
mod other_metrics;
mod reports;
mod room;
mod speed;
mod two_looks;
mod world;

use super::*;
use crate::snapshot::{ClusterSnapshot, MetricsApi, TargetLook, Unseen};
use crate::spec::{MetricTarget, ScalingRules, SelectPolicy};

/// The findings of the only autoscaler, heaviest first.
fn found(facts: &ClusterSnapshot, earlier: Option<&ClusterSnapshot>) -> Vec<String> {
    let report = diagnose(facts, earlier, &Assertions::default());
    let findings = &report.autoscalers[0].findings;
    if let Some(first) = findings.first() {
        keep(&first.id, &report);
    }
    findings.iter().map(|f| f.id.clone()).collect()
}

/// With `GALLERY=FOLDER` in the environment, keeps the shortest report that a finding leads. `make gallery`
/// builds the gallery's documents with it.
fn keep(finding: &str, report: &Report) {
    let Some(folder) = std::env::var_os("GALLERY") else {
        return;
    };
    let text = serde_json::to_string_pretty(report).unwrap() + "\n";
    let file = std::path::Path::new(&folder).join(format!("{finding}.json"));
    let known = std::fs::read_to_string(&file).ok();
    if known.is_none_or(|known| (text.len(), &text) < (known.len(), &known)) {
        std::fs::write(file, text).unwrap();
    }
}

#[test]
fn a_clean_result_is_inconclusive_if_something_that_matters_is_unreadable() {
    let mut facts = world::healthy();
    assert_eq!(diagnose(&facts, None, &Assertions::default()).exit_code, 0);
    facts.unseen.push(Unseen {
        rule: "list pods".to_owned(),
        error: "forbidden".to_owned(),
        consequence: "the pods that the autoscalers count can't be observed".to_owned(),
        essential: true,
    });
    assert_eq!(diagnose(&facts, None, &Assertions::default()).exit_code, 93);
    let spec = &mut world::scaler(&mut facts).object.spec;
    spec.scale_target_ref.api_version.clear();
    assert_eq!(diagnose(&facts, None, &Assertions::default()).exit_code, 91);
}

#[test]
fn assertions_are_compared_with_the_spec() {
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
fn a_disabled_scale_down_and_a_spec_without_cpu_are_faults_if_they_break_an_assertion() {
    let asserted = Assertions {
        min_replicas: Some(3),
        cpu_target_percent: Some(50),
        ..Assertions::default()
    };
    let first = |facts: &ClusterSnapshot, asserted: &Assertions| {
        let findings = &diagnose(facts, None, asserted).autoscalers[0].findings;
        findings.first().map(|f| f.id.clone())
    };
    let mut facts = world::healthy();
    let down = ScalingRules {
        select_policy: Some(SelectPolicy::Disabled),
        ..ScalingRules::default()
    };
    let spec = &mut world::scaler(&mut facts).object.spec;
    spec.behavior.get_or_insert_default().scale_down = Some(down);
    assert_eq!(first(&facts, &Assertions::default()), None);
    assert_eq!(first(&facts, &asserted).unwrap(), "scale-down-disabled");
    world::scaler(&mut facts).object.spec.metrics[0].target = MetricTarget::Missing;
    assert_eq!(first(&facts, &asserted).unwrap(), "no-cpu-metric");
}

#[test]
fn a_rollout_and_a_scaling_in_progress_are_notes() {
    let mut facts = world::healthy();
    world::target(&mut facts).object.updated_replicas = 2;
    assert_eq!(found(&facts, None), ["rollout-in-progress"]);
    let mut facts = world::healthy();
    world::target(&mut facts).object.ready_replicas = 2;
    let status = world::scaler(&mut facts).object.status.as_mut().unwrap();
    status.last_scale = Some(world::ago(20));
    assert_eq!(found(&facts, None), ["just-scaled"]);
}

#[test]
fn the_heaviest_finding_of_all_autoscalers_sets_the_exit_code() {
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
    // A missing metrics API is an environment fault (92); a missing target is heavier (91).
    assert_eq!(report.exit_code, 91);
    assert_eq!(report.autoscalers[0].findings[0].id, "no-metrics-api");
    assert!(report.autoscalers.iter().all(|a| !a.is_healthy()));
}

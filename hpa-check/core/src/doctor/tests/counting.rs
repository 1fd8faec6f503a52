//! What counts in a report: ignored findings, a baseline, the lightest finding to fail on, groups.

use super::world::{
    autoscaler, condition, facts, healthy, owner, pod, sample, scaler, space, target,
};
use super::*;
use crate::documents::doctor::{FailOn, IgnoredBy, Report, Scope};
use crate::findings::Weight;
use crate::snapshot::{Namespace, Scaler};

/// `cart` with a fault that keeps it from scaling, and `web` with a note.
fn two() -> ClusterSnapshot {
    let mut facts = facts(Namespace {
        autoscalers: vec![autoscaler("cart", 3), autoscaler("web", 3)],
        pods: Some(
            ["cart", "web"]
                .into_iter()
                .flat_map(|app| (0..3).map(move |n| pod(app, n)))
                .collect(),
        ),
        samples: Some(Ok(["cart", "web"]
            .into_iter()
            .flat_map(|app| (0..3).map(move |n| sample(app, n, 20)))
            .collect())),
        ..Namespace::default()
    });
    disable_scale_up(scaler(&mut facts));
    let web = &mut space(&mut facts).autoscalers[1];
    web.team = Some("front".to_owned());
    if let TargetLook::Read(workload) = &mut web.target {
        workload.object.updated_replicas = 2;
    }
    facts
}

fn disable_scale_up(scaler: &mut Scaler) {
    let behavior = scaler.object.spec.behavior.get_or_insert_default();
    behavior.scale_up = Some(ScalingRules {
        select_policy: Some(SelectPolicy::Disabled),
        ..ScalingRules::default()
    });
}

fn diagnosed(facts: &ClusterSnapshot, policy: ReportPolicy) -> Report {
    policy.apply(diagnose(facts, None, &Assertions::default()))
}

fn ignoring(text: &str) -> ReportPolicy {
    ReportPolicy {
        ignore: vec![text.parse().unwrap()],
        ..ReportPolicy::default()
    }
}

fn failing_on(fail_on: FailOn) -> ReportPolicy {
    ReportPolicy {
        fail_on,
        ..ReportPolicy::default()
    }
}

fn against(baseline: Report) -> ReportPolicy {
    ReportPolicy {
        baseline: Some(baseline),
        ..ReportPolicy::default()
    }
}

#[test]
fn an_ignored_finding_is_kept_with_its_reason_and_does_not_count() {
    let report = diagnosed(&two(), ignoring("scale-up-disabled=fixed on purpose"));
    assert_eq!(report.exit_code, 0);
    let cart = &report.autoscalers[0];
    assert!(cart.findings.is_empty() && cart.is_healthy());
    assert_eq!(cart.ignored[0].finding.id, "scale-up-disabled");
    assert_eq!(cart.ignored[0].because, "fixed on purpose");
    assert_eq!(cart.ignored[0].by, IgnoredBy::Flag);
    assert_eq!(report.groups.namespaces[0].ignored, 1);
}

#[test]
fn an_annotation_ignores_findings_of_its_own_autoscaler_only() {
    let mut facts = two();
    for scaler in &mut space(&mut facts).autoscalers {
        disable_scale_up(scaler);
    }
    scaler(&mut facts).ignore = Some("scale-up-disabled=fixed on purpose".to_owned());
    let report = diagnosed(&facts, ReportPolicy::default());
    assert_eq!(report.autoscalers[0].ignored[0].by, IgnoredBy::Annotation);
    assert_eq!(report.autoscalers[1].findings[0].id, "scale-up-disabled");
    assert_eq!((report.exit_code, &*report.warnings), (91, &[][..]));
}

#[test]
fn an_invalid_annotation_ignores_nothing_and_gives_a_warning() {
    let mut facts = two();
    scaler(&mut facts).ignore = Some("scale-up-disbled=fixed".to_owned());
    let report = diagnosed(&facts, ReportPolicy::default());
    assert_eq!(report.exit_code, 91);
    let said = &report.warnings[0];
    assert!(
        said.starts_with("shop/cart, annotation hpa-check/ignore: "),
        "{said}"
    );
    assert!(said.contains("`scale-up-disabled`"), "{said}");
}

#[test]
fn an_ignore_flag_that_matches_nothing_gives_a_warning() {
    let report = diagnosed(&two(), ignoring("flapping=known"));
    assert_eq!(
        report.warnings,
        ["--ignore flapping: no autoscaler has this finding"]
    );
}

#[test]
fn only_findings_at_least_as_heavy_as_fail_on_set_the_exit_code() {
    let code = |facts: &ClusterSnapshot, on| diagnosed(facts, failing_on(on)).exit_code;
    let blocked = two();
    for on in [
        FailOn::Blocker,
        FailOn::Cause,
        FailOn::Symptom,
        FailOn::Note,
    ] {
        assert_eq!(code(&blocked, on), 91, "{on:?}");
    }
    assert_eq!(code(&blocked, FailOn::None), 0);

    let mut noted = healthy();
    target(&mut noted).object.updated_replicas = 2;
    assert_eq!(code(&noted, FailOn::Symptom), 0);
    assert_eq!(code(&noted, FailOn::Note), 99);

    let mut cause = healthy();
    target(&mut cause).manifest.stored = Some(owner("kubectl-client-side-apply", 90_000).writer);
    assert_eq!(code(&cause, FailOn::Cause), 91);
    assert_eq!(code(&cause, FailOn::Blocker), 0);
    let report = diagnosed(&cause, failing_on(FailOn::Blocker));
    assert_eq!(report.outcome, Outcome::Wrong, "it is told all the same");
}

#[test]
fn what_could_not_be_read_is_inconclusive_at_any_fail_on() {
    let mut facts = healthy();
    facts.unseen.push(Unseen {
        rule: "list pods".to_owned(),
        error: "forbidden".to_owned(),
        consequence: String::new(),
        essential: true,
    });
    for on in [FailOn::Blocker, FailOn::Symptom, FailOn::Note] {
        assert_eq!(diagnosed(&facts, failing_on(on)).exit_code, 93, "{on:?}");
    }
    assert_eq!(diagnosed(&facts, failing_on(FailOn::None)).exit_code, 0);
}

#[test]
fn a_report_without_autoscalers_is_not_healthy() {
    let mut facts = healthy();
    facts.namespaces.clear();
    let report = diagnosed(&facts, ReportPolicy::default());
    assert_eq!(
        (report.outcome, report.exit_code),
        (Outcome::Inconclusive, 93)
    );
}

#[test]
fn against_a_baseline_only_new_findings_count_and_gone_ones_are_listed() {
    let mut facts = two();
    let baseline = diagnosed(&facts, ReportPolicy::default());
    let same = diagnosed(&facts, against(baseline.clone()));
    assert_eq!((same.exit_code, same.outcome), (0, Outcome::Pass));
    assert_eq!(same.autoscalers[0].known[0].id, "scale-up-disabled");
    assert!(same.baseline.as_ref().unwrap().gone.is_empty());
    // A report compared with a baseline can be a baseline too.
    assert_eq!(diagnosed(&facts, against(same)).exit_code, 0);

    disable_scale_up(&mut space(&mut facts).autoscalers[1]);
    scaler(&mut facts).object.spec.behavior = None;
    let later = diagnosed(&facts, against(baseline));
    assert_eq!(later.exit_code, 91);
    assert_eq!(later.groups.causes[0].autoscalers, ["shop/web"]);
    let gone = &later.baseline.unwrap().gone;
    assert_eq!(gone.len(), 1);
    assert_eq!(
        (&*gone[0].autoscaler, gone[0].with_autoscaler),
        ("cart", false)
    );
}

#[test]
fn a_finding_that_the_baseline_ignored_is_not_new_when_it_is_no_longer_ignored() {
    let facts = two();
    let baseline = diagnosed(&facts, ignoring("scale-up-disabled=for now"));
    assert_eq!(diagnosed(&facts, against(baseline)).exit_code, 0);
}

#[test]
fn a_baseline_finding_outside_the_scope_is_not_listed_as_gone() {
    let mut baseline = diagnosed(&two(), ReportPolicy::default());
    let mut elsewhere = baseline.autoscalers[0].clone();
    elsewhere.namespace = "bank".to_owned();
    baseline.autoscalers.push(elsewhere);
    let gone = |scope: Scope| {
        let mut facts = two();
        space(&mut facts).autoscalers.remove(0);
        let policy = ReportPolicy {
            scope,
            ..against(baseline.clone())
        };
        let gone = diagnosed(&facts, policy).baseline.unwrap().gone;
        gone.into_iter()
            .map(|g| (g.namespace, g.with_autoscaler))
            .collect::<Vec<_>>()
    };
    let shop = Scope {
        namespace: Some("shop".to_owned()),
        autoscaler: None,
    };
    assert_eq!(gone(shop), [("shop".to_owned(), true)]);
    assert_eq!(gone(Scope::default()).len(), 2);
}

#[test]
fn a_report_of_version_1_0_is_a_baseline() {
    let old = r#"{"schema": "hpa-check-doctor/1", "version": "0.1.0", "at": "2026-01-01T00:00:00Z", "kubernetes": null,
        "looks": 1, "outcome": "surroundings", "exit_code": 92, "namespaces": 1, "pods": 3, "unseen": [], "autoscalers": [
        {"namespace": "shop", "name": "cart", "target": "Deployment/cart", "min_replicas": 3, "max_replicas": 3,
         "cpu_target_percent": 50, "explanation": null, "findings": [
          {"id": "scale-up-disabled", "message": "m", "evidence": [], "outcome": "wrong"}]}]}"#;
    let old: Report = serde_json::from_str(old).unwrap();
    assert_eq!(diagnosed(&two(), against(old.clone())).exit_code, 0);
    assert_eq!(old.grouped().groups.causes[0].weight, Weight::Blocker);
}

#[test]
fn a_fleet_is_grouped_by_cause_namespace_and_owner() {
    let groups = diagnosed(&two(), ReportPolicy::default()).groups;
    let causes: Vec<_> = groups.causes.iter().map(|c| (&*c.id, c.weight)).collect();
    assert_eq!(
        causes,
        [
            ("scale-up-disabled", Weight::Blocker),
            ("rollout-in-progress", Weight::Note)
        ]
    );
    let parts = |parts: &[crate::documents::doctor::Part]| -> Vec<_> {
        parts
            .iter()
            .map(|p| (p.name.clone(), p.autoscalers, p.faulty))
            .collect()
    };
    assert_eq!(parts(&groups.namespaces), [(Some("shop".to_owned()), 2, 1)]);
    assert_eq!(
        parts(&groups.owners),
        [(None, 1, 1), (Some("front".to_owned()), 1, 0)]
    );
}

#[test]
fn at_the_minimum_the_explanation_names_the_minimum_and_not_an_earlier_recommendation() {
    let mut facts = healthy();
    let now = |facts: &ClusterSnapshot| {
        let report = diagnosed(facts, ReportPolicy::default());
        report.autoscalers[0].explanation.clone().unwrap()
    };
    let said = now(&facts);
    assert!(
        said.ends_with("wants 2; the minimum makes it 3; stays at 3"),
        "{said}"
    );
    scaler(&mut facts).object.spec.min_replicas = Some(2);
    let said = now(&facts);
    assert!(
        said.ends_with("goes down from 3 once nothing has asked for more for 300 s"),
        "{said}"
    );
    let status = scaler(&mut facts).object.status.as_mut().unwrap();
    status.conditions[0] = condition("AbleToScale", "True", "ScaleDownStabilized");
    let said = now(&facts);
    assert!(
        said.ends_with("wants 2; held at 3 by earlier recommendations"),
        "{said}"
    );
}

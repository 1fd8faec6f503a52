//! Reports of fleets: complete, safely escaped, and the same from one document.

use hpa_check_core::documents::doctor::{
    AutoscalerReport, Baseline, DoctorSettings, FailOn, Gone, Groups, Ignored, IgnoredBy, Report,
    SCHEMA, Scope,
};
use hpa_check_core::observation::ControllerConfig;
use hpa_check_core::snapshot::Unseen;
use hpa_check_core::spec::ContainerResources;
use hpa_check_core::units::Millicores;
use hpa_check_core::verdict::{Outcome, Reason};
use serde_json::Value;

use super::*;

fn reason(id: &str, outcome: Outcome) -> Reason {
    Reason {
        id: id.to_owned(),
        message: format!("container app has it: {id}"),
        evidence: vec!["pod app-1: none".to_owned()],
        fix: Some("Set one.".to_owned()),
        outcome,
        at: None,
    }
}

fn autoscaler(namespace: &str, name: &str, findings: Vec<Reason>) -> AutoscalerReport {
    AutoscalerReport {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        owner: Some("checkout".to_owned()),
        target: format!("Deployment/{name}"),
        min_replicas: 3,
        max_replicas: 12,
        cpu_target_percent: Some(50),
        metrics: vec!["cpu at 50 %".to_owned()],
        requests: vec![ContainerResources::cpu("app", Some(Millicores(100)), None)],
        explanation: Some("4 ready pods average 45 % of 100m; stays at 4".to_owned()),
        findings,
        known: Vec::new(),
        ignored: Vec::new(),
    }
}

/// A namespace with `many` autoscalers without a request, and another with one that has a note, one that is
/// healthy, and an ignored one that can't scale.
fn fleet(many: usize) -> Report {
    let fault = || reason("missing-cpu-request", Outcome::Wrong);
    let mut autoscalers: Vec<AutoscalerReport> = (0..many)
        .map(|n| autoscaler("shop", &format!("app{n}"), vec![fault()]))
        .collect();
    autoscalers[0].known = vec![reason("flapping", Outcome::Wrong)];
    let note = reason("at-maximum", Outcome::Pass);
    autoscalers.push(autoscaler("web", "front", vec![note]));
    autoscalers.push(autoscaler("web", "healthy", Vec::new()));
    let open = reason("nodes-unknown", Outcome::Inconclusive);
    autoscalers.push(autoscaler("web", "waiting", vec![open]));
    let mut ignored = autoscaler("web", "single", Vec::new());
    ignored.ignored = vec![Ignored {
        finding: reason("bounds-leave-no-room", Outcome::Wrong),
        because: "a singleton <script>alert(1)</script>".to_owned(),
        by: IgnoredBy::Annotation,
    }];
    autoscalers.push(ignored);
    Report {
        schema: SCHEMA.to_owned(),
        version: "0.1.0".to_owned(),
        at: "2026-03-04T10:20:30Z".parse().unwrap(),
        kubernetes: Some("1.36".to_owned()),
        looks: 1,
        scope: Scope::default(),
        settings: Some(DoctorSettings {
            command: Some("hpa-check doctor -A".to_owned()),
            controller: ControllerConfig::default(),
            metrics_resolution: std::time::Duration::from_secs(15),
            expect_min: None,
            expect_max: Some(12),
            expect_cpu: None,
        }),
        outcome: Outcome::Wrong,
        fail_on: FailOn::Symptom,
        exit_code: 91,
        namespaces: 2,
        pods: 40,
        owner_labels: vec!["team".to_owned()],
        autoscalers,
        groups: Groups::default(),
        baseline: Some(Baseline {
            at: "2026-03-03T10:20:30Z".parse().unwrap(),
            gone: vec![Gone {
                namespace: "old".to_owned(),
                autoscaler: "gone".to_owned(),
                finding: reason("target-not-found", Outcome::Wrong),
                with_autoscaler: true,
            }],
        }),
        unseen: vec![Unseen {
            rule: "list nodes".to_owned(),
            error: "nodes is forbidden".to_owned(),
            consequence: "whether the maximum fits is not seen".to_owned(),
            essential: false,
        }],
        warnings: Vec::new(),
    }
    .grouped()
}

/// The same with text that must be escaped everywhere.
fn hostile() -> Report {
    let mut report = fleet(2);
    let evil = "</script><script>alert(1)</script>\u{1b}[2J\u{202e}|`*";
    for autoscaler in &mut report.autoscalers {
        autoscaler.name = format!("{}{evil}", autoscaler.name);
        autoscaler.namespace.push_str(evil);
        autoscaler.target = evil.to_owned();
        autoscaler.owner = Some(evil.to_owned());
        for finding in &mut autoscaler.findings {
            finding.id.push_str(evil);
            finding.message = evil.to_owned();
        }
    }
    report.grouped()
}

#[test]
fn every_format_has_every_faulty_autoscaler_and_says_what_to_do() {
    let report = fleet(3);
    for kind in KINDS {
        let text = render(kind, &report).unwrap();
        for part in ["app0", "app1", "app2", "missing-cpu-request", "Set one."] {
            assert!(text.contains(part), "{}: {part}: {text}", kind.word());
        }
    }
    assert!(
        render(ReportFormat::Svg, &report).is_none()
            && render(ReportFormat::Trace, &report).is_none()
    );
}

#[test]
fn text_from_outside_is_escaped_in_every_format() {
    let report = hostile();
    for kind in [
        ReportFormat::Html,
        ReportFormat::Md,
        ReportFormat::Junit,
        ReportFormat::Github,
    ] {
        let text = render(kind, &report).unwrap();
        assert!(!text.contains('\u{1b}'), "{}", kind.word());
        assert_eq!(text.matches("alert(1)</script>").count(), {
            // An annotation is plain text to GitHub.
            if kind == ReportFormat::Github {
                text.matches("alert(1)").count()
            } else {
                0
            }
        });
    }
    let page = render(ReportFormat::Html, &report).unwrap();
    assert_eq!(page.matches("<script").count(), 3, "the page's own");
    assert!(!terminal(&report, Some(80)).contains('\u{1b}'));
}

#[test]
fn the_page_groups_by_cause_namespace_and_owner_and_links_to_explanations_and_settings() {
    let page = render(ReportFormat::Html, &fleet(3)).unwrap();
    for part in [
        "<h2 id=\"causes\">By cause</h2>",
        "<h2 id=\"namespaces\">By namespace</h2>",
        "<h2 id=\"owners\">By owner</h2>",
        "id=\"cause-missing-cpu-request\"",
        "docs/findings.md#:~:text=missing-cpu-request\"",
        "<a href=\"#shop/app1\">shop/app1</a>",
        "<tr data-find id=\"shop/app1\">",
        "hpa-check doctor -A",
        "Downscale stabilization</dt><dd>5 min",
        "Asserted maximum</dt><dd>12",
        "3 to 12",
        "100m",
        "because",
        "whether the maximum fits is not seen",
    ] {
        assert!(page.to_lowercase().contains(&part.to_lowercase()), "{part}");
    }
    assert!(
        !page.contains("<li data-find><a href=\"#web/healthy\">"),
        "what is healthy has no finding"
    );
}

#[test]
fn a_fleet_of_ten_thousand_faults_is_a_page_of_a_few_megabytes() {
    let page = render(ReportFormat::Html, &fleet(10_000)).unwrap();
    assert!(page.len() < 8_000_000, "{}", page.len());
    assert!(page.contains("shop/app9999"));
}

#[test]
fn a_test_case_fails_if_a_fault_counts_and_is_skipped_if_nothing_is_proved() {
    let mut report = fleet(2);
    let xml = render(ReportFormat::Junit, &report).unwrap();
    for part in [
        "<testsuite name=\"shop\" tests=\"2\" skipped=\"0\" errors=\"0\" failures=\"2\"",
        "<testsuite name=\"web\" tests=\"4\"",
        "<failure message=\"container app has it: missing-cpu-request\" type=\"missing-cpu-request\"",
        "ignored: bounds-leave-no-room, because a singleton",
        "known: flapping",
        "<testsuite name=\"not read\"",
    ] {
        assert!(xml.contains(part), "{part}: {xml}");
    }
    assert_eq!(xml.matches("<skipped").count(), 2, "{xml}");
    report.fail_on = FailOn::None;
    let xml = render(ReportFormat::Junit, &report).unwrap();
    assert_eq!(xml.matches("<failure").count(), 0, "{xml}");
}

#[test]
fn github_gets_one_annotation_per_cause_because_it_shows_only_ten() {
    let text = render(ReportFormat::Github, &fleet(50)).unwrap();
    assert_eq!(text.lines().count(), 4, "{text}");
    let first =
        "::error title=WRONG%3A missing-cpu-request in 50 autoscalers::shop/app0: container";
    assert!(text.starts_with(first), "{text}");
    assert!(
        text.contains("%0AAnd 47 more: shop/app3, shop/app4"),
        "{text}"
    );
    assert!(text.contains("::notice title=NOTE%3A at-maximum in web/front::"));
}

#[test]
fn sarif_follows_the_schema_and_marks_new_known_and_ignored_findings() {
    let schema: Value = serde_json::from_str(include_str!(
        "../../../tests/fixtures/sarif-2.1.0.schema.json"
    ))
    .unwrap();
    let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
    compiler.add_resource("sarif.json", schema).unwrap();
    let schema = compiler.compile("sarif.json", &mut schemas).unwrap();
    let run = super::super::fixture::hostile();
    for text in [
        render(ReportFormat::Sarif, &fleet(3)).unwrap(),
        render(ReportFormat::Sarif, &hostile()).unwrap(),
        super::super::render(ReportFormat::Sarif, &run).unwrap(),
    ] {
        let log: Value = serde_json::from_str(&text).unwrap();
        let valid = schemas.validate(&log, schema).map_err(|e| e.to_string());
        assert_eq!(valid, Ok(()), "{text}");
    }
    let log: Value =
        serde_json::from_str(&render(ReportFormat::Sarif, &fleet(3)).unwrap()).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let states = |state: &str| {
        results
            .iter()
            .filter(|r| r["baselineState"] == state)
            .count()
    };
    assert_eq!(
        (states("new"), states("unchanged"), states("absent")),
        (5, 1, 1)
    );
    let suppressed: Vec<&Value> = results
        .iter()
        .filter(|r| !r["suppressions"].is_null())
        .collect();
    assert_eq!(suppressed.len(), 1);
    assert_eq!(suppressed[0]["suppressions"][0]["kind"], "inSource");
    let rules = log["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    for result in results {
        let place = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[place]["id"], result["ruleId"]);
    }
}

#[test]
fn on_a_terminal_the_causes_come_first_and_no_line_is_wider_than_the_terminal() {
    let report = fleet(600);
    let mut report = Report {
        autoscalers: report
            .autoscalers
            .into_iter()
            .enumerate()
            .map(|(n, mut one)| {
                if n % 7 == 0 {
                    one.findings.push(reason("flapping", Outcome::Wrong));
                }
                one
            })
            .collect(),
        ..report
    };
    report.warnings = vec!["a warning that is long enough to be broken ".repeat(4)];
    let report = report.grouped();
    let text = terminal(&report, Some(80));
    let longest = text.lines().map(|line| line.chars().count()).max();
    assert!(longest <= Some(80), "{text}");
    let place = |part: &str| text.find(part).unwrap_or_else(|| panic!("{part}: {text}"));
    assert!(place("600  missing-cpu-request") < place("missing-cpu-request (wrong)"));
    assert!(place("missing-cpu-request (wrong)") < place("at-maximum (note)"));
    assert!(
        text.contains("most in  shop (600 of 600), web (1 of 4)"),
        "{text}"
    );
    assert!(
        text.lines().take(12).any(|line| line.contains("flapping")),
        "what is wrong is on the first screen: {text}"
    );
    let words = |text: &str| {
        text.split_whitespace()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        words(&text),
        words(&terminal(&report, None)),
        "no word is broken"
    );
}

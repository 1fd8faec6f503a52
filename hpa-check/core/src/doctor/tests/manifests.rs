//! Replicas in a manifest are a fault only if something would apply them.

use super::world::{healthy, owner, scaler, space, target};
use super::{Assertions, diagnose, found};
use crate::deployer::{Deployer, IgnoredFields, ObjectRef, Tool};
use crate::snapshot::{ClusterSnapshot, Vpa, VpaControl};
use crate::spec::MetricSource;

fn cart() -> ObjectRef {
    ObjectRef {
        group: "apps".to_owned(),
        kind: "Deployment".to_owned(),
        namespace: "shop".to_owned(),
        name: "cart".to_owned(),
    }
}

fn deployer(tool: Tool, ignores: &[&str], respects: bool) -> Deployer {
    let rule = |path: &&str| IgnoredFields {
        paths: vec![(*path).to_owned()],
        ..IgnoredFields::default()
    };
    Deployer {
        tool,
        name: "ops/shop".to_owned(),
        applies: vec![cart()],
        ignores: ignores.iter().map(rule).collect(),
        respects,
        suspended: false,
        settings_unread: None,
    }
}

/// A manifest that sets replicas, applied by this manager.
fn applied_by(manager: &str, deployers: Vec<Deployer>) -> ClusterSnapshot {
    let mut facts = healthy();
    facts.deployers = deployers;
    let workload = target(&mut facts);
    let mut applier = owner(manager, 8_000);
    applier.applies = true;
    workload.owners_of_replicas.push(applier);
    workload.manifest.kustomization = Some("ops/shop".to_owned());
    facts
}

fn exit(facts: &ClusterSnapshot) -> u8 {
    diagnose(facts, None, &Assertions::default()).exit_code
}

#[test]
fn replicas_in_an_argo_cd_manifest_are_a_fault_unless_the_application_ignores_them() {
    let with = |ignores: &[&str], respects| {
        let application = deployer(Tool::ArgoCd, ignores, respects);
        let facts = applied_by("argocd-controller", vec![application]);
        (found(&facts, None)[0].clone(), exit(&facts))
    };
    let fault = ("replicas-in-manifest".to_owned(), 91);
    assert_eq!(with(&[], true), fault);
    assert_eq!(with(&["/spec/replicas"], false), fault);
    let note = ("replicas-left-alone".to_owned(), 0);
    assert_eq!(with(&["/spec/replicas"], true), note);
}

#[test]
fn an_unreadable_application_leaves_the_question_open() {
    let mut facts = applied_by("argocd-controller", Vec::new());
    let why = "applications.argoproj.io is forbidden";
    facts.deployers_unread = vec![(Tool::ArgoCd, why.to_owned())];
    let report = diagnose(&facts, None, &Assertions::default());
    let first = &report.autoscalers[0].findings[0];
    assert_eq!(
        (first.id.as_str(), report.exit_code),
        ("replicas-perhaps-applied", 93)
    );
    assert!(first.evidence[1].contains(why), "{first:?}");
}

#[test]
fn flux_keeps_replicas_if_a_rule_a_mark_or_a_suspension_says_so() {
    let with = |change: fn(&mut ClusterSnapshot)| {
        let mut facts = applied_by(
            "kustomize-controller",
            vec![deployer(Tool::Flux, &[], true)],
        );
        change(&mut facts);
        found(&facts, None)[0].clone()
    };
    assert_eq!(with(|_| {}), "replicas-in-manifest");
    let left = "replicas-left-alone";
    assert_eq!(
        with(|f| f.deployers = vec![deployer(Tool::Flux, &["/spec/replicas"], true)]),
        left
    );
    assert_eq!(with(|f| f.deployers[0].suspended = true), left);
    assert_eq!(
        with(|f| {
            let mark = "kustomize.toolkit.fluxcd.io/ssa: IfNotPresent";
            target(f).manifest.left_by_flux = Some(mark.to_owned());
        }),
        left
    );
    assert_eq!(with(|f| f.deployers.clear()), "replicas-perhaps-applied");
}

#[test]
fn a_stored_manifest_is_history_once_another_manager_applies_the_object() {
    let mut facts = healthy();
    let workload = target(&mut facts);
    workload.manifest.stored = Some(owner("kubectl-client-side-apply", 80_000).writer);
    assert_eq!(found(&facts, None), ["replicas-in-manifest"]);
    let newer = owner("kustomize-controller", 9_000).writer;
    target(&mut facts).manifest.appliers = vec![newer];
    assert_eq!(found(&facts, None), ["replicas-left-alone"]);
    let older = owner("kustomize-controller", 90_000).writer;
    target(&mut facts).manifest.appliers = vec![older];
    assert_eq!(found(&facts, None), ["replicas-in-manifest"]);
}

#[test]
fn replicas_from_helm_are_a_note_and_the_servers_default_is_not_a_finding() {
    let wrote = |replicas| {
        let mut facts = healthy();
        scaler(&mut facts).object.spec.min_replicas = Some(1);
        let workload = target(&mut facts);
        workload.owners_of_replicas = vec![owner("helm", 80_000)];
        workload.object.spec_replicas = replicas;
        found(&facts, None)
    };
    assert_eq!(wrote(3), ["replicas-from-chart"]);
    assert!(!wrote(1).contains(&"replicas-from-chart".to_owned()));
}

#[test]
fn a_vpa_that_keeps_running_pods_is_a_note_and_one_for_another_resource_is_not_a_finding() {
    let with = |mode: &str, container: &str, resource: &str| {
        let mut facts = healthy();
        space(&mut facts).vpas.push(Vpa {
            name: "cart".to_owned(),
            target: "Deployment/cart".to_owned(),
            mode: mode.to_owned(),
            controls: vec![VpaControl {
                container: container.to_owned(),
                resources: vec![resource.to_owned()],
            }],
        });
        facts
    };
    for mode in ["Auto", "Recreate", "InPlaceOrRecreate"] {
        assert_eq!(
            found(&with(mode, "*", "cpu"), None),
            ["vpa-changes-requests"],
            "{mode}"
        );
    }
    for mode in ["Off", "Initial"] {
        let facts = with(mode, "*", "cpu");
        assert_eq!(
            (found(&facts, None), exit(&facts)),
            (vec!["vpa-observes".to_owned()], 0)
        );
    }
    assert_eq!(
        found(&with("Auto", "*", "memory"), None),
        Vec::<String>::new()
    );
    let mut other = with("Auto", "proxy", "cpu");
    scaler(&mut other).object.spec.metrics[0].source = MetricSource::ContainerResource {
        name: "cpu".to_owned(),
        container: "app".to_owned(),
    };
    assert_eq!(found(&other, None), Vec::<String>::new());
}

#[test]
fn a_manager_that_writes_the_autoscalers_size_changes_nothing() {
    let mut facts = applied_by(
        "argocd-controller",
        vec![deployer(Tool::ArgoCd, &["/spec/replicas"], true)],
    );
    // A sync one minute ago replaced Git's number with the live one, so both own the field.
    target(&mut facts).owners_of_replicas[1].writer = owner("argocd-controller", 60).writer;
    assert_eq!(found(&facts, None), ["replicas-left-alone"]);
    target(&mut facts).owners_of_replicas.remove(0);
    assert_eq!(found(&facts, None)[0], "replicas-moved-by-another");
}

#[test]
fn an_operator_that_applies_the_autoscalers_size_may_take_it_over() {
    let with = |replicas, seconds_ago| {
        let mut facts = applied_by("cart-operator", Vec::new());
        scaler(&mut facts).object.spec.min_replicas = Some(2);
        let workload = target(&mut facts);
        workload.object.spec_replicas = replicas;
        workload.owners_of_replicas[1].writer = owner("cart-operator", seconds_ago).writer;
        found(&facts, None)
    };
    // The last scaling was two hours ago.
    assert_eq!(with(3, 60), ["replicas-perhaps-applied"]);
    assert_eq!(with(3, 8_000), ["replicas-in-manifest"]);
    assert!(with(2, 60).contains(&"replicas-in-manifest".to_owned()));
}

//! Tools that write the replicas from Git.

use serde_json::{Value, json};

use super::{diagnose, first_finding, shop};
use crate::still_api::StillApi;

/// `web` belongs to an Argo CD Application with this spec.
pub(super) fn applied_by_argo_cd(api: &mut StillApi, spec: &Value) {
    api.put("/apis/argoproj.io/v1alpha1", "applications", json!({
        "metadata": {"name": "shop", "namespace": "argocd"}, "spec": spec,
        "status": {"controllerNamespace": "argocd", "resources": [
            {"group": "apps", "version": "v1", "kind": "Deployment", "namespace": "shop", "name": "web", "status": "Synced"}]}}));
}

/// The exit code, the first finding for `web`, and the output, where a manager applies its manifest with
/// replicas.
fn git_sets_replicas(manager: &str, change: impl Fn(&mut StillApi)) -> (i32, Value, String) {
    let mut api = shop();
    api.change("/apis/apps/v1/deployments", |deployment| {
        if deployment["metadata"]["name"] == "web" {
            deployment["metadata"]["labels"] = json!({"kustomize.toolkit.fluxcd.io/name": "apps",
                "kustomize.toolkit.fluxcd.io/namespace": "flux-system"});
            deployment["metadata"]["managedFields"] = json!([{"manager": manager, "operation": "Apply",
                "time": "2026-01-01T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}}]);
        }
    });
    change(&mut api);
    let (code, report, said) = diagnose(&api.serve(), &["--autoscaler", "web"]);
    (code, first_finding(&report, "web"), said)
}

#[test]
fn replicas_that_argo_cd_ignores_are_a_note_and_those_that_it_would_apply_are_a_fault() {
    let ignores =
        json!([{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]);
    let respects = json!({"syncOptions": ["RespectIgnoreDifferences=true"]});
    let with =
        |spec: Value| git_sets_replicas("argocd-controller", |api| applied_by_argo_cd(api, &spec));
    let (code, first, said) = with(json!({"ignoreDifferences": ignores, "syncPolicy": respects}));
    assert_eq!((code, first), (0, json!("replicas-left-alone")), "{said}");
    let (code, first, said) = with(json!({"ignoreDifferences": ignores}));
    assert_eq!((code, first), (91, json!("replicas-in-manifest")), "{said}");
    assert!(
        said.contains("without RespectIgnoreDifferences=true each sync puts them back"),
        "{said}"
    );
    let (code, first, said) = with(json!({"syncPolicy": respects}));
    assert_eq!((code, first), (91, json!("replicas-in-manifest")), "{said}");

    // The same through Argo CD's global settings.
    let (code, first, said) = git_sets_replicas("argocd-controller", |api| {
        applied_by_argo_cd(api, &json!({"syncPolicy": respects}));
        api.answer("/api/v1/namespaces/argocd/configmaps/argocd-cm", json!({"data": {
            "resource.customizations.ignoreDifferences.apps_Deployment": "jqPathExpressions: [.spec.replicas]"}}));
    });
    assert_eq!((code, first), (0, json!("replicas-left-alone")), "{said}");

    // One that can't be read, or is in another cluster, leaves it open.
    let (code, first, said) = git_sets_replicas("argocd-controller", |_| {});
    assert_eq!(
        (code, first),
        (93, json!("replicas-perhaps-applied")),
        "{said}"
    );
    let (code, first, said) = git_sets_replicas("argocd-controller", |api| {
        for path in [
            "/apis/argoproj.io/v1alpha1/applications",
            "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications",
        ] {
            api.refuse(path, 403);
        }
    });
    assert_eq!(
        (code, first),
        (93, json!("replicas-perhaps-applied")),
        "{said}"
    );
    assert!(said.contains("list applications.argoproj.io"), "{said}");
}

#[test]
fn replicas_that_flux_ignores_are_a_note_and_those_that_it_would_apply_are_a_fault() {
    let with = |spec: Value| {
        git_sets_replicas("kustomize-controller", move |api| {
            api.put(
                "/apis/kustomize.toolkit.fluxcd.io/v1",
                "kustomizations",
                json!({
                "metadata": {"name": "apps", "namespace": "flux-system"}, "spec": spec.clone()}),
            );
        })
    };
    let (code, first, said) =
        with(json!({"ignore": [{"paths": ["/spec/replicas"], "target": {"kind": "Deployment"}}]}));
    assert_eq!((code, first), (0, json!("replicas-left-alone")), "{said}");
    let (code, first, said) =
        with(json!({"ignore": [{"paths": ["/spec/replicas"], "target": {"kind": "StatefulSet"}}]}));
    assert_eq!((code, first), (91, json!("replicas-in-manifest")), "{said}");
    let (code, first, said) = with(json!({"suspend": true}));
    assert_eq!((code, first), (0, json!("replicas-left-alone")), "{said}");
    let (code, first, said) = git_sets_replicas("kustomize-controller", |api| {
        api.change("/apis/apps/v1/deployments", |deployment| {
            deployment["metadata"]["annotations"] =
                json!({"kustomize.toolkit.fluxcd.io/ssa": "IfNotPresent"});
        });
    });
    assert_eq!((code, first), (0, json!("replicas-left-alone")), "{said}");
    let (code, first, said) = git_sets_replicas("kubectl", |_| {});
    assert_eq!((code, first), (91, json!("replicas-in-manifest")), "{said}");
}

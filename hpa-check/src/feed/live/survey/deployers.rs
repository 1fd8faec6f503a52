//! The objects of Argo CD and Flux that apply manifests with replicas. They are read only if a manifest sets
//! replicas.

use std::collections::{BTreeMap, BTreeSet};
use std::pin::pin;

use futures_util::stream::{self, StreamExt};
use hpa_check_core::deployer::{Deployer, IgnoredFields, ObjectRef, Tool};
use hpa_check_core::snapshot::{Namespace, Scaler};
use serde::Deserialize;

use super::super::convert::null_as_empty;
use super::super::trouble::{Trouble, TroubleKind};
use super::lists::{AT_ONCE, List, Lists};

/// Argo CD's default namespace.
const ARGO_CD: &str = "argocd";

/// What was read.
#[derive(Default)]
pub(super) struct Deployers {
    pub(super) read: Vec<Deployer>,
    /// Tools whose objects could not be read, and why.
    pub(super) unread: Vec<(Tool, String)>,
}

pub(super) async fn read(lists: &Lists<'_>, spaces: &BTreeMap<String, Namespace>) -> Deployers {
    let mut found = Deployers::default();
    let scalers = || {
        let all = spaces.iter();
        all.flat_map(|(namespace, space)| space.autoscalers.iter().map(move |s| (namespace, s)))
    };
    let applied_by = |tool: Tool| scalers().filter(move |(_, scaler)| sets_replicas(scaler, tool));
    let wanted: Vec<ObjectRef> = applied_by(Tool::ArgoCd)
        .map(|(namespace, scaler)| object(namespace, scaler))
        .collect();
    if !wanted.is_empty() {
        found.applications(lists, &wanted).await;
    }
    let names = applied_by(Tool::Flux).filter_map(|(_, scaler)| {
        let manifest = &scaler.workload()?.manifest;
        manifest.kustomization.clone()
    });
    found.kustomizations(lists, names.collect()).await;
    found
}

/// Whether a tool applies a manifest with replicas to the target.
fn sets_replicas(scaler: &Scaler, tool: Tool) -> bool {
    let Some(workload) = scaler.workload() else {
        return false;
    };
    let owners = workload.owners_of_replicas.iter().filter(|o| o.applies);
    let stored = workload.manifest.stored.iter();
    let managers = owners.map(|o| &o.writer).chain(stored).map(|w| &w.manager);
    managers
        .into_iter()
        .any(|m| Tool::of_manager(m) == Some(tool))
}

fn object(namespace: &str, scaler: &Scaler) -> ObjectRef {
    ObjectRef::of_target(&scaler.object.spec.scale_target_ref, namespace)
}

impl Deployers {
    /// Applications are in Argo CD's namespace or in any other. If listing all is forbidden, listing the
    /// default namespace may be allowed.
    async fn applications(&mut self, lists: &Lists<'_>, wanted: &[ObjectRef]) {
        let api = "/apis/argoproj.io/v1alpha1";
        let convert = |app: Application| app.deployer(wanted);
        let mut read = lists
            .all(List::at(format!("{api}/applications")).of_large(), convert)
            .await;
        if matches!(&read, Err(trouble) if trouble.kind == TroubleKind::Forbidden) {
            let usual = format!("{api}/namespaces/{ARGO_CD}/applications");
            read = lists.all(List::at(usual).of_large(), convert).await;
        }
        match read {
            Ok(applications) => self.with_settings(lists, applications).await,
            Err(trouble) => {
                self.miss(
                    lists,
                    Tool::ArgoCd,
                    &trouble,
                    "list applications.argoproj.io",
                );
            }
        }
    }

    /// Adds the fields that Argo CD ignores in every Application by its own settings.
    async fn with_settings(&mut self, lists: &Lists<'_>, applications: Vec<(Deployer, String)>) {
        let mut settings: BTreeMap<String, Result<ConfigMap, Trouble>> = BTreeMap::new();
        for (mut deployer, namespace) in applications {
            if !settings.contains_key(&namespace) {
                let path = format!("/api/v1/namespaces/{namespace}/configmaps/argocd-cm");
                settings.insert(namespace.clone(), lists.get(&path).await);
            }
            match &settings[&namespace] {
                Ok(map) => deployer.ignores.extend(ignored_everywhere(&map.data)),
                Err(trouble) if trouble.kind == TroubleKind::NotFound => {}
                Err(trouble) => {
                    deployer.settings_unread = Some(format!(
                        "ConfigMap {namespace}/argocd-cm, which may ignore it, can't be read: {}",
                        trouble.message
                    ));
                }
            }
            self.read.push(deployer);
        }
    }

    async fn kustomizations(&mut self, lists: &Lists<'_>, names: BTreeSet<String>) {
        let ask = |name: String| async move {
            let (namespace, own) = name.split_once('/').unwrap_or(("", &name));
            let api = "/apis/kustomize.toolkit.fluxcd.io/v1";
            let path = format!("{api}/namespaces/{namespace}/kustomizations/{own}");
            let read = lists.get::<Kustomization>(&path).await;
            (name, read)
        };
        let mut answers = pin!(stream::iter(names).map(ask).buffered(AT_ONCE));
        while let Some((name, read)) = answers.next().await {
            match read {
                Ok(object) => self.read.push(object.deployer(&name)),
                Err(trouble) => {
                    let rule = "get kustomizations.kustomize.toolkit.fluxcd.io";
                    self.miss(lists, Tool::Flux, &trouble, rule);
                }
            }
        }
    }

    fn miss(&mut self, lists: &Lists<'_>, tool: Tool, trouble: &Trouble, rule: &str) {
        // A tool that manages this cluster from another one has no objects here.
        if trouble.kind != TroubleKind::NotFound {
            let consequence = "whether replicas in Git are left to the autoscaler is unknown";
            lists.missing.note(trouble, rule, consequence, false);
        }
        self.unread.push((tool, trouble.message.clone()));
    }
}

#[derive(Deserialize)]
struct ConfigMap {
    #[serde(default, deserialize_with = "null_as_empty")]
    data: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: String,
}

#[derive(Deserialize)]
struct Application {
    metadata: Metadata,
    #[serde(default)]
    spec: ApplicationSpec,
    #[serde(default)]
    status: ApplicationStatus,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ApplicationSpec {
    #[serde(deserialize_with = "null_as_empty")]
    ignore_differences: Vec<Difference>,
    #[serde(deserialize_with = "null_as_empty")]
    sync_policy: SyncPolicy,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SyncPolicy {
    #[serde(deserialize_with = "null_as_empty")]
    sync_options: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ApplicationStatus {
    #[serde(deserialize_with = "null_as_empty")]
    resources: Vec<ObjectRef>,
    controller_namespace: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Difference {
    group: String,
    kind: String,
    name: String,
    namespace: String,
    #[serde(deserialize_with = "null_as_empty")]
    json_pointers: Vec<String>,
    #[serde(deserialize_with = "null_as_empty")]
    jq_path_expressions: Vec<String>,
    #[serde(deserialize_with = "null_as_empty")]
    managed_fields_managers: Vec<String>,
}

impl Difference {
    fn ignore(self) -> IgnoredFields {
        let mut paths = self.json_pointers;
        paths.extend(self.jq_path_expressions);
        IgnoredFields {
            group: self.group,
            kind: self.kind,
            namespace: self.namespace,
            name: self.name,
            paths,
            managers: self.managed_fields_managers,
            selects_more: false,
        }
    }
}

impl Application {
    /// The deployer and its controller's namespace, if it applies one of these objects.
    fn deployer(self, wanted: &[ObjectRef]) -> Option<(Deployer, String)> {
        let resources = &self.status.resources;
        let applies = wanted.iter().filter(|object| resources.contains(object));
        let applies: Vec<ObjectRef> = applies.cloned().collect();
        let Metadata { name, namespace } = self.metadata;
        let options = &self.spec.sync_policy.sync_options;
        let deployer = Deployer {
            tool: Tool::ArgoCd,
            name: format!("{namespace}/{name}"),
            respects: options.iter().any(|o| o == "RespectIgnoreDifferences=true"),
            ignores: self
                .spec
                .ignore_differences
                .into_iter()
                .map(Difference::ignore)
                .collect(),
            suspended: false,
            settings_unread: None,
            applies,
        };
        let settings = self.status.controller_namespace.unwrap_or(namespace);
        (!deployer.applies.is_empty()).then_some((deployer, settings))
    }
}

/// Keys of argocd-cm: `resource.customizations.ignoreDifferences.apps_Deployment`, `….all`, and the older one
/// that contains them all.
fn ignored_everywhere(data: &BTreeMap<String, String>) -> Vec<IgnoredFields> {
    const ALL: &str = "resource.customizations";
    const EACH: &str = "resource.customizations.ignoreDifferences.";
    let rule = |object: &str, text: &str| {
        let (group, kind) = object.split_once(['_', '/']).unwrap_or(("", object));
        let (group, kind) = if object == "all" {
            ("*", "*")
        } else {
            (group, kind)
        };
        let difference = serde_saphyr::from_str::<Difference>(text).unwrap_or_default();
        IgnoredFields {
            group: group.to_owned(),
            kind: kind.to_owned(),
            ..difference.ignore()
        }
    };
    let each = data
        .iter()
        .filter_map(|(key, text)| Some(rule(key.strip_prefix(EACH)?, text)));
    let older = data
        .get(ALL)
        .and_then(|text| serde_saphyr::from_str::<BTreeMap<String, Customization>>(text).ok());
    let older = older
        .into_iter()
        .flatten()
        .filter_map(|(object, customization)| {
            Some(rule(&object, &customization.ignore_differences?))
        });
    each.chain(older).collect()
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Customization {
    ignore_differences: Option<String>,
}

#[derive(Deserialize)]
struct Kustomization {
    #[serde(default)]
    spec: KustomizationSpec,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KustomizationSpec {
    suspend: Option<bool>,
    #[serde(deserialize_with = "null_as_empty")]
    ignore: Vec<IgnoreRule>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct IgnoreRule {
    #[serde(deserialize_with = "null_as_empty")]
    paths: Vec<String>,
    target: Option<Target>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Target {
    group: String,
    kind: String,
    namespace: String,
    name: String,
    label_selector: String,
    annotation_selector: String,
}

impl Kustomization {
    fn deployer(self, name: &str) -> Deployer {
        Deployer {
            tool: Tool::Flux,
            name: name.to_owned(),
            applies: Vec::new(),
            ignores: self
                .spec
                .ignore
                .into_iter()
                .map(IgnoreRule::ignore)
                .collect(),
            respects: true,
            suspended: self.spec.suspend == Some(true),
            settings_unread: None,
        }
    }
}

impl IgnoreRule {
    /// Names are regular expressions there; only `.*` is understood here.
    fn ignore(self) -> IgnoredFields {
        let target = self.target.unwrap_or_default();
        let plain = |text: &str| {
            text.chars()
                .all(|c| c.is_alphanumeric() || "-.*".contains(c))
        };
        let patterns = [&target.group, &target.kind, &target.namespace, &target.name];
        let more = !target.label_selector.is_empty()
            || !target.annotation_selector.is_empty()
            || !patterns.iter().all(|text| plain(text));
        let glob = |text: &str| {
            if more {
                String::new()
            } else {
                text.replace(".*", "*")
            }
        };
        IgnoredFields {
            group: glob(&target.group),
            kind: glob(&target.kind),
            namespace: glob(&target.namespace),
            name: glob(&target.name),
            paths: self.paths,
            managers: Vec::new(),
            selects_more: more,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argo_cds_settings_are_read_in_both_forms() {
        let data = BTreeMap::from([
            (
                "resource.customizations.ignoreDifferences.apps_Deployment".to_owned(),
                "jqPathExpressions:\n- .spec.replicas\n".to_owned(),
            ),
            (
                "resource.customizations.ignoreDifferences.all".to_owned(),
                "managedFieldsManagers:\n- kube-controller-manager\n".to_owned(),
            ),
            (
                "resource.customizations".to_owned(),
                "apps/StatefulSet:\n  ignoreDifferences: |\n    jsonPointers:\n    - /spec/replicas\n".to_owned(),
            ),
            ("url".to_owned(), "https://cd.example".to_owned()),
        ]);
        let rules = ignored_everywhere(&data);
        let kinds: Vec<(&str, &str)> = rules
            .iter()
            .map(|r| (r.group.as_str(), r.kind.as_str()))
            .collect();
        assert_eq!(
            kinds,
            [("*", "*"), ("apps", "Deployment"), ("apps", "StatefulSet")]
        );
        assert_eq!(rules[0].managers, ["kube-controller-manager"]);
        assert_eq!(
            (&rules[1].paths[0], &rules[2].paths[0]),
            (&".spec.replicas".to_owned(), &"/spec/replicas".to_owned())
        );
    }
}

//! What Argo CD's objects say about the fields that it leaves alone.

use std::collections::BTreeMap;

use hpa_check_core::deployer::{Deployer, IgnoredFields, ObjectRef, Tool};
use serde::Deserialize;

use super::super::super::convert::null_as_empty;

#[derive(Deserialize)]
pub(super) struct ConfigMap {
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(super) data: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: String,
}

#[derive(Deserialize)]
pub(super) struct Application {
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
    pub(super) fn deployer(self, wanted: &[ObjectRef]) -> Option<(Deployer, String)> {
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
pub(super) fn ignored_everywhere(data: &BTreeMap<String, String>) -> Vec<IgnoredFields> {
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

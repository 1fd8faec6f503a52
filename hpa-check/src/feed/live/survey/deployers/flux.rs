//! What Flux's objects say about the fields that it leaves alone.

use hpa_check_core::deployer::{Deployer, IgnoredFields, Tool};
use serde::Deserialize;

use super::super::super::convert::null_as_empty;

#[derive(Deserialize)]
pub(super) struct Kustomization {
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
    pub(super) fn deployer(self, name: &str) -> Deployer {
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

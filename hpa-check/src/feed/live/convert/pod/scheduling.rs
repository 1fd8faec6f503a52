//! The parts of a pod's spec that say which nodes it may use.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::null_as_empty;

/// `spec.affinity.nodeAffinity`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeAffinity {
    #[serde(
        rename = "requiredDuringSchedulingIgnoredDuringExecution",
        deserialize_with = "null_as_empty"
    )]
    pub(super) required: NodeSelector,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct NodeSelector {
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) node_selector_terms: Vec<Term>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Term {
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) match_expressions: Vec<Requirement>,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) match_fields: Vec<Requirement>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Requirement {
    pub(super) key: String,
    pub(super) operator: String,
    #[serde(deserialize_with = "null_as_empty")]
    values: Vec<String>,
}

/// `spec.tolerations`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Tolerated {
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) key: String,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) operator: String,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) value: String,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) effect: String,
}

/// `spec.os`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Os {
    pub(super) name: String,
}

impl Requirement {
    /// As part of a selector's text.
    pub(super) fn text(&self) -> String {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.clone(),
            "DoesNotExist" => format!("!{key}"),
            "Gt" => format!("{key}>{values}"),
            "Lt" => format!("{key}<{values}"),
            // A text that is no selector: whether a node matches stays open.
            other => format!("{key} {other} ({values})"),
        }
    }
}

/// `spec.nodeSelector`.
pub(super) type Labels = BTreeMap<String, String>;

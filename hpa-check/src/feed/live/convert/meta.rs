//! The few parts of an object's metadata that are kept. Most of it, such as `managedFields`, is not even
//! decoded.

use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use serde::{Deserialize, Deserializer};

use super::null_as_empty;

/// The parts that are kept.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::feed::live) struct Meta {
    pub(in crate::feed::live) name: String,
    pub(in crate::feed::live) namespace: String,
    pub(in crate::feed::live) uid: String,
    #[serde(deserialize_with = "null_as_empty")]
    pub(in crate::feed::live) labels: BTreeMap<String, String>,
    #[serde(rename = "creationTimestamp")]
    pub(in crate::feed::live) created: Option<Timestamp>,
    #[serde(rename = "deletionTimestamp", deserialize_with = "is_there")]
    pub(in crate::feed::live) deleting: bool,
    /// The owner that controls it, as `Kind/name`.
    #[serde(rename = "ownerReferences", deserialize_with = "controlling")]
    pub(in crate::feed::live) controller: Option<String>,
}

impl From<ObjectMeta> for Meta {
    fn from(metadata: ObjectMeta) -> Self {
        Self {
            controller: controller(metadata.owner_references.as_deref().unwrap_or_default()),
            name: metadata.name.unwrap_or_default(),
            namespace: metadata.namespace.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
            labels: metadata.labels.unwrap_or_default(),
            created: metadata.creation_timestamp.map(|time| time.0),
            deleting: metadata.deletion_timestamp.is_some(),
        }
    }
}

/// The controlling owner, as `Kind/name`.
pub(in crate::feed::live) fn controller(owners: &[OwnerReference]) -> Option<String> {
    let owner = owners.iter().find(|o| o.controller == Some(true))?;
    Some(format!("{}/{}", owner.kind, owner.name))
}

fn controlling<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let owners: Vec<OwnerReference> = null_as_empty(deserializer)?;
    Ok(controller(&owners))
}

/// Whether there is a value, without decoding it.
pub(super) fn is_there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value: Option<serde::de::IgnoredAny> = Option::deserialize(deserializer)?;
    Ok(value.is_some())
}

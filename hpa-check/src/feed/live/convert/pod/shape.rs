//! The fields of a pod that are read. Decoding skips the others, which are most of it.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::Timestamp;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::core::v1;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::meta::is_there;
use super::super::null_as_empty;
use super::scheduling::{Labels, NodeAffinity, Os, Tolerated};

pub(super) type Quantities = BTreeMap<String, Quantity>;

/// A pod with the required part of its metadata.
#[derive(Debug, Clone, Deserialize)]
#[serde(bound(deserialize = "M: Deserialize<'de>"))]
pub(in crate::feed::live) struct Object<M> {
    pub(in crate::feed::live) metadata: M,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(super) spec: Spec,
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(super) status: Status,
}

/// A pod that can be watched.
pub(in crate::feed::live) type WatchedPod = Object<ObjectMeta>;

impl kube::Resource for WatchedPod {
    type DynamicType = ();
    type Scope = NamespaceResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        v1::Pod::kind(&())
    }

    fn group((): &()) -> Cow<'_, str> {
        v1::Pod::group(&())
    }

    fn version((): &()) -> Cow<'_, str> {
        v1::Pod::version(&())
    }

    fn plural((): &()) -> Cow<'_, str> {
        v1::Pod::plural(&())
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Spec {
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) containers: Vec<Container>,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) init_containers: Vec<Container>,
    pub(super) resources: Option<Resources>,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) overhead: Quantities,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) priority_class_name: String,
    pub(super) active_deadline_seconds: Option<i64>,
    pub(super) affinity: Option<Affinity>,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) node_name: String,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) node_selector: Labels,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) tolerations: Vec<Tolerated>,
    pub(super) os: Option<Os>,
    pub(super) priority: Option<i32>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Container {
    pub(super) name: String,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) resources: Resources,
    restart_policy: Option<String>,
    pub(super) readiness_probe: Option<Probe>,
    pub(super) startup_probe: Option<Probe>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Probe {
    pub(super) initial_delay_seconds: Option<i32>,
    pub(super) period_seconds: Option<i32>,
    pub(super) failure_threshold: Option<i32>,
}

impl Container {
    pub(super) fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources {
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) requests: Quantities,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) limits: Quantities,
}

#[expect(clippy::struct_field_names, reason = "these are the names in the API")]
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Affinity {
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) node_affinity: NodeAffinity,
    #[serde(deserialize_with = "null_as_empty")]
    pod_affinity: Terms,
    #[serde(deserialize_with = "null_as_empty")]
    pod_anti_affinity: Terms,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Terms {
    #[serde(
        rename = "requiredDuringSchedulingIgnoredDuringExecution",
        deserialize_with = "null_as_empty"
    )]
    required: Vec<Term>,
    #[serde(
        rename = "preferredDuringSchedulingIgnoredDuringExecution",
        deserialize_with = "null_as_empty"
    )]
    preferred: Vec<Weighted>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Weighted {
    pod_affinity_term: Term,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Term {
    #[serde(deserialize_with = "is_there")]
    namespace_selector: bool,
    #[serde(deserialize_with = "null_as_empty")]
    namespaces: Vec<IgnoredAny>,
}

impl Affinity {
    /// Whether it refers to pods of other namespaces.
    pub(super) fn leaves_namespace(&self) -> bool {
        let mut both = [&self.pod_affinity, &self.pod_anti_affinity].into_iter();
        let elsewhere = |term: &Term| term.namespace_selector || !term.namespaces.is_empty();
        both.any(|terms| {
            let mut preferred = terms.preferred.iter().map(|w| &w.pod_affinity_term);
            terms.required.iter().any(elsewhere) || preferred.any(elsewhere)
        })
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Status {
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) phase: String,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) qos_class: String,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) nominated_node_name: String,
    pub(super) start_time: Option<Timestamp>,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) conditions: Vec<Condition>,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) container_statuses: Vec<ContainerState>,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) init_container_statuses: Vec<ContainerState>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Condition {
    #[serde(rename = "type")]
    pub(super) is: String,
    pub(super) status: String,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) reason: String,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) message: String,
    pub(super) last_transition_time: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct ContainerState {
    pub(super) name: String,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) restart_count: i32,
    pub(super) resources: Option<Resources>,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) state: State,
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) last_state: State,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct State {
    pub(super) waiting: Option<Waiting>,
    pub(super) terminated: Option<Terminated>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Terminated {
    pub(super) finished_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Waiting {
    #[serde(deserialize_with = "null_as_empty")]
    pub(super) reason: String,
}

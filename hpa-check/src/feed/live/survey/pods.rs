//! The pods of the namespaces that have autoscalers, and what all pods request.

use std::collections::{BTreeMap, BTreeSet};

use hpa_check_core::snapshot::PodSnapshot;
use k8s_openapi::api::core::v1;

use super::super::convert;
use super::lists::Lists;
use super::{Missing, NamespaceScope};

/// What was read.
#[derive(Default)]
pub(super) struct Pods {
    pub(super) by_namespace: BTreeMap<String, Vec<PodSnapshot>>,
    /// Whether pods may be read at all.
    pub(super) readable: bool,
    /// CPU that all living pods of the cluster request, in millicores, if all were read.
    pub(super) requested: Option<i64>,
}

/// One pod of the list.
enum Read {
    Wanted(String, Box<PodSnapshot>),
    /// Of a namespace without autoscalers: its request alone.
    Other(i64),
}

pub(super) async fn read(lists: &Lists<'_>, names: &BTreeSet<String>, missing: &Missing) -> Pods {
    let path = lists.path("/api/v1", "pods");
    let convert = |object: v1::Pod| {
        let namespace = object.metadata.namespace.clone()?;
        Some(if names.contains(&namespace) {
            Read::Wanted(namespace, Box::new(facts(object)))
        } else {
            Read::Other(request(object))
        })
    };
    let list = match lists.all(&path, None, convert).await {
        Ok(list) => list,
        Err(trouble) => {
            let consequence = "what the autoscalers count is not seen";
            missing.note(&trouble, "list pods", consequence, true);
            return Pods::default();
        }
    };
    let mut pods = Pods {
        readable: true,
        ..Pods::default()
    };
    let mut requested = 0;
    for one in list {
        match one {
            Read::Wanted(namespace, facts) => {
                requested += living_request(&facts.pod);
                pods.by_namespace.entry(namespace).or_default().push(*facts);
            }
            Read::Other(request) => requested += request,
        }
    }
    pods.requested = (*lists.scope == NamespaceScope::All).then_some(requested);
    pods
}

fn facts(mut object: v1::Pod) -> PodSnapshot {
    let labels = object.metadata.labels.take().unwrap_or_default();
    let spec = object.spec.as_ref();
    let containers = spec.map(|s| s.containers.as_slice()).unwrap_or_default();
    let probed = containers
        .iter()
        .any(|c| c.readiness_probe.is_some() || c.startup_probe.is_some());
    PodSnapshot {
        pod: convert::pod::pod(object),
        labels,
        probed,
    }
}

/// CPU that a pod takes from its node, in millicores.
pub(super) fn request(object: v1::Pod) -> i64 {
    living_request(&convert::pod::pod(object))
}

fn living_request(pod: &hpa_check_core::observation::Pod) -> i64 {
    if matches!(pod.phase.as_str(), "Succeeded" | "Failed") {
        return 0;
    }
    let requests = pod.containers.iter().filter_map(|c| c.cpu_request);
    requests.map(|r| r.0).sum()
}

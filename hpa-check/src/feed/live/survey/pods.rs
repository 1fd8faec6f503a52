//! The pods of the namespaces that have autoscalers, and what all pods request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hpa_check_core::snapshot::PodSnapshot;

use super::super::capacity;
use super::super::convert::meta::Meta;
use super::super::convert::pod::{self, Object};
use super::NamespaceScope;
use super::lists::{Ask, Granted, List, Lists};

/// What was read.
#[derive(Default)]
pub(super) struct Pods {
    /// The pods, if they may be read at all.
    pub(super) readable: Option<ByNamespace<PodSnapshot>>,
    /// CPU requested by all living pods of the cluster, in millicores, if all were read.
    pub(super) requested: Option<i64>,
}

/// Objects by namespace, with those that could not be read.
pub(super) struct ByNamespace<T> {
    pub(super) read: BTreeMap<String, Vec<T>>,
    pub(super) refused: BTreeSet<String>,
}

impl<T> ByNamespace<T> {
    /// Those of one namespace, if it could be read.
    pub(super) fn take(&mut self, name: &str) -> Option<Vec<T>> {
        let read = !self.refused.contains(name);
        read.then(|| self.read.remove(name).unwrap_or_default())
    }
}

/// One pod of the list.
enum Read {
    Wanted(String, Box<PodSnapshot>),
    /// A pod in a namespace without autoscalers: only its request.
    Other(i64),
}

/// The pods so far. Those of one ReplicaSet share their labels.
#[derive(Default)]
struct Gathered {
    by_namespace: BTreeMap<String, Vec<PodSnapshot>>,
    labels: BTreeSet<Arc<BTreeMap<String, String>>>,
    requested: i64,
}

impl Extend<Read> for Gathered {
    fn extend<I: IntoIterator<Item = Read>>(&mut self, pods: I) {
        for pod in pods {
            match pod {
                Read::Wanted(namespace, mut facts) => {
                    self.requested += capacity::request(&facts.pod);
                    match self.labels.get(&facts.labels) {
                        Some(same) => facts.labels = Arc::clone(same),
                        None => drop(self.labels.insert(Arc::clone(&facts.labels))),
                    }
                    self.by_namespace.entry(namespace).or_default().push(*facts);
                }
                Read::Other(request) => self.requested += request,
            }
        }
    }
}

pub(super) async fn read(lists: &Lists<'_>, names: &BTreeSet<String>) -> Pods {
    let ask = Ask {
        api: "/api/v1",
        plural: "pods",
        list: List::PAGED,
        rule: "list pods",
        consequence: "the pods that the autoscalers count can't be observed",
        essential: true,
    };
    let convert = |object: Object<Meta>| {
        Some(if names.contains(&object.metadata.namespace) {
            let namespace = object.metadata.namespace.clone();
            Read::Wanted(namespace, Box::new(facts(object)))
        } else {
            Read::Other(request(object))
        })
    };
    let read = lists.granted(&ask, names, convert).await;
    let Some(Granted { all, refused }) = read else {
        return Pods::default();
    };
    let Gathered {
        by_namespace,
        requested,
        ..
    } = all;
    Pods {
        requested: (*lists.scope == NamespaceScope::All && refused.is_empty()).then_some(requested),
        readable: Some(ByNamespace {
            read: by_namespace,
            refused,
        }),
    }
}

fn facts(mut object: Object<Meta>) -> PodSnapshot {
    PodSnapshot {
        labels: Arc::new(std::mem::take(&mut object.metadata.labels)),
        probed: pod::is_probed(&object),
        pod: pod::pod(object),
    }
}

/// CPU that a pod takes from its node, in millicores.
pub(super) fn request(object: Object<Meta>) -> i64 {
    capacity::request(&pod::pod(object))
}

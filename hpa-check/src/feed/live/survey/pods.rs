//! The pods of the namespaces that have autoscalers, and what all pods request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hpa_check_core::observation::Pod;
use hpa_check_core::snapshot::{Placement, PodSnapshot};

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
    /// CPU requested by all living pods of the cluster, if all were read.
    pub(super) requested: Option<Requested>,
}

/// CPU in millicores that pods take, by node and by priority.
pub(super) type Requested = BTreeMap<(String, i32), i64>;

/// CPU in millicores that one pod takes, with its node and its priority.
pub(super) type Taken = ((String, i32), i64);

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
    /// A pod in a namespace without autoscalers: only what it takes.
    Other(Option<Taken>),
}

/// The pods so far. Those of one ReplicaSet share their labels.
#[derive(Default)]
struct Gathered {
    by_namespace: BTreeMap<String, Vec<PodSnapshot>>,
    labels: BTreeSet<Arc<BTreeMap<String, String>>>,
    placements: BTreeSet<Arc<Placement>>,
    requested: Requested,
}

/// The one that is known already, so that equal ones share their memory.
fn shared<T: Ord>(known: &mut BTreeSet<Arc<T>>, one: &mut Arc<T>) {
    match known.get(one) {
        Some(same) => *one = Arc::clone(same),
        None => drop(known.insert(Arc::clone(one))),
    }
}

/// Adds what one pod takes.
pub(super) fn add(requested: &mut Requested, taken: Option<Taken>) {
    if let Some((place, cpu)) = taken {
        *requested.entry(place).or_default() += cpu;
    }
}

impl Extend<Read> for Gathered {
    fn extend<I: IntoIterator<Item = Read>>(&mut self, pods: I) {
        for pod in pods {
            match pod {
                Read::Wanted(namespace, mut facts) => {
                    let (node, priority) = (facts.node.clone(), facts.placement.priority);
                    add(&mut self.requested, taken(node, priority, &facts.pod));
                    shared(&mut self.labels, &mut facts.labels);
                    shared(&mut self.placements, &mut facts.placement);
                    self.by_namespace.entry(namespace).or_default().push(*facts);
                }
                Read::Other(taken) => add(&mut self.requested, taken),
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
            Read::Other(taken_by(object))
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
        node: pod::node(&object),
        placement: Arc::new(pod::placement(&object)),
        pod: pod::pod(object),
    }
}

/// What a pod takes from its node.
pub(super) fn taken_by(object: Object<Meta>) -> Option<Taken> {
    let (node, priority) = (pod::node(&object), pod::placement(&object).priority);
    taken(node, priority, &pod::pod(object))
}

/// A pod that waits for a node takes nothing from any.
fn taken(node: Option<String>, priority: i32, pod: &Pod) -> Option<Taken> {
    Some(((node?, priority), capacity::request(pod)))
}

//! The chain of watches: the autoscaler leads to its target, and the target to its pods.

use std::fmt::Debug;
use std::future::Future;
use std::sync::Arc;

use hpa_check_core::keda::ScaledObject;
use hpa_check_core::observation::{Fact, Seen, Watched};
use hpa_check_core::spec::{MetricSource, TargetRef};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1;
use kube::api::Api;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connect::Cluster;
use super::convert;
use super::convert::event::About;
use super::cpu::PodCpu;
use super::custom::{CustomMetrics, custom_metrics};
use super::follow::{Subject, Which, follow};
use super::known::{Known, ObjectChange};
use super::link::Link;
use super::reporter::Reporter;
use super::servers::Servers;
use super::timing::Timing;
use super::{controller, facts, keda};

/// What all tasks share.
#[derive(Clone)]
pub(super) struct Chain {
    pub(super) cluster: Cluster,
    pub(super) autoscaler: String,
    /// KEDA's object that the autoscaler belonged to when it was found.
    pub(super) scaled_object: Option<ScaledObject>,
    pub(super) timing: Timing,
    pub(super) link: Link,
    pub(super) reporter: Reporter,
}

impl Chain {
    /// Starts every watcher. They end when the set is dropped.
    pub(super) fn start(self) -> JoinSet<()> {
        let (reference, to_target) = watch::channel(None);
        let (selector, to_pods) = watch::channel(None);
        let (custom, to_custom) = watch::channel(None);
        let found = self.scaled_object.clone();
        let (scaled_object, to_scaled_object) =
            watch::channel(found.as_ref().map(|object| object.name.clone()));
        let found = found.map(Fact::ScaledObject);
        if let Some(fact) = found.clone() {
            self.reporter.tell(Seen::Fact(fact));
        }
        let selector = Arc::new(selector);
        let mut tasks = JoinSet::new();
        if self.link == Link::HoldsBack {
            self.reporter.held_back(self.timing.poll);
        }
        tasks.spawn(self.clone().autoscaler(reference, custom, scaled_object));
        tasks.spawn(
            Servers {
                client: self.cluster.client.clone(),
                custom: to_custom.clone(),
                timing: self.timing,
                reporter: self.reporter.clone(),
            }
            .run(),
        );
        tasks.spawn(
            CustomMetrics {
                client: self.cluster.client.clone(),
                namespace: self.cluster.namespace.clone(),
                metrics: to_custom,
                selector: to_pods.clone(),
                timing: self.timing,
                reporter: self.reporter.clone(),
            }
            .run(),
        );
        tasks.spawn(
            keda::Following {
                client: self.cluster.client.clone(),
                namespace: self.cluster.namespace.clone(),
                name: to_scaled_object,
                told: found,
                timing: self.timing,
                reporter: self.reporter.clone(),
            }
            .run(),
        );
        tasks.spawn(while_current(to_target.clone(), {
            let chain = self.clone();
            move |reference| chain.clone().target(reference, selector.clone())
        }));
        tasks.spawn(self.clone().pods(to_pods.clone()));
        tasks.spawn(while_current(to_target, {
            let chain = self.clone();
            move |reference| chain.clone().events(reference)
        }));
        tasks.spawn(
            PodCpu {
                client: self.cluster.client.clone(),
                namespace: self.cluster.namespace.clone(),
                selector: to_pods,
                timing: self.timing,
                reporter: self.reporter.clone(),
            }
            .run(),
        );
        tasks.spawn(controller::follow_lease(
            self.cluster.client.clone(),
            (self.timing, self.link),
            self.reporter.clone(),
        ));
        tasks.spawn(async move {
            facts::tell(&self.cluster, &self.autoscaler, self.timing, &self.reporter).await;
        });
        tasks
    }

    async fn autoscaler(
        self,
        reference: watch::Sender<Option<TargetRef>>,
        custom: watch::Sender<Option<Vec<MetricSource>>>,
        scaled_object: watch::Sender<Option<String>>,
    ) {
        let subject: Subject<HorizontalPodAutoscaler> = Subject {
            api: self.namespaced(),
            resource: Watched::Autoscaler,
            rule: "horizontalpodautoscalers.autoscaling".into(),
            consequence: "the autoscaler's decisions can't be observed",
            which: Which::Named(self.autoscaler.clone()),
        };
        let mut known = Known::default();
        self.follow(subject, &mut known, |change| {
            let ObjectChange::Put(object) = change else {
                return Some(Seen::AutoscalerGone);
            };
            if let Some(owner) = convert::keda::owner(&object.metadata) {
                set(&scaled_object, Some(owner));
            }
            let seen = convert::autoscaler::autoscaler(object);
            set(&reference, Some(seen.spec.scale_target_ref.clone()));
            set(&custom, Some(custom_metrics(&seen.spec)));
            Some(Seen::Autoscaler(seen))
        })
        .await;
    }

    async fn pods(self, mut selector: watch::Receiver<Option<String>>) {
        // Survives a change of the selector, so that pods which it no longer matches are reported as gone.
        let mut known = Known::default();
        loop {
            let current = selector.borrow_and_update().clone();
            let changed = match current {
                Some(current) => {
                    tokio::select! {
                        () = self.pods_of(current, &mut known) => return,
                        changed = selector.changed() => changed,
                    }
                }
                None => selector.changed().await,
            };
            if changed.is_err() {
                return;
            }
        }
    }

    async fn pods_of(&self, selector: String, known: &mut Known) {
        let subject: Subject<convert::pod::WatchedPod> = Subject {
            api: self.namespaced(),
            resource: Watched::Pods,
            rule: "pods".into(),
            consequence: "the pods that the autoscaler counts can't be observed, so no decision can be explained",
            which: Which::Labeled(selector),
        };
        self.follow(subject, known, |change| match change {
            ObjectChange::Put(object) => Some(Seen::Pod(convert::pod::pod(object))),
            ObjectChange::Gone { name } => Some(Seen::PodGone { name }),
        })
        .await;
    }

    async fn events(self, reference: TargetRef) {
        let about = About {
            autoscaler: self.autoscaler.clone(),
            target_kind: reference.kind,
            target_name: reference.name,
            since: self.reporter.now(),
        };
        let subject: Subject<v1::Event> = Subject {
            api: self.namespaced(),
            resource: Watched::Events,
            rule: "events".into(),
            consequence: "causes that only show in events can't be observed",
            which: Which::All,
        };
        let mut known = Known::default();
        self.follow(subject, &mut known, |change| match change {
            ObjectChange::Put(object) => about.event(object).map(Seen::Event),
            // An event that expired does not change anything.
            ObjectChange::Gone { .. } => None,
        })
        .await;
    }

    async fn follow<K>(
        &self,
        subject: Subject<K>,
        known: &mut Known,
        translate: impl FnMut(ObjectChange<K>) -> Option<Seen>,
    ) where
        K: kube::Resource + Clone + DeserializeOwned + Debug,
    {
        let how = (self.timing, self.link);
        follow(subject, known, how, self.reporter.clone(), translate).await;
    }

    fn namespaced<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.cluster.client.clone(), &self.cluster.namespace)
    }
}

/// Sets the value, and wakes its receivers only if it changed.
pub(super) fn set<T: PartialEq>(sender: &watch::Sender<Option<T>>, value: Option<T>) {
    sender.send_if_modified(|current| {
        let changes = *current != value;
        if changes {
            *current = value;
        }
        changes
    });
}

/// Runs `work` for the current value, and drops and restarts it for every new one.
async fn while_current<T, F, W>(mut value: watch::Receiver<Option<T>>, work: F)
where
    T: Clone,
    F: Fn(T) -> W,
    W: Future<Output = ()>,
{
    loop {
        let current = value.borrow_and_update().clone();
        let changed = match current {
            Some(current) => {
                tokio::select! {
                    () = work(current) => value.changed().await,
                    changed = value.changed() => changed,
                }
            }
            None => value.changed().await,
        };
        if changed.is_err() {
            return;
        }
    }
}

//! From the autoscaler to its target to the target's pods: who is watched because of whom.

use std::future::Future;
use std::sync::Arc;

use hpa_check_core::observation::Seen;
use hpa_check_core::spec::TargetRef;
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1;
use kube::api::{Api, DynamicObject};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connect::Cluster;
use super::convert;
use super::convert::event::About;
use super::cpu::PodCpu;
use super::follow::{Subject, Which, follow};
use super::known::Change;
use super::reporter::Reporter;
use super::timing::Timing;
use super::{backoff, facts, scale};

/// All that the tasks share.
#[derive(Clone)]
pub(super) struct Chain {
    pub(super) cluster: Cluster,
    pub(super) autoscaler: String,
    pub(super) timing: Timing,
    pub(super) reporter: Reporter,
}

impl Chain {
    /// Starts every watcher. They end when the set is dropped.
    pub(super) fn start(self) -> JoinSet<()> {
        let (reference, to_target) = watch::channel(None);
        let (selector, to_pods) = watch::channel(None);
        let selector = Arc::new(selector);
        let mut tasks = JoinSet::new();
        tasks.spawn(self.clone().autoscaler(reference));
        tasks.spawn(while_current(to_target.clone(), {
            let chain = self.clone();
            move |reference| chain.clone().target(reference, selector.clone())
        }));
        tasks.spawn(while_current(to_pods.clone(), {
            let chain = self.clone();
            move |selector| chain.clone().pods(selector)
        }));
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
        tasks.spawn(async move {
            facts::tell(&self.cluster, &self.autoscaler, self.timing, &self.reporter).await;
        });
        tasks
    }

    async fn autoscaler(self, reference: watch::Sender<Option<TargetRef>>) {
        let subject: Subject<HorizontalPodAutoscaler> = Subject {
            api: self.namespaced(),
            resource: "autoscaler",
            rule: "horizontalpodautoscalers.autoscaling".into(),
            consequence: "the autoscaler's decisions are not seen",
            which: Which::Named(self.autoscaler.clone()),
        };
        follow(subject, self.timing, self.reporter, |change| {
            let Change::Put(object) = change else {
                return Some(Seen::AutoscalerGone);
            };
            let seen = convert::autoscaler::autoscaler(object);
            set(&reference, Some(seen.spec.scale_target_ref.clone()));
            Some(Seen::Autoscaler(seen))
        })
        .await;
    }

    async fn target(self, reference: TargetRef, selector: Arc<watch::Sender<Option<String>>>) {
        let resource = self.resource(&reference).await;
        let api: Api<DynamicObject> = Api::namespaced_with(
            self.cluster.client.clone(),
            &self.cluster.namespace,
            &resource,
        );
        let asked = if scale::has_own_selector(&resource) {
            None
        } else {
            self.scale_selector(&api, &reference.name, &scale::rule(&resource))
                .await
        };
        let subject = Subject {
            api,
            resource: "target",
            rule: scale::rule(&resource),
            consequence: "neither the wanted nor the ready replicas are seen",
            which: Which::Named(reference.name),
        };
        follow(subject, self.timing, self.reporter, |change| {
            let Change::Put(object) = change else {
                return Some(Seen::TargetGone);
            };
            let seen = convert::target::target(&object, asked.as_deref());
            let known = Some(seen.selector.clone()).filter(|selector| !selector.is_empty());
            set(&selector, known);
            Some(Seen::Target(seen))
        })
        .await;
    }

    /// Asks until it is known: a custom resource may be defined after its autoscaler.
    async fn resource(&self, reference: &TargetRef) -> kube::api::ApiResource {
        let mut failures = 0;
        loop {
            match scale::resource(&self.cluster.client, reference, self.timing).await {
                Ok(resource) => return resource,
                Err(trouble) => {
                    failures += 1;
                    if failures == 1 {
                        self.reporter.lost("target", &trouble.message, None);
                    }
                    tokio::time::sleep(backoff::delay(failures, None)).await;
                }
            }
        }
    }

    async fn scale_selector(
        &self,
        api: &Api<DynamicObject>,
        name: &str,
        rule: &str,
    ) -> Option<String> {
        if let Ok(selector) = scale::selector(api, name, self.timing).await {
            selector
        } else {
            let (plural, group) = rule.split_once('.').unwrap_or((rule, ""));
            self.reporter.forbidden(
                format!("get {plural}/scale.{group}"),
                "the pods are found by the target's own selector, which may not be the one that counts",
            );
            None
        }
    }

    async fn pods(self, selector: String) {
        let subject: Subject<v1::Pod> = Subject {
            api: self.namespaced(),
            resource: "pods",
            rule: "pods".into(),
            consequence: "what the autoscaler counts is not seen, so no decision can be explained",
            which: Which::Labelled(selector),
        };
        follow(subject, self.timing, self.reporter, |change| match change {
            Change::Put(object) => Some(Seen::Pod(convert::pod::pod(object))),
            Change::Gone { name } => Some(Seen::PodGone { name }),
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
            resource: "events",
            rule: "events".into(),
            consequence: "reasons that only events give are not seen",
            which: Which::All,
        };
        follow(subject, self.timing, self.reporter, |change| match change {
            Change::Put(object) => about.event(object).map(Seen::Event),
            // An event that has aged out is no change of anything.
            Change::Gone { .. } => None,
        })
        .await;
    }

    fn namespaced<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.cluster.client.clone(), &self.cluster.namespace)
    }
}

/// Sets the value, and wakes those who hang on it only when it is another one.
fn set<T: PartialEq>(sender: &watch::Sender<Option<T>>, value: Option<T>) {
    sender.send_if_modified(|current| {
        let changes = *current != value;
        if changes {
            *current = value;
        }
        changes
    });
}

/// Runs `work` for the value there is, and drops it and begins anew when there is another.
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
